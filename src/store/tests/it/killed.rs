//! A migrator that is killed half-way, as a process.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use hoursmith_store::testing::TestDb;
use hoursmith_store::{Db, Error, OpenOptions, Target, execute};

use crate::support::at;

/// Tells this test program that it is the process to be killed, and with which database.
const VICTIM: &str = "HOURSMITH_TEST_VICTIM";

hoursmith_store::statements! {
    // What the first step begins with, so that the next migrator would stumble over remains.
    HALF_A_SCHEMA = "CREATE TABLE organizations (id TEXT NOT NULL PRIMARY KEY)";
}

/// Makes half a schema, says so, and waits for its end. Without the variable it is no test.
#[tokio::test]
async fn victim() {
    let Ok(url) = std::env::var(VICTIM) else {
        return;
    };
    let db = Db::open(&Target::parse(&url).unwrap(), OpenOptions::default())
        .await
        .unwrap();
    let never: Result<(), Error> = db
        .write(|conn| {
            Box::pin(async move {
                execute!(conn, HALF_A_SCHEMA)?;
                eprintln!("half-way");
                std::future::pending().await
            })
        })
        .await;
    panic!("it was to be killed: {never:?}");
}

pub(crate) async fn a_migrator_that_is_killed_leaves_nothing(db: TestDb) {
    let empty = db.empty_like().await;
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args(["killed::victim", "--exact", "--nocapture"])
        .env(VICTIM, empty.url())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut words = BufReader::new(victim.stderr.take().unwrap()).lines();
    assert!(
        words.any(|line| line.unwrap() == "half-way"),
        "it never got half-way"
    );
    victim.kill().unwrap();
    victim.wait().unwrap();
    let report = empty.migrate(at(1)).await.unwrap();
    assert!(!report.applied.is_empty());
    empty.ping().await.unwrap();
}
