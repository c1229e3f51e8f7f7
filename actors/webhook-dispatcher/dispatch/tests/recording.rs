//! What is kept of attempts, and what is claimed along with it.

use std::pin::pin;

use hoursmith_kit::Bell;

use super::*;

on_both! {
    attempts_that_end_together_are_recorded_together,
    attempts_at_many_endpoints_are_recorded_together,
    who_had_as_much_as_may_be_gets_what_is_left,
    whoever_gives_up_waiting_stops_nobody,
    what_is_ours_is_not_held_against_a_receiver,
    a_slow_success_proves_nothing,
    a_change_is_later_than_the_one_before,
    what_was_said_before_a_change_ends_nothing,
    an_old_address_says_nothing_of_the_new_one,
    what_a_later_version_wants_is_sent_and_recorded,
    who_fails_again_and_again_is_left_alone,
    who_is_sent_more_than_now_may_be_is_looked_at_when_one_ends,
    who_stays_gets_what_is_next,
    who_stays_at_a_disabled_endpoint_gets_nothing,
}

/// What ended together is recorded together, each as it would be alone; whoever lost its lease records
/// nothing and is in nobody's way.
async fn attempts_that_end_together_are_recorded_together(scene: Scene) {
    scene.delivery(1, "pending", scene.now).await;
    let first = scene.claims().await.remove(0);
    scene.record(first, Outcome::Delivered).await;
    for number in 2..=4 {
        scene.delivery(number, "pending", scene.now).await;
    }
    let claims = scene.claims().await;
    assert_eq!(claims.len(), 3);
    let lost = Claim {
        token: claims[2].token + 1,
        ..claims[2]
    };
    let report = |outcome| scene.report(outcome, Duration::ZERO);
    let recorded = scene
        .record_all(vec![
            (claims[0], report(Outcome::Failed)),
            (lost, report(Outcome::Failed)),
            (claims[1], report(Outcome::Delivered)),
        ])
        .await;
    let whole = Recorded::Whole { told: false };
    assert_eq!(recorded, [whole, Recorded::Fenced, whole]);
    let delivered = ("delivered".to_owned(), 1, None);
    assert_eq!(
        scene.deliveries().await,
        [
            delivered.clone(),
            ("pending".to_owned(), 1, None),
            delivered,
            ("pending".to_owned(), 0, None),
        ]
    );
    // The success came last.
    assert_eq!(scene.endpoints().await[0].1, 0);
}

/// Attempts at several endpoints are recorded together, each as it would be alone, whatever became of the
/// others.
async fn attempts_at_many_endpoints_are_recorded_together(scene: Scene) {
    let (works, fails, gone) = (
        scene.endpoint,
        scene.endpoint(3).await,
        scene.endpoint(4).await,
    );
    scene.event(1).await;
    let turn = scene.turn(&scene.fan_out()).await;
    let claims: Vec<Claim> = turn.at_once.iter().map(|one| one.claim).collect();
    let of: Vec<WebhookEndpointId> = claims.iter().map(|claim| claim.endpoint).collect();
    assert_eq!(of, [works, fails, gone]);
    let report = |outcome| scene.report(outcome, Duration::ZERO);
    let recorded = scene
        .record_all(vec![
            (claims[2], report(Outcome::Gone)),
            (claims[0], report(Outcome::Delivered)),
            (claims[1], report(Outcome::Failed)),
        ])
        .await;
    let whole = |told| Recorded::Whole { told };
    assert_eq!(recorded, [whole(true), whole(false), whole(false)]);
    let fares: Vec<(String, i64)> = (scene.endpoints().await.into_iter())
        .map(|(status, failures, _)| (status, failures))
        .collect();
    let fare = |status: &str, failures| (status.to_owned(), failures);
    assert_eq!(
        fares,
        [fare("enabled", 0), fare("enabled", 1), fare("disabled", 1)]
    );
    let mut conn = scene.db.read().await.unwrap();
    for (endpoint, at) in [
        (works, Some(scene.now.as_micros())),
        (fails, None),
        (gone, None),
    ] {
        let found = fetch_one!(&mut conn, LAST_SUCCESS as (Option<i64>,), endpoint.0).unwrap();
        assert_eq!(found, (at,));
    }
    drop(conn);
    let mut found = scene.deliveries().await;
    found.sort();
    let delivery = |status: &str| (status.to_owned(), 1, None);
    assert_eq!(
        found,
        [
            delivery("delivered"),
            delivery("failed"),
            delivery("pending")
        ]
    );
}

/// Where as many were being sent as may be, a record has somebody look for what had to wait.
async fn who_had_as_much_as_may_be_gets_what_is_left(scene: Scene) {
    run!(scene, SET_PROVEN);
    for number in 1..=5 {
        scene.delivery(number, "pending", scene.now).await;
    }
    let claims = scene.claims().await;
    assert_eq!(claims.len(), 4);
    assert_eq!(scene.due().await, Some(scene.now.plus(LEASE)));
    scene.record(claims[0], Outcome::Delivered).await;
    assert_eq!(scene.due().await, Some(scene.now));
    assert_eq!(scene.claims().await.len(), 1);
}

/// Whoever gives up waiting for a turn is in nobody's way, and nothing is left of those who waited.
async fn whoever_gives_up_waiting_stops_nobody(scene: Scene) {
    scene.delivery(1, "pending", scene.now).await;
    let first = scene.claims().await.remove(0);
    scene.record(first, Outcome::Delivered).await;
    for number in 2..=5 {
        scene.delivery(number, "pending", scene.now).await;
    }
    let claims = scene.claims().await;
    assert_eq!(claims.len(), 4);
    let host = Rig::new(scene.db.db().clone()).host;
    let bell = Arc::new(Bell::default());
    let recorder = Recorder::new(
        scene.db.db().clone(),
        scene.clock(),
        Arc::new(SystemRandom),
        Arc::new(WakeUp::of(&host, subjects::relay_wake())),
        Arc::clone(&bell),
    );
    let keep = |claim| {
        let report = scene.report(Outcome::Delivered, Duration::ZERO);
        Box::pin(recorder.keep(claim, report, true, scene.terms()))
    };
    let (mut leads, mut gives_up, mut waits) =
        (keep(&claims[0]), keep(&claims[1]), keep(&claims[2]));
    for waiting in [&mut leads, &mut gives_up, &mut waits] {
        assert!(poll_immediate(waiting).await.is_none());
    }
    drop(gives_up);
    assert!(recorder.is_busy_with(scene.organization, scene.endpoint));
    leads.await;
    // Whoever wanted to look at the endpoint is told that it is worth it, though others record.
    assert!(poll_immediate(pin!(bell.rung())).await.is_some());
    // It has the turn by now, and has not looked.
    drop(waits);
    keep(&claims[3]).await;
    assert!(recorder.is_idle());
    assert!(
        poll_immediate(pin!(bell.rung())).await.is_none(),
        "nobody wanted to look since"
    );
    assert!(!recorder.is_busy_with(scene.organization, scene.endpoint));
    let found = scene.deliveries().await;
    let delivered = ("delivered".to_owned(), 1, None);
    assert!(
        [0, 1, 4].iter().all(|at| found[*at] == delivered),
        "{found:?}"
    );
}

async fn what_is_ours_is_not_held_against_a_receiver(mut scene: Scene) {
    scene.delivery(1, "pending", scene.now).await;
    for attempt in 1..=i64::from(MAX_ATTEMPTS) {
        let claim = scene.claims().await.remove(0);
        let recorded = scene.record(claim, Outcome::Unsent).await;
        assert_eq!(recorded, Recorded::Whole { told: false });
        let status = if attempt < 8 { "pending" } else { "failed" };
        assert_eq!(
            scene.deliveries().await,
            [(status.to_owned(), attempt, None)]
        );
        scene.now = scene.now.plus(Duration::from_secs(2 * 24 * 60 * 60));
    }
    scene.delivery(2, "pending", scene.now).await;
    let claim = scene.claims().await.remove(0);
    scene.record(claim, Outcome::Void).await;
    assert_eq!(scene.deliveries().await[1], ("failed".to_owned(), 1, None));
    let (status, failures, _) = scene.endpoints().await.remove(0);
    assert_eq!((status.as_str(), failures), ("enabled", 0));
}

async fn a_slow_success_proves_nothing(scene: Scene) {
    for number in 1..=8 {
        scene.delivery(number, "pending", scene.now).await;
    }
    for (duration, then) in [(PROMPT, 4), (PROMPT * 2, 1)] {
        // On probation it has one at a time.
        let claim = scene.claims().await.remove(0);
        scene
            .record_after(claim, Outcome::Delivered, duration)
            .await;
        let claims = scene.claims().await;
        assert_eq!(claims.len(), then, "{duration:?}");
        for claim in claims {
            scene
                .record_after(claim, Outcome::Delivered, PROMPT * 2)
                .await;
        }
    }
}

async fn a_change_is_later_than_the_one_before(scene: Scene) {
    scene.delivery(1, "pending", scene.now).await;
    run!(scene, SET_PREVIOUS_SECRET, scene.now.as_micros());
    // Changed while the look waited for the row.
    let later = scene.now.plus(Duration::from_secs(60)).as_micros();
    run!(scene, SET_UPDATED_AT, later);
    run!(scene, SET_STATUS, "disabled");
    assert!(matches!(scene.claim().await, Claimed::Skipped(1)));
    let mut conn = scene.db.read().await.unwrap();
    let (updated_at,) = fetch_one!(&mut conn, UPDATED_AT as (i64,)).unwrap();
    assert_eq!(updated_at, later + 1);
    // What signs no more is gone.
    let (secrets,) = fetch_one!(&mut conn, COUNT_PREVIOUS_SECRETS as (i64,)).unwrap();
    assert_eq!(secrets, 0);
}

async fn what_was_said_before_a_change_ends_nothing(scene: Scene) {
    scene.delivery(1, "pending", scene.now).await;
    let claim = scene.claims().await.remove(0);
    // Disabled and enabled again.
    run!(scene, CHANGE_ENDPOINT);
    scene.record(claim, Outcome::Gone).await;
    assert_eq!(scene.deliveries().await, [("pending".to_owned(), 1, None)]);
    let (status, failures, _) = scene.endpoints().await.remove(0);
    assert_eq!((status.as_str(), failures), ("enabled", 1));
    // Asked once more, it says so again.
    let scene = Scene {
        now: scene.now.plus(Duration::from_secs(60)),
        ..scene
    };
    let claim = scene.claims().await.remove(0);
    let recorded = scene.record(claim, Outcome::Gone).await;
    assert_eq!(recorded, Recorded::Whole { told: true });
    assert_eq!(scene.endpoints().await[0].0, "disabled");
}

async fn an_old_address_says_nothing_of_the_new_one(scene: Scene) {
    scene.delivery(1, "pending", scene.now).await;
    let claim = scene.claims().await.remove(0);
    run!(scene, SET_URL, "https://example.org/");
    let recorded = scene.record(claim, Outcome::Gone).await;
    assert_eq!(recorded, Recorded::Whole { told: false });
    assert_eq!(scene.deliveries().await, [("pending".to_owned(), 1, None)]);
    let (status, failures, _) = scene.endpoints().await.remove(0);
    assert_eq!((status.as_str(), failures), ("enabled", 0));
}

async fn what_a_later_version_wants_is_sent_and_recorded(scene: Scene) {
    const FILTERS: &str = r#"["client.*","timer.*"]"#;
    run!(scene, SET_EVENTS, FILTERS);
    scene.delivery(1, "pending", scene.now).await;
    let claim = scene.claims().await.remove(0);
    let recorded = scene.record(claim, Outcome::Failed).await;
    assert_eq!(recorded, Recorded::Whole { told: false });
    assert_eq!(scene.deliveries().await, [("pending".to_owned(), 1, None)]);
    let endpoints = scene.endpoints().await;
    assert_eq!(endpoints, [("enabled".to_owned(), 1, FILTERS.to_owned())]);
}

/// Who stays gets the endpoint's next deliveries with the record, as many as stay; who does not leaves
/// them, and so does everybody once the endpoint has to prove itself anew.
async fn who_stays_gets_what_is_next(scene: Scene) {
    for number in 1..=6 {
        scene.delivery(number, "pending", scene.now).await;
    }
    let first = scene.claims().await.remove(0);
    let report = || scene.report(Outcome::Delivered, Duration::ZERO);
    let (_, nothing) = scene.record_and_claim(vec![(first, report(), false)]).await;
    assert!(nothing.is_empty(), "{nothing:?}");
    let claims = scene.claims().await;
    assert_eq!(claims.len(), 4);
    run!(scene, SET_PREVIOUS_SECRET, scene.now.as_micros());
    let attempts = vec![(claims[0], report(), true), (claims[1], report(), false)];
    let (_, next) = scene.record_and_claim(attempts).await;
    assert_eq!(next.len(), 1);
    // An endpoint that is served so loses a secret that signs no more.
    let mut conn = scene.db.read().await.unwrap();
    let (secrets,) = fetch_one!(&mut conn, COUNT_PREVIOUS_SECRETS as (i64,)).unwrap();
    drop(conn);
    assert_eq!(secrets, 0);
    // It is leased: nobody else gets it, and its record is as good as any.
    assert!(matches!(scene.claim().await, Claimed::Nothing));
    let failed = scene.report(Outcome::Failed, Duration::ZERO);
    let (recorded, next) = scene.record_and_claim(vec![(next[0], failed, true)]).await;
    assert_eq!(recorded, [Recorded::Whole { told: false }]);
    assert!(next.is_empty(), "it has to prove itself: {next:?}");
}

/// From the third failure in a row on an endpoint gets nothing for a while, whatever is due; a success ends
/// that.
async fn who_fails_again_and_again_is_left_alone(mut scene: Scene) {
    for number in 1..=6 {
        scene.delivery(number, "pending", scene.now).await;
    }
    for _ in 0..3 {
        assert!(scene.due().await <= Some(scene.now));
        let claims = scene.claims().await;
        assert_eq!(claims.len(), 1);
        scene.record(claims[0], Outcome::Failed).await;
    }
    let rested = scene.due().await.expect("more is due");
    assert_eq!(rested, scene.now.plus(Duration::from_millis(100)));
    // Nor when something else has it looked at.
    run!(scene, SET_DUE);
    assert_eq!(scene.claims().await.len(), 0);
    assert_eq!(scene.due().await, Some(rested));
    // And what comes meanwhile has nobody look at it sooner.
    let (organization, endpoint, now) = (scene.organization, scene.endpoint, scene.now);
    let looked = scene.db.write(move |conn| {
        Box::pin(crate::endpoint::look_at(
            conn,
            organization,
            endpoint,
            Some(now),
        ))
    });
    assert!(looked.await.unwrap());
    assert_eq!(scene.due().await, Some(rested));
    scene.now = rested;
    let claims = scene.claims().await;
    assert_eq!(claims.len(), 1);
    scene.record(claims[0], Outcome::Delivered).await;
    assert!(scene.due().await <= Some(scene.now));
    assert_eq!(scene.claims().await.len(), 2, "what was not tried yet");
}

/// A lease that is over while as many others hold as may makes nobody look again before one of those
/// ends.
async fn who_is_sent_more_than_now_may_be_is_looked_at_when_one_ends(mut scene: Scene) {
    scene.delivery(1, "pending", scene.now).await;
    let first = scene.claims().await.remove(0);
    scene.record(first, Outcome::Delivered).await;
    let later = scene.now.plus(Duration::from_secs(10));
    scene.delivery(2, "pending", scene.now).await;
    for number in 3..=5 {
        scene.delivery(number, "pending", later).await;
    }
    assert_eq!(scene.claims().await.len(), 1);
    scene.now = later;
    run!(scene, SET_DUE);
    let three = scene.claims().await;
    assert_eq!(three.len(), 3);
    // It fails by now, and gets one at a time.
    scene.record(three[0], Outcome::Failed).await;
    scene.now = scene
        .now
        .plus(LEASE.checked_sub(Duration::from_secs(5)).unwrap());
    run!(scene, SET_DUE);
    assert_eq!(scene.claims().await.len(), 0);
    assert_eq!(scene.due().await, Some(three[1].until));
}

/// Of what is left for an endpoint that was disabled meanwhile nothing is claimed, and whoever looks next
/// skips it.
async fn who_stays_at_a_disabled_endpoint_gets_nothing(scene: Scene) {
    for number in 1..=3 {
        scene.delivery(number, "pending", scene.now).await;
    }
    let first = scene.claims().await.remove(0);
    run!(scene, SET_STATUS, "disabled");
    let report = scene.report(Outcome::Delivered, Duration::ZERO);
    let (_, next) = scene.record_and_claim(vec![(first, report, true)]).await;
    assert!(next.is_empty(), "{next:?}");
    assert!(matches!(scene.claim().await, Claimed::Skipped(2)));
    let skipped = ("skipped".to_owned(), 0, Some("disabled".to_owned()));
    let delivered = ("delivered".to_owned(), 1, None);
    assert_eq!(
        scene.deliveries().await,
        [delivered, skipped.clone(), skipped]
    );
}
