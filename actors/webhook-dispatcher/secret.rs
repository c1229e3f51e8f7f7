//! The secrets of endpoints as they are kept: sealed, so that a copy of the database signs nothing.
//!
//! XChaCha20-Poly1305 under a key of the deployment that is for nothing else. Its nonce is long
//! enough to be random. Sealed along with a secret is where it belongs, so that one that was copied
//! to another row or column does not open. In front stands which key it was, so that a wrong one is
//! told from damage.

use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305, XNonce};
use hoursmith_domain::webhook::WebhookSecret;
use hoursmith_domain::{Keys, OrganizationId, WebhookEndpointId};
use hoursmith_kit::{Failure, Random};
use sha2::{Digest as _, Sha256};

/// Bytes of the key's name.
const KEY_ID: usize = 4;

/// Bytes of the nonce.
const NONCE: usize = 24;

/// Seals a secret for a column of an endpoint's row: the key's name, the nonce, the sealed text.
pub(crate) fn seal(
    keys: &Keys,
    random: &dyn Random,
    organization: OrganizationId,
    endpoint: WebhookEndpointId,
    column: &str,
    secret: &WebhookSecret,
) -> Vec<u8> {
    let key = keys.webhook_secret_key();
    let mut nonce = [0; NONCE];
    random.fill(&mut nonce);
    let belongs = belongs(organization, endpoint, column);
    let payload = Payload {
        msg: secret.expose().as_bytes(),
        aad: &belongs,
    };
    // Refused only for texts of gigabytes; nothing would open then.
    let sealed = XChaCha20Poly1305::new(&key.into())
        .encrypt(&XNonce::from(nonce), payload)
        .unwrap_or_default();
    [key_id(&key).as_slice(), &nonce, &sealed].concat()
}

/// Opens what [`seal`] made for the same column of the same row.
pub(crate) fn open(
    keys: &Keys,
    organization: OrganizationId,
    endpoint: WebhookEndpointId,
    column: &str,
    sealed: &[u8],
) -> Result<WebhookSecret, Failure> {
    let failed = |why: &str| Failure::internal("open a webhook secret", why.to_owned());
    let key = keys.webhook_secret_key();
    let (id, rest) = sealed
        .split_at_checked(KEY_ID)
        .ok_or_else(|| failed("it is too short"))?;
    if id != key_id(&key) {
        return Err(failed("it was sealed under another secret key"));
    }
    let (nonce, text) = rest
        .split_at_checked(NONCE)
        .ok_or_else(|| failed("it is too short"))?;
    let nonce = XNonce::try_from(nonce).map_err(|_| failed("it is too short"))?;
    let belongs = belongs(organization, endpoint, column);
    let payload = Payload {
        msg: text,
        aad: &belongs,
    };
    let opened = XChaCha20Poly1305::new(&key.into())
        .decrypt(&nonce, payload)
        .map_err(|_| failed("it was altered, or belongs to another row"))?;
    let text = std::str::from_utf8(&opened).map_err(|_| failed("it is no text"))?;
    WebhookSecret::parse(text).map_err(|source| Failure::internal("open a webhook secret", source))
}

fn belongs(organization: OrganizationId, endpoint: WebhookEndpointId, column: &str) -> Vec<u8> {
    let (organization, endpoint) = (organization.0.as_bytes(), endpoint.0.as_bytes());
    [organization.as_slice(), endpoint, column.as_bytes()].concat()
}

fn key_id(key: &[u8; 32]) -> [u8; KEY_ID] {
    let digest: [u8; 32] = Sha256::digest(key).into();
    let [a, b, c, d, ..] = digest;
    [a, b, c, d]
}
