//! Where the subscriber stands, and the way to what the stream does not have.

use serde_json::Value;
use std::{env::var, fs, io};
pub(crate) fn last() -> i64 {
    fs::read_to_string("sequence").map_or(0, |text| text.parse().unwrap_or(0))
}
pub(crate) fn handle(event: &Value) -> io::Result<()> {
    println!("{} {}", event["sequence"], event["type"]); // Your work.
    fs::write("new", event["sequence"].to_string())?;
    fs::rename("new", "sequence") // Whole, or as it was.
}
pub(crate) async fn catch_up() -> Result<(), async_nats::Error> {
    loop {
        let page = format!("{}/api/v1/events?after_sequence={}", var("URL")?, last());
        let page = reqwest::Client::new().get(page).bearer_auth(var("TOKEN")?);
        let page: Value = page.send().await?.error_for_status()?.json().await?;
        for event in page["data"].as_array().into_iter().flatten() {
            handle(event)?;
        }
        if page["has_more"] != true {
            return Ok(());
        }
    }
}
