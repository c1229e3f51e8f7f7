//! Drafts and sends among writers, on both engines: nothing is lost and nothing is billed twice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::{BoxFuture, join_all};
use hoursmith_bus::Conditions;
use hoursmith_domain::{ClientId, InvoiceId, OrganizationId};
use hoursmith_kit::{Clock, Random, SystemClock, SystemRandom};
use hoursmith_store::testing::TestDb;
use hoursmith_store::{Conn, execute, fetch_all, fetch_one};
use uuid::Uuid;

use super::*;
use crate::write::Stamp;

hoursmith_store::statements! {
    INSERT_ORGANIZATION = "INSERT INTO organizations (id, name, slug, plan, currency, timezone, created_at, \
        updated_at) VALUES ($1, 'o', 'o', 'agency', 'EUR', 'UTC', 1, 1)";
    INSERT_USER = "INSERT INTO users (id, name, email, email_key, created_at, updated_at) \
        VALUES ($1, 'u', 'u', 'u', 1, 1)";
    INSERT_MEMBER = "INSERT INTO members (organization_id, id, user_id, role, status, created_at, updated_at) \
        VALUES ($1, $2, $2, 'owner', 'active', 1, 1)";
    INSERT_CLIENT = "INSERT INTO clients (organization_id, id, name, name_key, search, currency, created_at, \
        updated_at) VALUES ($1, $2, $3, $3, $3, 'EUR', 1, 1)";
    INSERT_PROJECT = "INSERT INTO projects (organization_id, id, client_id, name, name_key, created_at, \
        updated_at) VALUES ($1, $2, $3, 'p', 'p', 1, 1)";
    INSERT_ENTRY = "INSERT INTO time_entries (organization_id, id, member_id, project_id, client_id, order_at, \
        spent_on, duration_seconds, rounded_seconds, billable, rate, rate_source, amount, currency, created_at, \
        updated_at) VALUES ($1, $2, $3, $4, $5, 1, '2026-11-02', 60, 60, TRUE, 600000, 'project', 10000, 'EUR', 1, 1)";
    CHANGE_ENTRY = "UPDATE time_entries SET amount = amount + 10000 \
        WHERE organization_id = $1 AND id = $2 AND invoice_id IS NULL";
    RENAME_PROJECT = "UPDATE projects SET name = $3, name_key = $3 WHERE organization_id = $1 AND id = $2";
    SET_FEE = "UPDATE projects SET billing_method = 'fixed', fixed_fee = 5 WHERE organization_id = $1 AND id = $2";
    LIST_ENTRIES = "SELECT id, invoice_id, amount FROM time_entries WHERE organization_id = $1";
    VERSIONS = "SELECT version, COUNT(*) FROM time_entries \
        WHERE organization_id = $1 AND invoice_id IS NULL GROUP BY version";
    COUNT_EVENTS = "SELECT COUNT(*) FROM events WHERE organization_id = $1 AND type = $2";
}

/// A database with an organization, a member and a client with a project.
#[derive(Clone)]
struct Scene {
    db: Arc<TestDb>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    organization: OrganizationId,
    member: Uuid,
    client: ClientId,
    project: Uuid,
}

impl Scene {
    async fn on(db: TestDb) -> Self {
        let random: Arc<dyn Random> = Arc::new(SystemRandom);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let id = || random.uuid_v7(clock.now());
        let scene = Self {
            db: Arc::new(db),
            organization: OrganizationId(id()),
            member: id(),
            client: ClientId(id()),
            project: id(),
            clock: Arc::clone(&clock),
            random: Arc::clone(&random),
        };
        let made = scene.clone();
        scene
            .write(move |conn, _| {
                Box::pin(async move {
                    let (organization, member) = (made.organization.0, made.member);
                    execute!(conn, INSERT_ORGANIZATION, organization)?;
                    execute!(conn, INSERT_USER, member)?;
                    execute!(conn, INSERT_MEMBER, organization, member)?;
                    execute!(conn, INSERT_CLIENT, organization, made.client.0, "c")?;
                    execute!(
                        conn,
                        INSERT_PROJECT,
                        organization,
                        made.project,
                        made.client.0
                    )?;
                    Ok(())
                })
            })
            .await
            .unwrap();
        scene
    }

    async fn write<T: Send + 'static>(
        &self,
        job: impl for<'t> FnOnce(&'t mut Conn, Stamp) -> BoxFuture<'t, Result<T, Error>>
        + Send
        + 'static,
    ) -> Result<T, Error> {
        let scene = self.clone();
        self.db
            .db()
            .write(move |conn| {
                let stamp = Stamp::new(&scene.clock, &scene.random, scene.organization);
                job(conn, stamp)
            })
            .await
    }

    /// Writes an entry, as the resource of entries does: first its row, then its client's draft.
    async fn enter(&self) -> Uuid {
        let scene = self.clone();
        let written = self.write(move |conn, stamp| {
            Box::pin(async move {
                let id = stamp.new_id();
                execute!(
                    conn,
                    INSERT_ENTRY,
                    scene.organization.0,
                    id,
                    scene.member,
                    scene.project,
                    scene.client.0
                )?;
                scene.draft_changed(conn, &stamp).await?;
                Ok(id)
            })
        });
        written.await.unwrap()
    }

    async fn draft_changed(&self, conn: &mut Conn, stamp: &Stamp) -> Result<(), Error> {
        draft_changed(conn, stamp, self.organization, Some(self.client)).await
    }

    /// Sends the open draft; false when none is open or it is empty.
    async fn send(&self) -> bool {
        let Some(id) = self.open_draft().await else {
            return false;
        };
        let organization = self.organization;
        let sent = self
            .write(move |conn, stamp| {
                Box::pin(async move {
                    let (sending, any) = (Sending::default(), Conditions::default());
                    send_draft(conn, stamp, organization, id, sending, &any).await
                })
            })
            .await;
        match sent {
            Ok(_) => true,
            Err(Error::Problem(problem)) if problem.code == Code::Conflict => false,
            Err(error) => panic!("{error:?}"),
        }
    }

    async fn open_draft(&self) -> Option<InvoiceId> {
        let all = self.invoices().await;
        let mut drafts = all.iter().filter(|one| one.status == Status::Draft);
        let draft = drafts.next().map(|draft| draft.id);
        assert!(drafts.next().is_none(), "one draft at most");
        draft
    }

    /// Every invoice with what it bills.
    async fn invoices(&self) -> Vec<InvoiceState> {
        let mut conn = self.db.db().read().await.unwrap();
        let mut all = Vec::new();
        for row in newest(&mut conn, self.organization, None).await.unwrap() {
            all.extend(fill(&mut conn, self.organization, row).await.unwrap());
        }
        all
    }

    async fn events(&self, kind: &str) -> i64 {
        let mut conn = self.db.db().read().await.unwrap();
        let (count,) =
            fetch_one!(&mut conn, COUNT_EVENTS as (i64,), self.organization.0, kind).unwrap();
        count
    }
}

async fn drafts_open_once_and_are_counted(db: TestDb) {
    let scene = Scene::on(db).await;
    let nothing = scene.clone();
    let changed = scene.write(move |conn, stamp| {
        Box::pin(async move { nothing.draft_changed(conn, &stamp).await })
    });
    changed.await.unwrap();
    assert_eq!(scene.open_draft().await, None, "there is nothing to bill");

    let entered = join_all((0..20).map(|_| scene.enter())).await;
    let draft = scene.invoices().await.pop().unwrap();
    assert_eq!(draft.base.version, 20);
    assert_eq!(draft.lines[0].time_entry_ids.len(), entered.len());
    assert_eq!(scene.events("invoice.created").await, 1);

    // A fee alone opens one as well, once what was there is sent.
    assert!(scene.send().await);
    assert_eq!(scene.open_draft().await, None);
    let fee = scene.clone();
    let set = scene.write(move |conn, stamp| {
        Box::pin(async move {
            execute!(conn, SET_FEE, fee.organization.0, fee.project)?;
            fee.draft_changed(conn, &stamp).await
        })
    });
    set.await.unwrap();
    assert!(scene.send().await);
    assert_eq!(scene.open_draft().await, None, "a fee is billed once");
    assert_eq!(scene.events("invoice.created").await, 2);
}

/// As many entries as a draft may hold are sent, and released, in one job each, which the store
/// gives ten seconds.
async fn a_full_draft_is_sent_and_voided(db: TestDb) {
    let scene = Scene::on(db).await;
    for _ in 0..10 {
        let of = scene.clone();
        let filled = scene.write(move |conn, stamp| {
            Box::pin(async move {
                for _ in 0..line::MAX_ENTRIES / 10 {
                    execute!(
                        conn,
                        INSERT_ENTRY,
                        of.organization.0,
                        stamp.new_id(),
                        of.member,
                        of.project,
                        of.client.0
                    )?;
                }
                of.draft_changed(conn, &stamp).await
            })
        });
        filled.await.unwrap();
    }
    let draft = scene.open_draft().await.unwrap();
    assert!(scene.send().await);
    assert_eq!(scene.open_draft().await, None, "all of it fitted");
    let all = i64::try_from(line::MAX_ENTRIES).unwrap();
    assert_eq!(scene.events("time_entry.updated").await, all);

    let organization = scene.organization;
    let voided = scene.write(move |conn, stamp| {
        Box::pin(async move {
            let any = Conditions::default();
            void_invoice(conn, stamp, organization, draft, &any).await
        })
    });
    voided.await.unwrap();
    assert_eq!(scene.events("time_entry.updated").await, 2 * all);
    let mut conn = scene.db.db().read().await.unwrap();
    let versions = fetch_all!(&mut conn, VERSIONS as (i64, i64), organization.0);
    assert_eq!(versions.unwrap(), [(3, all)], "each change counted once");
}

/// Writers make and change entries and rename their project while others send what there is.
async fn each_entry_is_billed_once(db: TestDb) {
    let scene = Scene::on(db).await;
    let writing = &AtomicUsize::new(8);
    let writers = (0..8).map(|writer| {
        let scene = scene.clone();
        async move {
            for step in 0..12 {
                let id = scene.enter().await;
                let of = scene.clone();
                let change = scene.write(move |conn, stamp| {
                    Box::pin(async move {
                        let organization = of.organization.0;
                        if writer == 0 {
                            let name = format!("p{step}");
                            execute!(conn, RENAME_PROJECT, organization, of.project, name)?;
                        } else {
                            execute!(conn, CHANGE_ENTRY, organization, id)?;
                        }
                        of.draft_changed(conn, &stamp).await
                    })
                });
                change.await.unwrap();
            }
            writing.fetch_sub(1, Ordering::Relaxed);
        }
    });
    let senders = (0..3).map(|_| async {
        while writing.load(Ordering::Relaxed) > 0 {
            scene.send().await;
            tokio::task::yield_now().await;
        }
    });
    futures::join!(join_all(writers), join_all(senders));
    while scene.send().await {}

    let mut conn = scene.db.db().read().await.unwrap();
    let rows = fetch_all!(
        &mut conn,
        LIST_ENTRIES as (Uuid, Option<Uuid>, i64),
        scene.organization.0
    );
    drop(conn);
    let entries: BTreeMap<Uuid, (Option<Uuid>, i64)> = rows
        .unwrap()
        .into_iter()
        .map(|(id, invoice, amount)| (id, (invoice, amount)))
        .collect();
    assert_eq!(entries.len(), 8 * 12);
    let sent: Vec<InvoiceState> = scene
        .invoices()
        .await
        .into_iter()
        .filter(|invoice| invoice.status == Status::Sent)
        .collect();
    assert!(sent.len() > 1, "sent while entries were written");
    let mut billed = BTreeSet::new();
    for invoice in &sent {
        let mut sum = 0;
        for id in invoice.lines.iter().flat_map(|line| &line.time_entry_ids) {
            let (of, amount) = entries[id];
            assert_eq!(of, Some(invoice.id.0), "its lines are what it holds");
            assert!(billed.insert(*id), "{id} twice");
            sum += amount;
        }
        assert_eq!(invoice.total.ten_thousandths(), sum);
    }
    assert_eq!(billed.len(), entries.len(), "none was lost");
    let numbers: BTreeSet<String> = sent.iter().flat_map(|one| one.number.clone()).collect();
    let expected = (1..=sent.len()).map(|number| format!("INV-{number:05}"));
    assert_eq!(numbers, expected.collect());
}

#[tokio::test(flavor = "multi_thread")]
async fn drafts_open_once_and_are_counted_on_sqlite() {
    drafts_open_once_and_are_counted(TestDb::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn drafts_open_once_and_are_counted_on_postgres() {
    drafts_open_once_and_are_counted(TestDb::postgres().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_entry_is_billed_once_on_sqlite() {
    each_entry_is_billed_once(TestDb::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_entry_is_billed_once_on_postgres() {
    each_entry_is_billed_once(TestDb::postgres().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_draft_is_sent_and_voided_on_sqlite() {
    a_full_draft_is_sent_and_voided(TestDb::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_draft_is_sent_and_voided_on_postgres() {
    a_full_draft_is_sent_and_voided(TestDb::postgres().await).await;
}
