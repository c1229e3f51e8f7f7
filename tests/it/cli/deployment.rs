//! Keys, settings, parts, and what is printed about them.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use hoursmith_domain::SecretKey;

use super::{CREATE, MINT, Site};
use crate::processes::Process;
use crate::world::{Bus, Store, World};

#[test]
fn the_first_run_makes_a_key_that_is_closed_to_others() {
    let site = Site::new();
    site.run(CREATE).good();
    site.run(MINT).good();
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    let key = site.path().join("secret.key");
    assert_eq!((mode(&key), mode(&site.path())), (0o600, 0o700));
    let made = std::fs::read_to_string(&key).unwrap();
    assert!(SecretKey::parse(&made).is_some());
    site.run("org list").good();
    assert_eq!(std::fs::read_to_string(&key).unwrap(), made, "made once");
    // With a key of the operator's own none is made.
    let site = Site::new();
    let given = site.run("secret-key").good();
    assert!(SecretKey::parse(&given).is_some());
    assert_ne!(given, site.run("secret-key").good());
    let given = [("HOURSMITH_SECRET_KEY", given.trim())];
    site.run_with(CREATE, &given).good();
    site.run_with(MINT, &given).good();
    assert!(!site.path().join("secret.key").exists());
}

#[test]
fn what_is_no_setting_is_refused_by_name() {
    let site = Site::new();
    let error = site
        .run_with("org list", &[("HOURSMITH_LISTEM", "x")])
        .bad();
    assert!(
        error.contains("unknown setting `HOURSMITH_LISTEM` from the environment"),
        "{error}"
    );
    let error = site.run("org list --set request.deadline=5").bad();
    assert!(
        error.contains("unknown setting `request.deadline` from the command line"),
        "{error}"
    );
    assert!(
        error.contains("did you mean `request.deadline_ms`?"),
        "{error}"
    );
    std::fs::create_dir(site.path()).unwrap();
    std::fs::write(
        site.path().join("hoursmith.toml"),
        "[limits.gold]\nburst_limit = 1\n",
    )
    .unwrap();
    let error = site.run("org list").bad();
    assert!(
        error.contains("unknown setting `limits.gold") && error.contains("hoursmith.toml`"),
        "{error}"
    );
    let other = site.path().join("other.toml");
    std::fs::write(&other, "log.format = 'xml'").unwrap();
    let error = site
        .run(&format!("org list --config {}", other.display()))
        .bad();
    assert!(error.contains("setting `log.format`"), "{error}");
}

#[test]
fn parts_need_nats_and_nats_needs_a_key() {
    let site = Site::new();
    let listen = "--listen 127.0.0.1:0 --admin-listen 127.0.0.1:0";
    let error = site.run(&format!("serve {listen} --only gateway")).bad();
    assert!(error.contains("`--only` needs `NATS_URL`"), "{error}");
    let error = site.run(&format!("serve {listen} --only gatway")).bad();
    assert!(
        error.contains("`gatway` is no component; there are accounts, console, gateway,"),
        "{error}"
    );
    // Nobody listens at port 1; it is not even asked.
    let nats = [("NATS_URL", "nats://127.0.0.1:1")];
    let error = site.run_with(&format!("serve {listen}"), &nats).bad();
    assert!(
        error.contains("the secret key must be given as `secret_key` or `secret_key_file`"),
        "{error}"
    );
    assert!(!site.path().exists(), "nothing was made");
    let key = site.run("secret-key").good();
    let with_key = [nats[0], ("HOURSMITH_SECRET_KEY", key.trim())];
    let error = site
        .run_with(&format!("serve {listen} --only gateway"), &with_key)
        .bad();
    assert!(error.contains("connect to NATS at 127.0.0.1:1"), "{error}");
}

#[test]
fn the_doctor_says_what_is_wrong() {
    let site = Site::new();
    let says = |out: &str, lines: &[&str]| {
        for line in lines {
            assert!(
                out.lines().any(|found| found.starts_with(line)),
                "{line} in {out}"
            );
        }
        assert!(!out.contains("\nwrong "), "{out}");
    };
    let good = site.run("doctor").good();
    says(
        &good,
        &[
            "ok     the settings were read",
            "ok     there is no secret key yet",
        ],
    );
    says(
        &good,
        &[
            "ok     there is no database ",
            "ok     the bus is in this process",
        ],
    );
    assert!(!site.path().exists(), "it looks and makes nothing");
    site.run(CREATE).good();
    site.run(MINT).good();
    let good = site.run("doctor").good();
    says(
        &good,
        &[
            "ok     the secret key was read",
            "ok     the schema is up to date",
        ],
    );
    assert!(good.contains("journal_mode"), "{good}");

    let key = site.run("secret-key").good();
    let key = ("HOURSMITH_SECRET_KEY", key.trim());
    let nobody = "postgres://me:hunter2@127.0.0.1:1/x";
    for (environment, complaint) in [
        (
            vec![("DATABASE_URL", nobody)],
            "wrong  database 127.0.0.1:1/x: ",
        ),
        (
            vec![("DATABASE_URL", "sqlite:/nowhere/at/all/x.db")],
            "wrong  database ",
        ),
        (
            vec![("NATS_URL", "nats://127.0.0.1:1"), key],
            "wrong  NATS: the bus cannot be joined: connect to NATS at 127.0.0.1:1 as `hoursmith`",
        ),
        (
            vec![("HOURSMITH_SECRET_KEY", "c2hvcnQ=")],
            "wrong  secret key: ",
        ),
    ] {
        let run = site.run_with("doctor", &environment);
        assert_eq!(run.code, Some(1), "{}", run.out);
        assert!(
            run.out.lines().any(|line| line.starts_with(complaint)),
            "{complaint}: {}",
            run.out
        );
        let all = run.out + &run.err;
        assert!(!all.contains("hunter2") && !all.contains(key.1), "{all}");
    }
    // What cannot even be read as settings is no finding, but an error.
    for (variable, complaint) in [
        (("DATABASE_URL", "mysql://hunter2@x"), "`database_url`"),
        (
            ("NATS_URL", "nats://127.0.0.1:1"),
            "the secret key must be given",
        ),
    ] {
        let error = site.run_with("doctor", &[variable]).bad();
        assert!(
            error.contains(complaint) && !error.contains("hunter2"),
            "{error}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_asyncapi_document_is_the_one_that_is_served() {
    let world = World::start(Bus::Process, Store::Sqlite).await;
    let ask = || world.call("GET", "/api/asyncapi.json");
    let served = ask().send().await.expect(200);
    let printed = Site::new().run("asyncapi").good();
    assert_eq!(printed.trim_end().as_bytes(), served.body.trim_ascii_end());
    let etag = served.header("etag");
    let known = ask().header("if-none-match", etag).send().await;
    known.expect(304);
    let packed = ask().header("accept-encoding", "gzip").send().await;
    assert_eq!(packed.header("content-encoding"), "gzip");
    assert!(packed.body.len() < served.body.len() / 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_openapi_document_is_the_one_that_is_served() {
    let world = World::start(Bus::Process, Store::Sqlite).await;
    let served = world
        .call("GET", "/api/openapi.json")
        .send()
        .await
        .expect(200);
    let site = Site::new();
    let printed = site.run("openapi").good();
    assert_eq!(printed.trim_end().as_bytes(), served.body.trim_ascii_end());
    let elsewhere = site
        .run("openapi --set public_url=https://time.example")
        .good();
    assert!(elsewhere.contains("https://time.example"));
}

#[test]
fn the_settings_reference_is_the_documented_one() {
    let documented = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/SETTINGS.md");
    assert_eq!(
        Site::new().run("settings").good(),
        std::fs::read_to_string(documented).unwrap()
    );
}

/// A process that was told of a taken port says so and ends.
#[tokio::test(flavor = "multi_thread")]
async fn a_taken_port_is_named() {
    let world = World::start(Bus::Process, Store::Sqlite).await;
    let taken: &Process = world.processes.last().unwrap();
    let address = taken.api.unwrap().to_string();
    let site = Site::new();
    let error = site.run(&format!(
        "serve --listen {address} --admin-listen 127.0.0.1:0 --set log.filter=off"
    ));
    assert!(error.bad().contains(&address));
}
