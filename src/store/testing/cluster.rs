//! PostgreSQL clusters: one for the tests of a process, and one more for each that breaks it.
//!
//! Rust drops no statics, and a test process may be killed; so the cluster is kept by a shell that
//! reads a pipe from us and stops the server when the pipe ends, which the kernel sees to however
//! we end. The server listens on a socket in the cluster's own folder and on no port. It keeps its
//! durable settings, because [`Db::open`](crate::Db::open) insists on them.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::OnceLock;

use secrecy::ExposeSecret;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tempfile::TempDir;

use crate::target::Target;

/// `$0` the folder of programs, `$1` the cluster's folder. Says `ready` once connections are
/// taken, or why they are not, and again after each line, for which it restarts the server.
/// Interrupts from the terminal reach the whole group; the shell outlives them to clean up.
const KEEPER: &str = r#"
trap '' INT TERM HUP
if "$0/initdb" --pgdata="$1/data" --username=hoursmith --auth=trust --encoding=UTF8 --locale=C \
        --no-sync >"$1/log" 2>&1 &&
    "$0/pg_ctl" start --pgdata="$1/data" --log="$1/log" --wait --timeout=60 --silent --options="\
        -c listen_addresses='' -c unix_socket_directories='$1' -c port=5432 \
        -c max_connections=400 -c shared_buffers=16MB -c jit=off \
        -c wal_level=minimal -c max_wal_senders=0" >>"$1/log" 2>&1
then
    echo ready
    while read -r mode; do
        "$0/pg_ctl" restart --pgdata="$1/data" --log="$1/log" --mode="$mode" --wait --timeout=60 \
            --silent >>"$1/log" 2>&1 && echo ready || { cat "$1/log"; break; }
    done
else
    cat "$1/log"
fi
"$0/pg_ctl" stop --pgdata="$1/data" --mode=immediate --silent >/dev/null 2>&1
rm -rf "$1"
"#;

/// A cluster.
#[derive(Debug)]
pub struct TestPostgres {
    folder: PathBuf,
    // Holds the pipe whose end stops the server.
    keeper: Child,
    said: BufReader<ChildStdout>,
}

impl TestPostgres {
    /// Starts the cluster that this process shares, or gives the one that runs. Blocks for a second or
    /// two the first time.
    pub fn start() -> &'static Self {
        static SHARED: OnceLock<TestPostgres> = OnceLock::new();
        SHARED.get_or_init(Self::start_one)
    }

    /// Crashes the server and starts it again: whatever it was doing is gone, and it recovers from its
    /// log. Blocks until it takes connections.
    ///
    /// # Panics
    ///
    /// Where it does not start.
    pub fn crash_and_restart(&mut self) {
        let orders = self.keeper.stdin.as_mut().expect("the keeper's pipe");
        orders
            .write_all(b"immediate\n")
            .expect("a keeper that listens");
        until_ready(&mut self.said);
    }

    /// One of its databases.
    pub fn target(&self, database: &str) -> Target {
        let socket = self.folder.display();
        let url = format!("postgres://hoursmith@localhost/{database}?host={socket}");
        Target::Postgres { url: url.into() }
    }

    /// Makes a database, a copy of another.
    pub(super) async fn create_database(&self, name: &str, template: &str) {
        let sql = format!("CREATE DATABASE {name} TEMPLATE {template}");
        run_alone(&self.target("postgres"), sql).await;
    }

    /// Starts a cluster of a test's own. Blocks for a second or two.
    pub(super) fn start_one() -> Self {
        let programs = programs();
        let folder = TempDir::with_prefix("hoursmith-pg-").expect("a folder for the cluster");
        let mut shell = Command::new("sh");
        shell
            .arg("-c")
            .arg(KEEPER)
            .arg(&programs)
            .arg(folder.path());
        shell
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .current_dir("/");
        // The server refuses to run as root; then it runs as another user, who owns the folder.
        let owner = fs::metadata(folder.path()).expect("the folder just made");
        if owner.uid() == 0 {
            let (user, group) = unprivileged();
            std::os::unix::fs::chown(folder.path(), Some(user), Some(group))
                .expect("root may give a folder away");
            shell.uid(user).gid(group);
        }
        // From here on the keeper removes it.
        let folder = folder.keep();
        let mut keeper = shell.spawn().expect("a shell");
        let mut said = BufReader::new(keeper.stdout.take().expect("a pipe"));
        until_ready(&mut said);
        Self {
            folder,
            keeper,
            said,
        }
    }
}

impl Drop for TestPostgres {
    fn drop(&mut self) {
        // Nothing is left running, nor a child that nobody has asked about.
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

/// Reads the keeper's word, which is why where it is another.
fn until_ready(keeper: &mut BufReader<ChildStdout>) {
    let mut said = String::new();
    keeper.read_line(&mut said).expect("the keeper's word");
    if said.trim() != "ready" {
        keeper.read_to_string(&mut said).expect("the rest of it");
        panic!("PostgreSQL did not start:\n{said}");
    }
}

/// Runs a statement that no transaction may hold, by a connection without our own options, under
/// which sessions are read-only.
pub(super) async fn run_alone(target: &Target, sql: String) {
    let Target::Postgres { url } = target else {
        panic!("not a database of PostgreSQL")
    };
    let mut conn = PgConnection::connect(url.expose_secret())
        .await
        .expect("our own cluster");
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(&mut conn)
        .await
        .expect("a statement of the tests' own");
    conn.close().await.expect("a connection that closes");
}

/// The folder of `initdb` and `pg_ctl`: from PATH, else the newest of Debian's.
fn programs() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).collect::<Vec<_>>();
    let mut debian: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|version| Some(version.ok()?.path().join("bin")))
        .collect();
    debian.sort_by_key(|folder| {
        let version = folder
            .parent()
            .and_then(Path::file_name)
            .and_then(|name| name.to_str());
        std::cmp::Reverse(version.and_then(|name| name.parse::<u32>().ok()))
    });
    on_path
        .into_iter()
        .chain(debian)
        .find(|folder| folder.join("initdb").is_file() && folder.join("pg_ctl").is_file())
        .expect(
            "PostgreSQL is not installed, and the tests need it: install the server's package \
             (Debian: `apt install postgresql`, Fedora: `dnf install postgresql-server`, macOS: \
             `brew install postgresql`) or put its `bin` folder on PATH",
        )
}

/// Ids of a user without rights: `postgres`, else `nobody`.
fn unprivileged() -> (u32, u32) {
    let users = fs::read_to_string("/etc/passwd").expect("the list of users");
    let find = |wanted: &str| {
        users.lines().find_map(|line| {
            let mut parts = line.split(':');
            let name = parts.next()?;
            let ids = parts
                .skip(1)
                .take(2)
                .map(str::parse)
                .collect::<Result<Vec<u32>, _>>()
                .ok()?;
            match ids.as_slice() {
                [user, group] if name == wanted => Some((*user, *group)),
                _ => None,
            }
        })
    };
    find("postgres")
        .or_else(|| find("nobody"))
        .expect("a user `postgres` or `nobody`")
}
