//! Secrets of endpoints, sealed for the database: bound to the row and the column that they are kept
//! in, so that a value which is copied to another endpoint does not open there.

use hoursmith_domain::webhook::WebhookSecret;
use hoursmith_domain::{Keys, OrganizationId, SEAL_NONCE_BYTES, WebhookEndpointId};
use hoursmith_kit::{Failure, Random};

/// The column of the secret that signs.
pub(crate) const SECRET: &str = "secret";

/// The column of the one before, which signs as well for a while.
pub(crate) const PREVIOUS_SECRET: &str = "previous_secret";

/// A new secret.
pub(crate) fn generate(random: &dyn Random) -> WebhookSecret {
    let mut bytes = [0; 24];
    random.fill(&mut bytes);
    WebhookSecret::generate(bytes)
}

/// Seals a secret for a column of an endpoint.
pub(crate) fn seal(
    keys: &Keys,
    random: &dyn Random,
    organization: OrganizationId,
    endpoint: WebhookEndpointId,
    column: &str,
    secret: &WebhookSecret,
) -> Vec<u8> {
    let mut nonce = [0; SEAL_NONCE_BYTES];
    random.fill(&mut nonce);
    let place = place(&organization, &endpoint, column);
    let sealer = keys.webhook_secrets();
    sealer.seal(nonce, &place, secret.expose().as_bytes())
}

/// Opens what was sealed for this very column of this endpoint.
pub(crate) fn open(
    keys: &Keys,
    organization: OrganizationId,
    endpoint: WebhookEndpointId,
    column: &str,
    sealed: &[u8],
) -> Result<WebhookSecret, Failure> {
    const OPERATION: &str = "open the secret of a webhook endpoint";
    let place = place(&organization, &endpoint, column);
    let opened = keys
        .webhook_secrets()
        .open(&place, sealed)
        .map_err(|source| Failure::internal(OPERATION, source))?;
    let text =
        String::from_utf8(opened).map_err(|_| Failure::internal(OPERATION, "it is no text"))?;
    WebhookSecret::parse(&text).map_err(|source| Failure::internal(OPERATION, source))
}

fn place<'a>(
    organization: &'a OrganizationId,
    endpoint: &'a WebhookEndpointId,
    column: &'a str,
) -> [&'a [u8]; 3] {
    [
        organization.0.as_bytes(),
        endpoint.0.as_bytes(),
        column.as_bytes(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use hoursmith_domain::SecretKey;
    use hoursmith_kit::SystemRandom;
    use uuid::Uuid;

    #[test]
    fn a_secret_opens_in_its_column_of_its_endpoint_alone() {
        let keys = Keys::derive(&SecretKey::from_bytes([7; 32]));
        let organization = OrganizationId(Uuid::from_u128(1));
        let endpoint = WebhookEndpointId(Uuid::from_u128(2));
        let secret = generate(&SystemRandom);
        let sealed = seal(
            &keys,
            &SystemRandom,
            organization,
            endpoint,
            SECRET,
            &secret,
        );
        let again = seal(
            &keys,
            &SystemRandom,
            organization,
            endpoint,
            SECRET,
            &secret,
        );
        assert_ne!(sealed, again);
        let opened = open(&keys, organization, endpoint, SECRET, &sealed).unwrap();
        assert_eq!(opened.expose(), secret.expose());
        let (other, theirs) = (
            WebhookEndpointId(Uuid::from_u128(3)),
            OrganizationId(Uuid::from_u128(4)),
        );
        assert!(open(&keys, organization, endpoint, PREVIOUS_SECRET, &sealed).is_err());
        assert!(open(&keys, organization, other, SECRET, &sealed).is_err());
        let refused = open(&keys, theirs, endpoint, SECRET, &sealed).unwrap_err();
        assert!(!format!("{refused:?}").contains(secret.expose()));
    }
}
