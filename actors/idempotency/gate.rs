//! The gate: looks a key up and answers from its record, or lets the request through with a ticket.
//!
//! It reads alone. That two requests with a new key do not both have an effect is decided where
//! the effect is, by the record's unique key in the effect's transaction; here nothing is
//! reserved, so nothing can stay reserved.

use std::sync::Arc;
use std::time::Duration;

use hoursmith_bus::{Additions, Ask, IdempotencyTicket, Response, Verdict};
use hoursmith_domain::{Keys, Problem};
use hoursmith_kit::{Clock, Failure, Worker};
use hoursmith_store::Db;
use hoursmith_store::idempotency::{self, Key, Record};
use hoursmith_telemetry::names;

pub(crate) struct Gate {
    pub(crate) db: Db,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) keys: Keys,
    pub(crate) retention: Duration,
}

impl Worker for Gate {
    async fn handle(&mut self, ask: Ask) -> Result<Verdict, Failure> {
        let (Some(request), Some(caller)) = (&ask.head.keyed, &ask.caller) else {
            return Err(Failure::internal(
                "look a key up",
                "the head has no key or no caller",
            ));
        };
        let (organization, member) = (caller.organization(), caller.member());
        let key = Key {
            organization,
            member,
            key: &request.key,
        };
        let mut conn = self.db.read().await?;
        Ok(
            match idempotency::find(
                &mut conn,
                &self.keys,
                &key,
                self.clock.now(),
                self.retention,
            )
            .await?
            {
                None => {
                    let ticket = IdempotencyTicket {
                        organization,
                        member,
                        request: request.clone(),
                        retention_s: u32::try_from(self.retention.as_secs()).unwrap_or(u32::MAX),
                    };
                    Verdict::Continue(Additions {
                        ticket: Some(ticket),
                        ..Additions::default()
                    })
                }
                Some(record) if record.fingerprint == request.fingerprint => {
                    metrics::counter!(names::IDEMPOTENCY_REPLAYS).increment(1);
                    Verdict::Respond(replay(record))
                }
                Some(_) => {
                    metrics::counter!(names::IDEMPOTENCY_CONFLICTS).increment(1);
                    Verdict::Refuse(Problem::idempotency_key_reused())
                }
            },
        )
    }
}

/// The first answer, byte for byte, marked as told again.
fn replay(record: Record) -> Response {
    let Record {
        status,
        headers,
        body,
        ..
    } = record;
    Response {
        status,
        headers,
        body: body.into(),
    }
    .with_header("idempotent-replayed", "true")
}
