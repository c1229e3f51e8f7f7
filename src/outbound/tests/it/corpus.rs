//! Every way to say "inside" that the corpus knows, redirects and names that change included, ends
//! without a connection.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use hoursmith_outbound::{Error, Limits, Policy, Resolve};
use hoursmith_settings::OutboundSettings;
use tokio::net::TcpListener;
use url::{Host, Url};

use crate::support::{Receiver, Scripted, Sender, answer_with, permitting};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

/// What the corpus says: a URL, what must become of it, and why.
fn corpus() -> Vec<(String, String, String)> {
    let text = include_str!("../../../../tests/contract/ssrf-corpus.jsonl");
    let field = |row: &serde_json::Value, name: &str| row[name].as_str().unwrap().to_owned();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .map(|row: serde_json::Value| (field(&row, "url"), field(&row, "must"), field(&row, "why")))
        .collect()
}

/// The names of the corpus that resolve to what is not public. The second answer of the last is
/// for a check that asks twice.
fn names() -> [(&'static str, &'static [&'static [&'static str]]); 5] {
    [
        ("private-a.test.example", &[&["127.0.0.1"]]),
        ("private-aaaa.test.example", &[&["::1"]]),
        (
            "public-and-private.test.example",
            &[&["93.184.216.34", "127.0.0.1"]],
        ),
        ("cname-to-localhost.test.example", &[&["127.0.0.1", "::1"]]),
        (
            "rebinding.test.example",
            &[&["127.0.0.1"], &["93.184.216.34"]],
        ),
    ]
}

#[test]
fn every_url_of_the_corpus_is_judged_as_it_says() {
    let policy = Policy::default();
    let corpus = corpus();
    assert!(corpus.len() >= 130, "{}", corpus.len());
    for (url, must, why) in corpus {
        let judged = policy.check(&url);
        let is_right = match must.as_str() {
            "refuse" => judged.is_err(),
            // Names are judged by their addresses, at every attempt.
            "refuse_at_connect" | "accept" => judged.is_ok(),
            other => panic!("{other}"),
        };
        assert!(is_right, "{url} ({why}): {judged:?}");
        if let Err(refused) = judged {
            assert_eq!(
                refused.to_string(),
                policy.check("https://10.0.0.1/").unwrap_err().to_string(),
                "one text for every refusal"
            );
        }
    }
}

#[tokio::test]
async fn no_spelling_of_loopback_connects_and_each_would_if_it_were_permitted() {
    let receiver = Receiver::answering(OK).await;
    let closed = Sender::new(
        &OutboundSettings {
            allow_http: true,
            ..OutboundSettings::default()
        },
        Scripted::with(&[]),
        Limits::default(),
    );
    let open = Sender::to_loopback();
    let mut reached = 0;
    for (url, must, _) in corpus() {
        // Each spelling, with the receiver's port and without TLS.
        let Some(mut text) = url.strip_prefix("https:").map(str::to_owned) else {
            continue;
        };
        let Ok(parsed) = Url::parse(&url) else {
            continue;
        };
        let is_loopback = matches!(parsed.host(), Some(Host::Ipv4(host)) if host.is_loopback());
        if must != "refuse" || !is_loopback || parsed.port().is_some() || text.contains(['@', '\\'])
        {
            continue;
        }
        let port = format!(":{}/", receiver.address.port());
        text.truncate(text.trim_end_matches('/').len());
        let text = format!("http:{text}{port}");
        let refused = closed.post(&text, 1).await;
        assert!(
            matches!(refused, Err(Error::Refused(_))),
            "{text}: {refused:?}"
        );
        assert_eq!(receiver.accepted(), reached, "{text}");
        if parsed.host_str() == Some("127.0.0.1") {
            // The receiver sees what gets through: it is the policy that keeps the rest out.
            reached += 1;
            assert!(open.post(&text, reached as u128).await.is_ok(), "{text}");
            assert_eq!(receiver.accepted(), reached, "{text}");
        }
    }
    assert!(reached >= 15, "{reached}");
}

#[tokio::test]
async fn a_name_is_refused_for_any_address_that_is_not_public() {
    let receiver = Receiver::answering(OK).await;
    let resolver = Scripted::with(&names());
    let sender = Sender::new(
        &OutboundSettings::default(),
        Arc::clone(&resolver) as Arc<dyn Resolve>,
        Limits::default(),
    );
    let mut asked = 0;
    for (url, must, why) in corpus() {
        if must != "refuse_at_connect" {
            continue;
        }
        let mut url = Url::parse(&url).unwrap();
        url.set_port(Some(receiver.address.port())).unwrap();
        let refused = sender.post(url.as_str(), 1).await.unwrap_err();
        assert_eq!(refused.word(), "refused", "{url} ({why})");
        asked += 1;
        assert_eq!(resolver.asked.load(Ordering::SeqCst), asked, "asked once");
    }
    assert_eq!(asked, names().len());
    assert_eq!(receiver.accepted(), 0);
}

/// A permitted receiver and a forbidden one, on one port of two loopback addresses.
async fn permitted_and_forbidden(answer: impl Fn(u16) -> String) -> (Receiver, Receiver) {
    loop {
        let permitted = TcpListener::bind("127.0.0.2:0").await.unwrap();
        let port = permitted.local_addr().unwrap().port();
        // Somebody else may have the port there; then another pair.
        if let Ok(forbidden) = TcpListener::bind(("127.0.0.1", port)).await {
            return (
                Receiver::on(permitted, answer_with(answer(port))),
                Receiver::on(forbidden, answer_with(OK)),
            );
        }
    }
}

#[tokio::test]
async fn a_name_that_changes_after_it_was_judged_reaches_only_what_was_judged() {
    let (permitted, forbidden) = permitted_and_forbidden(|_| OK.to_owned()).await;
    let resolver = Scripted::with(&[("rebinding.test.example", &[&["127.0.0.2"], &["127.0.0.1"]])]);
    let sender = Sender::new(
        &permitting(&["127.0.0.2/32"]),
        Arc::clone(&resolver) as Arc<dyn Resolve>,
        Limits::default(),
    );
    let url = format!(
        "http://rebinding.test.example:{}/",
        permitted.address.port()
    );
    let first = sender.post(&url, 1).await.unwrap();
    assert_eq!(first.peer, permitted.address);
    assert_eq!(resolver.asked.load(Ordering::SeqCst), 1);
    // The connection that is kept was judged; a new one is judged anew.
    assert_eq!(sender.post(&url, 1).await.unwrap().peer, permitted.address);
    let second = sender.post(&url, 2).await.unwrap_err();
    assert!(matches!(second, Error::Refused(_)), "{second:?}");
    assert_eq!((permitted.accepted(), forbidden.accepted()), (1, 0));
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_not_followed() {
    for status in [301, 302, 303, 307, 308] {
        let (permitted, forbidden) = permitted_and_forbidden(|port| {
            format!(
                "HTTP/1.1 {status} Away\r\nlocation: http://127.0.0.1:{port}/\r\ncontent-length: 0\r\n\r\n"
            )
        })
        .await;
        let sender = Sender::new(
            &permitting(&["127.0.0.2/32"]),
            Scripted::with(&[]),
            Limits::default(),
        );
        let answer = sender.post(&permitted.url(), 1).await.unwrap();
        assert_eq!(answer.status, status);
        assert_eq!((permitted.accepted(), forbidden.accepted()), (1, 0));
    }
}
