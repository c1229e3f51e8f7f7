//! Members of projects: who was added to which, at what rate. A link, without an id of its own.

use hoursmith_domain::{Access, Grant, Plan, Role, Scope, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::words::RoleWord;
use crate::{Method, Route, Shape};

const READ: Access = Access {
    owner: Grant::All,
    admin: Grant::All,
    manager: Grant::Projects,
    member: Grant::Projects,
    scope: Scope::Read,
    min_plan: Plan::Studio,
};

const WRITE: Access = Access {
    member: Grant::Deny,
    scope: Scope::Write,
    ..READ
};

const ONE: &str = "/api/v1/projects/{project_id}/members/{member_id}";
const ALL: &str = "/api/v1/projects/{project_id}/members";

/// The routes.
pub const ROUTES: &[Route] = &[
    Route {
        id: "project_member.list",
        resource: "project_member",
        action: "list",
        method: Method::Get,
        path: ALL,
        access: READ,
        actor: "resource",
        parameters: &[],
        shape: Shape::Links {
            page: "ProjectMemberList",
        },
        summary: "List a project's members",
        description: "Who was added to the project, the last first.",
    },
    Route {
        id: "project_member.put",
        resource: "project_member",
        action: "put",
        method: Method::Put,
        path: ONE,
        access: WRITE,
        actor: "resource",
        parameters: &[],
        shape: Shape::Put {
            body: "ProjectMemberPut",
            resource: "ProjectMember",
        },
        summary: "Add a member to a project, or change its rate",
        description: "The body is the whole of what may be set: without a `billable_rate` the member has none on this project. A new rate holds for time that is written from then on. A project has at most 500 members: another is a 409 `conflict`. Managers add members whom they see: those they share a project with.",
    },
    Route {
        id: "project_member.delete",
        resource: "project_member",
        action: "delete",
        method: Method::Delete,
        path: ONE,
        access: WRITE,
        actor: "resource",
        parameters: &[],
        shape: Shape::Delete,
        summary: "Remove a member from a project",
        description: "The member is taken off the project's tasks. Its time and expenses stay.",
    },
];

/// A member of a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProjectMember {
    /// The project.
    #[schema(example = "0199c3a2-8a14-7b52-9d07-1e6c40f8b2a9")]
    pub project_id: Uuid,
    /// The member.
    #[schema(example = "0199c3a2-7c02-7a55-9e3b-41c07d8f2a16")]
    pub member_id: Uuid,
    /// The member's name.
    #[schema(max_length = 255, example = "Ada Okafor")]
    pub name: String,
    /// The member's role in the organization.
    #[schema(value_type = RoleWord)]
    pub role: Role,
    /// The member's rate per hour on this project; null if none is set, and for those who may not
    /// see rates.
    #[schema(
        required = true,
        pattern = "^-?(0|[1-9][0-9]{0,11})(\\.[0-9]{1,4})?$",
        max_length = 18,
        example = "125.00"
    )]
    pub billable_rate: Option<String>,
    /// ISO 4217 code of the rate: the project's.
    #[schema(pattern = "^[A-Z]{3}$", max_length = 3, example = "EUR")]
    pub currency: String,
    /// When the member was added.
    #[schema(value_type = String, format = DateTime, max_length = 40, example = "2026-01-05T08:00:00Z")]
    pub created_at: Timestamp,
    /// When the rate last changed.
    #[schema(value_type = String, format = DateTime, max_length = 40, example = "2026-11-02T14:11:09Z")]
    pub updated_at: Timestamp,
}

/// A page of a project's members.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProjectMemberList {
    /// The members.
    #[schema(max_items = 200)]
    pub data: Vec<ProjectMember>,
    /// Whether there is another page. A short page proves nothing; this does.
    #[schema(example = true)]
    pub has_more: bool,
    /// The cursor of the next page; null on the last.
    #[schema(
        required = true,
        max_length = 200,
        pattern = "^[A-Za-z0-9_-]+$",
        example = "AZnDont-fRCh9NL2uKlMMQ"
    )]
    pub next_cursor: Option<String>,
}

/// The whole of what may be set.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProjectMemberPut {
    /// Rate per hour on this project, at least 0; none if absent or null.
    #[schema(
        pattern = "^(0|[1-9][0-9]{0,11})(\\.[0-9]{1,4})?$",
        max_length = 17,
        example = "125.00"
    )]
    pub billable_rate: Option<String>,
}
