//! The operators' listener.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::wire::Wire;
use crate::admin::{self, Readiness};

async fn get(address: SocketAddr, path: &str) -> (u16, String) {
    let mut wire = Wire::open(address).await;
    wire.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"))
        .await;
    let reply = wire.reply().await.unwrap();
    (reply.status, String::from_utf8(reply.body).unwrap())
}

#[tokio::test]
async fn readiness_has_a_reason_and_ends_first() {
    let ready = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&ready);
    let readiness: Readiness = Arc::new(move || {
        let ready = asked.load(Ordering::SeqCst);
        Box::pin(async move {
            if ready {
                Ok(())
            } else {
                Err("no database".to_owned())
            }
        })
    });
    let admin = admin::start(SocketAddr::from(([127, 0, 0, 1], 0)), readiness)
        .await
        .unwrap();
    let address = admin.local_addr();
    assert_eq!(get(address, "/healthz").await.0, 200);
    assert_eq!(get(address, "/metrics").await.0, 200);
    assert_eq!(get(address, "/nothing").await.0, 404);
    assert_eq!(
        get(address, "/readyz").await,
        (503, "not ready: no database\n".to_owned())
    );
    ready.store(true, Ordering::SeqCst);
    assert_eq!(get(address, "/readyz").await, (200, "ready\n".to_owned()));
    admin.stopping();
    assert_eq!(
        get(address, "/readyz").await,
        (503, "not ready: stopping\n".to_owned())
    );
    assert_eq!(get(address, "/healthz").await.0, 200);
    admin.stop().await;
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_taken_address_is_named() {
    let readiness: Readiness = Arc::new(|| Box::pin(async { Ok(()) }));
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let admin = admin::start(any, Arc::clone(&readiness)).await.unwrap();
    let error = admin::start(admin.local_addr(), readiness)
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("cannot listen on {}", admin.local_addr())
    );
}
