//! Whom to believe: the authorities of browsers, and those that the operator adds.
//!
//! The roots come with the program (Mozilla's list), so that it behaves alike on every machine and
//! in an empty container; a system's own additions are named by a setting. There is no way to turn
//! verification off.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

use crate::error::SetupError;

/// Bytes of the file of certificates: a system's whole list is a quarter of it.
const MAX_CA_FILE_BYTES: u64 = 1_048_576;

/// What makes TLS connections, with one provider and HTTP/1.1 alone.
pub(crate) fn connector(ca_file: Option<&Path>) -> Result<TlsConnector, SetupError> {
    let mut roots = RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    if let Some(path) = ca_file {
        add(&mut roots, path).map_err(|source| SetupError::CaFile {
            path: path.to_owned(),
            source,
        })?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(SetupError::Tls)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}

fn add(roots: &mut RootCertStore, path: &Path) -> io::Result<()> {
    let mut pem = Vec::new();
    File::open(path)?
        .take(MAX_CA_FILE_BYTES)
        .read_to_end(&mut pem)?;
    let before = roots.len();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(io::Error::other)?;
        roots.add(certificate).map_err(io::Error::other)?;
    }
    if roots.len() == before {
        return Err(io::Error::other("there is no certificate in it"));
    }
    Ok(())
}
