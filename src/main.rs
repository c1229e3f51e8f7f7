//! The process: a command line in, an exit code out.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    match cli::run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {}", cli::chain_of(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}
