//! `verify-signature`: for the author of a receiver whose deliveries do not verify. It takes what the
//! receiver got and holds, needs no server, and names what is wrong.

use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use std::{env, fs};

use clap::Args;
use hoursmith::Parts;
use hoursmith_domain::Timestamp;
use hoursmith_domain::webhook::{TOLERANCE, explain};

use super::Failure;

/// Bytes of a body that are read; deliveries are far smaller.
const MAX_BODY_BYTES: u64 = 16_777_216;

#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    /// File that holds the endpoint's secret, nothing else.
    #[arg(long, value_name = "FILE", required_unless_present = "secret_env")]
    secret_file: Option<PathBuf>,
    /// Environment variable that holds the endpoint's secret.
    #[arg(long, value_name = "NAME", conflicts_with = "secret_file")]
    secret_env: Option<String>,
    /// A header as it came, such as 'Hoursmith-Signature: t=…,v1=…'; others than those that sign
    /// are passed by.
    #[arg(long = "header", value_name = "NAME: VALUE", required = true, value_parser = header)]
    headers: Vec<(String, String)>,
    /// The moment to verify at, such as 2026-11-24T09:30:00Z; without it, now.
    #[arg(long, value_name = "INSTANT")]
    at: Option<Timestamp>,
    /// Seconds that the signature's time may differ.
    #[arg(long, value_name = "SECONDS", default_value_t = TOLERANCE.as_secs())]
    tolerance: u64,
}

/// Reads the body from `input`, the bytes as the receiver got them.
pub(super) fn run(args: &VerifyArgs, input: impl Read) -> Result<ExitCode, Failure> {
    let secret = args.secret()?;
    let mut body = Vec::new();
    input
        .take(MAX_BODY_BYTES.saturating_add(1))
        .read_to_end(&mut body)?;
    if body.len() as u64 > MAX_BODY_BYTES {
        return Err(format!("the body is longer than {MAX_BODY_BYTES} bytes").into());
    }
    let now = args.at.unwrap_or_else(|| Parts::default().clock.now());
    let tolerance = Duration::from_secs(args.tolerance);
    let report = explain(&args.headers, &secret, &body, now, tolerance);
    if report.findings.is_empty() {
        println!("wrong  none of the headers signs; pass Hoursmith-Signature, or webhook-id,");
        println!("       webhook-timestamp and webhook-signature");
    }
    for (family, age, causes) in &report.findings {
        match age {
            Some(age) if causes.is_empty() => println!("ok     {family}: signed {age} s before"),
            _ => {}
        }
        for cause in causes {
            println!("wrong  {family}: {cause}");
        }
    }
    Ok(if report.is_good() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

impl VerifyArgs {
    /// The secret as the receiver's program would read it, white space and all.
    fn secret(&self) -> Result<String, Failure> {
        if let Some(name) = &self.secret_env {
            return env::var(name).map_err(|error| format!("variable {name}: {error}").into());
        }
        let path = self.secret_file.as_deref().ok_or("no secret was named")?;
        fs::read_to_string(path)
            .map_err(|error| format!("secret file {}: {error}", path.display()).into())
    }
}

/// A header line, white space around its value taken off as every server does.
fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once(':')
        .ok_or("must be a name, a colon and a value")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}
