//! Pages, filters, cursors.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::clients::{create, created, path};
use crate::http::Answer;
use crate::world::{Person, World};

async fn list(world: &World, person: &Person, query: &str) -> Answer {
    world
        .get(&format!("/api/v1/clients{query}"), person)
        .send()
        .await
}

fn names(answer: &Answer) -> Vec<String> {
    let body = answer.json();
    body["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["name"].as_str().unwrap().to_owned())
        .collect()
}

pub async fn pages_show_every_client_once(world: &World) {
    let org = world.org().await;
    for number in 0..10 {
        created(world, &org.owner, &format!("client {number}")).await;
    }
    let mut seen = Vec::new();
    let mut query = "?limit=5".to_owned();
    loop {
        let page = list(world, &org.owner, &query).await.expect(200);
        seen.extend(names(&page));
        let body = page.json();
        assert_eq!(
            body["has_more"].as_bool().unwrap(),
            body["next_cursor"].is_string()
        );
        let Some(cursor) = body["next_cursor"].as_str() else {
            assert!(page.headers.get("link").is_none());
            break;
        };
        // A row that comes and one that goes between two pages shift nothing.
        created(world, &org.owner, &format!("late {}", seen.len())).await;
        let link = page.header("link").to_owned();
        assert!(
            link.ends_with(&format!("limit=5&cursor={cursor}>; rel=\"next\"")),
            "{link}"
        );
        query = format!("?limit=5&cursor={cursor}");
    }
    let expected: Vec<String> = (0..10)
        .rev()
        .map(|number| format!("client {number}"))
        .collect();
    assert_eq!(
        seen, expected,
        "newest first, each once, an exact last page"
    );
    assert_eq!(
        names(&list(world, &org.owner, "?limit=200").await).len(),
        11
    );
}

pub async fn rows_of_one_instant_are_paged_by_id(world: &World) {
    let org = world.org().await;
    for number in 0..5 {
        created(world, &org.owner, &format!("client {number}")).await;
    }
    const ALIGN: hoursmith_store::Statement = hoursmith_store::Statement {
        name: "ALIGN_CLIENTS",
        sql: "UPDATE clients SET created_at = 1000000, updated_at = 1000000 WHERE organization_id = $1",
    };
    let id = org.id.0;
    let align = world
        .db
        .db()
        .write(move |conn| Box::pin(async move { hoursmith_store::execute!(conn, ALIGN, id) }));
    assert_eq!(align.await.unwrap(), 5);
    for order in ["?", "?updated_since=1970-01-01T00:00:01Z&"] {
        let mut seen = HashSet::new();
        let mut query = format!("{order}limit=2");
        loop {
            let page = list(world, &org.owner, &query).await.expect(200);
            for name in names(&page) {
                assert!(seen.insert(name), "twice, by {order}");
            }
            let body = page.json();
            let Some(cursor) = body["next_cursor"].as_str() else {
                break;
            };
            query = format!("{order}limit=2&cursor={cursor}");
        }
        assert_eq!(seen.len(), 5, "{order}");
    }
}

pub async fn a_page_ends_before_it_is_too_large(world: &World) {
    let org = world.org().await;
    let metadata: Value = (0..50)
        .map(|number| (format!("key {number}"), Value::from("🦀".repeat(500))))
        .collect::<serde_json::Map<_, _>>()
        .into();
    for number in 0..12 {
        let body = json!({"name": format!("fat {number}"), "metadata": metadata, "notes": "🦀".repeat(5000)});
        create(world, &org.owner, &body).await.expect(201);
    }
    let (mut seen, mut pages, mut query) = (Vec::new(), 0, String::new());
    loop {
        let page = list(world, &org.owner, &query).await.expect(200);
        seen.extend(names(&page));
        pages += 1;
        let body = page.json();
        let Some(cursor) = body["next_cursor"].as_str() else {
            break;
        };
        query = format!("?cursor={cursor}");
    }
    assert_eq!(
        seen,
        (0..12)
            .rev()
            .map(|number| format!("fat {number}"))
            .collect::<Vec<_>>()
    );
    assert!(pages > 1, "short pages, yet every client");
}

pub async fn filters_narrow(world: &World) {
    let org = world.org().await;
    let owner = &org.owner;
    create(
        world,
        owner,
        &json!({"name": "100% Ärger_x", "number": "N1", "currency": "USD"}),
    )
    .await
    .expect(201);
    create(world, owner, &json!({"name": "Plain", "archived": true}))
        .await
        .expect(201);
    let reference =
        json!({"name": "Linked", "external_reference": {"service": "s", "id": "ext 1"}});
    let linked = create(world, owner, &reference).await.expect(201).json();
    let find = async |query: &str| names(&list(world, owner, query).await.expect(200));
    assert_eq!(find("?archived=true").await, ["Plain"]);
    assert_eq!(find("?archived=false").await, ["Linked", "100% Ärger_x"]);
    assert_eq!(
        find("?q=%C3%A4RGER").await,
        ["100% Ärger_x"],
        "case does not count"
    );
    assert_eq!(
        find("?q=0%25%20").await,
        ["100% Ärger_x"],
        "a percent sign is one"
    );
    assert_eq!(find("?q=r_x").await, ["100% Ärger_x"]);
    assert_eq!(
        find("?q=l_n").await,
        Vec::<String>::new(),
        "an underscore is one"
    );
    assert_eq!(find("?number=N1&currency=USD").await, ["100% Ärger_x"]);
    assert_eq!(find("?number=N1&currency=EUR").await, Vec::<String>::new());
    assert_eq!(find("?external_reference_id=ext%201").await, ["Linked"]);

    let since = linked["updated_at"].as_str().unwrap().to_owned();
    assert_eq!(find(&format!("?updated_since={since}")).await, ["Linked"]);
    let plain = list(world, owner, "?archived=true").await.json()["data"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let patch = world
        .call("PATCH", &path(&plain))
        .token(&owner.token)
        .json(&json!({"notes": "x"}));
    patch.send().await.expect(200);
    assert_eq!(
        find(&format!("?updated_since={since}")).await,
        ["Linked", "Plain"],
        "oldest change first"
    );
    let page = list(world, owner, &format!("?updated_since={since}&limit=1"))
        .await
        .json();
    let rest = format!(
        "?updated_since={since}&limit=1&cursor={}",
        page["next_cursor"].as_str().unwrap()
    );
    assert_eq!(find(&rest).await, ["Plain"]);

    for (query, code) in [
        ("?limit=0", "invalid_parameter"),
        ("?limit=201", "invalid_parameter"),
        ("?limit=x", "invalid_parameter"),
        ("?archived=1", "invalid_parameter"),
        ("?currency=euro", "invalid_parameter"),
        ("?updated_since=yesterday", "invalid_parameter"),
        ("?colour=red", "unknown_parameter"),
        ("?limit=1&limit=2", "unknown_parameter"),
    ] {
        let answer = list(world, owner, query).await.expect_problem(400, code);
        assert!(
            answer.json()["errors"][0]["parameter"].is_string(),
            "{answer:?}"
        );
    }
}

pub async fn cursors_are_bound(world: &World) {
    let (org, other) = (world.org().await, world.org().await);
    for person in [&org.owner, &other.owner] {
        for number in 0..3 {
            created(world, person, &format!("c{number}")).await;
        }
    }
    let page = list(world, &org.owner, "?limit=1&archived=false")
        .await
        .expect(200)
        .json();
    let cursor = page["next_cursor"].as_str().unwrap().to_owned();
    list(
        world,
        &org.owner,
        &format!("?limit=2&archived=false&cursor={cursor}"),
    )
    .await
    .expect(200);
    let altered: String = cursor.chars().rev().collect();
    for (person, query) in [
        (&other.owner, format!("?archived=false&cursor={cursor}")),
        (&org.owner, format!("?cursor={cursor}")),
        (&org.owner, format!("?archived=true&cursor={cursor}")),
        (&org.owner, format!("?archived=false&cursor={altered}")),
        (&org.owner, "?cursor=x".to_owned()),
    ] {
        list(world, person, &query)
            .await
            .expect_problem(400, "invalid_cursor");
    }
}

pub async fn every_answer_carries_its_headers(world: &World) {
    let org = world.org().await;
    let owner = &org.owner;
    let id = created(world, owner, "A").await;
    let answers = [
        world.get("/api/v1/clients", owner).send().await.expect(200),
        world
            .get(&path(&id), owner)
            .header("if-none-match", "*")
            .send()
            .await
            .expect(304),
        world
            .post("/api/v1/clients", owner)
            .json(&json!({}))
            .send()
            .await
            .expect(422),
        world
            .call("GET", "/api/v1/clients")
            .send()
            .await
            .expect_problem(401, "token_missing"),
        world
            .call("GET", "/api/v1/clients")
            .token("hsk_live_x")
            .send()
            .await
            .expect_problem(401, "token_invalid"),
        world
            .get("/api/v1/nothing", owner)
            .send()
            .await
            .expect_problem(404, "not_found"),
        world
            .call("GET", "/nothing")
            .send()
            .await
            .expect_problem(404, "not_found"),
        world
            .call("PUT", "/api/v1/clients")
            .token(&owner.token)
            .send()
            .await
            .expect_problem(405, "method_not_allowed"),
        world
            .call("GET", "/api/openapi.json")
            .send()
            .await
            .expect(200),
        world
            .call("OPTIONS", "/api/v1/clients")
            .send()
            .await
            .expect(204),
        world
            .call("HEAD", "/api/v1/clients")
            .token(&owner.token)
            .send()
            .await
            .expect(200),
    ];
    let mut requests = HashSet::new();
    for answer in &answers {
        assert!(
            requests.insert(answer.header("x-request-id").to_owned()),
            "{answer:?}"
        );
        assert!(answer.header("x-request-id").starts_with("req_"));
        for name in [
            "x-ratelimit-limit",
            "x-ratelimit-remaining",
            "x-ratelimit-reset",
        ] {
            let _: u64 = answer.header(name).parse().unwrap();
        }
        assert!(
            answer.header("ratelimit-policy").contains("burst\";q="),
            "{answer:?}"
        );
        assert!(
            answer.header("ratelimit").contains("burst\";r="),
            "{answer:?}"
        );
    }
    for answer in answers
        .iter()
        .enumerate()
        .filter(|(at, _)| *at != 6)
        .map(|(_, answer)| answer)
    {
        assert_eq!(
            answer.header("access-control-allow-origin"),
            "*",
            "{answer:?}"
        );
    }
    let [.., method, _, options, head] = &answers;
    assert_eq!(method.header("allow"), options.header("allow"));
    let allowed: HashSet<&str> = method.header("allow").split(", ").collect();
    assert_eq!(allowed, HashSet::from(["GET", "HEAD", "OPTIONS", "POST"]));
    assert!(head.body.is_empty() && head.header("content-length").parse::<u32>().unwrap() > 10);
    let challenge = |answer: &Answer| answer.header("www-authenticate").to_owned();
    assert_eq!(challenge(&answers[3]), "Bearer realm=\"hoursmith\"");
    assert_eq!(
        challenge(&answers[4]),
        "Bearer realm=\"hoursmith\", error=\"invalid_token\""
    );
    let body: Value = answers[0].json();
    assert_eq!(body["data"].as_array().unwrap().len(), 1);
}
