//! End to end: the real server, asked over HTTP.
//!
//! One suite ([`cases`]) runs on {in-process bus, NATS} × {SQLite, PostgreSQL}, and once with each
//! part in a process of its own. Everything is started here, on ports that the system gives, in
//! folders that go with the test; a missing server fails. Nothing sleeps: tests wait for a
//! condition.

#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a test fails by panicking, and explains itself by its name"
)]

mod actors;
mod agency;
mod app;
mod browser;
mod cases;
mod cli;
mod contract;
mod corrections;
mod crashes;
mod demo;
mod dice;
mod event_schemas;
mod feed;
mod forgery;
mod forms;
mod history;
mod http;
mod indexes;
mod invitations;
mod limits;
mod matrix;
mod metrics;
mod modes;
mod operations;
mod otlp;
mod outages;
mod plans;
mod processes;
mod publication;
mod queues;
mod races;
mod receivers;
mod relay;
mod replays;
mod rooms;
mod scale;
mod scene;
mod shutdown;
mod subscribers;
mod tokens;
mod traces;
mod webhooks;
mod world;
