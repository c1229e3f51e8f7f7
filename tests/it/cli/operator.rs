//! Organizations, members and tokens.

use hoursmith_domain::{InvitationSecret, SecretKey, Token};

use super::{CREATE, Run, Site};
use crate::http::Call;
use crate::world::{Bus, Store, World};

/// The fields of each line of a listing.
fn table(listing: &str) -> Vec<Vec<&str>> {
    listing
        .lines()
        .map(|line| line.split('\t').collect())
        .collect()
}

#[test]
fn organizations_and_members_are_kept() {
    let site = Site::new();
    assert_eq!(site.run("migrate").good(), "the schema is up to date\n");
    let id = site.run(CREATE).good();
    assert_eq!(
        table(&site.run("org list").good()),
        [[id.trim(), "acme", "agency", "EUR", "Acme"]]
    );
    assert!(site.run(CREATE).bad().contains("exists already"));
    site.run("org plan acme studio").good();
    assert_eq!(table(&site.run("org list").good())[0][2], "studio");
    assert!(
        site.run("org plan nobody studio")
            .bad()
            .contains("there is no organization `nobody`")
    );

    let bob = site
        .run("member add acme bob@acme.example --name Bob --role manager")
        .good();
    let listing = site.run("member list acme").good();
    let members = table(&listing);
    assert_eq!(members.len(), 2);
    assert!(
        members.contains(&vec![
            bob.trim(),
            "manager",
            "active",
            "bob@acme.example",
            "Bob"
        ]),
        "{listing}"
    );
    assert!(
        members
            .iter()
            .any(|row| row[1..] == ["owner", "active", "ann@acme.example", "Ann"]),
        "{listing}"
    );
    site.run("member role acme bob@acme.example admin").good();
    assert!(
        site.run("member list acme")
            .good()
            .contains("\tadmin\tactive\tbob@acme.example")
    );
    let alone = "error: the last owner cannot go: make someone else an owner first\n";
    assert_eq!(site.run("member remove acme ann@acme.example").bad(), alone);
    assert_eq!(
        site.run("member role acme ann@acme.example member").bad(),
        alone
    );
    site.run("member remove acme bob@acme.example").good();
    assert!(
        !site
            .run("member list acme")
            .good()
            .contains("\tactive\tbob@acme.example")
    );
    assert!(
        site.run("member role acme bob@acme.example owner")
            .bad()
            .contains("is no active member")
    );
}

#[test]
fn members_choose_their_passwords_by_a_link() {
    let site = Site::new();
    let told = |run: &Run| run.err.lines().last().unwrap().to_owned();
    let made = site.run(CREATE);
    let first = told(&made);
    assert_eq!(made.good().lines().count(), 1, "an id for scripts");
    assert!(first.contains("/app/invitations/"), "{first}");
    let added = site.run("member add acme bob@acme.example --name Bob");
    assert!(told(&added).contains("/app/invitations/"));
    let second = site.run("member link acme ann@acme.example").good();
    let (_, secret) = second.trim().rsplit_once("/app/invitations/").unwrap();
    assert!(InvitationSecret::parse(secret).is_some(), "{second}");
    assert_ne!(second.trim(), first);
    let nobody = site.run("member link acme eve@acme.example").bad();
    assert!(nobody.contains("is no active member"), "{nobody}");
}

#[test]
fn what_is_set_stays_and_what_cannot_be_is_said() {
    let site = Site::new();
    site.run(CREATE).good();
    site.run("org set acme --currency USD --week-start sunday --lock-before=")
        .good();
    assert_eq!(table(&site.run("org list").good())[0][3], "USD");
    site.run("member set acme ann@acme.example --cost-rate 50.5 --weekly-capacity=")
        .good();
    for (line, complaint) in [
        ("org set acme --currency EUR", "the currency cannot change"),
        ("org set nobody --name X", "there is no organization"),
        ("org set acme --name=", "name: must have at least 1"),
        (
            "org set acme --week-start funday",
            "week start: must be one",
        ),
        (
            "org set acme --rounding-minutes 0",
            "rounding minutes: must be from 1 to 1440",
        ),
        (
            "org set acme --weekly-capacity 604801",
            "weekly capacity: must be from 0",
        ),
        (
            "org set acme --default-billable-rate=-1",
            "default billable rate: must be at least 0",
        ),
        (
            "member set acme ann@acme.example --cost-rate=-1",
            "cost rate: must be at least 0",
        ),
        (
            "member set acme bob@acme.example --cost-rate 1",
            "is no active member",
        ),
    ] {
        let complained = site.run(line).bad();
        assert!(complained.contains(complaint), "{line}: {complained}");
    }
    site.run("member set acme ann@acme.example --cost-rate=")
        .good();
    site.run("org set acme --currency EUR").good();
}

#[test]
fn what_an_argument_cannot_be_is_said() {
    let site = Site::new();
    for (line, complaint) in [
        ("org plan acme gold", "gold"),
        ("org create --name A", "--slug"),
        ("token revoke acme x", "x"),
        (
            "member add acme b@acme.example --name B --role boss",
            "boss",
        ),
        ("org set acme", "--name"),
        ("org set acme --timezone Mars", "Mars"),
        ("org set acme --rounding-mode sideways", "nearest"),
        ("org set acme --lock-before 2026-13-01", "2026-13-01"),
        ("member set acme b@acme.example --billable-rate 1e3", "1e3"),
        ("sevre", "serve"),
    ] {
        let run = site.run(line);
        assert_eq!(run.code, Some(2), "{line}");
        assert!(run.err.contains(complaint), "{line}: {}", run.err);
    }
    assert!(!site.path().exists(), "nothing was made");
}

#[test]
fn tokens_are_shown_once_and_revoked_by_id() {
    let site = Site::new();
    site.run(CREATE).good();
    let minted = site
        .run("token create acme ann@acme.example --name laptop --scope read --expires-in 30")
        .good();
    let token = Token::parse(minted.trim()).unwrap();
    let second = site
        .run("token create acme ann@acme.example --name other")
        .good();
    let listing = site.run("token list acme").good();
    let rows = table(&listing);
    let laptop = rows.iter().find(|row| row[6] == "laptop").unwrap();
    assert_eq!(laptop[1], format!("…{}", token.last_four()));
    assert_eq!(
        (laptop[2], laptop[4], laptop[5]),
        ("read", "revoked -", "used -")
    );
    assert_ne!(laptop[3], "expires -");
    let other = rows.iter().find(|row| row[6] == "other").unwrap();
    assert_eq!((other[2], other[3]), ("write", "expires -"));
    assert!(
        !listing.contains(token.expose()) && !listing.contains(second.trim()),
        "{listing}"
    );
    site.run(&format!("token revoke acme {}", laptop[0])).good();
    let listing = site.run("token list acme").good();
    let revoked: Vec<bool> = table(&listing)
        .iter()
        .map(|row| row[4] != "revoked -")
        .collect();
    assert_eq!(revoked.iter().filter(|revoked| **revoked).count(), 1);
    let unknown = "token revoke acme 01931f7e-3c51-7c3a-9a53-6f0d2a3b4c5d";
    assert!(site.run(unknown).bad().contains("has no token 01931f7e"));
    assert!(
        site.run("token create acme nobody@acme.example --name x")
            .bad()
            .contains("is no active member")
    );
}

/// What the operator does in one process counts in another that runs.
#[tokio::test(flavor = "multi_thread")]
async fn the_operators_changes_reach_a_running_server() {
    let world = World::start(Bus::Process, Store::Postgres).await;
    let org = world.org().await;
    let site = Site::new();
    let key = SecretKey::from_bytes(crate::world::SECRET).expose();
    let url = world.db.url();
    let operate = |line: &str| {
        site.run_with(
            line,
            &[("DATABASE_URL", &url), ("HOURSMITH_SECRET_KEY", &key)],
        )
        .good()
    };
    let token = operate(&format!(
        "token create {} {} --name cli",
        org.slug, org.member.email
    ));
    let me = || Call::new(world.address, "GET", "/api/v1/me").token(token.trim());
    assert_eq!(me().send().await.expect(200).json()["role"], "member");
    operate(&format!(
        "member role {} {} admin",
        org.slug, org.member.email
    ));
    assert_eq!(me().send().await.expect(200).json()["role"], "admin");
    operate(&format!("org plan {} free", org.slug));
    me().send().await.expect_problem(402, "plan_required");
    operate(&format!("org plan {} agency", org.slug));
    operate(&format!(
        "org set {} --timezone Asia/Tokyo --default-billable-rate 75 --allow-overlap false",
        org.slug
    ));
    operate(&format!(
        "member set {} {} --billable-rate 90 --cost-rate 41.5 --weekly-capacity 72000",
        org.slug, org.member.email
    ));
    let body = me().send().await.expect(200).json();
    for (field, value) in [
        ("timezone", serde_json::json!("Asia/Tokyo")),
        ("billable_rate", serde_json::json!("90.00")),
        ("cost_rate", serde_json::json!("41.50")),
        ("weekly_capacity_seconds", serde_json::json!(72_000)),
    ] {
        assert_eq!(body[field], value, "{field}");
    }
    let id = me().send().await.expect(200).json()["token"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    operate(&format!("token revoke {} {id}", org.slug));
    me().send().await.expect_problem(401, "token_invalid");
}
