//! What its event adds to a write: the statements of a keyed POST of a client with and without it, in
//! turns, each committed by itself.

use std::time::Duration;

use hoursmith_kit::{Clock as _, Random as _, SystemClock, SystemRandom};
use hoursmith_store::{Db, Error, Statement, execute};

use super::{STORES, percentile};
use crate::direct::statement;
use crate::report::{Bound, Report, Row};
use crate::site::{Site, Store};
use crate::writes;

/// Writes of each kind.
const WRITES: usize = 3_000;

/// The statements, in the order of a request.
#[derive(Clone, Copy)]
struct Texts {
    claim: Statement,
    insert: Statement,
    append: Statement,
    complete: Statement,
}

pub(crate) async fn measure(report: &mut Report) {
    let (of_store, of_resource) = (
        hoursmith_store::statements(),
        hoursmith_resource::plugin().statements(),
    );
    let texts = Texts {
        claim: statement(&of_store, "CLAIM_IDEMPOTENCY"),
        insert: statement(&of_resource, "INSERT_CLIENT"),
        append: statement(&of_store, "APPEND_EVENT"),
        complete: statement(&of_store, "COMPLETE_IDEMPOTENCY"),
    };
    for store in STORES {
        let site = Site::filled(store, 0).await;
        let db = site.open().await;
        let (mut with, mut without) = (Vec::new(), Vec::new());
        for turn in 0..WRITES * 2 {
            let has_event = turn % 2 == 0;
            let took = write(&db, &site, texts, has_event).await.as_secs_f64() * 1e6;
            if has_event {
                with.push(took)
            } else {
                without.push(took)
            }
        }
        db.close().await;
        with.sort_by(f64::total_cmp);
        without.sort_by(f64::total_cmp);
        let (with, without) = (percentile(&with, 50), percentile(&without, 50));
        report.add(Row {
            what: match store {
                Store::Sqlite => "the writes of a keyed POST with its event, SQLite",
                Store::Postgres => "the writes of a keyed POST with its event, PostgreSQL",
            },
            ours: format!("{with:.0} µs p50"),
            baseline: format!("{without:.0} µs p50 without the event"),
            ratio: with / without,
            target: Some(Bound::AtMost(1.1)),
        });
    }
}

/// One transaction; how long it took.
async fn write(db: &Db, site: &Site, texts: Texts, has_event: bool) -> Duration {
    let clock = SystemClock::new();
    let now = clock.now();
    let micros = now.as_micros();
    let (organization, member) = (site.organization.0, site.member.0);
    let Texts {
        claim,
        insert,
        append,
        complete,
    } = texts;
    let (id, event) = (SystemRandom.uuid_v7(now), SystemRandom.uuid_v7(now));
    // What the API answers and puts into the event is about as long.
    let answer = writes::body(&format!("{id}{id}{id}"));
    let written = db.write(move |conn| {
        Box::pin(async move {
            let (name, key) = (format!("Bench client {id}"), id.to_string());
            let nothing = None::<String>;
            let address = r#"{"line1":"Harbour Street 12","city":"Bremen","country":"DE"}"#;
            let digest = [7_u8; 32];
            execute!(
                conn,
                claim,
                organization,
                member,
                &key,
                digest.as_slice(),
                micros,
                0_i64
            )?;
            execute!(
                conn,
                insert,
                organization,
                id,
                &name,
                name.to_lowercase(),
                format!("C-{id}"),
                "EUR",
                "ap@bench.example",
                &nothing,
                address,
                &nothing,
                955_000_i64,
                30_i64,
                "Made by a bench.",
                None::<i64>,
                &nothing,
                &nothing,
                &nothing,
                "{}",
                1_i64,
                micros,
                micros,
            )?;
            if has_event {
                execute!(
                    conn,
                    append,
                    organization,
                    event,
                    "client.created",
                    id,
                    "v1",
                    &answer,
                    &nothing,
                    micros,
                )?;
            }
            let headers = r#"[["content-type","application/json"],["etag","\"1\""]]"#;
            let body = answer.as_bytes();
            let sealed = None::<&[u8]>;
            execute!(
                conn,
                complete,
                organization,
                member,
                &key,
                201_i64,
                headers,
                body,
                sealed
            )
        })
    });
    let written: Result<u64, Error> = written.await;
    assert_eq!(written.unwrap(), 1);
    clock.monotonic()
}
