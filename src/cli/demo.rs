//! `demo`: everything in one process, with something in it to look at.

use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Args;
use hoursmith::{Components, Parts};
use hoursmith_domain::Token;
use hoursmith_resource::admin::seed_demo;
use hoursmith_settings::Settings;

use super::serve::until_stopped;
use super::{Failure, manage, token};

/// Name of the demo's token; the one of the last run is revoked.
const TOKEN_NAME: &str = "demo";

#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// Address of the API; without it, any free port is taken when the usual one is in use.
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Option<SocketAddr>,
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
    let (slug, email) = seed_demo(&admin).await?;
    let token = token::renew(&settings, &parts, &admin, slug, email, TOKEN_NAME).await?;
    admin.db.close().await;
    let url = settings.public_url.clone();
    let running = hoursmith::serve(settings, &Components::all(), parts).await?;
    print!("{}", welcome(&url, &token));
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

fn welcome(url: &str, token: &Token) -> String {
    let token = token.expose();
    format!(
        "
Hoursmith runs at {url}
  documentation   {url}/api-docs
  token           {token}
                  (acts as an owner of the demo organization; shown this once)

Try it:

  curl -sw '\\n' {url}/api/v1/me -H 'Authorization: Bearer {token}'

  curl -sw '\\n' {url}/api/v1/clients -H 'Authorization: Bearer {token}'

  curl -sw '\\n' {url}/api/v1/clients -H 'Authorization: Bearer {token}' -H 'Content-Type: application/json' -H \"Idempotency-Key: $(date +%s)\" -d \"{{\\\"name\\\":\\\"Client $(date +%s)\\\",\\\"billable_rate\\\":\\\"95.00\\\"}}\"

Stop it with Ctrl-C. Its data stays in the data folder.

"
    )
}
