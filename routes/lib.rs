//! The public contract: paths, methods, access rows, wire types, problems and the OpenAPI document.
//!
//! **One table** ([`routes`]) feeds the router, the access check and the document, so that a route
//! without documentation or without an access row cannot exist. To add a resource: one file here
//! with its wire types and rows, one line in [`routes`]; see `docs/ADD-A-RESOURCE.md`.
//!
//! This room knows domain and bus. It does no I/O and must not know the gateway, an actor or SQL.

pub mod client;
pub mod common;
pub mod docs;
pub mod expense;
pub mod me;
pub mod member;
pub mod openapi;
pub mod organization;
pub mod problem;
mod route;
pub mod task;
mod words;

pub use route::{DEFAULT_LIMIT, Form, Method, Parameter, Route, Shape};

/// Every route, grouped by resource, in the order of the document.
pub fn routes() -> impl Iterator<Item = &'static Route> {
    [
        me::ROUTES,
        organization::ROUTES,
        client::ROUTES,
        task::ROUTES,
        expense::ROUTES,
    ]
    .into_iter()
    .flatten()
}

/// The route of an id such as `client.create`.
pub fn route(id: &str) -> Option<&'static Route> {
    routes().find(|route| route.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn ids_are_unique_and_spell_resource_and_action() {
        let mut seen = HashSet::new();
        for route in routes() {
            assert!(seen.insert(route.id), "{} twice", route.id);
            assert_eq!(route.id, format!("{}.{}", route.resource, route.action));
        }
    }
}
