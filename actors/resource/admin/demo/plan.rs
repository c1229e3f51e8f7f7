//! What happens in the demo's three months, and when: made from a seed and the present moment, so
//! that two demos of one day tell the same story.

use std::time::Duration;

use hoursmith_domain::{Day, Role, Timestamp, Zone};
use serde_json::json;

use super::body::Body;
use super::books;
use super::cast::{PEOPLE, PROJECTS, Person, Project};
use super::dice::Dice;

/// The story's seed; any other would tell another one.
const SEED: u64 = 0x4e6f_7274_686c_6974;

/// Days that the story tells of, before today.
pub(super) const DAYS: u32 = 91;

/// Whose timer runs, and since how many minutes.
const RUNNING: (&str, &str, u64) = ("kofi", "ATL-WEB", 47);

/// Something that is done, and when.
#[derive(Debug)]
pub(super) struct Act {
    pub(super) at: Timestamp,
    pub(super) deed: Deed,
}

/// Something that is done. People, clients and projects go by the words of the cast, tasks by their
/// place in their project.
#[derive(Debug, Clone)]
pub(super) enum Deed {
    Track {
        person: &'static str,
        project: &'static str,
        task: Option<usize>,
        body: Body,
    },
    Spend {
        person: &'static str,
        project: &'static str,
        body: Body,
    },
    Complete {
        project: &'static str,
        task: usize,
    },
    Archive {
        project: &'static str,
    },
    /// Sends the client's draft, due after so many days or by its terms.
    Send {
        client: &'static str,
        tax_rate: Option<&'static str>,
        due_after: Option<u32>,
        notes: Option<&'static str>,
    },
    /// Pays the client's last invoice, or a part of it.
    Pay {
        client: &'static str,
        amount: Option<&'static str>,
    },
    /// Voids the client's last invoice.
    Void {
        client: &'static str,
    },
}

/// Everything up to now, in the order of time.
pub(super) fn plan(now: Timestamp, home: Zone) -> Vec<Act> {
    let today = home.day_of(now);
    let mut dice = Dice::new(SEED);
    let mut acts = books::acts(today);
    for ago in (0..=DAYS).rev() {
        for person in PEOPLE {
            // Every zone of the cast is one.
            let zone = person
                .zone
                .and_then(|zone| zone.parse().ok())
                .unwrap_or(home);
            work(person, (today.minus(ago), ago), zone, &mut dice, &mut acts);
        }
    }
    for project in PROJECTS {
        let ends = |ago: u32| noon(today.minus(ago));
        for (task, made) in project.tasks.iter().enumerate() {
            if let Some(ago) = made.done {
                let deed = Deed::Complete {
                    project: project.code,
                    task,
                };
                acts.push(Act {
                    at: ends(ago),
                    deed,
                });
            }
        }
        if let Some(ago) = project.archived {
            let deed = Deed::Archive {
                project: project.code,
            };
            acts.push(Act {
                at: ends(ago),
                deed,
            });
        }
    }
    let (person, project, minutes) = RUNNING;
    let started_at = now.minus(of_minutes(minutes));
    acts.retain(|act| match &act.deed {
        Deed::Track { person: other, .. } if *other == person => act.at <= started_at,
        _ => act.at <= now,
    });
    let mut body = Body::of("description", "Guest checkout");
    body.set("tags", json!(["frontend"]));
    acts.push(Act {
        at: started_at,
        deed: Deed::Track {
            person,
            project,
            task: Some(1),
            body,
        },
    });
    acts.sort_by_key(|act| act.at);
    acts
}

/// A person's day: some hours in pieces, most of them between instants, some as mere durations.
fn work(person: &Person, (day, ago): (Day, u32), zone: Zone, dice: &mut Dice, acts: &mut Vec<Act>) {
    let is_away = (person.away.1..=person.away.0).contains(&ago);
    let hours = match day.days_from_monday() {
        0..=3 => person.hours.0,
        4 => person.hours.1,
        5 if person.role == Role::Owner && dice.percent(25) => 2,
        _ => 0,
    };
    if is_away || hours == 0 || dice.percent(4) {
        return;
    }
    let begins = person
        .begins
        .saturating_mul(60)
        .saturating_add(dice.below(40));
    let mut at = zone.start_of(day).plus(of_minutes(begins));
    let mut left = hours.saturating_mul(60).saturating_add(dice.below(45));
    while left >= 20 {
        let minutes = dice.between(25, 150).min(left);
        left = left.saturating_sub(minutes);
        let end = at.plus(of_minutes(minutes));
        if let Some(project) = project_of(person, ago, dice) {
            acts.push(piece(person, project, ago, (at, end, day), dice));
        }
        at = end.plus(of_minutes(dice.between(0, 25)));
    }
}

/// What a person works on next, by how much each project takes.
fn project_of(person: &Person, ago: u32, dice: &mut Dice) -> Option<&'static Project> {
    let going = |code: &str| {
        let found = PROJECTS.iter().find(|project| project.code == code);
        found.filter(|project| project.archived.is_none_or(|over| ago > over))
    };
    let all: Vec<(&'static Project, u64)> = person
        .works_on
        .iter()
        .filter_map(|(code, share)| Some((going(code)?, *share)))
        .collect();
    let mut lot = dice.below(all.iter().map(|(_, share)| share).sum());
    all.into_iter()
        .find(|(_, share)| match lot.checked_sub(*share) {
            Some(rest) => {
                lot = rest;
                false
            }
            None => true,
        })
        .map(|(project, _)| project)
}

/// A piece of work, written down when it ends.
fn piece(
    person: &Person,
    project: &Project,
    ago: u32,
    (start, end, day): (Timestamp, Timestamp, Day),
    dice: &mut Dice,
) -> Act {
    let mut body = Body::default();
    if dice.percent(85) {
        body.set("started_at", json!(start));
        body.set("ended_at", json!(end));
    } else {
        body.set("spent_on", json!(day));
        body.set("duration_seconds", start.until(end).as_secs());
    }
    let open: Vec<usize> = project
        .tasks
        .iter()
        .enumerate()
        .filter(|(_, task)| task.done.is_none_or(|done| ago > done))
        .filter(|(_, task)| task.assigned.contains(&person.key))
        .map(|(place, _)| place)
        .collect();
    let task = dice.one_of(&open).copied().filter(|_| dice.percent(65));
    let (description, tag) = match task {
        Some(_) => (dice.one_of(STEPS).copied(), Some("build")),
        None => dice.one_of(project.work).copied().unzip(),
    };
    body.set(
        "description",
        json!(description.filter(|_| dice.percent(80))),
    );
    body.set(
        "tags",
        json!(
            tag.filter(|_| dice.percent(70))
                .into_iter()
                .collect::<Vec<_>>()
        ),
    );
    if project.code != "STU" && dice.percent(7) {
        body.set("billable", json!(false));
    } else if project.code == "ATL-CARE" && dice.percent(5) {
        body.set("billable_rate", json!("165.00"));
        body.set("tags", json!(["support", "urgent"]));
    }
    Act {
        at: end,
        deed: Deed::Track {
            person: person.key,
            project: project.code,
            task,
            body,
        },
    }
}

/// What is written at entries of tasks.
const STEPS: &[&str] = &[
    "First draft",
    "Fixes after review",
    "Finishing touches",
    "Tests",
];

/// Noon of a day, in UTC.
pub(super) fn noon(day: Day) -> Timestamp {
    day.midnight_utc().plus(of_minutes(12 * 60))
}

fn of_minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes.saturating_mul(60))
}
