//! The arrows between the rooms, read from manifests and sources, and the lists that must agree.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use hoursmith::plugins;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The rooms below each room: what its crate may depend on.
fn allowed(room: &str) -> BTreeSet<&'static str> {
    let names: &[&str] = match room {
        "domain" => &[],
        "bus" | "store" | "settings" => &["domain"],
        "telemetry" => &["domain", "bus", "settings"],
        "kit" => &["domain", "bus", "store", "settings", "telemetry"],
        "routes" | "nats" => &["domain", "bus"],
        "gateway" => &["domain", "bus", "kit", "routes", "settings", "telemetry"],
        "outbound" => &["kit", "settings"],
        "handler" => &["domain", "bus", "kit", "routes", "store", "telemetry"],
        actor if actor == hoursmith_event_counter::NAME || plugins::names().contains(&actor) => &[
            "domain",
            "bus",
            "handler",
            "kit",
            "outbound",
            "routes",
            "settings",
            "store",
            "telemetry",
        ],
        other => panic!("the room `{other}` is not on this list; say what it may know"),
    };
    names.iter().copied().collect()
}

/// Every member's folder and its parsed manifest.
fn members() -> BTreeMap<String, (PathBuf, toml::Table)> {
    let folders = |parent: &str| {
        fs::read_dir(root().join(parent))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.join("Cargo.toml").exists())
    };
    folders("src")
        .chain(folders("actors"))
        .chain(folders("examples"))
        .chain([root().join("routes"), root().join("nats")])
        .map(|folder| {
            let manifest = fs::read_to_string(folder.join("Cargo.toml"))
                .unwrap()
                .parse()
                .unwrap();
            (
                folder.file_name().unwrap().to_str().unwrap().to_owned(),
                (folder, manifest),
            )
        })
        .collect()
}

fn dependencies(manifest: &toml::Table, section: &str) -> BTreeSet<String> {
    manifest
        .get(section)
        .and_then(toml::Value::as_table)
        .map(|table| table.keys().cloned().collect())
        .unwrap_or_default()
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found
}

#[test]
fn every_room_knows_only_the_rooms_below_it() {
    for (room, (_, manifest)) in members() {
        let known: BTreeSet<String> = dependencies(&manifest, "dependencies")
            .iter()
            .filter_map(|name| name.strip_prefix("hoursmith-").map(str::to_owned))
            .collect();
        let allowed = allowed(&room);
        let beyond: Vec<_> = known
            .iter()
            .filter(|name| !allowed.contains(name.as_str()))
            .collect();
        assert!(beyond.is_empty(), "{room} must not know {beyond:?}");
    }
}

#[test]
fn libraries_stay_in_their_rooms() {
    for (room, (folder, manifest)) in members() {
        let uses = dependencies(&manifest, "dependencies");
        let only = |library: &str, rooms: &[&str]| {
            assert!(
                !uses.contains(library) || rooms.contains(&room.as_str()),
                "{room} must not use {library}"
            );
        };
        only("async-nats", &["nats"]);
        only("ractor", &["kit"]);
        only("hyper", &["gateway", "outbound"]);
        only("hyper-util", &["gateway", "outbound"]);
        only("hickory-resolver", &["outbound"]);
        only("tokio-rustls", &["outbound"]);
        only("matchit", &["gateway"]);
        if uses.contains("sqlx") && room != "store" {
            for path in sources(&folder) {
                let text = fs::read_to_string(&path).unwrap();
                let is_sql = path.file_name().unwrap() == "sql.rs";
                assert!(
                    is_sql || !text.contains("sqlx"),
                    "{} must leave SQL to a sql.rs",
                    path.display()
                );
            }
        }
    }
}

#[test]
fn only_the_store_tells_the_engines_apart() {
    for (room, (folder, _)) in members() {
        for path in sources(&folder).iter().filter(|_| room != "store") {
            let text = fs::read_to_string(path).unwrap();
            for word in ["Engine::Sqlite", "Engine::Postgres"] {
                assert!(
                    !text.contains(word),
                    "{} tells the engines apart",
                    path.display()
                );
            }
        }
    }
}

#[test]
fn only_token_auth_and_accounts_vouch_for_callers() {
    for (room, (folder, _)) in members() {
        for path in sources(&folder).iter().filter(|path| !is_test(path)) {
            let text = fs::read_to_string(path).unwrap();
            let tested = text.find("#[cfg(test)]").unwrap_or(text.len());
            let may = ["token-auth", "accounts", "domain"].contains(&room.as_str());
            assert!(
                may || !text[..tested].contains("CallerAuthority"),
                "{} must not hold an authority over callers",
                path.display()
            );
        }
    }
}

/// Whether a file is compiled for tests alone.
fn is_test(path: &Path) -> bool {
    let names = [
        "tests",
        "tests.rs",
        "testing",
        "testing.rs",
        "conformance",
        "benches",
    ];
    let path = path.strip_prefix(root()).unwrap();
    path.iter()
        .any(|part| names.iter().any(|name| part == *name))
}

#[test]
fn the_list_of_plugins_is_the_folders_of_actors() {
    let folders: BTreeSet<String> = fs::read_dir(root().join("actors"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let listed: BTreeSet<String> = plugins::names().into_iter().map(str::to_owned).collect();
    let missing: Vec<_> = folders.difference(&listed).collect();
    assert!(
        missing.is_empty(),
        "{missing:?}: a folder in actors/ without its line in src/plugins.rs"
    );
    let extra: Vec<_> = listed.difference(&folders).collect();
    assert!(
        extra.is_empty(),
        "{extra:?}: a line in src/plugins.rs without its folder in actors/"
    );
}

#[test]
fn files_are_small() {
    let long: Vec<String> = members()
        .into_values()
        .flat_map(|(folder, _)| sources(&folder))
        .chain(sources(&root().join("tests")))
        .chain(sources(&root().join("benches")))
        .filter_map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            let limit = if is_test(&path) { 700 } else { 400 };
            let lines = text
                .lines()
                .take_while(|line| !line.starts_with("#[cfg(test)]"))
                .count();
            (lines > limit).then(|| format!("{}: {lines} of {limit}", path.display()))
        })
        .collect();
    assert!(long.is_empty(), "too long: {long:#?}");
}

#[test]
fn the_reference_of_settings_is_the_generated_one() {
    let written = fs::read_to_string(root().join("docs/SETTINGS.md")).unwrap();
    assert!(
        written == plugins::settings_reference(),
        "docs/SETTINGS.md: run `hoursmith settings > docs/SETTINGS.md`"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_statement_is_understood_by_both_engines() {
    use hoursmith_store::testing::{TestDb, prepare_all};
    let mut statements = hoursmith_store::statements();
    statements.extend(
        plugins::plugins()
            .iter()
            .flat_map(|plugin| plugin.statements()),
    );
    assert!(statements.len() > 20, "{statements:?}");
    prepare_all(TestDb::sqlite().await.db(), &statements).await;
    prepare_all(TestDb::postgres().await.db(), &statements).await;
}
