//! The process: a command line in, an exit code out.

mod cli;

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// A request makes and drops some hundred small values, on whichever thread it is at the moment:
/// what the C library's allocator takes for them was a tenth of a request.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    match cli::run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {}", cli::chain_of(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}
