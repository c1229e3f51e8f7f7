//! The product held to the reviewed lists of `tests/contract/`, which are read as they are.

use std::collections::BTreeMap;

use hoursmith_domain::{EventType, Plan, Role};
use hoursmith_routes::{operations, routes};
use hoursmith_settings::{Limit, LimitSettings};

/// The rows of a list, each by the names of its columns.
pub fn rows(text: &'static str) -> Vec<BTreeMap<&'static str, &'static str>> {
    let mut lines = text.lines().filter(|line| !line.starts_with('#'));
    let columns: Vec<&str> = lines.next().unwrap().split('\t').collect();
    lines
        .map(|line| columns.iter().copied().zip(line.split('\t')).collect())
        .collect()
}

#[test]
fn every_route_is_a_row_of_the_access_table() {
    let table = rows(include_str!("../contract/access.tsv"));
    for route in routes() {
        let row = table
            .iter()
            .find(|row| row["method"] == route.method.as_str() && row["path"] == route.path)
            .unwrap_or_else(|| {
                panic!(
                    "{} {} is not in access.tsv",
                    route.method.as_str(),
                    route.path
                )
            });
        let ours = [
            ("resource", route.resource),
            ("action", route.action),
            ("owner", route.access.grant(Role::Owner).as_str()),
            ("admin", route.access.grant(Role::Admin).as_str()),
            ("manager", route.access.grant(Role::Manager).as_str()),
            ("member", route.access.grant(Role::Member).as_str()),
            ("scope", route.access.scope.as_str()),
            ("min_plan", route.access.min_plan.as_str()),
        ];
        for (column, value) in ours {
            assert_eq!(row[column], value, "{}: {column}", route.id);
        }
    }
    assert_eq!(routes().count(), table.len(), "a row has no route");
}

#[test]
fn events_are_the_listed_ones() {
    let listed: Vec<&str> = rows(include_str!("../contract/events.tsv"))
        .iter()
        .map(|row| row["type"])
        .collect();
    assert_eq!(EventType::WORDS, listed);
}

#[test]
fn default_limits_are_those_of_the_plans() {
    let limits = LimitSettings::default();
    for row in rows(include_str!("../contract/plans.tsv")) {
        let limit: Limit = match row["plan"] {
            "anonymous" => limits.anonymous,
            "free" => continue,
            plan => limits.of(plan.parse::<Plan>().unwrap()),
        };
        let ours = [
            ("burst_limit", limit.burst_limit),
            ("burst_window_s", limit.burst_window_s),
            ("sustained_limit", limit.sustained_limit),
            ("sustained_window_s", limit.sustained_window_s),
        ];
        for (column, value) in ours {
            assert_eq!(
                row[column].parse::<u32>().unwrap(),
                value,
                "{}: {column}",
                row["plan"]
            );
        }
    }
}

#[test]
fn every_route_and_operation_has_a_handler() {
    let actors = [
        ("resource", include_str!("../../actors/resource/actor.rs")),
        (
            "webhook-dispatcher",
            include_str!("../../actors/webhook-dispatcher/actor.rs"),
        ),
    ];
    let routes = routes().map(|route| (route.id, route.actor));
    let operations = operations().map(|operation| (operation.id, operation.actor));
    for (id, actor) in routes.chain(operations) {
        let source = actors.iter().find(|(name, _)| *name == actor);
        let (_, source) = source.unwrap_or_else(|| panic!("{id} is answered by no actor"));
        assert!(
            source.contains(&format!("\"{id}\" =>")),
            "{id} has no line in route() of {actor}"
        );
    }
}
