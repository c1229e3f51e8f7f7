//! What a task has from its project: whom it is for, and the currency of its rate.

mod sql;

use hoursmith_domain::{ClientId, Currency, ProjectId};
use hoursmith_kit::Failure;
use uuid::Uuid;

pub(crate) use sql::{lock_home, statements};

/// What a task has from its project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Home {
    pub(crate) project: ProjectId,
    /// Whom the project is for.
    pub(crate) client: Option<ClientId>,
    /// The client's currency, or the organization's when the project has no client.
    pub(crate) currency: Currency,
}

/// A home from its columns.
pub(crate) fn home(project: Uuid, client: Option<Uuid>, currency: &str) -> Result<Home, Failure> {
    let currency: Currency = currency
        .parse()
        .map_err(|source| Failure::internal("read a stored currency", source))?;
    Ok(Home {
        project: ProjectId(project),
        client: client.map(ClientId),
        currency,
    })
}
