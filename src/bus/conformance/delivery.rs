//! What arrives, and where.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt as _, stream};

use super::{Rig, echo, handler, until};
use crate::{Envelope, Handler, MAX_ENVELOPE_BYTES, Seal, Subject, TraceParent};

/// A handler that counts.
fn counting(count: &Arc<AtomicUsize>) -> Handler {
    let count = Arc::clone(count);
    handler(move |_, envelope| {
        count.fetch_add(1, Ordering::SeqCst);
        async { Ok(envelope) }
    })
}

/// Question and answer.
pub async fn a_request_is_answered(rig: &Rig) {
    let shout = handler(|_, envelope| async move {
        let body = envelope.body.to_ascii_uppercase();
        Ok(Envelope {
            body: body.into(),
            ..envelope
        })
    });
    let _served = rig.serve("a.b", 1, shout).await;
    assert_eq!(rig.ask("a.b", "hello").await.unwrap().body, "HELLO");
    assert!(rig.near.serves(&Subject::new("a.b").unwrap()));
    assert!(!rig.near.serves(&Subject::new("a.c").unwrap()));
    rig.near.health().await.unwrap();
    rig.far.health().await.unwrap();
}

/// Head, body, deadline, trace and seal come as they were sent, whatever bytes they hold, both
/// ways.
pub async fn every_part_survives(rig: &Rig) {
    let seen = Arc::new(Mutex::new(None));
    let keep = {
        let seen = Arc::clone(&seen);
        handler(move |subject, envelope| {
            *seen.lock().unwrap() = Some((subject, envelope.clone()));
            async { Ok(envelope) }
        })
    };
    let _served = rig.serve("a", 1, keep).await;
    let any_byte: Vec<u8> = (0..=255).collect();
    let parts: [(&[u8], &[u8]); 5] = [
        (b"", b""),
        (b"{}", b""),
        (b"", b"body"),
        (
            " {\"name\":\"Zoë \u{1F552}\",\"b\":\"1: 2\"}\r\n\r\n ".as_bytes(),
            "größe".as_bytes(),
        ),
        (&any_byte, &any_byte),
    ];
    let trace = TraceParent::parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    for (head, body) in parts {
        let mut sent = rig.envelope(Bytes::copy_from_slice(body));
        sent.head = Bytes::copy_from_slice(head).into();
        for (trace, seal) in [
            (None, None),
            (trace.clone(), Some(Seal::from_bytes([0xA7; 32]))),
        ] {
            let sent = Envelope {
                trace,
                seal,
                ..sent.clone()
            };
            let subject = Subject::new("a").unwrap();
            let answer = rig
                .far
                .request(subject.clone(), sent.clone())
                .await
                .unwrap();
            assert_eq!(
                seen.lock().unwrap().take().unwrap(),
                (subject, sent.clone())
            );
            assert_eq!(answer, sent);
        }
    }
}

/// The largest envelope passes, whether its head or its body makes it large.
pub async fn the_largest_envelope_passes(rig: &Rig) {
    let _served = rig.serve("a", 1, echo()).await;
    let large = Bytes::from(vec![b'"'; MAX_ENVELOPE_BYTES]);
    let body = rig.envelope(large.clone());
    let head = Envelope {
        head: large.into(),
        ..rig.envelope("")
    };
    for sent in [body, head] {
        let answer = rig
            .far
            .request(Subject::new("a").unwrap(), sent.clone())
            .await
            .unwrap();
        assert!(answer == sent, "altered on the way");
    }
}

/// Each request goes to one member, and every member gets its part.
pub async fn a_group_shares_the_load(rig: &Rig) {
    let counts: [Arc<AtomicUsize>; 4] = Default::default();
    let mut served = Vec::new();
    for count in &counts {
        served.push(rig.serve("a", 64, counting(count)).await);
    }
    for _ in 0..400 {
        rig.ask("a", "").await.unwrap();
    }
    let counts = counts.map(|count| count.load(Ordering::SeqCst));
    assert_eq!(counts.iter().sum::<usize>(), 400, "{counts:?}");
    assert!(counts.iter().all(|count| *count >= 20), "{counts:?}");
}

/// A pattern's handler is told the subject.
pub async fn wildcards_are_served(rig: &Rig) {
    let tell = || {
        handler(|subject: Subject, envelope| async move {
            Ok(Envelope {
                body: subject.as_str().to_owned().into(),
                ..envelope
            })
        })
    };
    let _one = rig.serve("a.*.c", 1, tell()).await;
    let _rest = rig.serve("b.>", 1, tell()).await;
    for subject in ["a.b.c", "a.x.c", "b.a", "b.a.c.d"] {
        assert_eq!(rig.ask(subject, "").await.unwrap().body, subject);
    }
    for subject in ["a.b", "a.b.d", "a.b.c.d", "b"] {
        assert_eq!(
            rig.refusal(subject, "").await,
            crate::ErrorKind::NoResponders,
            "{subject}"
        );
    }
}

/// Below the bound nothing is lost, doubled or mixed up.
pub async fn ten_thousand_requests_arrive_once(rig: &Rig) {
    const REQUESTS: usize = 10_000;
    const AT_A_TIME: usize = 200;
    let seen = Arc::new(Mutex::new(HashSet::new()));
    let keep = {
        let seen = Arc::clone(&seen);
        handler(move |_, envelope: Envelope| {
            let fresh = seen.lock().unwrap().insert(envelope.body.clone());
            async move {
                assert!(fresh, "arrived twice");
                Ok(envelope)
            }
        })
    };
    let _served = rig.serve("a", AT_A_TIME, keep).await;
    stream::iter(0..REQUESTS)
        .for_each_concurrent(AT_A_TIME, |number| async move {
            let body = number.to_string();
            assert_eq!(rig.ask("a", body.clone()).await.unwrap().body, body);
        })
        .await;
    assert_eq!(seen.lock().unwrap().len(), REQUESTS);
}

/// One member of each group hears a publication; with nobody there it is no error.
pub async fn a_publication_reaches_one_of_each_group(rig: &Rig) {
    const PUBLICATIONS: usize = 50;
    let (first, second): (Arc<AtomicUsize>, Arc<AtomicUsize>) = Default::default();
    let mut served = Vec::new();
    for (group, pattern, count) in [
        ("one", "a.b", &first),
        ("one", "a.b", &first),
        ("two", "a.*", &second),
    ] {
        served.push(
            rig.serve_in(group, pattern, PUBLICATIONS, counting(count))
                .await,
        );
    }
    for _ in 0..PUBLICATIONS {
        rig.far
            .publish(Subject::new("a.b").unwrap(), rig.envelope(""))
            .await
            .unwrap();
    }
    rig.far
        .publish(Subject::new("nobody").unwrap(), rig.envelope(""))
        .await
        .unwrap();
    let count = || (first.load(Ordering::SeqCst), second.load(Ordering::SeqCst));
    until((PUBLICATIONS, PUBLICATIONS), async || count()).await;
    // What came twice would be here by the time that a later request has been answered.
    tokio::time::timeout(Duration::from_secs(5), rig.ask("a.b", ""))
        .await
        .unwrap()
        .unwrap();
    assert!(
        count().0 <= PUBLICATIONS + 1 && count().1 <= PUBLICATIONS + 1,
        "{:?}",
        count()
    );
}
