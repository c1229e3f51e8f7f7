//! Methods, CORS, and what every answer carries.

use hoursmith_bus::{Subject, subjects};

use super::rig::{RATE, Rig, Who, bearer, request};

#[tokio::test]
async fn every_answer_carries_the_common_headers() {
    let rig = Rig::start().await;
    for (method, path, headers, status) in [
        ("GET", "/api/v1/me", vec![], 200),
        ("HEAD", "/api/v1/me", vec![], 200),
        ("OPTIONS", "/api/v1/me", vec![], 204),
        (
            "GET",
            "/api/v1/me",
            vec!["Authorization: Bearer nonsense"],
            401,
        ),
        ("GET", "/api/v1/nothing", vec![], 404),
        ("POST", "/api/v1/me", vec![], 405),
        ("GET", "/api/v1/me?nope=1", vec![], 400),
        ("GET", "/api/v1/me", vec!["Host: second"], 400),
        ("GET", "/api/openapi.json", vec![], 200),
    ] {
        let reply = rig.ask(method, path, &headers, "").await;
        assert_eq!(reply.status, status, "{method} {path}");
        let id = reply.header("x-request-id").unwrap();
        assert!(id.starts_with("req_") && id.len() == 36, "{id}");
        for (name, value) in RATE {
            assert_eq!(reply.header(name), Some(value), "{method} {path}");
        }
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(reply.header("access-control-allow-origin"), Some("*"));
        assert!(
            reply
                .header("access-control-expose-headers")
                .unwrap()
                .contains("ETag")
        );
        assert!(reply.header("vary").is_some());
        assert!(reply.header("cache-control").is_some());
        if status >= 400 {
            assert_eq!(reply.json()["request_id"], id);
        }
    }
    let page = rig.ask("GET", "/", &[], "").await;
    assert_eq!(page.header("access-control-allow-origin"), None);
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let rig = Rig::start().await;
    let get = rig.ask("GET", "/api/v1/me", &[], "").await;
    let head = rig.ask("HEAD", "/api/v1/me", &[], "").await;
    assert_eq!(head.status, 200);
    for name in ["content-length", "content-type", "etag"] {
        assert_eq!(head.header(name), get.header(name), "{name}");
    }
    assert_eq!(
        head.header("content-length"),
        Some(get.body.len().to_string().as_str())
    );
    // The connection goes on right behind the head.
    let mut wire = rig.wire().await;
    let text = request("HEAD", "/api/v1/me", &[&bearer(Who::Owner)], "");
    wire.send(text.repeat(2)).await;
    assert_eq!(wire.reply_to(false).await.unwrap().status, 200);
    assert_eq!(wire.reply_to(false).await.unwrap().status, 200);
    wire.finish().await;
    assert!(wire.reply().await.is_none());
}

#[tokio::test]
async fn what_a_path_allows() {
    let rig = Rig::start().await;
    for (path, allow) in [
        ("/api/v1/clients", "GET, HEAD, POST, OPTIONS"),
        ("/api/v1/clients/x", "GET, HEAD, PATCH, DELETE, OPTIONS"),
        ("/api/v1/me", "GET, HEAD, OPTIONS"),
        ("/api/openapi.json", "GET, HEAD, OPTIONS"),
    ] {
        let reply = rig.ask("PUT", path, &[], "").await;
        assert_eq!(
            (reply.status, reply.header("allow")),
            (405, Some(allow)),
            "{path}"
        );
        assert_eq!(reply.code(), "method_not_allowed");
        let reply = rig.send(request("OPTIONS", path, &[], "")).await;
        assert_eq!(
            (reply.status, reply.header("allow")),
            (204, Some(allow)),
            "{path}"
        );
        assert_eq!(reply.header("access-control-allow-methods"), Some(allow));
        assert!(
            reply
                .header("access-control-allow-headers")
                .unwrap()
                .contains("Authorization")
        );
        assert!(reply.header("access-control-max-age").is_some());
        assert!(reply.body.is_empty());
    }
    assert_eq!(
        rig.send(request("OPTIONS", "/nowhere", &[], ""))
            .await
            .status,
        404
    );
    let detail = rig
        .ask("POST", "/api/v1/organization", &[], "")
        .await
        .json()["detail"]
        .clone();
    assert!(detail.as_str().unwrap().contains("in the app"), "{detail}");
}

#[tokio::test]
async fn options_and_documents_spend_nothing_and_ask_for_no_token() {
    let rig = Rig::start().await;
    for text in [
        request("OPTIONS", "/api/v1/clients", &[], ""),
        request("GET", "/api-docs", &[], ""),
        request("GET", "/api/v1/me", &["Host: second"], ""),
    ] {
        rig.forget();
        rig.send(text).await;
        assert_eq!(rig.stages_asked(), ["rate-limiter"]);
        assert!(rig.asked("rate-limiter")[0].head.peek);
    }
}

#[tokio::test]
async fn paths_are_exact() {
    let rig = Rig::start().await;
    for path in [
        "/api/v1/me/",
        "/api/v1//me",
        "/API/v1/me",
        "/api/v1/me%2f",
        "/api/v1/./me",
        "/api/v1/clients/a/b",
        "/api",
        "*",
    ] {
        let reply = rig.ask("GET", path, &[], "").await;
        assert_eq!(
            (reply.status, reply.code().as_str()),
            (404, "not_found"),
            "{path}"
        );
    }
    rig.ask("GET", "/api/v1/clients/%41b", &[], "").await;
    let asked = rig.asked("resource");
    assert_eq!(asked[0].head.path_param("client_id"), Some("%41b"));
}

#[test]
fn every_route_is_asked_where_its_actor_answers() {
    let answered = [subjects::resources(), subjects::webhooks()];
    for route in hoursmith_routes::routes() {
        let subject = Subject::new(&route.subject()).unwrap();
        let one = answered.iter().filter(|pattern| pattern.matches(&subject));
        assert_eq!(one.count(), 1, "{}", route.id);
    }
}
