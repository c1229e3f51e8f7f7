//! How service ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::FutureExt as _;
use futures::future::join_all;
use tokio::sync::Semaphore;

use super::{Rig, at_once, echo, handler, service, until};
use crate::{ErrorKind, Handler, Subject};

/// A handler that says when it was entered and waits to be let go.
fn held() -> (Arc<Semaphore>, Arc<Semaphore>, Handler) {
    let (entered, release) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let (enter, hold) = (Arc::clone(&entered), Arc::clone(&release));
    let handler = handler(move |_, envelope| {
        let (enter, hold) = (Arc::clone(&enter), Arc::clone(&hold));
        async move {
            enter.add_permits(1);
            hold.acquire().await.unwrap().forget();
            Ok(envelope)
        }
    });
    (entered, release, handler)
}

/// After the drop no handler is reached, and soon nobody is there.
pub async fn dropping_a_subscription_ends_it(rig: &Rig) {
    let count = Arc::new(AtomicUsize::new(0));
    let counting = {
        let count = Arc::clone(&count);
        handler(move |_, envelope| {
            count.fetch_add(1, Ordering::SeqCst);
            async { Ok(envelope) }
        })
    };
    let served = rig.serve("a", 8, counting).await;
    rig.ask("a", "").await.unwrap();
    drop(served);
    assert!(!rig.near.serves(&Subject::new("a").unwrap()));
    until(ErrorKind::NoResponders, async || {
        let brief = rig.envelope_for(std::time::Duration::from_millis(200), "");
        rig.far
            .request(Subject::new("a").unwrap(), brief)
            .await
            .unwrap_err()
            .kind()
    })
    .await;
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

/// What was admitted is answered before the drain returns; what comes later finds nobody.
pub async fn draining_a_subscription_lets_the_admitted_finish(rig: &Rig) {
    let (entered, release, handler) = held();
    let served = rig.serve("a", 8, handler).await;
    let admitted = join_all((0..3).map(|_| rig.ask("a", "")));
    let drain = async {
        at_once(entered.acquire_many(3)).await.unwrap().forget();
        let mut drain = Box::pin(served.drain());
        // Twice, since the first look may only have sent the request to unsubscribe.
        for _ in 0..2 {
            assert!(drain.as_mut().now_or_never().is_none(), "did not wait");
            tokio::task::yield_now().await;
        }
        release.add_permits(3);
        at_once(drain).await;
    };
    let (answers, ()) = tokio::join!(admitted, drain);
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(rig.refusal("a", "").await, ErrorKind::NoResponders);
}

/// A member of a group leaves under load, as in a rolling restart, and nobody notices.
pub async fn a_member_may_leave_under_load(rig: &Rig) {
    const ROUNDS: usize = 20;
    let _stays = rig.serve("a", 256, echo()).await;
    let over = AtomicUsize::new(0);
    let ask_on = async || {
        while over.load(Ordering::SeqCst) < ROUNDS {
            rig.ask("a", "body").await.unwrap();
            // A call in the process does not wait, and the others shall run as well.
            tokio::task::yield_now().await;
        }
    };
    let restarts = async {
        while over.fetch_add(1, Ordering::SeqCst) < ROUNDS {
            let leaves = rig.serve("a", 256, echo()).await;
            rig.ask("a", "body").await.unwrap();
            leaves.drain().await;
        }
    };
    tokio::join!(join_all((0..64).map(|_| ask_on())), restarts);
}

/// A drained bus has answered what it admitted, and neither asks, serves nor is well.
pub async fn draining_the_bus_closes_it(rig: &Rig) {
    let (entered, release, handler) = held();
    let _served = rig.serve("a", 8, handler).await;
    let admitted = join_all((0..3).map(|_| rig.ask("a", "")));
    let drain = async {
        at_once(entered.acquire_many(3)).await.unwrap().forget();
        let mut drain = Box::pin(rig.near.drain());
        assert!(drain.as_mut().now_or_never().is_none(), "did not wait");
        release.add_permits(3);
        at_once(drain).await;
    };
    let (answers, ()) = tokio::join!(admitted, drain);
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");

    let subject = Subject::new("a").unwrap();
    let asked = at_once(rig.near.request(subject.clone(), rig.envelope(""))).await;
    assert_eq!(asked.unwrap_err().kind(), ErrorKind::Closed);
    let told = at_once(rig.near.publish(subject, rig.envelope(""))).await;
    assert_eq!(told.unwrap_err().kind(), ErrorKind::Closed);
    let served = at_once(rig.near.serve(service("group", "a", 1, echo()))).await;
    assert_eq!(served.unwrap_err().kind(), ErrorKind::Closed);
    assert!(at_once(rig.near.health()).await.is_err());
}
