//! What is locked stays as it is, and nothing enters where time is locked.

use serde_json::{Value, json};

use super::studio::{ARCHIVE, SET_LOCK_BEFORE, Studio, has, path};
use crate::http::Answer;
use crate::world::World;

#[track_caller]
fn is_locked(answer: Answer, reason: &str) {
    let body = answer.expect_problem(409, "locked").json();
    assert_eq!(body["locked_reason"], reason);
}

/// Tries everything that would change an entry; each must be refused.
async fn refuses_all(studio: &Studio<'_>, entry: &Value, reason: &str) {
    let owner = &studio.org.owner;
    let before = studio.read(owner, entry).await.expect(200).json();
    has(&before, json!({"is_locked": true, "locked_reason": reason}));
    for patch in [
        json!({"description": "x"}),
        json!({"duration_seconds": 1}),
        json!({"spent_on": "2026-06-01"}),
        json!({}),
    ] {
        is_locked(studio.change(owner, entry, patch).await, reason);
    }
    is_locked(studio.stop(owner, entry).await, reason);
    is_locked(studio.delete(owner, entry).await, reason);
    assert_eq!(studio.read(owner, entry).await.json(), before);
}

pub async fn a_locked_period_keeps_its_time(world: &World) {
    let studio = Studio::open(world).await;
    let owner = &studio.org.owner;
    let on = |day: &str| json!({"duration_seconds": 60, "spent_on": day});
    let inside = studio.added(owner, on("2026-03-31")).await;
    let outside = studio.added(owner, on("2026-04-01")).await;
    let running = studio
        .added(owner, json!({"started_at": "2026-03-31T12:00:00Z"}))
        .await;
    let tag = studio.read(owner, &inside).await.header("etag").to_owned();
    studio.rule(SET_LOCK_BEFORE, Some("2026-04-01")).await;
    for entry in [&inside, &running] {
        refuses_all(&studio, entry, "period_locked").await;
    }
    // A lock is no change of the entry, yet its copy is not current any more.
    let read = world
        .get(&path(&inside), owner)
        .header("if-none-match", &tag);
    let read = read.send().await.expect(200).json();
    assert_eq!(read["updated_at"], inside["updated_at"]);

    has(&outside, json!({"is_locked": false, "locked_reason": null}));
    is_locked(studio.add(owner, on("2026-03-31")).await, "period_locked");
    is_locked(
        studio
            .change(owner, &outside, json!({"spent_on": "2026-03-31"}))
            .await,
        "period_locked",
    );
    let timer = json!({"started_at": "2026-03-31T12:00:00Z"});
    is_locked(studio.add(&studio.org.member, timer).await, "period_locked");
    // The timer that would have to make way cannot.
    let other = studio.add_by(owner, "?stop_running=true", json!({})).await;
    is_locked(other, "period_locked");
    studio
        .changed(owner, &outside, json!({"spent_on": "2026-04-02"}))
        .await;
    studio.rule(SET_LOCK_BEFORE, None).await;
    studio.stop(owner, &running).await.expect(200);
    studio.delete(owner, &inside).await.expect(204);
}

pub async fn an_archived_project_keeps_its_time(world: &World) {
    let studio = Studio::open(world).await;
    let owner = &studio.org.owner;
    let body = json!({"duration_seconds": 60, "spent_on": "2026-06-01"});
    let entry = studio.added(owner, body.clone()).await;
    let other = studio.project_of(None).await;
    studio.join(other, owner).await;
    let outside = studio
        .added(owner, json!({"project_id": other, "duration_seconds": 60}))
        .await;
    studio.set(ARCHIVE, studio.project, Some(1)).await;
    refuses_all(&studio, &entry, "project_archived").await;
    is_locked(studio.add(owner, body).await, "project_archived");
    let enter = json!({"project_id": studio.project});
    is_locked(
        studio.change(owner, &outside, enter).await,
        "project_archived",
    );
    studio.rule(SET_LOCK_BEFORE, Some("2026-07-01")).await;
    refuses_all(&studio, &entry, "period_locked").await;
    studio.rule(SET_LOCK_BEFORE, None).await;
    studio.set(ARCHIVE, studio.project, None).await;
    studio.delete(owner, &entry).await.expect(204);
}

pub async fn an_invoice_keeps_its_time(world: &World) {
    let studio = Studio::open(world).await;
    let owner = &studio.org.owner;
    let body = json!({"duration_seconds": 60, "spent_on": "2026-06-01"});
    let entry = studio.added(owner, body).await;
    let invoice = studio.bill(&[&entry]).await;
    studio.rule(SET_LOCK_BEFORE, Some("2026-07-01")).await;
    studio.set(ARCHIVE, studio.project, Some(1)).await;
    refuses_all(&studio, &entry, "invoiced").await;
    let billed = studio.read(owner, &entry).await.json();
    has(
        &billed,
        json!({"invoice_id": invoice, "updated_at": entry["updated_at"]}),
    );
}
