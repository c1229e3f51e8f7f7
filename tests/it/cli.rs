//! The command line: the built program in a folder of its own, its output and its exit code.

mod deployment;
mod invoices;
mod operator;
mod signature;

use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// What a run left.
struct Run {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Run {
    /// Runs the program, with an environment of these variables alone.
    fn new(folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let output = Command::new(env!("CARGO_BIN_EXE_hoursmith"))
            .env_clear()
            .envs(environment.iter().copied())
            .env("HOURSMITH_DATA_DIR", folder)
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .expect("the program starts");
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self {
            code: output.status.code(),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }

    /// What it printed; fails unless it went well.
    #[track_caller]
    fn good(self) -> String {
        assert_eq!(self.code, Some(0), "{} {}", self.out, self.err);
        self.out
    }

    /// What it complained of, without a panic and in one line; fails if it went well.
    #[track_caller]
    fn bad(self) -> String {
        assert_eq!(self.code, Some(1), "{} {}", self.out, self.err);
        assert_eq!(self.out, "");
        assert!(
            self.err.starts_with("error: ") && self.err.lines().count() == 1,
            "{}",
            self.err
        );
        self.err
    }
}

/// A folder for one test's deployment.
struct Site(TempDir);

impl Site {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn path(&self) -> std::path::PathBuf {
        self.0.path().join("data")
    }

    #[track_caller]
    fn run(&self, line: &str) -> Run {
        self.run_with(line, &[])
    }

    #[track_caller]
    fn run_with(&self, line: &str, environment: &[(&str, &str)]) -> Run {
        let words: Vec<&str> = line.split(' ').collect();
        Run::new(&self.path(), &words, environment)
    }
}

/// Makes an organization with an owner.
const CREATE: &str = "org create --name Acme --slug acme --plan agency --currency EUR \
                      --timezone Europe/Berlin --owner-name Ann --owner-email ann@acme.example";

/// Mints a token for that owner.
const MINT: &str = "token create acme ann@acme.example --name laptop";
