//! What happens to projects, tasks and time.

use serde_json::{Value, json};

use super::{Story, day, rate, thin};
use crate::dice::Dice;

const PROJECTS: &str = "/api/v1/projects";
const TASKS: &str = "/api/v1/tasks";
const ENTRIES: &str = "/api/v1/time_entries";

pub async fn project(story: &Story<'_>, dice: &mut Dice) {
    let method = *dice.one_of(&["hourly", "hourly", "fixed", "none"]).unwrap();
    let mut body = json!({
        "name": format!("project {}", dice.below(40)),
        "client_id": story.perhaps("client", dice),
        "code": format!("P{}", dice.below(9)),
        "billable_rate": rate(dice),
        "starts_on": day(dice),
        "budget": budget(dice),
        "notes": format!("note {}", dice.below(1000)),
        "archived": dice.below(8) == 0,
        "metadata": {"key": format!("value {}", dice.below(9))},
    });
    if dice.below(3) == 0 {
        body["billing_method"] = json!(method);
        body["billable"] = json!(method != "none");
        body["fixed_fee"] = match method {
            "fixed" => json!(format!("{}", 100 + dice.below(900))),
            _ => Value::Null,
        };
    }
    let together = ["name", "billing_method", "billable", "fixed_fee"];
    match (story.some("project", dice), dice.below(12)) {
        (None, _) | (Some(_), 0..3) => {
            if !story.has_room("project") {
                return;
            }
            let body = thin(body, &together, dice);
            if let Some(id) = story.make("project", PROJECTS, &body).await {
                let owner = story.org.owner.id;
                let path = format!("{PROJECTS}/{id}/members/{owner}");
                story.ask("PUT", &path, Some(&json!({}))).await;
            }
        }
        (Some(id), 3..9) => {
            let change = thin(body, &together[1..], dice);
            let path = format!("{PROJECTS}/{id}");
            story.ask("PATCH", &path, Some(&change)).await;
        }
        (Some(id), 9 | 10) => {
            let path = format!("{PROJECTS}/{id}");
            let back = json!({"archived": false});
            story.ask("PATCH", &path, Some(&back)).await;
        }
        (Some(id), _) => story.delete("project", PROJECTS, &id).await,
    }
}

fn budget(dice: &mut Dice) -> Value {
    match dice.below(5) {
        0 => Value::Null,
        chosen => json!({
            "kind": if chosen % 2 == 0 { "hours" } else { "money" },
            "amount": format!("{}", dice.below(5000)),
            "period": if chosen < 3 { "total" } else { "monthly" },
        }),
    }
}

pub async fn task(story: &Story<'_>, dice: &mut Dice) {
    let assignees: Vec<String> = (0..dice.below(3))
        .filter_map(|_| story.some("member", dice))
        .collect();
    let body = json!({
        "project_id": story.some("project", dice),
        "name": format!("task {}", dice.below(40)),
        "description": format!("do {}", dice.below(1000)),
        "status": *dice.one_of(&["open", "completed"]).unwrap(),
        "billable": dice.below(5) > 0,
        "billable_rate": rate(dice),
        "estimated_seconds": dice.below(100_000),
        "assignee_ids": assignees,
        "due_on": day(dice),
        "metadata": {"key": "value"},
    });
    match (story.some("task", dice), dice.below(10)) {
        (None, _) | (Some(_), 0..3) => {
            let body = thin(body, &["project_id", "name"], dice);
            if dice.below(2) == 0 || story.has_room("task") {
                story.make("task", TASKS, &body).await;
            }
        }
        (Some(id), 3..9) => {
            let mut change = thin(body, &[], dice);
            if dice.below(3) > 0 {
                change.as_object_mut().unwrap().remove("project_id");
            }
            let path = format!("{TASKS}/{id}");
            story.ask("PATCH", &path, Some(&change)).await;
        }
        (Some(id), _) => story.delete("task", TASKS, &id).await,
    }
}

pub async fn time_entry(story: &Story<'_>, dice: &mut Dice) {
    let mut body = json!({
        "project_id": story.some("project", dice),
        "member_id": story.some("member", dice),
        "task_id": story.perhaps("task", dice),
        "description": format!("did {}", dice.below(1000)),
        "billable": dice.below(5) > 0,
        "billable_rate": rate(dice),
        "tags": [format!("tag {}", dice.below(4))],
        "metadata": {"key": "value"},
    });
    match (story.some("time_entry", dice), dice.below(20)) {
        (None, _) | (Some(_), 0..6) => {
            let mut body = thin(body, &["project_id"], dice);
            when(&mut body, dice);
            story.make("time_entry", ENTRIES, &body).await;
        }
        (Some(_), 6..10) => {
            let body = thin(body, &["project_id", "member_id"], dice);
            let stop = dice.below(3) > 0;
            let list = format!("{ENTRIES}?stop_running={stop}");
            story.make("time_entry", &list, &body).await;
        }
        (Some(id), 10..12) => {
            let path = format!("{ENTRIES}/{id}/stop");
            story.ask("POST", &path, None).await;
        }
        (Some(id), 12..17) => {
            if dice.below(2) == 0 {
                when(&mut body, dice);
            }
            let change = thin(body, &["started_at", "ended_at", "duration_seconds"], dice);
            let path = format!("{ENTRIES}/{id}");
            story.ask("PATCH", &path, Some(&change)).await;
        }
        (Some(id), 17 | 18) => {
            // Within its project, where tasks move hardest.
            let change = json!({"task_id": story.perhaps("task", dice)});
            let path = format!("{ENTRIES}/{id}");
            story.ask("PATCH", &path, Some(&change)).await;
        }
        (Some(id), _) => story.delete("time_entry", ENTRIES, &id).await,
    }
}

/// A span, or a duration on a day.
fn when(body: &mut Value, dice: &mut Dice) {
    let day = day(dice);
    if dice.below(2) == 0 {
        body["spent_on"] = json!(day);
        body["duration_seconds"] = json!(dice.below(30_000));
    } else {
        let (hour, minute) = (dice.below(20), dice.below(60));
        body["started_at"] = json!(format!("{day}T{hour:02}:{minute:02}:00Z"));
        body["ended_at"] = json!(format!("{day}T{:02}:{minute:02}:30Z", hour + dice.below(3)));
    }
}
