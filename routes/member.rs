//! Members: users in an organization. Over HTTP they are read; the app invites, changes and removes
//! them by [`OPERATIONS`] on the bus.

use hoursmith_domain::{Access, Grant, Plan, Role, Scope, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::common::{ExternalReference, Metadata, MetadataSchema};
use crate::operation::Operation;
use crate::route::parameter;
use crate::words::{RoleWord, StatusWord};
use crate::{Form, Method, Route, Shape};

const READ: Access = Access {
    owner: Grant::All,
    admin: Grant::All,
    manager: Grant::Projects,
    member: Grant::Projects,
    scope: Scope::Read,
    min_plan: Plan::Studio,
};

/// Who invites, changes and removes members: who runs the place. From the lowest plan on, since the app is
/// open to all of them.
const MANAGE: Access = Access {
    owner: Grant::All,
    admin: Grant::All,
    manager: Grant::Deny,
    member: Grant::Deny,
    scope: Scope::Write,
    min_plan: Plan::Free,
};

/// What is done to members in the app; a caller that came with a token is refused.
pub const OPERATIONS: &[Operation] = &[
    Operation {
        id: "member.invite",
        access: MANAGE,
        actor: "resource",
        description: "Makes a member who is invited, and the link to accept by.",
    },
    Operation {
        id: "member.update",
        access: MANAGE,
        actor: "resource",
        description: "Changes role, rates, zone and capacity. Owners are for owners to change.",
    },
    Operation {
        id: "member.remove",
        access: MANAGE,
        actor: "resource",
        description: "Removes a member, who can do nothing from then on; or withdraws an invitation.",
    },
];

/// The routes.
pub const ROUTES: &[Route] = &[
    Route {
        id: "member.list",
        resource: "member",
        action: "list",
        method: Method::Get,
        path: "/api/v1/members",
        access: READ,
        actor: "resource",
        parameters: &[
            parameter(
                "role",
                Form::OneOf(&["owner", "admin", "manager", "member"]),
                "Only members with this role.",
            ),
            parameter(
                "status",
                Form::OneOf(&["active", "invited", "removed"]),
                "Only members in this state.",
            ),
            parameter(
                "project_id",
                Form::Id,
                "Only members who were added to this project.",
            ),
            parameter(
                "q",
                Form::Text { max: 255 },
                "Only members whose name or e-mail address contains this, in any case.",
            ),
        ],
        shape: Shape::List { page: "MemberList" },
        summary: "List members",
        description: "Newest first. Managers and members see themselves and those they share a project with. Members are added, changed and removed in the app.",
    },
    Route {
        id: "member.read",
        resource: "member",
        action: "read",
        method: Method::Get,
        path: "/api/v1/members/{member_id}",
        access: READ,
        actor: "resource",
        parameters: &[],
        shape: Shape::Read { resource: "Member" },
        summary: "Read a member",
        description: "One member, with its ETag.",
    },
];

/// A member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Member {
    /// Id of the membership.
    #[schema(example = "0199c3a2-7c02-7a55-9e3b-41c07d8f2a16")]
    pub id: Uuid,
    /// Id of the person.
    #[schema(example = "0199c3a2-7c9d-7f38-8b62-0ad4e95c7b83")]
    pub user_id: Uuid,
    /// Name.
    #[schema(max_length = 255, example = "Ada Okafor")]
    pub name: String,
    /// E-mail address.
    #[schema(
        max_length = 255,
        pattern = "^[^@ \\u0000-\\u001f\\u007f-\\u009f\\u202a-\\u202e\\u2066-\\u2069]+@[^@ \\u0000-\\u001f\\u007f-\\u009f\\u202a-\\u202e\\u2066-\\u2069]+$",
        example = "ada@northlight.example"
    )]
    pub email: String,
    /// `owner`, `admin`, `manager` or `member`.
    #[schema(value_type = RoleWord)]
    pub role: Role,
    /// `active`, `invited` or `removed`.
    #[schema(value_type = StatusWord)]
    pub status: String,
    /// IANA time zone.
    #[schema(
        max_length = 64,
        pattern = "^[A-Za-z0-9_+/-]+$",
        example = "Europe/Berlin"
    )]
    pub timezone: String,
    /// Rate per hour; null if none is set, and for those who may not see rates.
    #[schema(
        required = true,
        pattern = "^-?(0|[1-9][0-9]{0,11})(\\.[0-9]{1,4})?$",
        max_length = 18,
        example = "95.00"
    )]
    pub billable_rate: Option<String>,
    /// What an hour costs; null if none is set, and for all but owners and admins.
    #[schema(
        required = true,
        pattern = "^-?(0|[1-9][0-9]{0,11})(\\.[0-9]{1,4})?$",
        max_length = 18,
        example = "52.50"
    )]
    pub cost_rate: Option<String>,
    /// ISO 4217 code of the rates: the organization's.
    #[schema(pattern = "^[A-Z]{3}$", max_length = 3, example = "EUR")]
    pub currency: String,
    /// Working time of a week, in seconds.
    #[schema(minimum = 0, maximum = 604_800, example = 144_000)]
    pub weekly_capacity_seconds: i64,
    /// Counterpart in another system.
    #[schema(required = true)]
    pub external_reference: Option<ExternalReference>,
    /// The integration's own pairs.
    #[schema(value_type = MetadataSchema)]
    pub metadata: Metadata,
    /// When the member was added.
    #[schema(value_type = String, format = DateTime, max_length = 40, example = "2026-01-05T08:00:00Z")]
    pub created_at: Timestamp,
    /// When it last changed.
    #[schema(value_type = String, format = DateTime, max_length = 40, example = "2026-11-02T14:11:09Z")]
    pub updated_at: Timestamp,
}

/// A page of members.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MemberList {
    /// The members.
    #[schema(max_items = 200)]
    pub data: Vec<Member>,
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
