//! Public documents over the wire.

use super::rig::{Rig, request};

#[tokio::test]
async fn documents_are_served_packed_and_conditionally() {
    let rig = Rig::start().await;
    let path = "/api/openapi.json";
    let plain = rig.send(request("GET", path, &[], "")).await;
    assert_eq!(
        (plain.status, plain.header("content-type")),
        (200, Some("application/json"))
    );
    assert_eq!(
        plain.json()["openapi"]
            .as_str()
            .map(|version| &version[..3]),
        Some("3.1")
    );
    let packed = rig
        .send(request(
            "GET",
            path,
            &["Accept-Encoding: br, gzip;q=0.5"],
            "",
        ))
        .await;
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    assert!(packed.body.len() < plain.body.len());
    assert_ne!(packed.header("etag"), plain.header("etag"));
    let refused = rig
        .send(request("GET", path, &["Accept-Encoding: gzip;q=0"], ""))
        .await;
    assert_eq!(refused.header("content-encoding"), None);

    let etag = plain.header("etag").unwrap();
    for line in [
        format!("If-None-Match: \"x\", W/{etag}"),
        "If-None-Match: *".to_owned(),
    ] {
        let cached = rig.send(request("GET", path, &[&line], "")).await;
        assert_eq!((cached.status, cached.header("etag")), (304, Some(etag)));
        assert!(cached.body.is_empty());
    }
    let other = rig
        .send(request("GET", path, &["If-None-Match: \"x\""], ""))
        .await;
    assert_eq!(other.status, 200);
}

#[tokio::test]
async fn pages_have_a_policy() {
    let rig = Rig::start().await;
    for path in ["/", "/api-docs", "/problems/not-found"] {
        let page = rig.send(request("GET", path, &[], "")).await;
        assert_eq!(page.status, 200, "{path}");
        assert!(
            page.header("content-security-policy")
                .unwrap()
                .contains("default-src"),
            "{path}"
        );
    }
    assert_eq!(
        rig.send(request("GET", "/problems/nonsense", &[], ""))
            .await
            .status,
        404
    );
}
