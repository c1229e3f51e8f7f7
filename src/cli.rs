//! The command line: what can be said, and who carries it out.
//!
//! Results go to standard output, one thing a line, so that a script can read them; everything
//! else goes to standard error.

mod demo;
mod doctor;
mod invoice;
mod manage;
mod serve;
mod token;
mod verify;

use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use hoursmith::{Parts, plugins};
use hoursmith_settings::{Settings, Sources};

type Failure = Box<dyn Error + Send + Sync>;

/// Time tracking and billing, over HTTP.
#[derive(Debug, Parser)]
#[command(name = "hoursmith", version, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Args)]
struct Global {
    /// Settings file (TOML); else HOURSMITH_CONFIG, else hoursmith.toml in the data folder.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder of the SQLite database and the secret key.
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Any setting, such as request.deadline_ms=5000; docs/SETTINGS.md lists them.
    #[arg(long = "set", global = true, value_name = "KEY=VALUE")]
    set: Vec<String>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the API: everything, or some parts of it.
    Serve(serve::ServeArgs),
    /// Run the API with a demo organization, and print a token to try it with.
    Demo(demo::DemoArgs),
    /// Bring the database's schema up to date.
    Migrate,
    /// Make and change organizations.
    #[command(subcommand)]
    Org(manage::OrgCommand),
    /// Add, change and remove members.
    #[command(subcommand)]
    Member(manage::MemberCommand),
    /// Mint, list and revoke API tokens.
    #[command(subcommand)]
    Token(token::TokenCommand),
    /// List, send, pay and void invoices.
    #[command(subcommand)]
    Invoice(invoice::InvoiceCommand),
    /// Say whether a delivery's signature is good, and if not, why. The body comes from standard
    /// input.
    VerifySignature(verify::VerifyArgs),
    /// Print the OpenAPI document.
    Openapi,
    /// Print the AsyncAPI document: events on NATS.
    Asyncapi,
    /// Check the settings, the database's durability and the bus.
    Doctor,
    /// Print the reference of all settings, in Markdown.
    Settings,
    /// Print a new secret key, for `HOURSMITH_SECRET_KEY`.
    SecretKey,
}

/// Carries out the command line.
pub(crate) fn run() -> Result<ExitCode, Failure> {
    let cli = Cli::parse();
    let settings = || cli.global.settings(Vec::new());
    match cli.command {
        Command::Serve(args) => {
            let settings = cli.global.settings(args.overrides())?;
            block_on(serve::run(settings, args))
        }
        Command::Demo(args) => {
            let settings = cli.global.settings(args.overrides())?;
            block_on(demo::run(settings, args))
        }
        Command::Migrate => block_on(manage::migrate(settings()?)),
        Command::Org(command) => block_on(manage::org(settings()?, command)),
        Command::Member(command) => block_on(manage::member(settings()?, command)),
        Command::Token(command) => block_on(token::run(settings()?, command)),
        Command::Invoice(command) => block_on(invoice::run(settings()?, command)),
        Command::VerifySignature(args) => verify::run(&args, io::stdin().lock()),
        Command::Openapi => {
            println!(
                "{}",
                hoursmith_routes::openapi::json(&settings()?.public_url)
            );
            Ok(ExitCode::SUCCESS)
        }
        Command::Asyncapi => {
            println!(
                "{}",
                hoursmith_routes::asyncapi::json(&settings()?.public_url)
            );
            Ok(ExitCode::SUCCESS)
        }
        Command::Doctor => block_on(doctor::run(settings()?)),
        Command::Settings => {
            print!("{}", plugins::settings_reference());
            Ok(ExitCode::SUCCESS)
        }
        Command::SecretKey => {
            let mut bytes = [0; 32];
            Parts::default().random.fill(&mut bytes);
            println!(
                "{}",
                hoursmith_domain::SecretKey::from_bytes(bytes).expose()
            );
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// An error with its causes, in one line.
pub(crate) fn chain_of(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

impl Global {
    /// The settings, with a command's own flags on top.
    fn settings(&self, overrides: Vec<(String, String)>) -> Result<Settings, Failure> {
        let mut sources = Sources::from_process(self.config.clone(), Vec::new())?;
        for assignment in &self.set {
            sources.set(assignment)?;
        }
        if let Some(folder) = &self.data_dir {
            sources
                .overrides
                .push(("data_dir".to_owned(), folder.display().to_string()));
        }
        sources.overrides.extend(overrides);
        Ok(Settings::load(&sources, &plugins::names())?)
    }
}

fn block_on(work: impl Future<Output = Result<ExitCode, Failure>>) -> Result<ExitCode, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(work)
}
