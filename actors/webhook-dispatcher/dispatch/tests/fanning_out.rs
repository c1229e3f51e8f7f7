//! Deliveries as they are written, and those of them that are sent at once.

use super::*;

on_both! {
    filters_that_cannot_be_read_cost_no_other_its_events,
    organizations_get_their_turn_in_short_transactions,
    who_works_is_sent_what_comes_at_once,
    at_once_is_no_more_than_may_be_sent,
    who_has_to_prove_itself_is_sent_nothing_at_once,
    what_is_due_already_has_its_turn_first,
    what_is_sent_at_once_and_never_recorded_is_due_again,
}

async fn filters_that_cannot_be_read_cost_no_other_its_events(scene: Scene) {
    run!(scene, SET_EVENTS, "*");
    let (organization, good) = (scene.organization.0, Uuid::from_u128(3));
    run!(
        scene,
        NEW_ENDPOINT,
        organization,
        good,
        r#"["*"]"#,
        vec![0_u8]
    );
    let event = Uuid::from_u128(1_000);
    run!(
        scene,
        NEW_EVENT,
        organization,
        event,
        1_i64,
        "client.created",
        0_i64
    );
    let round = scene.fan_out().round(drop).await;
    assert!(round.passed && round.failed.is_none(), "{round:?}");
    assert_eq!(scene.deliveries().await, [("pending".to_owned(), 0, None)]);
    assert!(!scene.fan_out().round(drop).await.passed, "nothing waits");
    let found = ledger(scene.db.db(), Timestamp::from_micros(0), scene.now).await;
    let found = found.unwrap();
    assert_eq!(found.unreadable, [scene.endpoint.0]);
    assert_eq!((found.pending, found.missing), (1, 0));
}

async fn organizations_get_their_turn_in_short_transactions(scene: Scene) {
    // One with fifty endpoints and an import, and one with an endpoint and an event.
    let (large, small) = (Uuid::from_u128(10), Uuid::from_u128(20));
    run!(scene, NEW_ORGANIZATION, large, "large");
    run!(scene, NEW_ORGANIZATION, small, "small");
    for number in 0..50 {
        let id = Uuid::from_u128(100 + number);
        run!(scene, NEW_ENDPOINT, large, id, r#"["*"]"#, vec![0_u8]);
    }
    run!(
        scene,
        NEW_ENDPOINT,
        small,
        Uuid::from_u128(200),
        r#"["*"]"#,
        vec![0_u8]
    );
    let events = move |organization: Uuid, count: u128| {
        let event = move |number: u128| (organization, organization.as_u128() * 1_000 + number);
        (1..=count).map(event).collect::<Vec<_>>()
    };
    let rows = [events(large, 100), events(small, 1)].concat();
    let written = scene.db.write(move |conn| {
        Box::pin(async move {
            execute_rows!(
                conn,
                NEW_PUBLIC_EVENTS,
                rows,
                |row| row.0,
                Uuid::from_u128(row.1),
                i64::try_from(row.1).unwrap(),
                "client.created",
                row.0,
                "v1",
                "{}",
                0_i64,
            )
        })
    });
    assert_eq!(written.await.map_err(|error: Error| error).unwrap(), 101);
    let fan_out = scene.fan_out();
    let round = fan_out.round(drop).await;
    assert!(round.passed && round.failed.is_none());
    let count = async || {
        let mut conn = scene.db.read().await.unwrap();
        fetch_all!(&mut conn, COUNT_BY_ORGANIZATION as (Uuid, i64)).unwrap()
    };
    assert_eq!(count().await, [(large, 500), (small, 1)]);
    while fan_out.round(drop).await.passed {}
    assert_eq!(count().await, [(large, 5_000), (small, 1)]);
}

/// Longer than the deliveries of one turn are apart.
const MOMENT: Duration = Duration::from_millis(1);

/// What comes for endpoints that work is theirs to be sent with the transaction that writes it, and nobody
/// has to look for it.
async fn who_works_is_sent_what_comes_at_once(mut scene: Scene) {
    let other = scene.endpoint(3).await;
    for number in 1..=2 {
        scene.event(number).await;
    }
    // Places for both, and for none of what comes later.
    let fan_out = scene.fan_out();
    let turn = scene.turn(&fan_out).await;
    assert!(turn.is_left, "an organization has a quarter of the places");
    assert_eq!(turn.at_once.len(), 3);
    let of = |endpoint| {
        turn.at_once
            .iter()
            .filter(move |one| one.claim.endpoint == endpoint)
    };
    assert_eq!((of(scene.endpoint).count(), of(other).count()), (2, 1));
    assert_eq!(
        scene.due().await,
        Some(scene.now.plus(LEASE)),
        "when its leases are over"
    );
    // They are as good as any that were claimed.
    let claims = turn.at_once.iter().map(|one| one.claim);
    let attempts = claims.map(|claim| (claim, scene.report(Outcome::Delivered, Duration::ZERO)));
    let recorded = scene.record_all(attempts.collect()).await;
    assert_eq!(recorded, [Recorded::Whole { told: false }; 3]);
    let delivered = ("delivered".to_owned(), 1, None);
    let mut found = scene.deliveries().await;
    found.sort();
    assert_eq!(
        found[..3],
        [delivered.clone(), delivered.clone(), delivered]
    );
    assert_eq!(found[3], ("pending".to_owned(), 0, None));
    // Who sends holds the places until then.
    drop(turn);
    scene.now = scene.now.plus(MOMENT);
    scene.event(3).await;
    let turn = scene.turn(&scene.fan_out()).await;
    let sent: Vec<WebhookEndpointId> = turn.at_once.iter().map(|one| one.claim.endpoint).collect();
    assert_eq!(sent, [scene.endpoint], "the other has one that is due");
    let found = ledger(
        scene.db.db(),
        Timestamp::from_micros(0),
        scene.now.plus(MOMENT),
    )
    .await;
    let found = found.unwrap();
    assert_eq!((found.pending, found.missing), (3, 0));
}

/// No more is sent at once than claims would be: at a time, and in a second.
async fn at_once_is_no_more_than_may_be_sent(mut scene: Scene) {
    run!(scene, SET_PROVEN);
    for number in 1..=6 {
        scene.event(number).await;
    }
    let places = NonZeroU32::new(100).unwrap();
    let fan_out = |scene: &Scene| FanOut {
        lanes: Arc::new(Lanes::new(places, places)),
        ..scene.fan_out()
    };
    let first = scene.turn(&fan_out(&scene)).await;
    assert_eq!((first.at_once.len(), first.is_left), (4, true));
    scene.now = scene.now.plus(MOMENT);
    let (last, report) = (
        first.at_once[3].claim,
        scene.report(Outcome::Delivered, Duration::ZERO),
    );
    let (_, next) = scene.record_and_claim(vec![(last, report, true)]).await;
    assert_eq!(next.len(), 1, "what was left is claimed along");
    // Another process has as many as before, and the rate is another one too.
    run!(scene, SET_PROVEN);
    scene.rate = NonZeroU32::new(2).unwrap();
    scene.event(7).await;
    let none = scene.turn(&fan_out(&scene)).await;
    assert_eq!((none.at_once.len(), none.is_left), (0, true));
    let three = first.at_once.iter().take(3).map(|one| one.claim);
    let report = || scene.report(Outcome::Delivered, Duration::ZERO);
    let attempts = three.chain(next).map(|claim| (claim, report()));
    scene.record_all(attempts.collect()).await;
    run!(scene, SET_PROVEN);
    scene.now = scene.now.plus(Duration::from_secs(1));
    for number in 8..=10 {
        scene.event(number).await;
    }
    let paced = scene.turn(&fan_out(&scene)).await;
    assert_eq!((paced.at_once.len(), paced.is_left), (2, true));
    let next = scene.now.plus(Duration::from_millis(500));
    assert_eq!(scene.due().await, Some(scene.now));
    assert!(matches!(scene.claim().await, Claimed::Some(_, claims) if claims.is_empty()));
    assert_eq!(scene.due().await, Some(next));
}

/// An endpoint that failed, is failing or is of an organization without the plan gets nothing at once.
async fn who_has_to_prove_itself_is_sent_nothing_at_once(scene: Scene) {
    for (number, status) in [(1, "enabled"), (2, "failing")] {
        if status == "failing" {
            run!(scene, SET_PROVEN);
        }
        run!(scene, SET_STATUS, status);
        scene.event(number).await;
        let turn = scene.turn(&scene.fan_out()).await;
        assert_eq!((turn.at_once.len(), turn.is_left), (0, true), "{status}");
        assert!(scene.due().await <= Some(scene.now));
    }
    run!(scene, SET_PROVEN);
    run!(scene, SET_STATUS, "enabled");
    run!(scene, SET_PLAN, "studio");
    scene.event(3).await;
    let turn = scene.turn(&scene.fan_out()).await;
    assert_eq!((turn.at_once.len(), turn.is_left), (0, false));
    assert_eq!(scene.due().await, None, "nobody has to look");
    let skipped = ("skipped".to_owned(), 0, Some("plan".to_owned()));
    assert!(scene.deliveries().await.contains(&skipped));
}

/// What waits for its turn is not overtaken.
async fn what_is_due_already_has_its_turn_first(mut scene: Scene) {
    run!(scene, SET_PROVEN);
    scene.delivery(1, "pending", scene.now).await;
    scene.event(2).await;
    let turn = scene.turn(&scene.fan_out()).await;
    assert_eq!((turn.at_once.len(), turn.is_left), (0, true));
    scene.now = scene.now.plus(MOMENT);
    assert_eq!(scene.claims().await.len(), 2);
}

/// A process that ends before it has sent what it claimed leaves it to others, like any lease.
async fn what_is_sent_at_once_and_never_recorded_is_due_again(mut scene: Scene) {
    run!(scene, SET_PROVEN);
    scene.event(1).await;
    let turn = scene.turn(&scene.fan_out()).await;
    assert_eq!((turn.at_once.len(), turn.is_left), (1, false));
    assert!(matches!(scene.claim().await, Claimed::Nothing));
    scene.now = scene.now.plus(LEASE);
    let again = scene.claims().await;
    assert_eq!(again.len(), 1);
    let late = scene
        .record(turn.at_once[0].claim, Outcome::Delivered)
        .await;
    assert_eq!(late, Recorded::Fenced);
    let recorded = scene.record(again[0], Outcome::Delivered).await;
    assert_eq!(recorded, Recorded::Whole { told: false });
}
