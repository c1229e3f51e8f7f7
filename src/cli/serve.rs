//! `serve`: runs until it is told to stop.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use hoursmith::{Components, Parts, Running};
use hoursmith_settings::Settings;
use tokio::signal::unix::{SignalKind, signal};

use super::Failure;

/// Beyond the gateway's own limit, what a stop may take: container runtimes kill after 30 s.
const STOP_LIMIT: Duration = Duration::from_secs(29);

#[derive(Debug, Args)]
pub(super) struct ServeArgs {
    /// Run these parts alone, such as gateway,token-auth; the others run in other processes and
    /// all meet on NATS.
    #[arg(long, value_delimiter = ',', value_name = "PARTS")]
    only: Vec<String>,
    /// Address of the API.
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Option<SocketAddr>,
    /// Address of /metrics, /healthz and /readyz.
    #[arg(long, value_name = "ADDR:PORT")]
    admin_listen: Option<SocketAddr>,
}

impl ServeArgs {
    pub(super) fn overrides(&self) -> Vec<(String, String)> {
        [("listen", self.listen), ("admin_listen", self.admin_listen)]
            .into_iter()
            .filter_map(|(key, address)| Some((key.to_owned(), address?.to_string())))
            .collect()
    }
}

pub(super) async fn run(settings: Settings, args: ServeArgs) -> Result<ExitCode, Failure> {
    let components = Components::only(args.only.iter().map(String::as_str))?;
    let telemetry =
        hoursmith_telemetry::init(&settings.log, &settings.telemetry, &components.to_string())?;
    let public_url = settings.public_url.clone();
    let running = hoursmith::serve(settings, &components, Parts::default()).await?;
    announce(&running, &components, &public_url);
    let code = until_stopped(running).await?;
    tokio::task::spawn_blocking(move || telemetry.shutdown()).await?;
    Ok(code)
}

fn announce(running: &Running, components: &Components, public_url: &str) {
    match running.api_addr() {
        Some(api) => tracing::info!(
            component.name = %components,
            server.address = %api,
            admin.address = %running.admin_addr(),
            server.public_url = public_url,
            "Hoursmith serves."
        ),
        None => tracing::info!(
            component.name = %components,
            admin.address = %running.admin_addr(),
            "Hoursmith serves."
        ),
    }
}

/// Waits for SIGTERM or SIGINT and stops. Exit code 0 when all that was in work was answered; 1
/// when something was cut off, by the limit or by a second signal.
pub(super) async fn until_stopped(running: Running) -> Result<ExitCode, Failure> {
    let mut term = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = term.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("Hoursmith stops: what is in work is answered first.");
    let whole = tokio::select! {
        whole = running.stop() => whole,
        _ = term.recv() => false,
        _ = interrupt.recv() => false,
        () = tokio::time::sleep(STOP_LIMIT) => false,
    };
    if whole {
        tracing::info!("Hoursmith has stopped.");
        Ok(ExitCode::SUCCESS)
    } else {
        tracing::error!("Hoursmith has stopped with work cut off.");
        Ok(ExitCode::FAILURE)
    }
}
