//! `doctor`: looks at everything that a deployment stands on, says what is wrong, and changes
//! nothing.

use std::process::ExitCode;

use clap::Subcommand;
use hoursmith::{Components, Joined, Parts, join_bus};
use hoursmith_domain::EventId;
use hoursmith_settings::{ExposeSecret as _, Settings};
use hoursmith_store::{Db, OpenOptions, Target};

use super::{Failure, chain_of};

/// What was found, line by line.
#[derive(Debug, Default)]
struct Findings {
    wrong: usize,
}

impl Findings {
    fn good(&self, what: &str) {
        println!("ok     {what}");
    }

    fn bad(&mut self, what: &str) {
        self.wrong = self.wrong.saturating_add(1);
        println!("wrong  {what}");
    }

    fn exit(&self) -> ExitCode {
        if self.wrong == 0 {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum DoctorCommand {
    /// Prove from the database that each event is pending, delivered, failed or skipped for each
    /// endpoint that wants it, as far back as deliveries are kept.
    Ledger,
}

/// Reads the ledger of webhooks and says what it lacks.
pub(super) async fn ledger(settings: Settings) -> Result<ExitCode, Failure> {
    let url = settings.effective_database_url();
    let target = Target::parse(url.expose_secret())?;
    let mut findings = Findings::default();
    if target.is_missing_file() {
        let file = target.display();
        findings.bad(&format!("there is no database {file}"));
        return Ok(ExitCode::FAILURE);
    }
    let now = Parts::default().clock.now();
    let from = now.minus(hoursmith_webhook_dispatcher::delivery_retention(&settings)?);
    let db = Db::open(&target, OpenOptions::default()).await?;
    let ledger = hoursmith_webhook_dispatcher::ledger(&db, from, now).await?;
    db.close().await;
    findings.good(&format!(
        "{} events, {} of which wait for their deliveries",
        ledger.events, ledger.waiting
    ));
    findings.good(&format!(
        "deliveries: {} pending, {} delivered, {} failed, {} skipped",
        ledger.pending, ledger.delivered, ledger.failed, ledger.skipped
    ));
    for (event, endpoint) in &ledger.named {
        let event = EventId(*event);
        findings.bad(&format!("{event} has no delivery to endpoint {endpoint}"));
    }
    for endpoint in &ledger.unreadable {
        findings.bad(&format!(
            "endpoint {endpoint} gets nothing: what it wants cannot be read"
        ));
    }
    match ledger.missing {
        0 => findings.good("none is missing"),
        missing => findings.bad(&format!("{missing} are missing")),
    }
    Ok(findings.exit())
}

pub(super) async fn run(settings: Settings) -> Result<ExitCode, Failure> {
    let parts = Parts::default();
    let mut findings = Findings::default();
    println!("{}", settings.redacted_toml());
    findings.good("the settings were read");
    match settings.existing_secret_key() {
        Ok(Some(_)) => findings.good("the secret key was read"),
        Ok(None) => findings.good("there is no secret key yet; `serve` makes it"),
        Err(error) => findings.bad(&format!("secret key: {}", chain_of(&error))),
    }
    database(&settings, &mut findings).await;
    bus(&settings, &parts, &mut findings).await;
    Ok(findings.exit())
}

async fn database(settings: &Settings, findings: &mut Findings) {
    let url = settings.effective_database_url();
    let target = match Target::parse(url.expose_secret()) {
        Ok(target) => target,
        Err(error) => return findings.bad(&format!("database_url: {error}")),
    };
    // The data folder is made with what is in it; any other must be there.
    let is_made = settings.database_url.is_none() || !target.lacks_folder();
    if target.is_missing_file() && is_made {
        let file = target.display();
        return findings.good(&format!(
            "there is no database {file} yet; `serve` makes it"
        ));
    }
    let db = match Db::open(&target, OpenOptions::default()).await {
        Ok(db) => db,
        Err(error) => {
            return findings.bad(&format!(
                "database {}: {}",
                target.display(),
                chain_of(&error)
            ));
        }
    };
    match db.durability().await {
        Ok(report) => {
            for setting in report.settings {
                let line = format!("{} {} = {}", report.engine, setting.name, setting.found);
                match (setting.holds, setting.required) {
                    (false, Some(required)) => findings.bad(&format!("{line}; must be {required}")),
                    _ => findings.good(&line),
                }
            }
        }
        Err(error) => findings.bad(&format!("durability: {}", chain_of(&error))),
    }
    match db.pending_migrations().await {
        Ok(pending) if pending.is_empty() => findings.good("the schema is up to date"),
        Ok(pending) => findings.good(&format!(
            "{} migrations are pending; `serve` applies them",
            pending.len()
        )),
        Err(error) => findings.bad(&format!("migrations: {}", chain_of(&error))),
    }
    db.close().await;
}

async fn bus(settings: &Settings, parts: &Parts, findings: &mut Findings) {
    if settings.nats_url.is_none() {
        return findings.good("the bus is in this process");
    }
    match join_bus(settings, &Components::all(), parts).await {
        Err(error) => findings.bad(&format!("NATS: {}", chain_of(&error))),
        Ok(Joined { bus, .. }) => {
            match bus.health().await {
                Ok(()) => findings.good("NATS answers"),
                Err(error) => findings.bad(&format!("NATS: {}", chain_of(&error))),
            }
            bus.drain().await;
        }
    }
}
