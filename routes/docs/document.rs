//! One public document with its representations.

use std::io::Write as _;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest as _, Sha256};

/// Below this a compressed body saves no packet.
const WORTH_PACKING_BYTES: usize = 1024;

/// Policy of what is no page: nothing may run or be loaded, nobody may frame it.
pub(super) const DATA: &str = "default-src 'none'; frame-ancestors 'none'";

/// Policy of the pages: their own style and picture, no script.
pub(super) const PAGE: &str = "default-src 'none'; style-src 'self'; img-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Policy of the API reference. Scalar sets styles from its script, so that styles may be inline;
/// scripts may not, and requests go nowhere but here.
pub(super) const REFERENCE: &str = "default-src 'none'; script-src 'self'; connect-src 'self'; \
     style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// A document that anybody may read, in full at hand.
#[derive(Debug, Clone)]
pub struct PublicDocument {
    /// Where it is served, such as `/api-docs`.
    pub path: String,
    /// Media type.
    pub content_type: &'static str,
    /// The body as it is.
    pub body: Bytes,
    /// The body in gzip (RFC 1952), where that is worth it.
    pub gzip: Option<Bytes>,
    /// Strong validator of `body`, with its quotes.
    pub etag: String,
    /// Strong validator of `gzip`; another one, since it names bytes (RFC 9110, section 8.8.3.3).
    pub gzip_etag: String,
    /// `Content-Security-Policy`.
    pub csp: &'static str,
    /// `Cache-Control`.
    pub cache_control: &'static str,
}

impl PublicDocument {
    /// A document made at start.
    pub(super) fn new(
        path: impl Into<String>,
        content_type: &'static str,
        csp: &'static str,
        body: impl Into<Bytes>,
    ) -> Self {
        let body = body.into();
        let gzip = pack(&body);
        Self {
            path: path.into(),
            content_type,
            etag: etag(&body),
            gzip_etag: gzip.as_deref().map(etag).unwrap_or_default(),
            body,
            gzip,
            csp,
            cache_control: "public, max-age=300",
        }
    }

    /// Scalar's script, packed when the product was built. Both bodies are part of the binary:
    /// they are read from it when a browser asks, and are no memory of the process until then.
    pub(super) fn scalar(path: &str) -> Self {
        Self {
            path: path.to_owned(),
            content_type: "text/javascript; charset=utf-8",
            body: Bytes::from_static(include_bytes!(concat!(env!("OUT_DIR"), "/scalar.js"))),
            gzip: Some(Bytes::from_static(include_bytes!(concat!(
                env!("OUT_DIR"),
                "/scalar.js.gz"
            )))),
            etag: include_str!(concat!(env!("OUT_DIR"), "/scalar.js.etag")).to_owned(),
            gzip_etag: include_str!(concat!(env!("OUT_DIR"), "/scalar.js.gz.etag")).to_owned(),
            csp: DATA,
            cache_control: "public, max-age=86400",
        }
    }
}

/// The body in gzip, unless it is small or does not shrink. Writing to memory does not fail; if it
/// did, the plain body would be served.
fn pack(body: &[u8]) -> Option<Bytes> {
    if body.len() < WORTH_PACKING_BYTES {
        return None;
    }
    let mut packer = GzEncoder::new(Vec::new(), Compression::default());
    packer.write_all(body).ok()?;
    let packed = packer.finish().ok()?;
    (packed.len() < body.len()).then(|| packed.into())
}

/// A strong validator: half of the SHA-256 of the bytes, in hex.
fn etag(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    let hex: String = digest
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("\"{hex}\"")
}
