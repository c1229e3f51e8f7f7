//! The way out, against receivers on real sockets: those that are forbidden, hostile, badly
//! certified, and those that verify with the libraries that strangers use.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking, and explains itself by its name"
)]

mod connections;
mod corpus;
mod hostile;
mod libraries;
mod support;
mod tls;
