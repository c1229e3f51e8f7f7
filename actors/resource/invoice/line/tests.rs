use hoursmith_domain::{Currency, OrganizationId, Timestamp, amount_of_time};
use proptest::prelude::*;

use super::*;
use crate::base::Base;
use crate::invoice::state::{InvoiceState, Status};

const INVOICE: InvoiceId = InvoiceId(Uuid::from_u128(7));

fn amount(text: &str) -> Amount {
    text.parse().unwrap()
}

fn day(number: u32) -> Day {
    "2026-11-01".parse::<Day>().unwrap().plus(number)
}

fn time(id: u128, project: u128, seconds: i64, rate: Amount, amount: Amount) -> Item {
    Item {
        kind: Kind::Time,
        id: Uuid::from_u128(id),
        project: Uuid::from_u128(project),
        task: None,
        spent_on: Some(day(0)),
        description: format!("Project {project}"),
        seconds,
        quantity: None,
        unit_price: rate,
        amount,
    }
}

fn expense(id: u128, spent_on: Day, amount: Amount) -> Item {
    Item {
        kind: Kind::Expense,
        spent_on: Some(spent_on),
        description: "Travel".to_owned(),
        ..time(id, 1, 0, amount, amount)
    }
}

/// A sent invoice of this content, in a currency, with tax.
fn invoice(content: Content, currency: Currency, tax_rate: Amount) -> InvoiceState {
    let mut state = InvoiceState {
        id: INVOICE,
        client: hoursmith_domain::ClientId(OrganizationId(Uuid::nil()).0),
        number: None,
        status: Status::Draft,
        currency,
        issued_on: None,
        due_on: None,
        period: None,
        through: None,
        subtotal: Amount::ZERO,
        discount: Amount::ZERO,
        tax_rate,
        tax_amount: Amount::ZERO,
        total: Amount::ZERO,
        amount_paid: Amount::ZERO,
        notes: None,
        sent_at: None,
        paid_at: None,
        voided_at: None,
        lines: Vec::new(),
        zone: "UTC".parse().unwrap(),
        base: Base::new(Timestamp::from_micros(0)),
    };
    state.fill(content);
    state.tax_amount = state.subtotal.percent(tax_rate, currency).unwrap();
    state.total = state.subtotal.plus(state.tax_amount).unwrap();
    state
}

fn sum(amounts: impl Iterator<Item = Amount>) -> Amount {
    amounts.fold(Amount::ZERO, |sum, amount| sum.plus(amount).unwrap())
}

#[test]
fn a_line_is_of_one_project_task_and_rate() {
    let hour = |id, project, rate: &str| time(id, project, 3600, amount(rate), amount(rate));
    let tasked = Item {
        task: Some(Uuid::from_u128(9)),
        description: "Project 1: Task".to_owned(),
        ..hour(4, 1, "100")
    };
    let items = vec![
        hour(1, 1, "100"),
        hour(2, 1, "80"),
        hour(3, 2, "100"),
        tasked,
        hour(5, 1, "100"),
    ];
    let content = Content::of(INVOICE, items);
    let shown: Vec<_> = content
        .lines
        .iter()
        .map(|line| {
            (
                line.description.as_str(),
                line.unit_price.plain(),
                line.time_entry_ids.len(),
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            ("Project 1", "80".to_owned(), 1),
            ("Project 1", "100".to_owned(), 2),
            ("Project 1: Task", "100".to_owned(), 1),
            ("Project 2", "100".to_owned(), 1),
        ]
    );
}

#[test]
fn ids_depend_on_invoice_and_what_is_billed_alone() {
    let items = || {
        vec![
            time(1, 1, 3600, amount("1"), amount("1")),
            time(2, 2, 60, amount("1"), amount("0.02")),
        ]
    };
    let ids = |invoice, items| -> Vec<Uuid> {
        Content::of(invoice, items)
            .lines
            .iter()
            .map(|line| line.id)
            .collect()
    };
    let known = ids(INVOICE, items());
    assert_eq!(known[0].to_string(), "be1ec25d-c847-874f-9b66-d5e1981605ab");
    let mut more = items();
    more.reverse();
    more.push(time(3, 1, 60, amount("1"), amount("0.02")));
    more.push(time(4, 3, 60, amount("1"), amount("0.02")));
    assert_eq!(ids(INVOICE, more)[..2], known);
    let other = ids(InvoiceId(Uuid::from_u128(8)), items());
    assert!(known.iter().all(|id| !other.contains(id)));
}

#[test]
fn what_does_not_fit_is_the_youngest() {
    let one = amount("1");
    let many = (1..=6_000).map(|id| time(id, 1, 3600, one, one));
    let late = expense(9_999, day(1), one);
    let content = Content::of(INVOICE, many.chain([late]).collect());
    assert_eq!((content.dated, content.lines.len()), (MAX_ENTRIES, 1));
    assert_eq!(content.through, Some((day(0), Uuid::from_u128(5_000))));

    let costs = (1..=600).map(|id| expense(id, day(2), one));
    let hour = time(9_999, 1, 3600, one, one);
    let content = Content::of(INVOICE, costs.chain([hour]).collect());
    assert_eq!((content.dated, content.lines.len()), (MAX_LINES, MAX_LINES));
    assert_eq!(content.period, Some((day(0), day(2))));

    // Two amounts whose sum has 13 digits.
    let huge = amount("999999999999.99");
    let content = Content::of(
        INVOICE,
        vec![expense(1, day(0), huge), expense(2, day(0), huge)],
    );
    assert_eq!((content.dated, content.subtotal), (1, huge));
}

/// An answer on the bus has at most a mebibyte, with its head.
#[test]
fn the_largest_invoice_fits_the_bus() {
    let (rate, mut items) = (amount("999999999.9999"), Vec::new());
    for id in 0..5_000 {
        let mut item = time(
            id,
            id % 500,
            i64::from(u32::MAX),
            rate,
            amount("99999999.9999"),
        );
        item.description = "🦀\"\\\n".repeat(500);
        items.push(item);
    }
    let content = Content::of(INVOICE, items);
    assert_eq!((content.dated, content.lines.len()), (5_000, 500));
    let mut state = invoice(content, "EUR".parse().unwrap(), Amount::HUNDRED);
    state.notes = Some("🦀".repeat(5_000));
    let bytes = serde_json::to_vec(&state.to_wire(Timestamp::from_micros(0))).unwrap();
    assert!(bytes.len() < 960 * 1024, "{}", bytes.len());
}

#[test]
fn long_descriptions_are_cut_between_characters() {
    assert_eq!(cut(&"é".repeat(256)), "é".repeat(256));
    let short = cut(&"é".repeat(257));
    assert_eq!((short.len(), short.ends_with("é…")), (511, true));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]

    /// 10,000 entries and expenses of one client in a currency with two, none or three digits.
    #[test]
    fn everything_adds_up(
        currency in prop::sample::select(vec!["EUR", "JPY", "KWD"]),
        entries in prop::collection::vec((0_i64..400_000, 0_i64..5_000_000, 0_u128..20, 0_u32..60), 9_500),
        costs in prop::collection::vec((1_i64..50_000_000, 0_u32..60), 500),
        tax in 0_i64..=1_000_000,
    ) {
        let currency: Currency = currency.parse().unwrap();
        let units = |units| Amount::from_ten_thousandths(units).unwrap();
        let mut items = Vec::new();
        for (id, (seconds, rate, project, spent_on)) in (1..).zip(entries) {
            // A few rates, so that lines have many entries.
            let rate = units(rate / 1_000_000 * 1_000_000 + 12_345);
            let cost = amount_of_time(rate, seconds, currency).unwrap();
            let item = time(id, project, seconds, rate, cost);
            items.push(Item { spent_on: Some(day(spent_on)), ..item });
        }
        for (id, (cost, spent_on)) in (20_000..).zip(costs) {
            items.push(expense(id, day(spent_on), units(cost)));
        }
        let by_id: HashMap<Uuid, Amount> = items.iter().map(|item| (item.id, item.amount)).collect();
        let mut left = items;
        let mut billed = Vec::new();
        // One draft after the other, each takes what the one before left.
        while !left.is_empty() {
            let content = Content::of(INVOICE, left.clone());
            let taken: Vec<Uuid> = content
                .lines
                .iter()
                .flat_map(|line| line.time_entry_ids.iter().chain(&line.expense_ids))
                .copied()
                .collect();
            prop_assert_eq!(taken.len(), content.dated);
            prop_assert!(!taken.is_empty());
            let through = content.through.unwrap();
            left.retain(|item| (item.spent_on.unwrap(), item.id) > through);
            for line in &content.lines {
                let ids = line.time_entry_ids.iter().chain(&line.expense_ids);
                prop_assert_eq!(sum(ids.map(|id| by_id[id])), line.amount);
            }
            prop_assert_eq!(sum(content.lines.iter().map(|line| line.amount)), content.subtotal);
            prop_assert_eq!(sum(taken.iter().map(|id| by_id[id])), content.subtotal);
            billed.extend(taken);
            let sent = invoice(content, currency, units(tax));
            prop_assert_eq!(sent.subtotal.plus(sent.tax_amount).unwrap(), sent.total);
            prop_assert_eq!(sent.balance(), sent.total);
            // What is printed adds up as well.
            let wire = sent.to_wire(Timestamp::from_micros(0));
            let printed = sum(wire.lines.iter().map(|line| amount(&line.amount)));
            prop_assert_eq!(printed, amount(&wire.subtotal));
            prop_assert_eq!(amount(&wire.subtotal).plus(amount(&wire.tax_amount)).unwrap(), amount(&wire.total));
        }
        billed.sort_unstable();
        let mut all: Vec<Uuid> = by_id.into_keys().collect();
        all.sort_unstable();
        prop_assert_eq!(billed, all);
    }
}
