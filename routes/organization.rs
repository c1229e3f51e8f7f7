//! The organization: the tenant and its defaults. Read over HTTP; changed by [`OPERATIONS`] on the bus.

use hoursmith_domain::{Access, Grant, Plan, Scope, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::common::{ExternalReference, Metadata, MetadataSchema};
use crate::operation::Operation;
use crate::words::{PlanWord, RoundingModeWord, RoundingTargetWord, WeekdayWord};
use crate::{Method, Route, Shape};

const READ: Access = Access {
    owner: Grant::All,
    admin: Grant::All,
    manager: Grant::All,
    member: Grant::All,
    scope: Scope::Read,
    min_plan: Plan::Studio,
};

/// Who may change it: whoever runs it, on any plan.
const CHANGE: Access = Access {
    manager: Grant::Deny,
    member: Grant::Deny,
    scope: Scope::Write,
    min_plan: Plan::Free,
    ..READ
};

/// The routes.
pub const ROUTES: &[Route] = &[Route {
    id: "organization.read",
    resource: "organization",
    action: "read",
    method: Method::Get,
    path: "/api/v1/organization",
    access: READ,
    actor: "resource",
    parameters: &[],
    shape: Shape::Read {
        resource: "Organization",
    },
    summary: "Read the organization",
    description: "The organization that the token belongs to, with its defaults for currency, time and rates.",
}];

/// What is done to the organization over the bus.
pub const OPERATIONS: &[Operation] = &[
    Operation {
        id: "organization.update",
        access: CHANGE,
        actor: "resource",
        description: "Changes the organization's name, its defaults, and how its time is counted.",
    },
    Operation {
        id: "organization.plan",
        access: Access {
            min_plan: Plan::Free,
            ..READ
        },
        actor: "resource",
        description: "Tells the plan, and whether owners may change it: a `PlanChoice`.",
    },
    Operation {
        id: "organization.change_plan",
        access: Access {
            admin: Grant::Deny,
            ..CHANGE
        },
        actor: "resource",
        description: "Puts the organization on another plan, where the operator lets owners do so.",
    },
];

/// The plan, as an owner may look at it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PlanChoice {
    /// The plan that it is on.
    pub plan: Plan,
    /// Whether the operator lets owners change it.
    pub owners_may_change: bool,
}

/// An organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Organization {
    /// Id.
    #[schema(example = "0199c3a2-7d1b-7341-b07c-5f2e8d9a6c04")]
    pub id: Uuid,
    /// Name.
    #[schema(max_length = 255, example = "Northlight Studio")]
    pub name: String,
    /// Short name in addresses.
    #[schema(max_length = 63, pattern = "^[a-z0-9-]+$", example = "northlight")]
    pub slug: String,
    /// Plan: `free`, `studio` or `agency`.
    #[schema(value_type = PlanWord)]
    pub plan: Plan,
    /// ISO 4217 code; the default for clients, and the currency of `default_billable_rate`.
    #[schema(pattern = "^[A-Z]{3}$", max_length = 3, example = "EUR")]
    pub currency: String,
    /// IANA time zone.
    #[schema(
        max_length = 64,
        pattern = "^[A-Za-z0-9_+/-]+$",
        example = "Europe/Berlin"
    )]
    pub timezone: String,
    /// First day of the week, in lower case.
    #[schema(value_type = WeekdayWord)]
    pub week_start: String,
    /// Rate per hour where nothing more special is set; null for those who may not see rates.
    #[schema(
        required = true,
        pattern = "^-?(0|[1-9][0-9]{0,11})(\\.[0-9]{1,4})?$",
        max_length = 18,
        example = "95.00"
    )]
    pub default_billable_rate: Option<String>,
    /// How tracked time is rounded for billing.
    pub rounding: Rounding,
    /// Whether a member's entries may overlap.
    #[schema(example = true)]
    pub allow_overlap: bool,
    /// Time and expenses of the days before this one are locked; null if none are.
    #[schema(required = true, format = Date, max_length = 10, example = "2026-11-01")]
    pub lock_before: Option<String>,
    /// Working time of a full week, in seconds.
    #[schema(minimum = 0, maximum = 604_800, example = 144_000)]
    pub weekly_capacity_seconds: i64,
    /// Counterpart in another system.
    #[schema(required = true)]
    pub external_reference: Option<ExternalReference>,
    /// The integration's own pairs.
    #[schema(value_type = MetadataSchema)]
    pub metadata: Metadata,
    /// When it was made.
    #[schema(value_type = String, format = DateTime, max_length = 40, example = "2026-01-05T08:00:00Z")]
    pub created_at: Timestamp,
    /// When it last changed.
    #[schema(value_type = String, format = DateTime, max_length = 40, example = "2026-11-02T14:11:09Z")]
    pub updated_at: Timestamp,
}

/// How tracked time is rounded for billing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Rounding {
    /// `none`, `up`, `down` or `nearest`.
    #[schema(value_type = RoundingModeWord)]
    pub mode: String,
    /// To how many minutes.
    #[schema(minimum = 1, maximum = 1440, example = 15)]
    pub minutes: i64,
    /// What is rounded: each entry.
    #[schema(value_type = RoundingTargetWord)]
    pub target: String,
}
