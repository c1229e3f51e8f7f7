//! Lists of time entries at a million rows beside the same at ten thousand: each page has as many
//! entries on both sides, so what it takes longer is what the others cost.

use std::time::Duration;

use hoursmith_kit::{Clock as _, SystemClock};
use serde_json::Value;

use crate::load;
use crate::process::Served;
use crate::report::{Bound, Report, Row};
use crate::site::{Site, Store};

const FEW: u64 = 10_000;
const MANY: u64 = 1_000_000;

/// Requests of each page to either side.
const REQUESTS: usize = 300;

/// Entries of a page.
const LIMIT: usize = 50;

/// Longer than a million events take on their way.
const LONGEST: Duration = Duration::from_secs(600);

pub(crate) async fn measure(report: &mut Report) {
    for (store, what) in [
        (
            Store::Sqlite,
            "a page of time entries, the slowest filter, SQLite",
        ),
        (
            Store::Postgres,
            "a page of time entries, the slowest filter, PostgreSQL",
        ),
    ] {
        let few = Side::start(store, FEW).await;
        let many = Side::start(store, MANY).await;
        let mut pages = Vec::new();
        for ((name, of_few), (_, of_many)) in
            few.queries().await.into_iter().zip(many.queries().await)
        {
            pages.push(Page::measure(name, (&few, &of_few), (&many, &of_many)).await);
        }
        for page in &pages {
            report.detail(format!(
                "| {store:?} | {} | {} | {:.0} µs | {:.0} µs | {:.2} |",
                page.name,
                page.entries,
                page.many,
                page.few,
                page.ratio()
            ));
        }
        let worst = pages
            .into_iter()
            .max_by(|a, b| a.ratio().total_cmp(&b.ratio()))
            .unwrap();
        report.add(Row {
            what,
            ours: format!("{:.0} µs p50 at 1,000,000: {}", worst.many, worst.name),
            baseline: format!("{:.0} µs p50 at 10,000", worst.few),
            ratio: worst.ratio(),
            target: Some(Bound::AtMost(1.3)),
        });
    }
}

/// A program on a database with so many entries.
struct Side {
    site: Site,
    served: Served,
}

/// How long a page takes, in microseconds.
struct Page {
    name: &'static str,
    entries: usize,
    few: f64,
    many: f64,
}

impl Page {
    async fn measure(
        name: &'static str,
        (few, of_few): (&Side, &str),
        (many, of_many): (&Side, &str),
    ) -> Self {
        let entries = few.count(of_few).await;
        assert_eq!(entries, many.count(of_many).await, "pages of {name}");
        assert!(entries > 0, "{name}");
        let [few, many] = load::in_turn(
            [
                (few.served.api(), &few.text(of_few)),
                (many.served.api(), &many.text(of_many)),
            ],
            REQUESTS,
        )
        .await
        .map(|p50| p50.as_secs_f64() * 1e6);
        Self {
            name,
            entries,
            few,
            many,
        }
    }

    fn ratio(&self) -> f64 {
        self.many / self.few
    }
}

impl Side {
    /// Fills a database, serves it, and waits until the events of that are numbered and gone their way:
    /// what goes on beside the pages must be the same on both sides.
    async fn start(store: Store, rows: u64) -> Self {
        let clock = SystemClock::new();
        let site = Site::filled(store, rows).await;
        let took = clock.monotonic().as_secs_f64();
        println!("{store:?}: {rows} time entries in {took:.1} s");
        let served = Served::start(&site, None);
        served.ready().await;
        tokio::time::timeout(LONGEST, served.settled())
            .await
            .expect("the events of the filling go their way in time");
        site.vacuum().await;
        Self { site, served }
    }

    fn text(&self, path: &str) -> String {
        load::get(&format!("/api/v1/{path}"), &self.site.token)
    }

    async fn get(&self, path: &str) -> Value {
        load::body(self.served.api(), &self.text(path)).await
    }

    async fn count(&self, query: &str) -> usize {
        let page = self.get(query).await;
        page["data"].as_array().expect("a page").len()
    }

    /// Every filter with a value of which there is a page and more on both sides, by name.
    async fn queries(&self) -> Vec<(&'static str, String)> {
        let of = |object: &Value| object["id"].as_str().unwrap().to_owned();
        let find = async |list: &str, field: &str, value: &str| {
            let page = self.get(&format!("{list}?limit=200")).await;
            let items = page["data"].as_array().unwrap();
            let found = items.iter().find(|item| item[field] == value);
            found
                .unwrap_or_else(|| panic!("{list} with {field} {value}"))
                .clone()
        };
        let project = find("projects", "code", "DAY-CALC").await;
        let member = find("members", "email", "priya@northlight.example").await;
        let task = find("tasks", "name", "Rules engine").await;
        let (deep, reference) = self.walk().await;
        let client = project["client_id"].as_str().unwrap().to_owned();
        let now = SystemClock::new().now();
        let day = |ago: u64| {
            let instant = now.minus(Duration::from_secs(ago * 24 * 60 * 60));
            instant.to_string()[..10].to_owned()
        };
        [
            ("first page", String::new()),
            ("deep page, at 90 %", format!("cursor={deep}")),
            ("member_id", format!("member_id={}", of(&member))),
            ("client_id", format!("client_id={client}")),
            ("project_id", format!("project_id={}", of(&project))),
            ("task_id", format!("task_id={}", of(&task))),
            ("from, to", format!("from={}&to={}", day(700), day(500))),
            ("running=true", "running=true".to_owned()),
            ("billable=true", "billable=true".to_owned()),
            ("billable=false", "billable=false".to_owned()),
            ("invoiced=true", "invoiced=true".to_owned()),
            ("invoiced=false", "invoiced=false".to_owned()),
            ("locked=true", "locked=true".to_owned()),
            ("locked=false", "locked=false".to_owned()),
            ("tag", "tag=review".to_owned()),
            (
                "external_reference_id",
                format!("external_reference_id={reference}"),
            ),
            (
                "updated_since",
                "updated_since=2020-01-01T00:00:00Z".to_owned(),
            ),
        ]
        .map(|(name, query)| (name, format!("time_entries?limit={LIMIT}&{query}")))
        .into()
    }

    /// The cursor behind which a tenth of the entries are left, and a counterpart of one of them.
    async fn walk(&self) -> (String, String) {
        let (mut path, mut seen) = ("time_entries?limit=200".to_owned(), 0_u64);
        let mut reference = None;
        loop {
            let page = self.get(&path).await;
            let items = page["data"].as_array().unwrap();
            seen += items.len() as u64;
            let id = |item: &Value| item["external_reference"]["id"].as_str().map(str::to_owned);
            reference = reference.or_else(|| items.iter().find_map(id));
            let cursor = page["next_cursor"]
                .as_str()
                .expect("there is more")
                .to_owned();
            if seen * 10 >= self.site.rows * 9 {
                return (cursor, reference.expect("some have one"));
            }
            path = format!("time_entries?limit=200&cursor={cursor}");
        }
    }
}
