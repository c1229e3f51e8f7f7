//! Receivers prove who they are, or get nothing.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hoursmith_outbound::{Client, Limits, SetupError};
use hoursmith_settings::OutboundSettings;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tempfile::NamedTempFile;
use tokio::io::AsyncWriteExt as _;
use tokio_rustls::TlsAcceptor;

use crate::support::{AGENT, Receiver, SHORT, Scripted, Sender, permitting, read_request};

/// An authority that is in no list.
fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A receiver with a certificate for these names, and how many requests it read.
async fn receiver(
    authority: &CertifiedIssuer<'static, KeyPair>,
    names: &[&str],
    is_expired: bool,
) -> (Receiver, Arc<AtomicUsize>) {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    if is_expired {
        params.not_after = date_time_ymd(2020, 1, 1);
    }
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, authority).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        )
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let requests = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&requests);
    let receiver = Receiver::start(move |stream| {
        let (acceptor, count) = (acceptor.clone(), Arc::clone(&count));
        async move {
            let Ok(mut stream) = acceptor.accept(stream).await else {
                return;
            };
            while read_request(&mut stream).await.is_some() {
                count.fetch_add(1, Ordering::SeqCst);
                let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
                stream.write_all(answer).await.unwrap();
            }
        }
    })
    .await;
    (receiver, requests)
}

fn trusting(file: &NamedTempFile) -> OutboundSettings {
    OutboundSettings {
        ca_file: Some(file.path().to_owned()),
        ..permitting(&["127.0.0.0/8"])
    }
}

fn file_with(text: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

fn names() -> Arc<Scripted> {
    Scripted::with(&[
        ("hooks.example.com", &[&["127.0.0.1"]]),
        ("hooks.example.com.", &[&["127.0.0.1"]]),
        ("other.example.com", &[&["127.0.0.1"]]),
    ])
}

#[tokio::test]
async fn a_receiver_of_a_trusted_authority_gets_its_requests() {
    let authority = authority();
    let file = file_with(&authority.pem());
    let (receiver, requests) =
        receiver(&authority, &["hooks.example.com", "127.0.0.1"], false).await;
    let sender = Sender::new(&trusting(&file), names(), Limits::default());
    let port = receiver.address.port();
    for host in ["hooks.example.com", "hooks.example.com.", "127.0.0.1"] {
        let answer = sender.post(&format!("https://{host}:{port}/"), 1).await;
        assert_eq!(answer.unwrap().status, 200, "{host}");
    }
    assert_eq!(requests.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_receiver_that_does_not_prove_its_name_gets_nothing() {
    let authority = authority();
    let file = file_with(&authority.pem());
    let trusting = Sender::new(&trusting(&file), names(), Limits::default());
    let plain = Sender::new(&permitting(&["127.0.0.0/8"]), names(), Limits::default());
    let (good, good_requests) = receiver(&authority, &["hooks.example.com"], false).await;
    let (expired, expired_requests) = receiver(&authority, &["hooks.example.com"], true).await;
    let url =
        |host: &str, receiver: &Receiver| format!("https://{host}:{}/", receiver.address.port());
    for (sender, url) in [
        (&plain, url("hooks.example.com", &good)),
        (&trusting, url("other.example.com", &good)),
        (&trusting, url("127.0.0.1", &good)),
        (&trusting, url("hooks.example.com", &expired)),
    ] {
        let error = sender.post(&url, 1).await.unwrap_err();
        assert_eq!(error.word(), "tls", "{url}: {error:?}");
    }
    let requests = [good_requests, expired_requests].map(|count| count.load(Ordering::SeqCst));
    assert_eq!(requests, [0, 0]);
}

#[tokio::test]
async fn a_receiver_without_tls_is_no_receiver() {
    let receiver = Receiver::answering("HTTP/1.1 200 OK\r\n\r\n").await;
    let sender = Sender::new(&permitting(&["127.0.0.0/8"]), names(), SHORT);
    let url = receiver.url().replace("http:", "https:");
    // It waits for the end of a head that a handshake never has: the time of connecting ends it, or
    // the receiver does.
    let error = sender.post(&url, 1).await.unwrap_err();
    assert!(["tls", "timeout"].contains(&error.word()), "{error:?}");
}

#[tokio::test]
async fn a_file_without_certificates_is_refused_at_start() {
    for text in [
        "",
        "no certificate",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ] {
        let file = file_with(text);
        let made = Client::new(&trusting(&file), names(), Limits::default(), AGENT);
        assert!(matches!(made, Err(SetupError::CaFile { .. })), "{text:?}");
    }
    let missing = OutboundSettings {
        ca_file: Some("/nowhere/ca.pem".into()),
        ..OutboundSettings::default()
    };
    let made = Client::new(&missing, names(), Limits::default(), AGENT);
    assert!(matches!(made, Err(SetupError::CaFile { .. })));
}
