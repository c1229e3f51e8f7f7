//! A client that is none of ours, on a server that asks nobody who they are: what it asks and what
//! it answers is refused by the seal, and harms no other.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_nats::{HeaderMap, Message};
use bytes::Bytes;
use futures::StreamExt as _;
use hoursmith_bus::conformance::{AT_ONCE, Clock, at_once, handler, service};
use hoursmith_bus::{Bus as _, Envelope, ErrorKind, Subject};
use hoursmith_domain::{Keys, SecretKey};
use hoursmith_nats::testing::TestNats;
use hoursmith_nats::{ConnectError, NatsBus, NatsSettings};

const ASK: &str = "hoursmith.v1.resource.client.create";
const OTHER: &str = "hoursmith.v1.resource.client.delete";

fn keys(byte: u8) -> Arc<Keys> {
    Arc::new(Keys::derive(&SecretKey::from_bytes([byte; 32])))
}

/// What the answer says in `Hs-Error`.
fn told(answer: &Message) -> Option<&str> {
    answer
        .headers
        .as_ref()
        .and_then(|headers| headers.get("Hs-Error"))
        .map(|word| word.as_str())
}

#[tokio::test]
async fn what_is_forged_altered_or_moved_is_refused() {
    let nats = TestNats::start();
    let clock = Clock::system();
    let keys = keys(1);
    let bus = NatsBus::connect(NatsSettings::new(nats.url(), "resource"), clock.now())
        .await
        .unwrap();
    let effects = Arc::new(AtomicUsize::new(0));
    let verified = {
        let (keys, effects) = (Arc::clone(&keys), Arc::clone(&effects));
        handler(move |subject, envelope: Envelope| {
            let verdict = envelope.verify(&subject, &keys);
            let effects = Arc::clone(&effects);
            async move {
                verdict?;
                effects.fetch_add(1, Ordering::SeqCst);
                Ok(envelope)
            }
        })
    };
    let _served = bus
        .serve(service(
            "resource",
            "hoursmith.v1.resource.*.*",
            8,
            verified,
        ))
        .await
        .unwrap();

    // The rogue hears a genuine request, to have something to alter and to move.
    let rogue = async_nats::connect(nats.url()).await.unwrap();
    let mut overheard = rogue.subscribe("hoursmith.>").await.unwrap();
    // Nobody serves it: the server's word for that proves that it has read the subscription.
    assert!(rogue.request("nobody", "".into()).await.is_err());
    let subject = Subject::new(ASK).unwrap();
    let genuine = Envelope::new(
        clock.read().plus(Duration::from_secs(60)),
        r#"{"role":"member"}"#,
        "body",
    );
    let genuine = genuine.sealed(&subject, &keys);
    bus.request(subject.clone(), genuine.clone()).await.unwrap();
    let heard = at_once(overheard.next()).await.unwrap();
    let headers = heard.headers.clone().unwrap();
    assert_eq!(effects.load(Ordering::SeqCst), 1);

    let with = |name: &str, value: &str| {
        let mut changed = headers.clone();
        changed.insert(name, value);
        changed
    };
    let without = |dropped: &str| -> HeaderMap {
        let kept = headers
            .iter()
            .filter(|(name, _)| AsRef::<str>::as_ref(name) != dropped);
        kept.map(|(name, values)| (name.clone(), values[0].clone()))
            .collect()
    };
    let payload = heard.payload.clone();
    let owner = Bytes::from_static(br#"{"role":"owner!"}body"#);
    let other_key = {
        let sealed = genuine.clone().sealed(&subject, &self::keys(2));
        // Its base64, as the wire has it, is read back from a request of the stranger's own bus.
        let stranger = NatsBus::connect(NatsSettings::new(nats.url(), "stranger"), clock.now())
            .await
            .unwrap();
        assert!(stranger.request(subject.clone(), sealed).await.is_err());
        at_once(overheard.next()).await.unwrap().headers.unwrap()
    };
    let tries: [(&str, HeaderMap, Bytes); 14] = [
        (ASK, headers.clone(), owner),
        (ASK, headers.clone(), Bytes::from_static(b"")),
        (ASK, with("Hs-Head-Bytes", "16"), payload.clone()),
        (ASK, with("Hs-Head-Bytes", "4294967296"), payload.clone()),
        (ASK, with("Hs-Head-Bytes", "-1"), payload.clone()),
        (
            ASK,
            with("Hs-Deadline", "9000000000000000"),
            payload.clone(),
        ),
        (ASK, with("Hs-Deadline", "soon"), payload.clone()),
        (ASK, without("Hs-Deadline"), payload.clone()),
        (ASK, without("Hs-Seal"), payload.clone()),
        (ASK, with("Hs-Seal", "AAAA"), payload.clone()),
        (ASK, with("Hs-Seal", "\u{1F552}"), payload.clone()),
        (ASK, other_key, payload.clone()),
        (ASK, HeaderMap::new(), payload.clone()),
        (OTHER, headers.clone(), payload.clone()),
    ];
    for (at, (subject, headers, payload)) in tries.into_iter().enumerate() {
        let answer = at_once(rogue.request_with_headers(subject, headers, payload))
            .await
            .unwrap();
        assert_eq!(told(&answer), Some("refused"), "try {at}");
    }
    let bare = at_once(rogue.request(ASK, "".into())).await.unwrap();
    assert_eq!(told(&bare), Some("refused"));
    let late = with("Hs-Deadline", "1");
    let late = at_once(rogue.request_with_headers(ASK, late, payload))
        .await
        .unwrap();
    assert_eq!(told(&late), Some("deadline_exceeded"));
    assert_eq!(
        effects.load(Ordering::SeqCst),
        1,
        "nothing of it had an effect"
    );

    let honest = Envelope::new(clock.read().plus(AT_ONCE), "", "").sealed(&subject, &keys);
    bus.request(subject, honest).await.unwrap();
    assert_eq!(effects.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn an_answer_from_whoever_joined_the_group_is_refused() {
    let nats = TestNats::start();
    let clock = Clock::system();
    let keys = keys(1);
    let bus = NatsBus::connect(NatsSettings::new(nats.url(), "gateway"), clock.now())
        .await
        .unwrap();
    let subject = Subject::new(ASK).unwrap();
    let ask = |body: &'static str| {
        Envelope::new(clock.read().plus(AT_ONCE), "head", body).sealed(&subject, &keys)
    };

    // One of ours answers, and the rogue overhears it.
    let rogue = async_nats::connect(nats.url()).await.unwrap();
    let mut overheard = rogue.subscribe("_INBOX.gateway.*.*").await.unwrap();
    assert!(rogue.request("nobody", "".into()).await.is_err());
    let honest = {
        let keys = Arc::clone(&keys);
        handler(move |subject, question: Envelope| {
            let answer = Envelope::new(question.deadline, "verdict", "");
            let answer = answer.sealed_answer(&subject, &question, &keys);
            async { Ok(answer) }
        })
    };
    let served = bus
        .serve(service("resource", ASK, 8, honest))
        .await
        .unwrap();
    let question = ask("1");
    let answer = bus
        .request(subject.clone(), question.clone())
        .await
        .unwrap();
    answer.verify_answer(&subject, &question, &keys).unwrap();
    let genuine = loop {
        let heard = at_once(overheard.next()).await.unwrap();
        // Beside the bus's own probes.
        if heard.payload == "verdict" {
            break heard;
        }
    };
    served.drain().await;

    // Then it is the only member of the group.
    let mut asked = rogue
        .queue_subscribe(ASK, "resource".to_owned())
        .await
        .unwrap();
    assert!(rogue.request("nobody", "".into()).await.is_err());
    let headers = genuine.headers.unwrap();
    let mut bare = HeaderMap::new();
    bare.insert("Hs-Deadline", headers.get("Hs-Deadline").unwrap().clone());
    bare.insert(
        "Hs-Head-Bytes",
        headers.get("Hs-Head-Bytes").unwrap().clone(),
    );
    // Nothing but its own words, the answer to another question, and the question itself.
    for forged in [Some(bare), Some(headers), None] {
        let question = ask("2");
        let (answer, ()) = tokio::join!(bus.request(subject.clone(), question.clone()), async {
            let heard = at_once(asked.next()).await.unwrap();
            let (headers, payload) = match forged {
                Some(headers) => (headers, genuine.payload.clone()),
                None => (heard.headers.unwrap(), heard.payload),
            };
            rogue
                .publish_with_headers(heard.reply.unwrap(), headers, payload)
                .await
                .unwrap();
        });
        let error = answer
            .unwrap()
            .verify_answer(&subject, &question, &keys)
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused);
    }
}

#[tokio::test]
async fn a_server_elsewhere_that_asks_nobody_is_refused() {
    let nats = TestNats::start();
    // The same server, at an address that does not say that it is this machine.
    let url = nats.url().replace("127.0.0.1", "0.0.0.0");
    assert_ne!(url, nats.url());
    let settings = NatsSettings::new(url, "gateway");
    let error = NatsBus::connect(settings, Clock::system().now())
        .await
        .unwrap_err();
    assert!(matches!(error, ConnectError::Open { .. }), "{error:?}");
}
