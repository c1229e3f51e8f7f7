//! The programs of docs/SUBSCRIBERS.md, as they stand there, on a real deployment: told everything
//! once and in order, over a wiped stream and a gap.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::cases::{created, feed};
use crate::processes::password;
use crate::publication::{let_books_in, until_marked};
use crate::world::{Bus, Org, Store, World, until_ready};

/// Far longer than it takes.
const LONGEST: Duration = Duration::from_secs(60);

/// Most lines of a program.
const SHORT: usize = 25;

/// The blocks of a language in docs/SUBSCRIBERS.md.
fn blocks(language: &str) -> Vec<String> {
    let docs = root().join("docs/SUBSCRIBERS.md");
    let docs = std::fs::read_to_string(docs).unwrap();
    let fence = format!("```{language}\n");
    let block = |text: &str| text.split("```").next().unwrap().to_owned();
    let blocks: Vec<String> = docs.split(&fence).skip(1).map(block).collect();
    for block in &blocks {
        assert!(block.lines().count() <= SHORT, "{block}");
    }
    blocks
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A program, and the folder that it runs in and keeps its place in.
struct Program {
    command: fn(&Path) -> Command,
    folder: TempDir,
    told: Arc<Mutex<Vec<String>>>,
}

/// A running one; ended when dropped.
struct Running(tokio::task::JoinHandle<()>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Program {
    fn new(command: fn(&Path) -> Command) -> Self {
        Self {
            command,
            folder: TempDir::new().unwrap(),
            told: Arc::default(),
        }
    }

    /// Runs it, and starts it again whenever it ends.
    fn run(&self, world: &World, org: &Org) -> Running {
        let mut command = (self.command)(self.folder.path());
        command
            .current_dir(self.folder.path())
            .env("NATS_URL", world.nats.as_ref().unwrap().url())
            .env("NATS_USER", "books")
            .env("NATS_PASSWORD", password("books"))
            .env("URL", format!("http://{}", world.address))
            .env("TOKEN", &org.owner.token)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        let told = Arc::clone(&self.told);
        Running(tokio::spawn(async move {
            loop {
                let mut child: Child = command.spawn().expect("the program starts");
                let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
                while let Some(line) = lines.next_line().await.unwrap() {
                    told.lock().unwrap().push(line.replace('"', ""));
                }
                println!("the program ended: {:?}", child.wait().await);
            }
        }))
    }

    /// Waits until it was told the whole feed: each event once, in order.
    async fn until_told(&self, feed: &[Value]) {
        let line = |event: &Value| {
            let kind = event["type"].as_str().unwrap();
            format!("{} {kind}", event["sequence"])
        };
        let wanted: Vec<String> = feed.iter().map(line).collect();
        let told = async {
            loop {
                let mut told = self.told.lock().unwrap().clone();
                // Ended between its work and taking note of it, it works on the same once more.
                told.dedup();
                assert!(wanted.starts_with(&told), "{told:?} of {wanted:?}");
                if told == wanted {
                    return;
                }
                tokio::task::yield_now().await;
            }
        };
        if tokio::time::timeout(LONGEST, told).await.is_err() {
            panic!("{:?} of {wanted:?}", self.told.lock().unwrap());
        }
    }
}

async fn a_subscriber_is_told_everything(command: fn(&Path) -> Command) {
    let mut world = World::start(Bus::Split, Store::Sqlite).await;
    let org = world.org().await;
    let_books_in(&mut world, org.id);
    let program = Program::new(command);
    let running = program.run(&world, &org);
    for number in 0..5 {
        created(&world, &org.owner, &format!("client {number}")).await;
        program.until_told(&feed(&world, &org).await).await;
    }
    // It is away while things happen.
    drop(running);
    for number in 5..8 {
        created(&world, &org.owner, &format!("client {number}")).await;
    }
    let running = program.run(&world, &org);
    program.until_told(&feed(&world, &org).await).await;
    // It is away, and what was published meanwhile is wiped.
    drop(running);
    for number in 8..11 {
        created(&world, &org.owner, &format!("client {number}")).await;
    }
    until_marked(&world, &org).await;
    let nats = world.nats.as_mut().unwrap();
    nats.stop();
    nats.wipe();
    nats.start_again();
    until_ready(world.admin_address).await;
    let _running = program.run(&world, &org);
    // The parts come back one by one.
    let back = async {
        let url = "/api/v1/organization";
        while world.get(url, &org.owner).send().await.status != 200 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LONGEST, back).await.unwrap();
    created(&world, &org.owner, "after").await;
    program.until_told(&feed(&world, &org).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_in_python_is_told_everything() {
    a_subscriber_is_told_everything(|folder| {
        let program = folder.join("subscriber.py");
        std::fs::write(&program, &blocks("python")[0]).unwrap();
        let libraries = std::env::var_os("RECEIVER_PYTHONPATH");
        let libraries = libraries.expect("RECEIVER_PYTHONPATH; see tests/tools/install");
        let mut command = Command::new("python3");
        command.arg(program).env("PYTHONPATH", libraries);
        command
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_in_javascript_is_told_everything() {
    a_subscriber_is_told_everything(|folder| {
        let program = folder.join("subscriber.mjs");
        std::fs::write(&program, &blocks("js")[0]).unwrap();
        let packages = folder.join("node_modules");
        if !packages.exists() {
            let installed = root().join("tests/tools/node_modules");
            std::os::unix::fs::symlink(installed, packages).unwrap();
        }
        let mut command = Command::new("node");
        command.arg(program);
        command
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_in_rust_is_told_everything() {
    a_subscriber_is_told_everything(|_| {
        let tests = std::env::current_exe().unwrap();
        let built = tests.parent().unwrap().parent().unwrap();
        let program = built.join("examples/subscriber");
        let hint = "run `cargo build --example subscriber`, as `cargo test` without a target does";
        assert!(program.exists(), "{}: {hint}", program.display());
        Command::new(program)
    })
    .await;
}

/// The command of the section on gaps.
#[tokio::test(flavor = "multi_thread")]
async fn the_feed_goes_on_behind_a_number() {
    let world = World::start(Bus::Memory, Store::Sqlite).await;
    let org = world.org().await;
    created(&world, &org.owner, "client").await;
    let feed = feed(&world, &org).await;
    let command = blocks("sh")[0].replace("after_sequence=42", "after_sequence=2");
    let output = Command::new("sh")
        .args(["-euc", &command])
        .env("URL", format!("http://{}", world.address))
        .env("TOKEN", &org.owner.token)
        .output();
    let page: Value = serde_json::from_slice(&output.await.unwrap().stdout).unwrap();
    assert_eq!(page["data"].as_array().unwrap()[..], feed[2..]);
}

#[test]
fn the_program_in_rust_is_the_one_that_is_built() {
    let written = ["main.rs", "feed.rs"].map(|file| {
        let path = root().join("examples/subscriber").join(file);
        let text = std::fs::read_to_string(path).unwrap();
        // Below its header.
        text.split_once("\n\n").unwrap().1.to_owned()
    });
    assert_eq!(blocks("rust"), written);
}
