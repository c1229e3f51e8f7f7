//! The OpenAPI 3.1 document, made from the route table: an operation that is not in the table
//! cannot be in the document, and one that is cannot be missing.
//!
//! Built with utoipa's types and not with its path macro, since the macro documents functions, and
//! the routes are rows. What every answer shares (headers, problems) stands in `components` once.

mod document;
mod example;
mod headers;
mod links;
pub(crate) mod occurrence;
mod operation;
mod parameters;
mod plain;
mod problem;
mod responses;
mod rules;
mod schemas;
mod webhooks;

pub use document::document;
pub(crate) use schemas::components as schemas;
pub(crate) use webhooks::{data_of, object_of};

/// The document as JSON, compact, in a stable order.
pub fn json(public_url: &str) -> String {
    // Fails for maps without string keys alone, and the document has none; its test reads it.
    let mut document = serde_json::to_value(document(public_url)).unwrap_or_default();
    rules::add(&mut document);
    document.to_string()
}

#[cfg(test)]
mod tests;
