//! What fails, how, and how soon.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;
use tokio::sync::Semaphore;

use super::{Rig, at_once, echo, handler, until};
use crate::{Envelope, Error, ErrorKind, MAX_ENVELOPE_BYTES, Subject};

/// Nobody there.
pub async fn nobody_there_is_told_at_once(rig: &Rig) {
    assert_eq!(
        rig.refusal("nobody.here", "").await,
        ErrorKind::NoResponders
    );
}

/// A handler that never ends costs its caller the deadline and no more, and gives its place back.
pub async fn a_call_ends_by_its_deadline(rig: &Rig) {
    let hang = handler(|_, envelope: Envelope| async move {
        match &*envelope.body {
            b"hang" => std::future::pending().await,
            _ => Ok(envelope),
        }
    });
    let _served = rig.serve("a", 1, hang).await;
    let subject = Subject::new("a").unwrap();
    let hanging = rig.envelope_for(Duration::from_millis(200), "hang");
    let error = at_once(rig.far.request(subject, hanging))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DeadlineExceeded);
    until(true, async || rig.ask("a", "").await.is_ok()).await;
}

/// Late is never.
pub async fn what_is_past_its_deadline_reaches_no_handler(rig: &Rig) {
    let count = Arc::new(AtomicUsize::new(0));
    let counting = {
        let count = Arc::clone(&count);
        handler(move |_, envelope| {
            count.fetch_add(1, Ordering::SeqCst);
            async { Ok(envelope) }
        })
    };
    let _served = rig.serve("a", 8, counting).await;
    let subject = Subject::new("a").unwrap();
    let late = rig.envelope_for(Duration::from_millis(500), "");
    rig.clock.advance(Duration::from_secs(1));
    let error = at_once(rig.far.request(subject.clone(), late.clone()))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DeadlineExceeded);
    let error = at_once(rig.far.publish(subject, late)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DeadlineExceeded);
    rig.ask("a", "in time").await.unwrap();
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

/// One byte too many is refused where it would be sent. In an answer it is the handler's failure,
/// not the question's.
pub async fn too_large_is_refused(rig: &Rig) {
    let inflate = handler(|_, envelope| async move {
        Ok(Envelope {
            body: vec![b'x'; MAX_ENVELOPE_BYTES + 1].into(),
            ..envelope
        })
    });
    let _small = rig.serve("a", 1, echo()).await;
    let _large = rig.serve("b", 1, inflate).await;
    let mut sent = rig.envelope(vec![b'x'; MAX_ENVELOPE_BYTES]);
    sent.head = Bytes::from_static(b"y").into();
    let subject = Subject::new("a").unwrap();
    let error = at_once(rig.far.request(subject.clone(), sent.clone()))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    let error = at_once(rig.far.publish(subject, sent)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert_eq!(rig.refusal("b", "").await, ErrorKind::HandlerFailed);
}

/// Beyond the bound one is told at once, while those within it go on.
pub async fn overload_is_refused_at_once(rig: &Rig) {
    let (entered, release) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let wait = {
        let (entered, release) = (Arc::clone(&entered), Arc::clone(&release));
        handler(move |_, envelope| {
            let (entered, release) = (Arc::clone(&entered), Arc::clone(&release));
            async move {
                entered.add_permits(1);
                release.acquire().await.unwrap().forget();
                Ok(envelope)
            }
        })
    };
    let _served = rig.serve("a", 2, wait).await;
    let within = join_all([rig.ask("a", "1"), rig.ask("a", "2")]);
    let beyond = async {
        at_once(entered.acquire_many(2)).await.unwrap().forget();
        for refused in at_once(join_all((0..50).map(|_| rig.ask("a", "3")))).await {
            assert_eq!(refused.unwrap_err().kind(), ErrorKind::Overloaded);
        }
        release.add_permits(2);
    };
    let (answers, ()) = tokio::join!(within, beyond);
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    release.add_permits(1);
    until(true, async || rig.ask("a", "4").await.is_ok()).await;
}

/// A panic before or after the first `await` is the caller's answer, and the next is served.
pub async fn a_panic_is_answered_at_once(rig: &Rig) {
    let fragile = handler(|_, envelope: Envelope| {
        assert!(envelope.body != "now", "a panic, on purpose");
        async move {
            tokio::task::yield_now().await;
            assert!(envelope.body != "later", "a panic, on purpose");
            Ok(envelope)
        }
    });
    let _served = rig.serve("a", 1, fragile).await;
    for body in ["now", "later", "now"] {
        assert_eq!(rig.refusal("a", body).await, ErrorKind::HandlerFailed);
        until(true, async || rig.ask("a", "fine").await.is_ok()).await;
    }
}

/// What a handler answers with is what its caller gets.
pub async fn an_error_keeps_its_kind(rig: &Rig) {
    let refuse = handler(|subject, envelope: Envelope| async move {
        let kind = std::str::from_utf8(&envelope.body)
            .ok()
            .and_then(ErrorKind::from_word);
        Err(Error::new(kind.unwrap(), "answer", subject))
    });
    let _served = rig.serve("a", 1, refuse).await;
    for kind in [
        ErrorKind::Refused,
        ErrorKind::Overloaded,
        ErrorKind::HandlerFailed,
        ErrorKind::Closed,
    ] {
        until(kind, async || rig.refusal("a", kind.as_str()).await).await;
    }
}
