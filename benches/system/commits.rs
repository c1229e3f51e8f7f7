//! The baseline of writes: what a keyed POST writes, on one SQLite connection with the program's
//! durability, one transaction and so one flush for each request. No HTTP, no look-ups before.

use std::time::Duration;

use hoursmith_kit::{Clock as _, Random as _, SystemClock, SystemRandom};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};
use uuid::Uuid;

use crate::direct::statement;
use crate::site::Site;
use crate::writes;

/// The statements, in the order of a request.
struct Texts {
    claim: &'static str,
    insert: &'static str,
    append: &'static str,
    complete: &'static str,
}

/// A connection to a database of its own.
pub(crate) struct Commits {
    site: Site,
    texts: Texts,
    conn: SqliteConnection,
    clock: SystemClock,
}

impl Commits {
    pub(crate) async fn prepare() -> Self {
        let site = Site::prepare().await;
        let conn = SqliteConnectOptions::new()
            .filename(site.database())
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .disable_statement_logging()
            .connect()
            .await
            .unwrap();
        let (of_store, of_resource) = (
            hoursmith_store::statements(),
            hoursmith_resource::plugin().statements(),
        );
        let texts = Texts {
            claim: statement(&of_store, "CLAIM_IDEMPOTENCY").sql,
            insert: statement(&of_resource, "INSERT_CLIENT").sql,
            append: statement(&of_store, "APPEND_EVENT").sql,
            complete: statement(&of_store, "COMPLETE_IDEMPOTENCY").sql,
        };
        Self {
            site,
            texts,
            conn,
            clock: SystemClock::new(),
        }
    }

    /// Requests a second, over a time.
    pub(crate) async fn per_second(&mut self, time: Duration) -> f64 {
        let started = self.clock.monotonic();
        let mut requests = 0_u32;
        loop {
            self.request().await;
            requests += 1;
            let passed = self.clock.monotonic() - started;
            if passed >= time {
                return f64::from(requests) / passed.as_secs_f64();
            }
        }
    }

    async fn request(&mut self) {
        let now = self.clock.now();
        let micros = now.as_micros();
        let (organization, member) = (self.site.organization.0, self.site.member.0);
        let id = SystemRandom.uuid_v7(now);
        let name = format!("Bench client {id}");
        let key = id.to_string();
        // What the API answers and puts into the event is about as long.
        let answer = writes::body(&format!("{id}{id}{id}"));
        let nothing = None::<String>;

        let mut tx = self.conn.begin_with("BEGIN IMMEDIATE").await.unwrap();
        let done = sqlx::query(self.texts.claim)
            .bind(organization)
            .bind(member)
            .bind(&key)
            .bind([7_u8; 32].as_slice())
            .bind(micros)
            .bind(0_i64)
            .execute(&mut *tx)
            .await
            .unwrap();
        assert_eq!(done.rows_affected(), 1);
        sqlx::query(self.texts.insert)
            .bind(organization)
            .bind(id)
            .bind(&name)
            .bind(name.to_lowercase())
            .bind(format!("C-{id}"))
            .bind("EUR")
            .bind("ap@bench.example")
            .bind(&nothing)
            .bind(r#"{"line1":"Harbour Street 12","city":"Bremen","postal_code":"28195","country":"DE"}"#)
            .bind(&nothing)
            .bind(955_000_i64)
            .bind(30_i64)
            .bind("Made by a bench.")
            .bind(None::<i64>)
            .bind(&nothing)
            .bind(&nothing)
            .bind(&nothing)
            .bind("{}")
            .bind(1_i64)
            .bind(micros)
            .bind(micros)
            .execute(&mut *tx)
            .await
            .unwrap();
        sqlx::query(self.texts.append)
            .bind(organization)
            .bind(Uuid::from_u128(id.as_u128() ^ 1))
            .bind("client.created")
            .bind(id)
            .bind("v1")
            .bind(&answer)
            .bind(&nothing)
            .bind(micros)
            .execute(&mut *tx)
            .await
            .unwrap();
        sqlx::query(self.texts.complete)
            .bind(organization)
            .bind(member)
            .bind(&key)
            .bind(201_i64)
            .bind(r#"[["content-type","application/json"],["etag","\"1\""]]"#)
            .bind(answer.as_bytes())
            .execute(&mut *tx)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }
}
