//! The app where somebody corrects what is there: what a form does not change stays as it was.

use std::time::Duration;

use hoursmith_domain::{Keys, SecretKey};
use serde_json::json;

use crate::browser::{Browser, PASSWORD, between, once, text};
use crate::scene;
use crate::world::{Bus, SECRET, Store, World};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_corrected_stays_in_a_project_that_one_left() {
    let world = World::start(Bus::Memory, Store::Sqlite).await;
    let (maya, _) = Browser::signed_up(&world).await;
    project(&maya, "Catalogue", "hourly", "").await;
    let zine = project(&maya, "Zine", "hourly", "").await;
    let cover = task(&maya, &zine, "Cover").await;
    log(&maya, &format!("{zine}/{cover}"), "1:30").await;
    let new = [
        ("project_id", zine.as_str()),
        ("spent_on", &today(&maya).await),
        ("amount", "42.50"),
    ];
    maya.post("/app/expenses", &new).await.expect(303);
    for turn in [
        format!("tasks/{cover}/complete"),
        leaving(&maya, &zine).await,
    ] {
        let path = format!("/app/projects/{zine}/{turn}");
        maya.post(&path, &[]).await.expect(303);
    }

    let entry = first(&maya, "/app/time").await;
    let page = maya.page(&entry).await;
    let form = [
        ("project_id", chosen(&page)),
        ("spent_on", value(&page, "spent_on", "date")),
        ("duration", value(&page, "duration", "text")),
        ("description", "Two\nlines"),
    ];
    maya.post(&entry, &form).await.expect(303);
    let page = maya.page(&entry).await;
    assert!(page.contains("<h1>Zine · Cover</h1>"), "{page}");
    assert!(page.contains("Two\nlines</textarea>"), "{page}");
    // Whoever means to move it may.
    let elsewhere = between(&page, "name=\"project_id\"><option value=\"", "\"");
    let form = [("project_id", elsewhere), form[1], form[2]];
    maya.post(&entry, &form).await.expect(303);
    let page = maya.page(&entry).await;
    assert!(page.contains("<h1>Catalogue</h1>"), "{page}");

    let expense = first(&maya, "/app/expenses").await;
    let page = maya.page(&expense).await;
    let form = [
        ("project_id", chosen(&page)),
        ("spent_on", value(&page, "spent_on", "date")),
        ("amount", "43.00"),
        ("description", "Two\nlines"),
    ];
    maya.post(&expense, &form).await.expect(303);
    let page = maya.page(&expense).await;
    assert!(page.contains("<h1>Expense · Zine</h1>"), "{page}");
    assert!(page.contains("value=\"43.00\""), "{page}");
    assert!(page.contains("Two\nlines</textarea>"), "{page}");
    assert!(world.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timers_entry_moves_to_another_day() {
    let world = World::start(Bus::Memory, Store::Sqlite).await;
    let (maya, _) = Browser::signed_up(&world).await;
    let zine = project(&maya, "Zine", "hourly", "").await;
    let page = maya.page("/app/time").await;
    let form = [("project_id", zine.as_str()), ("once", once(&page))];
    maya.post("/app/time/start", &form).await.expect(303);
    world.clock.advance(Duration::from_secs(5_415));
    let page = maya.page("/app/time").await;
    let stop = format!("/app/time/{}/stop", between(&page, "/app/time/", "/stop"));
    maya.post(&stop, &[]).await.expect(303);

    let entry = first(&maya, "/app/time").await;
    let page = maya.page(&entry).await;
    let timed = "It says when it began and when it ended";
    let form = |spent_on| {
        [
            ("project_id", zine.as_str()),
            ("spent_on", spent_on),
            ("duration", "1:30"),
            ("description", "Proofs"),
        ]
    };
    // What else is corrected leaves it timed.
    let today = value(&page, "spent_on", "date");
    maya.post(&entry, &form(today)).await.expect(303);
    let page = maya.page(&entry).await;
    assert!(page.contains("Proofs</textarea>"), "{page}");
    assert!(page.contains(timed), "{page}");

    let moved = maya.post(&entry, &form("2026-01-05")).await.expect(303);
    let week = "/app/time?day=2026-01-05";
    assert_eq!(moved.header("location"), format!("{week}&done=saved"));
    let page = maya.page(&entry).await;
    assert!(page.contains("Monday, 2026-01-05"), "{page}");
    assert!(!page.contains(timed), "{page}");

    // Its row offers no deletion, and its own page leads back to its day.
    let page = maya.page(week).await;
    assert!(
        page.contains("Proofs") && !page.contains("/delete"),
        "{page}"
    );
    dashboard(&maya, &entry).await;
    let gone = maya.post(&format!("{entry}/delete"), &[]).await.expect(303);
    assert_eq!(gone.header("location"), format!("{week}&done=deleted"));
    // Neither what happened to it before nor its end leads to a page that is not there.
    let page = dashboard(&maya, "was deleted").await;
    assert!(page.contains("Proofs") && !page.contains(&entry), "{page}");
    assert!(world.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expense_is_in_the_currency_of_its_project() {
    let world = World::start(Bus::Memory, Store::Sqlite).await;
    let (maya, _) = Browser::signed_up(&world).await;
    let client = [("name", "Harbor"), ("currency", "USD")];
    maya.post("/app/clients", &client).await.expect(303);
    let harbor = id(&maya.page("/app/clients").await, "/app/clients/", "Harbor");
    let zine = project(&maya, "Zine", "hourly", "").await;
    let atlas = project(&maya, "Atlas", "hourly", &harbor).await;
    let own = project(&maya, "Own", "none", "").await;

    let today = today(&maya).await;
    // Whether it is billed the project says, unless the form does.
    for (project, answer, tag) in [
        (&zine, "", "not invoiced"),
        (&zine, "no", "not billed"),
        (&own, "", "not billed"),
        (&zine, "yes", "not invoiced"),
    ] {
        let form = [
            ("project_id", project.as_str()),
            ("spent_on", &today),
            ("amount", "42.50"),
            ("category", "Travel"),
            ("billable", answer),
        ];
        maya.post("/app/expenses", &form).await.expect(303);
        let page = maya.page("/app/expenses").await;
        assert!(page.contains("42.50 EUR"), "{page}");
        assert!(page.contains(&format!(">{tag}</span>")), "{answer}: {page}");
        let expense = first(&maya, "/app/expenses").await;
        if answer != "yes" {
            let delete = format!("{expense}/delete");
            maya.post(&delete, &[]).await.expect(303);
        }
    }

    let expense = first(&maya, "/app/expenses").await;
    let page = maya.page(&expense).await;
    let form = [
        ("project_id", atlas.as_str()),
        ("spent_on", value(&page, "spent_on", "date")),
        ("amount", value(&page, "amount", "text")),
        ("billable", "on"),
    ];
    maya.post(&expense, &form).await.expect(303);
    let page = maya.page("/app/expenses").await;
    assert!(page.contains("42.50 USD"), "{page}");
    assert!(world.stop().await);
}

/// More than the API gives at a time.
#[tokio::test(flavor = "multi_thread")]
async fn a_week_and_its_choices_are_whole() {
    let world = World::start(Bus::Memory, Store::Sqlite).await;
    let (maya, _) = Browser::signed_up(&world).await;
    let zine = project(&maya, "Zine", "hourly", "").await;
    let cover = task(&maya, &zine, "Cover").await;
    for number in 0..200 {
        task(&maya, &zine, &format!("Page {number}")).await;
    }
    let on = format!("{zine}/{cover}");
    let page = maya.page("/app/time").await;
    assert!(page.contains(&format!("<option value=\"{on}\">")), "{page}");
    for _ in 0..201 {
        log(&maya, &on, "1m").await;
    }
    let complete = format!("/app/projects/{zine}/tasks/{cover}/complete");
    maya.post(&complete, &[]).await.expect(303);
    let page = maya.page("/app/time").await;
    assert!(page.contains("<strong>3:21</strong>"), "{page}");
    // What is done is named where it was logged, and is no choice any more.
    let named = page.matches("<br><span class=\"soft small\">Cover</span>");
    assert_eq!(named.count(), 201);
    assert!(!page.contains(&on), "{page}");
    assert!(world.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_time_of_somebody_else_says_so() {
    let world = World::start(Bus::Memory, Store::Sqlite).await;
    let org = world.org().await;
    let keys = Keys::derive(&SecretKey::from_bytes(SECRET));
    let operator = world.operator();
    let link = operator.link(&keys, &org.slug, &org.owner.email);
    let owner = Browser::new(&world);
    let path = link.await.unwrap().secret.link("");
    owner
        .post(&path, &[("new_password", PASSWORD)])
        .await
        .expect(303);

    // Of a project that the owner is not in.
    let project = scene::project(&world, &org, None).await;
    scene::join(&world, &org, &project, &org.member).await;
    let body = json!({ "project_id": project, "duration_seconds": 3_600 });
    let made = scene::send(&world, &org.member, "POST", "/time_entries", &body).await;
    let entry = made.expect(201).json()["id"].as_str().unwrap().to_owned();
    let page = text(&owner.get(&format!("/app/time/{entry}")).await.expect(200));
    assert!(page.contains("It is the time of member."), "{page}");
    assert_eq!(chosen(&page), project);
    assert!(world.stop().await);
}

/// Makes a project of a client, or of none, and gives its id.
async fn project(browser: &Browser<'_>, name: &str, method: &str, client: &str) -> String {
    let form = [
        ("name", name),
        ("billing_method", method),
        ("client_id", client),
    ];
    browser.post("/app/projects", &form).await.expect(303);
    id(&browser.page("/app/projects").await, "/app/projects/", name)
}

/// Makes a task, and gives its id.
async fn task(browser: &Browser<'_>, project: &str, name: &str) -> String {
    let path = format!("/app/projects/{project}");
    let form = [("task_name", name)];
    browser
        .post(&format!("{path}/tasks"), &form)
        .await
        .expect(303);
    id(&browser.page(&path).await, "/app/tasks/", name)
}

/// Logs time of today.
async fn log(browser: &Browser<'_>, on: &str, duration: &str) {
    let form = [("project_id", on), ("duration", duration)];
    browser.post("/app/time", &form).await.expect(303);
}

/// The day that a new expense is of, as the form has it.
async fn today(browser: &Browser<'_>) -> String {
    let page = browser.page("/app/expenses").await;
    value(&page, "spent_on", "date").to_owned()
}

/// What the one member of a project sends to leave it.
async fn leaving(browser: &Browser<'_>, project: &str) -> String {
    let page = browser.page(&format!("/app/projects/{project}")).await;
    format!("members/{}/remove", between(&page, "/members/", "\""))
}

/// The dashboard once it says something: events are public a moment after what they tell of.
async fn dashboard(browser: &Browser<'_>, says: &str) -> String {
    let told = async {
        loop {
            let page = browser.page("/app").await;
            if page.contains(says) {
                return page;
            }
            tokio::task::yield_now().await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(20), told).await;
    waited.unwrap_or_else(|_| panic!("the dashboard never says {says}"))
}

/// The page of the first thing that a list offers to edit.
async fn first(browser: &Browser<'_>, list: &str) -> String {
    let page = browser.page(list).await;
    let id = between(&page, &format!("href=\"{list}/"), "\"");
    format!("{list}/{id}")
}

/// The id in the link of a name.
#[track_caller]
fn id(page: &str, folder: &str, name: &str) -> String {
    let (before, _) = page.split_once(&format!("\">{name}</a>")).expect(name);
    let (_, id) = before.rsplit_once(folder).expect(folder);
    id.to_owned()
}

/// What a browser sends of the choice of a project: what is selected, else the first.
#[track_caller]
fn chosen(page: &str) -> &str {
    let choices = between(page, "name=\"project_id\">", "</select>");
    let selected = choices.split_once("\" selected").map(|(before, _)| before);
    match selected {
        Some(before) => before.rsplit_once("value=\"").unwrap().1,
        None => between(choices, "value=\"", "\""),
    }
}

/// What a field has.
#[track_caller]
fn value<'p>(page: &'p str, name: &str, kind: &str) -> &'p str {
    let field = format!("name=\"{name}\" type=\"{kind}\" value=\"");
    between(page, &field, "\"")
}
