//! `demo`: everything in one process, with something in it to look at.

use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Args;
use hoursmith::{Components, Parts};
use hoursmith_domain::{Role, Token};
use hoursmith_resource::admin::{fill_demo, seed_demo};
use hoursmith_settings::Settings;

use super::serve::until_stopped;
use super::{Failure, manage, token};

/// Name of the demo's tokens; those of the last run are revoked.
const TOKEN_NAME: &str = "demo";

/// What is worth a look, and as whom.
const LINES: &[(Role, &str)] = &[
    (Role::Owner, "me"),
    (Role::Owner, "clients"),
    (Role::Admin, "invoices?status=sent&limit=3"),
    (Role::Manager, "time_entries?running=true"),
    (Role::Member, "projects"),
];

#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// Address of the API; without it, any free port is taken when the usual one is in use.
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Option<SocketAddr>,
    /// Fill time entries up to this number, spread over the last years.
    #[arg(long, value_name = "N")]
    rows: Option<u64>,
}

impl DemoArgs {
    pub(super) fn overrides(&self) -> Vec<(String, String)> {
        self.listen
            .iter()
            .map(|address| ("listen".to_owned(), address.to_string()))
            .collect()
    }
}

pub(super) async fn run(mut settings: Settings, args: DemoArgs) -> Result<ExitCode, Failure> {
    let telemetry = hoursmith_telemetry::init(&settings.log, &settings.telemetry, "hoursmith")?;
    settings.listen = match args.listen {
        None => free_or_any(settings.listen).await?,
        // Asked for by name: taken, or refused by `serve`. Port 0 becomes a real one here, since
        // the greeting and the links in answers name it.
        Some(address) if address.port() == 0 => free_or_any(address).await?,
        Some(address) => address,
    };
    settings.admin_listen = free_or_any(settings.admin_listen).await?;
    let defaults = Settings::default();
    if settings.public_url == defaults.public_url {
        settings.public_url = format!("http://{}", settings.listen);
    }
    let parts = Parts::default();
    let admin = manage::admin(&settings, &parts).await?;
    let demo = seed_demo(&admin).await?;
    if let Some(rows) = args.rows {
        fill_demo(&admin, rows, |there| {
            eprintln!("{there} of {rows} time entries")
        })
        .await?;
    }
    let mut tokens = Vec::new();
    for (role, name, email) in &demo.people {
        let token = token::renew(&settings, &parts, &admin, demo.slug, email, TOKEN_NAME).await?;
        tokens.push((*role, *name, token));
    }
    admin.db.close().await;
    let url = settings.public_url.clone();
    let running = hoursmith::serve(settings, &Components::all(), parts).await?;
    print!("{}", welcome(&url, &tokens));
    let code = until_stopped(running).await?;
    tokio::task::spawn_blocking(move || telemetry.shutdown()).await?;
    Ok(code)
}

/// The address if it is free, else the same host with any free port.
async fn free_or_any(address: SocketAddr) -> Result<SocketAddr, Failure> {
    match tokio::net::TcpListener::bind(address).await {
        Ok(listener) => Ok(listener.local_addr()?),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            let any = tokio::net::TcpListener::bind((address.ip(), 0))
                .await?
                .local_addr()?;
            tracing::warn!(server.address = %any, "Port {} is in use; another is taken.", address.port());
            Ok(any)
        }
        Err(error) => Err(error.into()),
    }
}

/// Where it runs, a token of each role, and lines to paste. The owner's token comes first, and is the
/// one that the lines without another role use.
fn welcome(url: &str, tokens: &[(Role, &str, Token)]) -> String {
    let mut text = format!(
        "\nHoursmith runs at {url}\n  documentation   {url}/api-docs\n  \
         app             {url}/app  (sign up there; the demo's people have no password)\n"
    );
    for (role, name, token) in tokens {
        let what = match role {
            Role::Owner => "token".to_owned(),
            other => format!("{other}'s token"),
        };
        text.push_str(&format!(
            "  {what:<15} {}  ({role}: {name})\n",
            token.expose()
        ));
    }
    text.push_str("\nTokens are shown this once; those of the last run are revoked. Try them:\n\n");
    let as_role = |wanted: Role| {
        let found = tokens.iter().find(|(role, ..)| *role == wanted);
        found.map_or("", |(.., token)| token.expose())
    };
    for (role, path) in LINES {
        let token = as_role(*role);
        text.push_str(&format!(
            "  curl -sw '\\n' '{url}/api/v1/{path}' -H 'Authorization: Bearer {token}'\n\n"
        ));
    }
    let token = as_role(Role::Owner);
    text.push_str(&format!(
        "  curl -sw '\\n' '{url}/api/v1/clients' -H 'Authorization: Bearer {token}' \
         -H 'Content-Type: application/json' -H \"Idempotency-Key: $(date +%s)\" \
         -d \"{{\\\"name\\\":\\\"Client $(date +%s)\\\",\\\"billable_rate\\\":\\\"95.00\\\"}}\"\n\n"
    ));
    text.push_str("Stop it with Ctrl-C. Its data stays in the data folder.\n\n");
    text
}
