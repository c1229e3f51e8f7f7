//! What holds of every entry, whatever its numbers are.

mod invoices;

use std::collections::BTreeMap;

use hoursmith_domain::{
    Amount, Currency, Day, Document, MemberId, Month, Patch, ProjectId, Rounding, RoundingMode,
    TaskId, TimeEntryId, Timestamp,
};
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use super::input::{TimeEntryInput, WhenInput};
use super::rollup::Changes;
use super::state::TimeEntryState;
use super::terms::{TaskTerms, Terms};
use super::when::When;
use crate::sight::Sight;
use crate::work::{BillingMethod, Ground};

/// Entries whose amounts are summed.
const ENTRIES: usize = 10_000;

/// Seconds of a year.
const YEAR: i64 = 366 * 86_400;

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn terms(currency: &str, mode: RoundingMode, minutes: i64, project: u128, task: u128) -> Terms {
    let project = ProjectId(id(project));
    let ground = Ground {
        project,
        client: None,
        currency: currency.parse().unwrap(),
        billable: true,
        billing_method: BillingMethod::Hourly,
        is_archived: false,
        is_in_project: true,
        is_active: true,
        project_rate: None,
        project_member_rate: None,
        member_rate: None,
        organization_rate: None,
        zone: "Europe/Berlin".parse().unwrap(),
        rounding: Rounding { mode, minutes },
        allow_overlap: true,
        lock_before: None,
    };
    let task = (task > 0).then(|| TaskTerms {
        id: TaskId(id(task)),
        project,
        billable: true,
        rate: None,
    });
    Terms::new(MemberId(id(1)), ground, task)
}

/// An entry as the API makes it of a body.
fn create(body: &Value, terms: &Terms) -> TimeEntryState {
    let mut bytes = body.to_string().into_bytes();
    let document = Document::parse(&mut bytes).unwrap();
    let input = TimeEntryInput::read_new(document.value()).unwrap();
    TimeEntryState::create(TimeEntryId(id(9)), input, terms, Timestamp::from_micros(0)).unwrap()
}

/// A day of four months.
fn day(number: i64) -> String {
    format!("2026-{:02}-{:02}", 1 + number % 4, 1 + number % 28)
}

/// A decimal of ten-thousandths, as a client may write it.
fn decimal(units: i64) -> String {
    format!("{}.{:04}", units / 10_000, units % 10_000)
}

/// What an amount must be, by whole numbers alone, in 1/10,000.
fn expected_amount(units: i64, seconds: i64, currency: Currency) -> i64 {
    let step = 10_i128.pow(4 - currency.minor_digits());
    let divisor = 3_600 * step;
    let exact = i128::from(units) * i128::from(seconds);
    i64::try_from((2 * exact + divisor) / (2 * divisor) * step).unwrap()
}

/// What time is rounded to, by counting steps.
fn expected_rounded(mode: RoundingMode, minutes: i64, seconds: i64) -> i64 {
    let step = minutes * 60;
    match mode {
        RoundingMode::None => seconds,
        RoundingMode::Down => seconds / step * step,
        RoundingMode::Up => (seconds + step - 1) / step * step,
        RoundingMode::Nearest => (2 * seconds + step) / (2 * step) * step,
    }
}

fn modes() -> impl Strategy<Value = RoundingMode> {
    prop::sample::select(RoundingMode::ALL)
}

fn currencies() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&["EUR", "JPY", "KWD", "CLF"][..])
}

/// A state of time, and what a body may say of it.
fn whens() -> impl Strategy<Value = When> {
    let start = 1_000_000_000_000_000_i64..2_000_000_000_000_000;
    (0..3, start, 0..YEAR * 1_000_000).prop_map(|(kind, start, length)| {
        let (start, end) = (
            Timestamp::from_micros(start),
            Timestamp::from_micros(start + length),
        );
        match kind {
            0 => When::Running(start),
            1 => When::Span(start, end),
            _ => When::Duration(length / 1_000_000),
        }
    })
}

fn patches<T: Clone + std::fmt::Debug + 'static>(
    values: impl Strategy<Value = T> + 'static,
) -> impl Strategy<Value = Patch<T>> {
    prop_oneof![
        Just(Patch::Absent),
        Just(Patch::Null),
        values.prop_map(Patch::Value)
    ]
}

fn inputs() -> impl Strategy<Value = WhenInput> {
    let instants =
        || (1_000_000_000_000_000_i64..2_000_000_000_000_000).prop_map(Timestamp::from_micros);
    (patches(instants()), patches(instants()), patches(0..YEAR)).prop_map(
        |(started_at, ended_at, duration_seconds)| WhenInput {
            started_at,
            ended_at,
            spent_on: Patch::Absent,
            duration_seconds,
        },
    )
}

proptest! {
    #[test]
    fn a_rate_comes_back_as_it_was_given(units in 0_i64..10_000_000_000_000_000, currency in currencies()) {
        let body = json!({"project_id": id(2), "duration_seconds": 0, "billable_rate": decimal(units)});
        let entry = create(&body, &terms(currency, RoundingMode::None, 1, 2, 0));
        let wire = entry.to_wire(Sight::OWNER);
        for shown in [&wire.billable_rate, &wire.rate] {
            let shown: Amount = shown.as_deref().unwrap().parse().unwrap();
            prop_assert_eq!(shown.ten_thousandths(), units);
        }
        prop_assert_eq!(wire.rate_source.as_deref(), Some("entry"));
        let hidden = entry.to_wire(Sight { rates: false, costs: false });
        prop_assert_eq!((hidden.billable_rate, hidden.rate, hidden.amount), (None, None, None));
    }

    /// No body makes an entry that ends before it begins, and whoever sends back what is shown
    /// changes nothing.
    #[test]
    fn time_cannot_contradict_itself(was in whens(), input in inputs()) {
        for now in [was.changed(&input), When::begin(&input, Timestamp::from_micros(0))].into_iter().flatten() {
            if let When::Span(start, end) = now {
                prop_assert!(start <= end);
                prop_assert_eq!(now.seconds(), Some((end.as_micros() - start.as_micros()) / 1_000_000));
            }
            prop_assert_eq!(now.seconds().is_none(), matches!(now, When::Running(_)));
            if let (Patch::Value(seconds), Some(told)) = (&input.duration_seconds, now.seconds()) {
                prop_assert_eq!(*seconds, told);
            }
            let shown = WhenInput {
                started_at: now.started_at().map_or(Patch::Null, Patch::Value),
                ended_at: now.ended_at().map_or(Patch::Null, Patch::Value),
                spent_on: Patch::Absent,
                duration_seconds: now.seconds().map_or(Patch::Null, Patch::Value),
            };
            prop_assert_eq!(now.changed(&shown), Ok(now));
            prop_assert_eq!(now.changed(&WhenInput::default()), Ok(now));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]

    /// The amounts of ten thousand entries and what the totals make of them, against whole numbers.
    #[test]
    fn totals_are_exact(
        entries in prop::collection::vec((0_i64..20_000_000, 0_i64..100_000, 0_i64..112, 0_u128..3), ENTRIES),
        mode in modes(), minutes in 1_i64..61, currency in currencies(),
    ) {
        let money: Currency = currency.parse().unwrap();
        let all: Vec<Terms> = (0..3).map(|task| terms(currency, mode, minutes, 2, task)).collect();
        let (mut months, mut tasks) = (BTreeMap::new(), BTreeMap::new());
        let (mut kept, mut kept_tasks) = (BTreeMap::new(), BTreeMap::new());
        let mut keep = |before: Option<&TimeEntryState>, after: Option<&TimeEntryState>| {
            let changes = Changes::between(before, after);
            for ((_, month), (seconds, amount)) in changes.months {
                let total: &mut (i64, i64) = kept.entry(month).or_default();
                *total = (total.0 + seconds, total.1 + amount);
            }
            for (task, seconds) in changes.tasks {
                *kept_tasks.entry(task).or_insert(0_i64) += seconds;
            }
        };
        let mut last: Option<TimeEntryState> = None;
        for (units, seconds, number, task) in entries {
            let spent_on = day(number);
            let body = json!({
                "project_id": id(2), "duration_seconds": seconds, "spent_on": spent_on,
                "billable_rate": decimal(units)
            });
            let entry = create(&body, &all[usize::try_from(task).unwrap()]);
            let rounded = expected_rounded(mode, minutes, seconds);
            let amount = expected_amount(units, rounded, money);
            prop_assert_eq!(entry.rounded_seconds, Some(rounded));
            prop_assert_eq!(entry.amount.map(Amount::ten_thousandths), Some(amount));
            // Each was another one before, and one more came and went.
            keep(None, last.as_ref().or(Some(&entry)));
            keep(last.as_ref().or(Some(&entry)), Some(&entry));
            keep(None, Some(&entry));
            keep(Some(&entry), None);
            let month: Month = spent_on.parse::<Day>().unwrap().month();
            let total: &mut (i64, i64) = months.entry(month).or_default();
            *total = (total.0 + seconds, total.1 + amount);
            if task > 0 {
                *tasks.entry(TaskId(id(task))).or_insert(0_i64) += seconds;
            }
            last = Some(entry);
        }
        prop_assert_eq!(kept, months);
        prop_assert_eq!(kept_tasks, tasks);
    }
}
