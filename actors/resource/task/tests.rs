//! Whoever leaves a project is taken off its tasks, on both engines.

use hoursmith_store::testing::TestDb;
use hoursmith_store::{execute, fetch_all};
use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::bench::Bench;

hoursmith_store::statements! {
    LEAVE = "DELETE FROM project_members WHERE organization_id = $1 AND member_id = $2";
    LINKS = "SELECT member_id FROM task_assignees WHERE organization_id = $1 ORDER BY task_id, member_id";
}

async fn a_leaver_is_taken_off_its_tasks(db: TestDb) {
    let bench = Bench::new(db).await;
    let (organization, project) = (bench.organization, bench.project);
    let [ada, ben] = bench.members;
    let stamp = bench.stamp();
    let ids = [(); 3].map(|()| TaskId(stamp.new_id()));
    let assigned = [vec![ada, ben], vec![ben], vec![ada]];
    let made = stamp.clone();
    let write = bench.db.write(move |conn| {
        Box::pin(async move {
            let home = lock_home(conn, organization, project, Reach::ALL).await?;
            let (home, billable) = home.unwrap();
            for (id, assignees) in ids.into_iter().zip(assigned) {
                let mut task = TaskState::new(id, home, billable, made.now);
                task.name = id.to_string();
                task.assignees = assignees;
                task.assignees.sort();
                sql::insert(conn, organization, &task).await?;
                assign::link(conn, organization, &task).await?;
            }
            unassign(conn, &made, organization, project, ben).await?;
            unassign(conn, &made, organization, project, ben).await?;
            execute!(conn, LEAVE, organization.0, ben.0)?;
            Ok::<(), Error>(())
        })
    });
    write.await.unwrap();

    let mut conn = bench.db.read().await.unwrap();
    for (id, assignees, version) in [
        (ids[0], vec![ada], 2),
        (ids[1], vec![], 2),
        (ids[2], vec![ada], 1),
    ] {
        let task = sql::find(&mut conn, organization, id, Reach::ALL)
            .await
            .unwrap()
            .unwrap();
        assert_eq!((task.assignees, task.base.version), (assignees, version));
        assert_eq!(task.base.updated_at > task.base.created_at, version > 1);
    }
    let links = fetch_all!(&mut conn, LINKS as (Uuid,), organization.0).unwrap();
    assert_eq!(links, [(ada.0,), (ada.0,)]);
    drop(conn);
    let mut changes = bench.changes("task.").await;
    changes.sort_by_key(|(_, id, _)| *id);
    let mut both = [ada.to_string(), ben.to_string()];
    both.sort();
    let updated = |id: TaskId, before: serde_json::Value| {
        (
            "task.updated".to_owned(),
            id.0,
            json!({ "assignee_ids": before }),
        )
    };
    let mut expected = [updated(ids[0], json!(both)), updated(ids[1], json!([ben]))];
    expected.sort_by_key(|(_, id, _)| *id);
    assert_eq!(changes, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leaver_is_taken_off_its_tasks_on_sqlite() {
    a_leaver_is_taken_off_its_tasks(TestDb::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leaver_is_taken_off_its_tasks_on_postgres() {
    a_leaver_is_taken_off_its_tasks(TestDb::postgres().await).await;
}
