//! Projects: what time is spent on, how it is billed, and how far it has come.

use hoursmith_domain::{Access, Day, Grant, Plan, Scope, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::common::{
    ExternalReference, ExternalReferenceInput, Metadata, MetadataInputSchema, MetadataSchema,
};
use crate::route::parameter;
use crate::words::{BillingMethodWord, BudgetKindWord, BudgetPeriodWord};
use crate::{Form, Method, Route, Shape};

const READ: Access = Access {
    owner: Grant::All,
    admin: Grant::All,
    manager: Grant::Projects,
    member: Grant::Projects,
    scope: Scope::Read,
    min_plan: Plan::Studio,
};

const WRITE: Access = Access {
    owner: Grant::All,
    admin: Grant::All,
    manager: Grant::Deny,
    member: Grant::Deny,
    scope: Scope::Write,
    min_plan: Plan::Studio,
};

const CHANGE: Access = Access {
    manager: Grant::Projects,
    ..WRITE
};

const ONE: &str = "/api/v1/projects/{project_id}";
const ALL: &str = "/api/v1/projects";

/// The routes.
pub const ROUTES: &[Route] = &[
    Route {
        id: "project.list",
        resource: "project",
        action: "list",
        method: Method::Get,
        path: ALL,
        access: READ,
        actor: "resource",
        parameters: &[
            parameter("client_id", Form::Id, "Only projects for this client."),
            parameter(
                "archived",
                Form::Boolean,
                "Only archived projects, or only those that are not.",
            ),
            parameter(
                "billable",
                Form::Boolean,
                "Only projects whose time is billable unless it says otherwise, or only the others.",
            ),
            parameter(
                "member_id",
                Form::Id,
                "Only projects that this member was added to.",
            ),
            parameter(
                "q",
                Form::Text { max: 255 },
                "Only projects whose name or code contains this, in any case.",
            ),
        ],
        shape: Shape::List {
            page: "ProjectList",
        },
        summary: "List projects",
        description: "Newest first. Managers and members see the projects they were added to.",
    },
    Route {
        id: "project.create",
        resource: "project",
        action: "create",
        method: Method::Post,
        path: ALL,
        access: WRITE,
        actor: "resource",
        parameters: &[],
        shape: Shape::Create {
            body: "ProjectCreate",
            resource: "Project",
        },
        summary: "Create a project",
        description: "Only `name` is required, and must be unique among the projects of the client whatever its case. Without a `billable_rate` the project takes the client's; null leaves it without one. Nobody is in it yet: add members with `PUT`. Send an `Idempotency-Key` to make a retry safe.",
    },
    Route {
        id: "project.read",
        resource: "project",
        action: "read",
        method: Method::Get,
        path: ONE,
        access: READ,
        actor: "resource",
        parameters: &[],
        shape: Shape::Read {
            resource: "Project",
        },
        summary: "Read a project",
        description: "One project with its members and totals, and its ETag. Totals follow the time that is tracked without a new version of the project.",
    },
    Route {
        id: "project.update",
        resource: "project",
        action: "update",
        method: Method::Patch,
        path: ONE,
        access: CHANGE,
        actor: "resource",
        parameters: &[],
        shape: Shape::Update {
            body: "ProjectUpdate",
            resource: "Project",
        },
        summary: "Change a project",
        description: "A JSON Merge Patch: fields that are absent stay, null clears, `budget`, `external_reference` and `metadata` are merged. `client_id` can change as long as nothing was tracked. A new rate holds for time that is written from then on. `archived` archives and brings back; time and expenses of an archived project are locked.",
    },
    Route {
        id: "project.delete",
        resource: "project",
        action: "delete",
        method: Method::Delete,
        path: ONE,
        access: WRITE,
        actor: "resource",
        parameters: &[],
        shape: Shape::Delete,
        summary: "Delete a project",
        description: "Only a project without tasks, time, expenses and invoice lines can be deleted; archive the others. Its members leave it.",
    },
];

/// A project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Project {
    /// Id.
    #[schema(example = "0199c3a2-8a14-7b52-9d07-1e6c40f8b2a9")]
    pub id: Uuid,
    /// Whom it is for; null for the organization's own work.
    #[schema(required = true, example = "0199c3a2-7b7e-7d10-a1f4-d2f6b8a94c31")]
    pub client_id: Option<Uuid>,
    /// Name.
    #[schema(min_length = 1, max_length = 255, example = "Autumn packaging")]
    pub name: String,
    /// The organization's own code for it.
    #[schema(required = true, min_length = 1, max_length = 50, example = "ATL-07")]
    pub code: Option<String>,
    /// Colour, `#rrggbb`.
    #[schema(
        required = true,
        max_length = 7,
        pattern = "^#[0-9a-f]{6}$",
        example = "#b4552d"
    )]
    pub color: Option<String>,
    /// Whether its time is billable unless it says otherwise.
    #[schema(example = true)]
    pub billable: bool,
    /// `hourly`, `fixed` or `none`.
    #[schema(value_type = BillingMethodWord)]
    pub billing_method: String,
    /// Rate per hour; null if none is set, and for those who may not see rates.
    #[schema(
        required = true,
        pattern = "^-?(0|[1-9][0-9]{0,11})(\\.[0-9]{1,4})?$",
        max_length = 18,
        example = "110.00"
    )]
    pub billable_rate: Option<String>,
    /// The one fee, when `billing_method` is `fixed`; null for those who may not see rates.
    #[schema(
        required = true,
        pattern = "^-?(0|[1-9][0-9]{0,11})(\\.[0-9]{1,4})?$",
        max_length = 18
    )]
    pub fixed_fee: Option<String>,
    /// What may be spent; null if there is no bound. A budget of money is null for those who may
    /// not see rates.
    #[schema(required = true)]
    pub budget: Option<Budget>,
    /// ISO 4217 code of its rate, fee and amounts: the client's, or the organization's.
    #[schema(pattern = "^[A-Z]{3}$", max_length = 3, example = "EUR")]
    pub currency: String,
    /// First day.
    #[schema(value_type = Option<String>, required = true, format = Date, max_length = 10, example = "2026-09-01")]
    pub starts_on: Option<Day>,
    /// Last day.
    #[schema(value_type = Option<String>, required = true, format = Date, max_length = 10, example = "2026-12-18")]
    pub ends_on: Option<Day>,
    /// Notes.
    #[schema(
        required = true,
        max_length = 5000,
        pattern = "^[^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f\\u202a-\\u202e\\u2066-\\u2069]*$",
        example = "Proofs go to Ada first."
    )]
    pub notes: Option<String>,
    /// Whether it is archived.
    #[schema(example = false)]
    pub archived: bool,
    /// When it was archived; null if it is not.
    #[schema(value_type = Option<String>, required = true, format = DateTime, max_length = 40)]
    pub archived_at: Option<Timestamp>,
    /// Who was added to it, by `member_id`.
    #[schema(max_items = 10_000)]
    pub members: Vec<Membership>,
    /// Time tracked so far, in seconds. A running timer counts once it is stopped.
    #[schema(minimum = 0, example = 187_200)]
    pub tracked_seconds: i64,
    /// Sum of the amounts of its billable time; null for those who may not see rates.
    #[schema(
        required = true,
        pattern = "^(0|[1-9][0-9]{0,14})(\\.[0-9]{1,4})?$",
        max_length = 20,
        example = "5720.00"
    )]
    pub billable_amount: Option<String>,
    /// How much of the budget is used, in its unit: hours, or money. Null without a budget.
    #[schema(
        required = true,
        pattern = "^(0|[1-9][0-9]{0,15})(\\.[0-9]{1,4})?$",
        max_length = 21,
        example = "52"
    )]
    pub budget_used: Option<String>,
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

/// What may be spent on a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Budget {
    /// `hours` or `money`.
    #[schema(value_type = BudgetKindWord)]
    pub kind: String,
    /// Hours, or an amount in the project's currency.
    #[schema(
        pattern = "^(0|[1-9][0-9]{0,11})(\\.[0-9]{1,4})?$",
        max_length = 17,
        example = "120"
    )]
    pub amount: String,
    /// `total`, or `monthly`: each calendar month anew.
    #[schema(value_type = BudgetPeriodWord)]
    pub period: String,
}

/// A member of a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Membership {
    /// The member.
    #[schema(example = "0199c3a2-7c02-7a55-9e3b-41c07d8f2a16")]
    pub member_id: Uuid,
    /// The member's rate per hour on this project; null if none is set, and for those who may not
    /// see rates.
    #[schema(
        required = true,
        pattern = "^-?(0|[1-9][0-9]{0,11})(\\.[0-9]{1,4})?$",
        max_length = 18,
        example = "125.00"
    )]
    pub billable_rate: Option<String>,
}

/// A page of projects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProjectList {
    /// The projects.
    #[schema(max_items = 200)]
    pub data: Vec<Project>,
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

/// What may be set; only `name` is required.
// The schema of a change, `ProjectUpdate`, is this one with nothing required.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProjectCreate {
    /// Whom it is for; fixed once anything was tracked.
    #[schema(example = "0199c3a2-7b7e-7d10-a1f4-d2f6b8a94c31")]
    pub client_id: Option<Uuid>,
    /// Name, unique among the client's projects whatever its case.
    #[schema(min_length = 1, max_length = 255, example = "Autumn packaging")]
    pub name: String,
    /// The organization's own code for it.
    #[schema(min_length = 1, max_length = 50, example = "ATL-07")]
    pub code: Option<String>,
    /// Colour, `#rrggbb`.
    #[schema(max_length = 7, pattern = "^#[0-9A-Fa-f]{6}$", example = "#b4552d")]
    pub color: Option<String>,
    /// Whether its time is billable unless it says otherwise; if absent on creation, true unless
    /// `billing_method` is `none`, with which it cannot be true.
    #[schema(nullable = false, example = true)]
    pub billable: Option<bool>,
    /// `hourly` if absent on creation.
    #[schema(value_type = Option<BillingMethodWord>, nullable = false)]
    pub billing_method: Option<String>,
    /// Rate per hour, at least 0; the client's if absent on creation.
    #[schema(
        pattern = "^(0|[1-9][0-9]{0,11})(\\.[0-9]{1,4})?$",
        max_length = 17,
        example = "110.00"
    )]
    pub billable_rate: Option<String>,
    /// The one fee, at least 0. Only with `billing_method` `fixed`.
    #[schema(pattern = "^(0|[1-9][0-9]{0,11})(\\.[0-9]{1,4})?$", max_length = 17)]
    pub fixed_fee: Option<String>,
    /// What may be spent.
    pub budget: Option<BudgetInput>,
    /// First day.
    #[schema(value_type = Option<String>, format = Date, max_length = 10, example = "2026-09-01")]
    pub starts_on: Option<Day>,
    /// Last day, not before the first.
    #[schema(value_type = Option<String>, format = Date, max_length = 10, example = "2026-12-18")]
    pub ends_on: Option<Day>,
    /// Notes.
    #[schema(
        max_length = 5000,
        pattern = "^[^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f\\u202a-\\u202e\\u2066-\\u2069]*$",
        example = "Proofs go to Ada first."
    )]
    pub notes: Option<String>,
    /// Archives (true) or brings back (false).
    #[schema(nullable = false, example = false)]
    pub archived: Option<bool>,
    /// Counterpart in another system.
    #[schema(value_type = Option<ExternalReferenceInput>)]
    pub external_reference: Option<ExternalReference>,
    /// Pairs to set; a null value removes its pair, null for all removes all.
    #[schema(value_type = Option<MetadataInputSchema>)]
    pub metadata: Option<Metadata>,
}

/// A budget to set; null clears it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BudgetInput {
    /// `hours` or `money`.
    #[schema(value_type = BudgetKindWord)]
    pub kind: String,
    /// Hours, or an amount in the project's currency; at least 0.
    #[schema(
        pattern = "^(0|[1-9][0-9]{0,11})(\\.[0-9]{1,4})?$",
        max_length = 17,
        example = "120"
    )]
    pub amount: String,
    /// `total` if a new budget does not say.
    #[schema(value_type = Option<BudgetPeriodWord>, nullable = false)]
    pub period: Option<String>,
}
