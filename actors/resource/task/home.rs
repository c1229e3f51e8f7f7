//! What a task has from its project: whom it is for, and the currency of its rate.

mod sql;

use hoursmith_domain::{ClientId, Currency, ProjectId};
use hoursmith_kit::Failure;
use uuid::Uuid;

use crate::base::stored_currency;

pub(crate) use sql::{lock_home, statements};

/// What a task has from its project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TaskProject {
    pub(crate) project: ProjectId,
    /// Whom the project is for.
    pub(crate) client: Option<ClientId>,
    /// The client's currency, or the organization's when the project has no client.
    pub(crate) currency: Currency,
}

/// The same from its columns.
pub(crate) fn task_project(
    project: Uuid,
    client: Option<Uuid>,
    currency: &str,
) -> Result<TaskProject, Failure> {
    Ok(TaskProject {
        project: ProjectId(project),
        client: client.map(ClientId),
        currency: stored_currency(currency)?,
    })
}
