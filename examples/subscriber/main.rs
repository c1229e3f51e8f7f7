//! A subscriber to an organization's events, as docs/SUBSCRIBERS.md shows it.
#![expect(
    clippy::indexing_slicing,
    reason = "the index of a JSON value gives null and does not panic"
)]

mod feed;
use async_nats::{ConnectOptions, jetstream, jetstream::consumer::pull::Config};
use futures::StreamExt as _;
use std::env::var;
#[tokio::main]
async fn main() -> Result<(), async_nats::Error> {
    let name = var("NATS_USER")?;
    let nats = ConnectOptions::with_user_and_password(name.clone(), var("NATS_PASSWORD")?);
    let nats = nats.custom_inbox_prefix(format!("_INBOX.{name}"));
    let stream = jetstream::new(nats.connect(var("NATS_URL")?).await?);
    let place = stream.get_consumer_from_stream::<Config, _, _>(name, "HOURSMITH_EVENTS");
    let mut messages = place.await?.messages().await?;
    while let Some(message) = messages.next().await.transpose()? {
        let event: serde_json::Value = serde_json::from_slice(&message.payload)?;
        let sequence = event["sequence"].as_i64().unwrap_or(0);
        if sequence > feed::last() + 1 {
            feed::catch_up().await?;
        }
        if sequence > feed::last() {
            feed::handle(&event)?;
        }
        message.ack().await?;
    }
    Ok(())
}
