//! The public documents: the OpenAPI document, the AsyncAPI document, its page, a page for every problem, and what those
//! pages need. Made once at start; serving them (HEAD, ETag, encodings) is the gateway's.
//!
//! Nothing is asked from another host, and no page has a script or a style in itself, so that the
//! content security policy can forbid both.

mod document;
mod pages;

use std::collections::HashMap;

pub use document::PublicDocument;
use document::{DATA, REFERENCE};

use crate::{asyncapi, openapi};
use pages::Pages;
pub(crate) use pages::escape;

/// Every public document, by path.
#[derive(Debug)]
pub struct Documents {
    by_path: HashMap<String, PublicDocument>,
}

impl Documents {
    /// Makes the documents of a product that is reached at `public_url` (without a slash at the
    /// end). Takes a few milliseconds; keeps a few hundred kilobytes.
    pub fn new(public_url: &str) -> Self {
        let mut documents = vec![
            PublicDocument::new(
                "/api/openapi.json",
                "application/json",
                DATA,
                openapi::json(public_url),
            ),
            PublicDocument::new(
                "/api/asyncapi.json",
                "application/json",
                DATA,
                asyncapi::json(public_url),
            ),
            PublicDocument::new(
                "/api-docs",
                "text/html; charset=utf-8",
                REFERENCE,
                include_str!("docs/reference.html"),
            ),
            PublicDocument::new(
                "/api-docs/init.js",
                "text/javascript; charset=utf-8",
                DATA,
                include_str!("docs/init.js"),
            ),
            PublicDocument::scalar("/api-docs/scalar.js"),
            PublicDocument::new(
                "/assets/pages.css",
                "text/css; charset=utf-8",
                DATA,
                include_str!("docs/pages.css"),
            ),
            PublicDocument::new(
                "/assets/app.css",
                "text/css; charset=utf-8",
                DATA,
                include_str!("app/app.css"),
            ),
            PublicDocument::new(
                "/assets/app.js",
                "text/javascript; charset=utf-8",
                DATA,
                include_str!("app/app.js"),
            ),
            PublicDocument::new(
                "/favicon.svg",
                "image/svg+xml",
                DATA,
                include_str!("docs/favicon.svg"),
            ),
        ];
        documents.extend(Pages { public_url }.all());
        Self {
            by_path: documents
                .into_iter()
                .map(|document| (document.path.clone(), document))
                .collect(),
        }
    }

    /// The document at a path.
    pub fn get(&self, path: &str) -> Option<&PublicDocument> {
        self.by_path.get(path)
    }

    /// Every document, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &PublicDocument> {
        self.by_path.values()
    }
}

#[cfg(test)]
mod tests;
