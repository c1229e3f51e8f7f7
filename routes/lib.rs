//! The public contract: paths, methods, access rows, wire types, problems, the OpenAPI document and
//! the AsyncAPI document.
//!
//! **One table** ([`routes`]) feeds the router, the access check and the document, so that a route
//! without documentation or without an access row cannot exist. To add a resource: one file here
//! with its wire types and rows, one line in [`routes`]; see `docs/ADD-A-RESOURCE.md`.
//!
//! This room knows domain and bus. It does no I/O and must not know the gateway, an actor or SQL.

pub mod app;
pub mod asyncapi;
pub mod client;
pub mod common;
pub mod docs;
pub mod event;
pub mod expense;
pub mod invoice;
pub mod me;
pub mod member;
pub mod openapi;
mod operation;
pub mod organization;
pub mod problem;
pub mod project;
pub mod project_member;
mod read_only;
mod route;
pub mod task;
pub mod time_entry;
pub mod webhook_delivery;
pub mod webhook_endpoint;
mod words;

use hoursmith_domain::Access;

pub use operation::Operation;
pub use read_only::why_read_only;
pub use route::{DEFAULT_LIMIT, Form, MAX_CONDITION_LENGTH, Method, Parameter, Route, Shape};

/// Every route, grouped by resource, in the order of the document.
pub fn routes() -> impl Iterator<Item = &'static Route> {
    [
        me::ROUTES,
        organization::ROUTES,
        member::ROUTES,
        client::ROUTES,
        project::ROUTES,
        project_member::ROUTES,
        task::ROUTES,
        time_entry::ROUTES,
        expense::ROUTES,
        invoice::ROUTES,
        event::ROUTES,
        webhook_endpoint::ROUTES,
        webhook_delivery::ROUTES,
    ]
    .into_iter()
    .flatten()
}

/// The route of an id such as `client.create`.
pub fn route(id: &str) -> Option<&'static Route> {
    routes().find(|route| route.id == id)
}

/// Every operation that is asked on the bus alone, grouped by resource.
pub fn operations() -> impl Iterator<Item = &'static Operation> {
    [
        organization::OPERATIONS,
        member::OPERATIONS,
        invoice::OPERATIONS,
        event::OPERATIONS,
    ]
    .into_iter()
    .flatten()
}

/// The subject that answers a route or an operation, by its id.
pub fn subject(id: &str) -> Option<String> {
    let route = route(id).map(Route::subject);
    route.or_else(|| {
        operations()
            .find(|operation| operation.id == id)
            .map(Operation::subject)
    })
}

/// Who may ask for a route or an operation, by its id; and the id, which lives as long as the list.
pub fn access(id: &str) -> Option<(&'static str, &'static Access)> {
    let routes = routes().map(|route| (route.id, &route.access));
    let operations = operations().map(|operation| (operation.id, &operation.access));
    routes.chain(operations).find(|(known, _)| *known == id)
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
        for operation in operations() {
            assert!(seen.insert(operation.id), "{} twice", operation.id);
            let (id, _) = access(operation.id).unwrap();
            assert_eq!(id, operation.id);
            assert_eq!(subject(id), Some(operation.subject()));
        }
        let me = subject("me.read").unwrap();
        assert_eq!(me, "hoursmith.v1.resource.me.read");
        assert_eq!(subject("me.write"), None);
    }
}
