//! The counter on the in-process bus.

use std::time::Duration;

use hoursmith_bus::{Envelope, Subject, subjects};
use hoursmith_domain::{Keys, OrganizationId, SecretKey};
use hoursmith_kit::testing::Rig;
use hoursmith_kit::{Clock as _, RunningPlugin};
use hoursmith_settings::Settings;
use hoursmith_store::testing::TestDb;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{SUBJECT, plugin};

const LONGEST: Duration = Duration::from_secs(20);

struct Bench {
    rig: Rig,
    running: RunningPlugin,
    _db: TestDb,
}

impl Bench {
    async fn new(settings: &str) -> Self {
        let db = TestDb::sqlite().await;
        let mut of_all = Settings::default();
        let table = serde_json::from_str(settings).unwrap();
        of_all.actors.insert(crate::NAME.to_owned(), table);
        let rig = Rig::with_settings(db.db().clone(), of_all);
        let running = plugin().start(rig.host.clone()).await.unwrap();
        Self {
            rig,
            running,
            _db: db,
        }
    }

    async fn tell(&self, kind: &str, keys: &Keys) {
        let subject = subjects::event(OrganizationId(Uuid::from_u128(1)), kind).unwrap();
        let envelope = Envelope::new(self.rig.clock.now().plus(LONGEST), "", "{}");
        let envelope = envelope.sealed(&subject, keys);
        self.rig.host.bus.publish(subject, envelope).await.unwrap();
    }

    async fn counts(&self) -> Value {
        let (subject, keys) = (Subject::new(SUBJECT).unwrap(), &self.rig.host.keys);
        let deadline = self.rig.clock.now().plus(LONGEST);
        let question = Envelope::new(deadline, "", "").sealed(&subject, keys);
        let bus = &self.rig.host.bus;
        let asked = bus.request(subject.clone(), question.clone());
        let answer = asked.await.unwrap();
        answer.verify_answer(&subject, &question, keys).unwrap();
        serde_json::from_slice(&answer.body).unwrap()
    }

    async fn until(&self, holds: impl Fn(&Value) -> bool) {
        let counted = async {
            while !holds(&self.counts().await) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(LONGEST, counted).await.unwrap();
    }

    async fn until_total(&self, total: u64) {
        self.until(|counts| {
            let counts = counts.as_object().unwrap().values();
            counts.filter_map(Value::as_u64).sum::<u64>() == total
        })
        .await;
    }
}

#[tokio::test]
async fn it_counts_what_it_hears_by_type() {
    let bench = Bench::new("{}").await;
    let keys = bench.rig.host.keys.clone();
    assert_eq!(bench.counts().await, json!({}));
    for kind in ["client.created", "client.updated", "client.created", "ping"] {
        bench.tell(kind, &keys).await;
    }
    let wanted = json!({"client.created": 2, "client.updated": 1, "ping": 1});
    bench.until(|counts| *counts == wanted).await;
    bench.running.stop().await;
}

#[tokio::test]
async fn a_stranger_is_not_counted_and_types_are_bounded() {
    let bench = Bench::new(r#"{"most_types": 2}"#).await;
    let keys = bench.rig.host.keys.clone();
    let stranger = Keys::derive(&SecretKey::from_bytes([8; 32]));
    bench.tell("client.created", &stranger).await;
    let mut told = 0;
    for kind in ["client.created", "client.updated", "client.deleted", "ping"] {
        bench.tell(kind, &keys).await;
        // One after another, so that it is known which come first.
        told += 1;
        bench.until_total(told).await;
    }
    let wanted = json!({"client.created": 1, "client.updated": 1, "other": 2});
    bench.until(|counts| *counts == wanted).await;
    bench.running.stop().await;
}
