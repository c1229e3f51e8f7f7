//! The demo's money: what was spent, and which invoices were sent, paid and voided.

use std::time::Duration;

use hoursmith_domain::Day;

use super::body::Body;
use super::plan::{Act, Deed, noon};

/// So many days ago, by whom, on which project, and what.
const EXPENSES: &[(u32, &str, &str, &str)] = &[
    (
        86,
        "tomas",
        "BRI-EXH",
        r#"{"category":"Travel","description":"Train to Bristol","amount":"86.40","tax_amount":"14.40"}"#,
    ),
    (
        79,
        "mara",
        "CED-BRAND",
        r#"{"category":"Travel","description":"Flight to Portland","amount":"612.00","reimbursable":true}"#,
    ),
    (
        70,
        "ines",
        "DAY-REP",
        r#"{"category":"Printing","description":"Proofs on recycled paper","quantity":"40","unit_price":"1.85"}"#,
    ),
    (
        58,
        "kofi",
        "ATL-WEB",
        r#"{"category":"Software","description":"Payment sandbox, a quarter","amount":"59.00","tax_amount":"9.42"}"#,
    ),
    (
        44,
        "ada",
        "DAY-CALC",
        r#"{"category":"Mileage","description":"To the grid operator and back","quantity":"142","unit_price":"0.30","reimbursable":true}"#,
    ),
    (
        37,
        "tomas",
        "BRI-EXH",
        r#"{"category":"Meals","description":"Lunch with the curators","amount":"54.10","currency":"EUR","billable":false,"reimbursable":true}"#,
    ),
    (
        26,
        "june",
        "CED-BRAND",
        r#"{"category":"Fonts","description":"Licence for two typefaces","amount":"380.00"}"#,
    ),
    (
        15,
        "mara",
        "STU",
        r#"{"category":"Office","description":"Chairs","quantity":"2","unit_price":"249.00","billable":false}"#,
    ),
    (
        6,
        "kofi",
        "ATL-CARE",
        r#"{"category":"Software","description":"Uptime monitor","amount":"19.00"}"#,
    ),
];

const VAT: Option<&str> = Some("19.00");

/// So many days ago, and what was done; of one day, in this order. In the end every client that is
/// billed has a draft, and of what was sent some is paid, some overdue, some not due yet, one void.
const INVOICES: &[(u32, Deed)] = &[
    (62, send("C-0002", Some("20.00"), None, None)),
    (61, send("C-0001", VAT, Some(21), None)),
    (57, Deed::Void { client: "C-0002" }),
    (
        57,
        send(
            "C-0002",
            Some("20.00"),
            Some(28),
            Some("Replaces our last invoice, which named the wrong exhibition."),
        ),
    ),
    (50, send("C-0004", VAT, None, None)),
    (
        45,
        send("C-0003", None, None, Some("Wire transfers only, please.")),
    ),
    (
        41,
        Deed::Pay {
            client: "C-0001",
            amount: None,
        },
    ),
    (
        36,
        Deed::Pay {
            client: "C-0002",
            amount: Some("12000"),
        },
    ),
    (29, send("C-0001", VAT, Some(40), None)),
    (
        20,
        Deed::Pay {
            client: "C-0003",
            amount: None,
        },
    ),
    (13, send("C-0003", None, None, None)),
];

/// Everything about money, the earliest first.
pub(super) fn acts(today: Day) -> Vec<Act> {
    let spent = EXPENSES.iter().map(|(ago, person, project, body)| Act {
        at: noon(today.minus(*ago)),
        deed: Deed::Spend {
            person,
            project,
            // The bodies above are JSON; of one that is not, what is missing would be refused.
            body: Body::parse(body).unwrap_or_default(),
        },
    });
    let billed = (1_u64..).zip(INVOICES).map(|(turn, (ago, deed))| Act {
        at: noon(workday(today.minus(*ago))).plus(Duration::from_secs(turn)),
        deed: deed.clone(),
    });
    spent.chain(billed).collect()
}

/// The day, or the Monday after it.
fn workday(day: Day) -> Day {
    match day.days_from_monday() {
        5 => day.plus(2),
        6 => day.plus(1),
        _ => day,
    }
}

const fn send(
    client: &'static str,
    tax_rate: Option<&'static str>,
    due_after: Option<u32>,
    notes: Option<&'static str>,
) -> Deed {
    Deed::Send {
        client,
        tax_rate,
        due_after,
        notes,
    }
}
