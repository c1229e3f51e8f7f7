//! The recorder behind the `metrics` macros, one a process.

use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

use crate::names::{self, Kind};

static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();

/// How often samples are folded into their histograms when nobody scrapes. Between two times they
/// are kept one by one: at 10,000 requests a second, some megabytes.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// The metrics of this process as Prometheus text (version 0.0.4); empty before `init`.
pub fn metrics_text() -> String {
    HANDLE
        .get()
        .map(PrometheusHandle::render)
        .unwrap_or_default()
}

/// Installs the recorder. Callers hold the lock of `init`.
pub(crate) fn install(component: &str) -> Result<(), BuildError> {
    if HANDLE.get().is_some() {
        return Ok(());
    }
    let handle = builder()?.install_recorder()?;
    names::describe_all();
    names::start_at_zero();
    ::metrics::gauge!(
        names::BUILD_INFO,
        "version" => env!("CARGO_PKG_VERSION"),
        "component" => component.to_owned()
    )
    .set(1.0);
    let upkeep = handle.clone();
    // The thread has nothing to finish and ends with the process. Where none can be had, memory
    // is kept in bounds by the scrapes, which fold the samples as well.
    let _ = thread::Builder::new()
        .name("metrics-upkeep".to_owned())
        .spawn(move || {
            loop {
                thread::sleep(UPKEEP_INTERVAL);
                upkeep.run_upkeep();
            }
        });
    let _ = HANDLE.set(handle);
    Ok(())
}

/// A recorder with the buckets of every histogram.
pub(crate) fn builder() -> Result<PrometheusBuilder, BuildError> {
    names::ALL
        .iter()
        .try_fold(PrometheusBuilder::new(), |builder, metric| {
            match metric.kind {
                Kind::Histogram(buckets) => {
                    builder.set_buckets_for_metric(Matcher::Full(metric.name.to_owned()), buckets)
                }
                Kind::Counter | Kind::Gauge => Ok(builder),
            }
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_has_help_types_and_buckets() {
        let recorder = builder().unwrap().build_recorder();
        let handle = recorder.handle();
        ::metrics::with_local_recorder(&recorder, || {
            names::describe_all();
            names::start_at_zero();
            ::metrics::counter!(names::HTTP_REQUESTS, "route" => "/api/v1/clients/{id}", "method" => "GET", "status" => "2xx")
                .increment(2);
            ::metrics::histogram!(names::HTTP_REQUEST_DURATION, "route" => "/").record(0.003);
        });
        let text = handle.render();
        for line in [
            "# HELP hoursmith_http_requests_total HTTP requests answered, by route, method and class of status, such as 2xx.",
            "# TYPE hoursmith_http_requests_total counter",
            r#"hoursmith_http_requests_total{route="/api/v1/clients/{id}",method="GET",status="2xx"} 2"#,
            "# TYPE hoursmith_http_request_duration_seconds histogram",
            r#"hoursmith_http_request_duration_seconds_bucket{route="/",le="0.0025"} 0"#,
            r#"hoursmith_http_request_duration_seconds_bucket{route="/",le="0.005"} 1"#,
            "hoursmith_rate_limiter_failed_open_total 0",
            "hoursmith_http_requests_in_flight 0",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }
}
