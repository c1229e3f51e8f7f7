//! Raw requests that two readers might read differently. Each is followed, in the same segment, by
//! a canary request, which must not be executed when the first was ambiguous.

use super::rig::{Rig, Who, bearer};

/// What is expected of a raw request: its status, and whether the connection goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    /// The connection goes on: the canary is a request of its own, and is answered.
    Open,
    /// The connection ends: the canary was never a request.
    Closed,
}
use Then::{Closed, Open};

/// The connection ends without an answer.
const NO_ANSWER: u16 = 0;

const JSON: &str = "Content-Type: application/json\r\n";

/// `{A}` is the owner's Authorization line, `{J}` a JSON Content-Type.
const CORPUS: &[(&str, &str, u16, Then)] = &[
    // Plain requests, so that the rest proves something.
    (
        "get",
        "GET /api/v1/me HTTP/1.1\r\nHost: a\r\n{A}\r\n",
        200,
        Open,
    ),
    (
        "length",
        "POST /api/v1/clients HTTP/1.1\r\nHost: a\r\n{A}{J}Content-Length: 2\r\n\r\n{}",
        200,
        Open,
    ),
    (
        "chunked",
        "POST /api/v1/clients HTTP/1.1\r\nHost: a\r\n{A}{J}Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        200,
        Open,
    ),
    (
        "chunked in capitals",
        "POST /api/v1/clients HTTP/1.1\r\nHost: a\r\n{A}{J}Transfer-Encoding: Chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        200,
        Open,
    ),
    (
        "chunk extension",
        "POST /api/v1/clients HTTP/1.1\r\nHost: a\r\n{A}{J}Transfer-Encoding: chunked\r\n\r\n2;x=y\r\n{}\r\n0\r\n\r\n",
        200,
        Open,
    ),
    (
        "trailers",
        "POST /api/v1/clients HTTP/1.1\r\nHost: a\r\n{A}{J}Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX-T: 1\r\n\r\n",
        200,
        Open,
    ),
    (
        "empty line before",
        "\r\nGET /api/v1/me HTTP/1.1\r\nHost: a\r\n{A}\r\n",
        200,
        Open,
    ),
    (
        "absolute form",
        "GET http://a/api/v1/me HTTP/1.1\r\nHost: a\r\n{A}\r\n",
        200,
        Open,
    ),
    (
        "absolute form, host in capitals",
        "GET http://EXAMPLE.test/api/v1/me HTTP/1.1\r\nHost: example.TEST\r\n{A}\r\n",
        200,
        Open,
    ),
    (
        "bare LF line ends",
        "GET /api/v1/me HTTP/1.1\nHost: a\n{A}\n",
        200,
        Open,
    ),
    (
        "HTTP/1.0",
        "GET /api/v1/me HTTP/1.0\r\nHost: a\r\n{A}\r\n",
        200,
        Closed,
    ),
    (
        "HTTP/1.0 without Host",
        "GET /api/v1/me HTTP/1.0\r\n{A}\r\n",
        200,
        Closed,
    ),
    (
        "asks to close",
        "GET /api/v1/me HTTP/1.1\r\nHost: a\r\n{A}Connection: close\r\n\r\n",
        200,
        Closed,
    ),
    (
        "upgrade to h2c",
        "GET /api/v1/me HTTP/1.1\r\nHost: a\r\n{A}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n\r\n",
        200,
        Open,
    ),
    // Host.
    ("no Host", "GET /api/v1/me HTTP/1.1\r\n{A}\r\n", 400, Closed),
    (
        "two Hosts",
        "GET /api/v1/me HTTP/1.1\r\nHost: a\r\nHost: b\r\n{A}\r\n",
        400,
        Closed,
    ),
    (
        "two equal Hosts",
        "GET /api/v1/me HTTP/1.1\r\nHost: a\r\nHost: a\r\n{A}\r\n",
        400,
        Closed,
    ),
    (
        "empty Host",
        "GET /api/v1/me HTTP/1.1\r\nHost:\r\n{A}\r\n",
        400,
        Closed,
    ),
    (
        "Host with a user",
        "GET /api/v1/me HTTP/1.1\r\nHost: u@a\r\n{A}\r\n",
        400,
        Closed,
    ),
    (
        "Host with a path",
        "GET /api/v1/me HTTP/1.1\r\nHost: a/b\r\n{A}\r\n",
        400,
        Closed,
    ),
    (
        "Host list",
        "GET /api/v1/me HTTP/1.1\r\nHost: a, b\r\n{A}\r\n",
        400,
        Closed,
    ),
    (
        "absolute form of another host",
        "GET http://b/api/v1/me HTTP/1.1\r\nHost: a\r\n{A}\r\n",
        400,
        Closed,
    ),
    (
        "absolute form of another port",
        "GET http://a:81/api/v1/me HTTP/1.1\r\nHost: a\r\n{A}\r\n",
        400,
        Closed,
    ),
    (
        "two Hosts in HTTP/1.0",
        "GET /api/v1/me HTTP/1.0\r\nHost: a\r\nHost: b\r\n{A}\r\n",
        400,
        Closed,
    ),
    // Authorization.
    (
        "two Authorizations",
        "GET /api/v1/me HTTP/1.1\r\nHost: a\r\n{A}{A}\r\n",
        400,
        Closed,
    ),
    (
        "two Authorizations, one empty",
        "GET /api/v1/me HTTP/1.1\r\nHost: a\r\n{A}Authorization:\r\n\r\n",
        400,
        Closed,
    ),
    // Lengths.
    (
        "both framings",
        "POST /api/v1/clients HTTP/1.1\r\nHost: a\r\n{A}{J}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        200,
        Closed,
    ),
    (
        "both framings, the other way",
        "POST /api/v1/clients HTTP/1.1\r\nHost: a\r\n{A}{J}Transfer-Encoding: chunked\r\nContent-Length: 12\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        200,
        Closed,
    ),
    (
        "one length twice",
        "POST /api/v1/clients HTTP/1.1\r\nHost: a\r\n{A}{J}Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
        200,
        Open,
    ),
    (
        "two lengths",
        "POST /api/v1/clients HTTP/1.1\r\nHost: a\r\n{A}{J}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        400,
        Closed,
    ),
    (
        "list of lengths",
        "POST /api/v1/clients HTTP/1.1\r\nHost: a\r\n{A}{J}Content-Length: 2, 2\r\n\r\n{}",
        400,
        Closed,
    ),
    (
        "length with a sign",
        "POST /api/v1/clients HTTP/1.1\r\nHost: a\r\n{A}{J}Content-Length: +2\r\n\r\n{}",
        400,
        Closed,
    ),
    (
        "negative length",
        "POST /api/v1/clients HTTP/1.1\r\nHost: a\r\n{A}{J}Content-Length: -2\r\n\r\n{}",
        400,
        Closed,
    ),
    (
        "hexadecimal length",
        "POST /api/v1/clients HTTP/1.1\r\nHost: a\r\n{A}{J}Content-Length: 0x2\r\n\r\n{}",
        400,
        Closed,
    ),
    (
        "empty length",
        "POST /api/v1/clients HTTP/1.1\r\nHost: a\r\n{A}{J}Content-Length:\r\n\r\n{}",
        400,
        Closed,
    ),
    (
        "length beyond 64 bits",
        "POST /api/v1/clients HTTP/1.1\r\nHost: a\r\n{A}{J}Content-Length: 99999999999999999999\r\n\r\n{}",
        400,
        Closed,
    ),
    // Transfer codings.
    (
        "gzip, chunked",
        "POST /api/v1/clients HTTP/1.1\r\nHost: a\r\n{A}{J}Transfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        400,
        Closed,
    ),
    (
        "chunked, chunked",
        "POST /api/v1/clients HTTP/1.1\r\nHost: a\r\n{A}{J}Transfer-Encoding: chunked, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        400,
        Closed,
    ),
    (
        "chunked twice",
        "POST /api/v1/clients HTTP/1.1\r\nHost: a\r\n{A}{J}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        400,
        Closed,
    ),
    (
        "chunked, identity",
        "POST /api/v1/clients HTTP/1.1\r\nHost: a\r\n{A}{J}Transfer-Encoding: chunked, identity\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        400,
        Closed,
    ),
    (
        "identity",
        "POST /api/v1/clients HTTP/1.1\r\nHost: a\r\n{A}{J}Transfer-Encoding: identity\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        400,
        Closed,
    ),
    (
        "xchunked",
        "POST /api/v1/clients HTTP/1.1\r\nHost: a\r\n{A}{J}Transfer-Encoding: xchunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        400,
        Closed,
    ),
    (
        "vertical tab before chunked",
        "POST /api/v1/clients HTTP/1.1\r\nHost: a\r\n{A}{J}Transfer-Encoding: \x0bchunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        400,
        Closed,
    ),
    (
        "chunked in HTTP/1.0",
        "POST /api/v1/clients HTTP/1.0\r\nHost: a\r\n{A}{J}Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        400,
        Closed,
    ),
    // Chunks.
    (
        "chunk size that is none",
        "POST /api/v1/clients HTTP/1.1\r\nHost: a\r\n{A}{J}Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
        400,
        Closed,
    ),
    (
        "chunk size that overflows",
        "POST /api/v1/clients HTTP/1.1\r\nHost: a\r\n{A}{J}Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n{}\r\n0\r\n\r\n",
        400,
        Closed,
    ),
    (
        "bytes after a chunk",
        "POST /api/v1/clients HTTP/1.1\r\nHost: a\r\n{A}{J}Transfer-Encoding: chunked\r\n\r\n2\r\n{}xx0\r\n\r\n",
        400,
        Closed,
    ),
    (
        "LF after a chunk size",
        "POST /api/v1/clients HTTP/1.1\r\nHost: a\r\n{A}{J}Transfer-Encoding: chunked\r\n\r\n2\n{}\r\n0\r\n\r\n",
        400,
        Closed,
    ),
    // Heads.
    (
        "space before the colon",
        "GET /api/v1/me HTTP/1.1\r\nHost : a\r\n{A}\r\n",
        400,
        Closed,
    ),
    (
        "folded header",
        "GET /api/v1/me HTTP/1.1\r\nHost: a\r\nX: 1\r\n 2\r\n{A}\r\n",
        400,
        Closed,
    ),
    (
        "NUL in a header",
        "GET /api/v1/me HTTP/1.1\r\nHost: a\r\nX: 1\x002\r\n{A}\r\n",
        400,
        Closed,
    ),
    (
        "bare CR in a header",
        "GET /api/v1/me HTTP/1.1\r\nHost: a\r\nX: 1\r2\r\n{A}\r\n",
        400,
        Closed,
    ),
    (
        "header without a colon",
        "GET /api/v1/me HTTP/1.1\r\nHost: a\r\nNonsense\r\n{A}\r\n",
        400,
        Closed,
    ),
    (
        "HTTP/2 preface",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        NO_ANSWER,
        Closed,
    ),
    (
        "HTTP/3.0",
        "GET /api/v1/me HTTP/3.0\r\nHost: a\r\n{A}\r\n",
        400,
        Closed,
    ),
    (
        "no version",
        "GET /api/v1/me\r\nHost: a\r\n{A}\r\n",
        400,
        Closed,
    ),
    (
        "no target",
        "GET  HTTP/1.1\r\nHost: a\r\n{A}\r\n",
        400,
        Closed,
    ),
    (
        "target with a space",
        "GET /api/v1/me x HTTP/1.1\r\nHost: a\r\n{A}\r\n",
        400,
        Closed,
    ),
    // Expectations and methods.
    (
        "another expectation",
        "GET /api/v1/me HTTP/1.1\r\nHost: a\r\n{A}Expect: the-best\r\n\r\n",
        400,
        Closed,
    ),
    (
        "CONNECT",
        "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n{A}\r\n",
        404,
        Closed,
    ),
    (
        "TRACE",
        "TRACE /api/v1/me HTTP/1.1\r\nHost: a\r\n{A}\r\n",
        405,
        Open,
    ),
    (
        "method in small letters",
        "get /api/v1/me HTTP/1.1\r\nHost: a\r\n{A}\r\n",
        405,
        Open,
    ),
    (
        "a request in the body of a GET",
        "GET /api/v1/me HTTP/1.1\r\nHost: a\r\n{A}Content-Length: 42\r\n\r\nGET /api/v1/organization HTTP/1.1\r\nHost: a\r\n",
        200,
        Open,
    ),
];

#[tokio::test]
async fn nothing_is_smuggled() {
    let rig = Rig::start().await;
    let authorization = format!("{}\r\n", bearer(Who::Owner));
    let canary = format!("GET /api/v1/clients/canary HTTP/1.1\r\nHost: a\r\n{authorization}\r\n");
    assert!(CORPUS.len() >= 45);
    for (name, raw, status, then) in CORPUS {
        rig.forget();
        let raw = raw.replace("{A}", &authorization).replace("{J}", JSON);
        let mut wire = rig.wire().await;
        wire.send(raw + &canary).await;
        let reply = wire.reply().await;
        let answered = reply.as_ref().map_or(NO_ANSWER, |reply| reply.status);
        assert_eq!(answered, *status, "{name}: {reply:?}");
        let next = wire.reply().await;
        let executed = rig
            .asked("resource")
            .iter()
            .any(|asked| asked.head.route == "client.read");
        match then {
            Open => {
                assert_eq!(next.unwrap().status, 200, "{name}");
                assert!(executed, "{name}: the canary was lost");
            }
            Closed => {
                assert!(next.is_none(), "{name}: {next:?}");
                assert!(!executed, "{name}: the canary was executed");
            }
        }
        assert!(
            rig.asked("resource")
                .iter()
                .all(|asked| asked.head.route != "organization.read")
        );
    }
}

#[tokio::test]
async fn a_request_that_waits_for_leave_gets_it() {
    let rig = Rig::start().await;
    let mut wire = rig.wire().await;
    let head = format!(
        "POST /api/v1/clients HTTP/1.1\r\nHost: a\r\n{}\r\n{JSON}Content-Length: 2\r\nExpect: 100-continue\r\n\r\n",
        bearer(Who::Owner)
    );
    wire.send(head).await;
    assert_eq!(wire.reply().await.unwrap().status, 100);
    wire.send("{}").await;
    assert_eq!(wire.reply().await.unwrap().status, 200);
}

#[tokio::test]
async fn a_refused_request_gets_no_leave_to_send_its_body() {
    let rig = Rig::start().await;
    let mut wire = rig.wire().await;
    let head = format!(
        "POST /api/v1/clients HTTP/1.1\r\nHost: a\r\n{}\r\n{JSON}Content-Length: 9999999\r\nExpect: 100-continue\r\n\r\n",
        bearer(Who::Owner)
    );
    wire.send(head).await;
    assert_eq!(wire.reply().await.unwrap().status, 413);
    wire.closed().await;
}
