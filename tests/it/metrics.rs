//! Reading a process's `/metrics`.

use std::net::SocketAddr;
use std::time::Duration;

use crate::http::Call;

/// All that it shows.
pub async fn text(admin: SocketAddr) -> String {
    let answer = Call::new(admin, "GET", "/metrics").send().await.expect(200);
    String::from_utf8(answer.body.to_vec()).unwrap()
}

/// The value of a series, named with its labels as they are shown.
pub async fn sample(admin: SocketAddr, series: &str) -> Option<f64> {
    value(&text(admin).await, series)
}

/// The value of a series in such a text.
pub fn value(text: &str, series: &str) -> Option<f64> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(series)?.strip_prefix(' '))?;
    Some(line.parse().unwrap())
}

/// Waits until a series has a value.
pub async fn until_sample(admin: SocketAddr, series: &str, wanted: f64) {
    let reached = async {
        while sample(admin, series).await != Some(wanted) {
            tokio::task::yield_now().await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(20), reached).await;
    waited.unwrap_or_else(|_| panic!("{series} never came to {wanted}"));
}
