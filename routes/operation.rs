//! What is done over the bus and has no route.
//!
//! The HTTP API of version 1 reads invoices; the app sends and settles them. The app is another
//! actor: it asks on the bus, with a sealed caller, and is decided by a row of access as a route
//! is. A second list rather than routes without a path: the router, the document and
//! `access.tsv` stay one and the same.

use hoursmith_bus::subjects;
use hoursmith_domain::Access;

/// One operation: what the actor that answers it decides by.
#[derive(Debug, Clone, Copy)]
pub struct Operation {
    /// `<resource>.<action>`: the last tokens of its subject. No route has the same.
    pub id: &'static str,
    /// Who may.
    pub access: Access,
    /// The actor that answers: its subject is `hoursmith.v1.<actor>.<id>`.
    pub actor: &'static str,
    /// What it does.
    pub description: &'static str,
}

impl Operation {
    /// The subject that answers it.
    pub fn subject(&self) -> String {
        format!("{}.{}.{}", subjects::PREFIX, self.actor, self.id)
    }
}
