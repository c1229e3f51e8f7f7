//! `demo`: what it prints works when it is pasted.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;

use hoursmith_domain::Token;
use serde_json::Value;
use tempfile::TempDir;

/// A running demo and its greeting.
struct Demo {
    child: Child,
    greeting: String,
    log: JoinHandle<String>,
}

impl Demo {
    fn start(folder: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_hoursmith"))
            .env_clear()
            .args([
                "demo",
                "--listen",
                "127.0.0.1:0",
                "--set",
                "admin_listen=127.0.0.1:0",
            ])
            .args(["--set", "log.filter=trace"])
            .arg("--data-dir")
            .arg(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut stderr = child.stderr.take().unwrap();
        let log = std::thread::spawn(move || {
            let mut log = String::new();
            stderr.read_to_string(&mut log).unwrap();
            log
        });
        let lines = BufReader::new(child.stdout.take().unwrap())
            .lines()
            .map(Result::unwrap);
        let mut greeting = String::new();
        for line in lines {
            greeting.push_str(&line);
            greeting.push('\n');
            if line.starts_with("Stop it with Ctrl-C") {
                break;
            }
        }
        if !greeting.contains("Stop it with Ctrl-C") {
            let status = child.wait().unwrap();
            panic!("{status}, greeting {greeting:?}: {}", log.join().unwrap());
        }
        Self {
            child,
            greeting,
            log,
        }
    }

    fn word_after(&self, words: &str) -> &str {
        let (_, rest) = self
            .greeting
            .split_once(words)
            .unwrap_or_else(|| panic!("{}", self.greeting));
        rest.split_whitespace().next().unwrap()
    }

    /// Stops it; gives its exit code and its log.
    fn stop(mut self) -> (Option<i32>, String) {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &pid])
                .status()
                .unwrap()
                .success()
        );
        (self.child.wait().unwrap().code(), self.log.join().unwrap())
    }
}

/// Runs a line as a shell would, and gives what it printed as JSON.
fn pasted(line: &str) -> Value {
    let path = std::env::var_os("PATH").unwrap();
    let output = Command::new("sh")
        .env_clear()
        .env("PATH", path)
        .args(["-c", line])
        .output()
        .unwrap();
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{line}: {output:?}"
    );
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {line}: {output:?}"))
}

#[test]
fn what_the_demo_prints_works_when_it_is_pasted() {
    let folder = TempDir::new().unwrap();
    let demo = Demo::start(folder.path());
    let url = demo.word_after("Hoursmith runs at ").to_owned();
    assert!(
        url.starts_with("http://127.0.0.1:") && !url.ends_with(":0"),
        "{url}"
    );
    let token = demo.word_after("token ").to_owned();
    assert!(Token::parse(&token).is_ok(), "{token}");
    let lines: Vec<&str> = demo
        .greeting
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with("curl "))
        .collect();
    let [me, list, invoices, timers, projects, create] = lines[..] else {
        panic!("{}", demo.greeting)
    };
    assert_eq!(pasted(me)["role"], "owner");
    let clients = pasted(list);
    let seeded = clients["data"].as_array().unwrap().len();
    assert!(seeded > 0, "{clients}");
    assert_eq!(pasted(invoices)["data"][0]["status"], "sent");
    assert_eq!(pasted(timers)["data"][0]["is_running"], true);
    assert_eq!(pasted(projects)["data"][0]["billable_amount"], Value::Null);
    for (who, role) in [
        ("token ", "owner"),
        ("admin's token ", "admin"),
        ("manager's token ", "manager"),
        ("member's token ", "member"),
    ] {
        let line = me.replace(&token, demo.word_after(who));
        assert_eq!(pasted(&line)["role"], role, "{line}");
    }
    let client = pasted(create);
    assert_eq!(client["billable_rate"], "95.00", "{client}");
    assert_eq!(pasted(list)["data"].as_array().unwrap().len(), seeded + 1);
    let page = Command::new("curl")
        .args(["-s", demo.word_after("documentation ")])
        .output()
        .unwrap();
    assert!(String::from_utf8(page.stdout).unwrap().contains("<html"));
    let (code, log) = demo.stop();
    assert_eq!(code, Some(0), "{log}");
    assert!(
        log.contains("Hoursmith has stopped.") && !log.contains(&token),
        "{log}"
    );

    // Once more in the same folder: what was there is there, and the token of before is not.
    let demo = Demo::start(folder.path());
    let lines: Vec<&str> = demo
        .greeting
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with("curl "))
        .collect();
    assert_eq!(
        pasted(lines[1])["data"].as_array().unwrap().len(),
        seeded + 1
    );
    let renewed = demo.word_after("token ").to_owned();
    assert_eq!(
        pasted(&lines[0].replace(&renewed, &token))["code"],
        "token_invalid"
    );
    assert_eq!(demo.stop().0, Some(0));
}
