//! `doctor`: looks at everything that a deployment stands on, says what is wrong, and changes
//! nothing.

use std::process::ExitCode;

use hoursmith::{Components, Joined, Parts, join_bus};
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
    Ok(if findings.wrong == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
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
