//! Who and what the demo is about: people, clients and what is sold to them. Bodies are those that
//! the API takes, less the ids and days that are known only when it is seeded.

use hoursmith_domain::Role;

/// Someone of the agency.
#[derive(Debug)]
pub(super) struct Person {
    /// What the rest of the story calls them; before the `@` of their address.
    pub(super) key: &'static str,
    pub(super) name: &'static str,
    pub(super) role: Role,
    /// Their own, where it is not the organization's.
    pub(super) zone: Option<&'static str>,
    pub(super) billable_rate: Option<&'static str>,
    pub(super) cost_rate: &'static str,
    /// Hours of a usual day, and of Fridays; at which hour they begin.
    pub(super) hours: (u64, u64),
    pub(super) begins: u64,
    /// Holidays: from so many days ago to so many.
    pub(super) away: (u32, u32),
    /// Projects by their code, and how much of the time each takes.
    pub(super) works_on: &'static [(&'static str, u64)],
}

/// A project and what is done in it.
#[derive(Debug)]
pub(super) struct Project {
    pub(super) code: &'static str,
    /// The client's number; none for the agency's own.
    pub(super) client: Option<&'static str>,
    pub(super) body: &'static str,
    /// Who is paid for at another rate here.
    pub(super) rates: &'static [(&'static str, &'static str)],
    pub(super) tasks: &'static [Task],
    /// What is written at entries without a task, and a tag.
    pub(super) work: &'static [(&'static str, &'static str)],
    /// Over and archived since so many days.
    pub(super) archived: Option<u32>,
}

/// A task.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) body: &'static str,
    pub(super) assigned: &'static [&'static str],
    /// Due so many days from now.
    pub(super) due: Option<u32>,
    /// Completed so many days ago.
    pub(super) done: Option<u32>,
}

pub(super) const PEOPLE: &[Person] = &[
    Person {
        key: "mara",
        name: "Mara Lindqvist",
        role: Role::Owner,
        zone: None,
        billable_rate: Some("145"),
        cost_rate: "72",
        hours: (6, 4),
        begins: 9,
        away: (48, 42),
        works_on: &[("STU", 5), ("ATL-WEB", 2), ("CED-BRAND", 3)],
    },
    Person {
        key: "ada",
        name: "Ada Okafor",
        role: Role::Admin,
        zone: Some("Europe/London"),
        billable_rate: Some("130"),
        cost_rate: "61.50",
        hours: (7, 6),
        begins: 8,
        away: (33, 29),
        works_on: &[("DAY-CALC", 5), ("STU", 2), ("BRI-TIX", 2)],
    },
    Person {
        key: "tomas",
        name: "Tomás Reyes",
        role: Role::Manager,
        zone: Some("Europe/Madrid"),
        billable_rate: Some("120"),
        cost_rate: "54",
        hours: (7, 5),
        begins: 9,
        away: (75, 66),
        works_on: &[("ATL-WEB", 4), ("ATL-CARE", 2), ("BRI-EXH", 3), ("STU", 1)],
    },
    Person {
        key: "june",
        name: "June Park",
        role: Role::Member,
        zone: Some("America/New_York"),
        billable_rate: Some("95"),
        cost_rate: "42.25",
        hours: (7, 6),
        begins: 9,
        away: (20, 14),
        works_on: &[("CED-BRAND", 6), ("ATL-WEB", 2), ("STU", 1)],
    },
    Person {
        key: "ines",
        name: "Inês Duarte",
        role: Role::Member,
        zone: Some("Europe/Lisbon"),
        billable_rate: Some("90"),
        cost_rate: "38",
        hours: (7, 7),
        begins: 10,
        away: (61, 57),
        works_on: &[("BRI-EXH", 5), ("BRI-TIX", 2), ("DAY-REP", 3)],
    },
    Person {
        key: "kofi",
        name: "Kofi Mensah",
        role: Role::Member,
        zone: Some("Africa/Accra"),
        billable_rate: Some("88"),
        cost_rate: "34",
        hours: (8, 7),
        begins: 8,
        away: (12, 8),
        works_on: &[("ATL-WEB", 5), ("ATL-CARE", 3), ("DAY-CALC", 1)],
    },
    Person {
        key: "lena",
        name: "Lena Vogt",
        role: Role::Member,
        zone: None,
        billable_rate: None,
        cost_rate: "44",
        hours: (4, 4),
        begins: 8,
        away: (55, 50),
        works_on: &[("DAY-REP", 4), ("DAY-CALC", 4), ("STU", 1)],
    },
    Person {
        key: "priya",
        name: "Priya Nair",
        role: Role::Member,
        zone: Some("Asia/Kolkata"),
        billable_rate: Some("82"),
        cost_rate: "30",
        hours: (8, 6),
        begins: 10,
        away: (40, 36),
        works_on: &[("DAY-CALC", 4), ("ATL-CARE", 2), ("BRI-TIX", 3)],
    },
];

/// Each with the number by which projects name it.
pub(super) const CLIENTS: &[(&str, &str)] = &[
    (
        "C-0001",
        r#"{"name":"Atlas Coffee Roasters","number":"C-0001","email":"accounts@atlas.example","billable_rate":"120.00","payment_terms_days":30,"address":{"line1":"Karl-Marx-Allee 90","city":"Berlin","postal_code":"10243","country":"DE"},"vat_id":"DE123456789"}"#,
    ),
    (
        "C-0002",
        r#"{"name":"Brightwater Museum","number":"C-0002","currency":"GBP","email":"finance@brightwater.example","billable_rate":"105.50","payment_terms_days":45,"address":{"line1":"12 Harbour Street","city":"Bristol","postal_code":"BS1 4RB","country":"GB"}}"#,
    ),
    (
        "C-0003",
        r#"{"name":"Cedar & Vale","number":"C-0003","currency":"USD","email":"ap@cedarvale.example","billable_rate":"140.00","notes":"Prefers calls before ten."}"#,
    ),
    (
        "C-0004",
        r#"{"name":"Daybreak Energy","number":"C-0004","email":"billing@daybreak.example","external_reference":{"service":"xero","id":"2041","url":"https://go.xero.com/contacts/2041"}}"#,
    ),
    (
        "C-0005",
        r#"{"name":"Elm Street Dental","number":"C-0005","archived":true,"metadata":{"segment":"health"}}"#,
    ),
];

pub(super) const PROJECTS: &[Project] = &[
    Project {
        code: "ATL-WEB",
        client: Some("C-0001"),
        body: r##"{"name":"Webshop relaunch","color":"#b4552d","budget":{"kind":"hours","amount":"900","period":"total"},"notes":"Launch before the winter blends."}"##,
        rates: &[("mara", "150")],
        tasks: &[
            Task {
                body: r#"{"name":"Product pages","estimated_seconds":432000}"#,
                assigned: &["kofi", "june"],
                due: None,
                done: Some(34),
            },
            Task {
                body: r#"{"name":"Checkout","description":"One page, guest first.","estimated_seconds":288000}"#,
                assigned: &["kofi"],
                due: Some(12),
                done: None,
            },
            Task {
                body: r#"{"name":"Migrate orders","billable_rate":"110.00"}"#,
                assigned: &["tomas"],
                due: Some(20),
                done: None,
            },
        ],
        work: &[
            ("Weekly call", "meeting"),
            ("Review of pull requests", "review"),
        ],
        archived: None,
    },
    Project {
        code: "ATL-CARE",
        client: Some("C-0001"),
        body: r##"{"name":"Care retainer","color":"#6f8f3a","budget":{"kind":"money","amount":"12000.00","period":"monthly"}}"##,
        rates: &[],
        tasks: &[],
        work: &[
            ("Updates and backups", "maintenance"),
            ("Answered a ticket", "support"),
            ("Newsletter template", "design"),
        ],
        archived: None,
    },
    Project {
        code: "BRI-EXH",
        client: Some("C-0002"),
        body: r##"{"name":"Exhibition site","color":"#2d6fb4","billing_method":"fixed","fixed_fee":"24000.00","budget":{"kind":"hours","amount":"420","period":"total"}}"##,
        rates: &[],
        tasks: &[
            Task {
                body: r#"{"name":"Floor plan","estimated_seconds":180000}"#,
                assigned: &["ines"],
                due: None,
                done: Some(52),
            },
            Task {
                body: r#"{"name":"Audio guide"}"#,
                assigned: &["ines", "tomas"],
                due: Some(30),
                done: None,
            },
        ],
        work: &[
            ("Workshop with the curators", "meeting"),
            ("Prototype", "design"),
        ],
        archived: None,
    },
    Project {
        code: "BRI-TIX",
        client: Some("C-0002"),
        body: r##"{"name":"Ticketing support","color":"#5b4bb4"}"##,
        rates: &[],
        tasks: &[Task {
            body: r#"{"name":"On call","billable":false}"#,
            assigned: &["ada", "priya"],
            due: None,
            done: None,
        }],
        work: &[
            ("Refund that was charged twice", "support"),
            ("Load test", "review"),
        ],
        archived: None,
    },
    Project {
        code: "CED-BRAND",
        client: Some("C-0003"),
        body: r##"{"name":"Brand refresh","color":"#b42d6f","budget":{"kind":"money","amount":"45000.00","period":"total"},"external_reference":{"service":"asana","id":"1204","url":"https://app.asana.com/0/1204"}}"##,
        rates: &[("june", "135.00")],
        tasks: &[
            Task {
                body: r#"{"name":"Logo","estimated_seconds":144000}"#,
                assigned: &["june"],
                due: None,
                done: Some(63),
            },
            Task {
                body: r#"{"name":"Guidelines"}"#,
                assigned: &["june", "mara"],
                due: Some(9),
                done: None,
            },
        ],
        work: &[("Mood boards", "design"), ("Presentation", "meeting")],
        archived: None,
    },
    Project {
        code: "DAY-CALC",
        client: Some("C-0004"),
        body: r##"{"name":"Tariff calculator","color":"#d19a1e"}"##,
        rates: &[("ada", "138.50"), ("priya", "92.1250")],
        tasks: &[
            Task {
                body: r#"{"name":"Rules engine","estimated_seconds":360000}"#,
                assigned: &["ada", "priya"],
                due: Some(25),
                done: None,
            },
            Task {
                body: r#"{"name":"Comparison table"}"#,
                assigned: &["lena"],
                due: None,
                done: Some(18),
            },
        ],
        work: &[
            ("Pairing", "review"),
            ("Call with the grid operator", "meeting"),
        ],
        archived: None,
    },
    Project {
        code: "DAY-REP",
        client: Some("C-0004"),
        body: r##"{"name":"Energy report","color":"#3a8f84","billing_method":"fixed","fixed_fee":"8500.00"}"##,
        rates: &[],
        tasks: &[Task {
            body: r#"{"name":"Layout"}"#,
            assigned: &["lena", "ines"],
            due: None,
            done: Some(47),
        }],
        work: &[("Charts", "design"), ("Proofs", "review")],
        archived: Some(45),
    },
    Project {
        code: "STU",
        client: None,
        body: r##"{"name":"Studio","color":"#7a7a7a","billing_method":"none"}"##,
        rates: &[],
        tasks: &[Task {
            body: r#"{"name":"Bookkeeping"}"#,
            assigned: &["mara"],
            due: None,
            done: None,
        }],
        work: &[
            ("Monday planning", "meeting"),
            ("Interviews", "hiring"),
            ("Portfolio", "design"),
        ],
        archived: None,
    },
];

impl Person {
    /// E-mail address.
    pub(super) fn email(&self) -> String {
        format!("{}@northlight.example", self.key)
    }
}
