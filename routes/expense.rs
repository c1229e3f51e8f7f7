//! Expenses: what members paid for projects.

use hoursmith_domain::{Access, Day, Grant, Plan, Scope, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::common::{
    ExternalReference, ExternalReferenceInput, Metadata, MetadataInputSchema, MetadataSchema,
};
use crate::route::parameter;
use crate::words::LockedReasonWord;
use crate::{Form, Method, Route, Shape};

const READ: Access = Access {
    owner: Grant::All,
    admin: Grant::All,
    manager: Grant::Projects,
    member: Grant::Own,
    scope: Scope::Read,
    min_plan: Plan::Studio,
};

const WRITE: Access = Access {
    scope: Scope::Write,
    ..READ
};

const ONE: &str = "/api/v1/expenses/{expense_id}";
const ALL: &str = "/api/v1/expenses";

/// The routes.
pub const ROUTES: &[Route] = &[
    Route {
        id: "expense.list",
        resource: "expense",
        action: "list",
        method: Method::Get,
        path: ALL,
        access: READ,
        actor: "resource",
        parameters: &[
            parameter("member_id", Form::Id, "Only expenses of this member."),
            parameter("client_id", Form::Id, "Only expenses for this client."),
            parameter("project_id", Form::Id, "Only expenses for this project."),
            parameter("from", Form::Day, "Only expenses on this day or later."),
            parameter("to", Form::Day, "Only expenses on this day or earlier."),
            parameter(
                "billable",
                Form::Boolean,
                "Only expenses that are billable, or only those that are not.",
            ),
            parameter(
                "invoiced",
                Form::Boolean,
                "Only expenses that a sent invoice bills, or only those that none does.",
            ),
            parameter(
                "locked",
                Form::Boolean,
                "Only expenses that are locked, or only those that are not.",
            ),
            parameter(
                "category",
                Form::Text { max: 100 },
                "Only expenses of exactly this category.",
            ),
        ],
        shape: Shape::List {
            page: "ExpenseList",
        },
        summary: "List expenses",
        description: "Newest first. Managers see the expenses of the projects they were added to, members their own in these.",
    },
    Route {
        id: "expense.create",
        resource: "expense",
        action: "create",
        method: Method::Post,
        path: ALL,
        access: WRITE,
        actor: "resource",
        parameters: &[],
        shape: Shape::Create {
            body: "ExpenseCreate",
            resource: "Expense",
        },
        summary: "Create an expense",
        description: "`project_id` is required, and either `amount` or both `quantity` and `unit_price`, whose product is rounded half up once to the currency's minor unit. `member_id` defaults to the caller, `spent_on` to today in the member's time zone, `currency` to the one the project is billed in, `billable` to the project's. Send an `Idempotency-Key` to make a retry safe.",
    },
    Route {
        id: "expense.read",
        resource: "expense",
        action: "read",
        method: Method::Get,
        path: ONE,
        access: READ,
        actor: "resource",
        parameters: &[],
        shape: Shape::Read {
            resource: "Expense",
        },
        summary: "Read an expense",
        description: "One expense, with its ETag.",
    },
    Route {
        id: "expense.update",
        resource: "expense",
        action: "update",
        method: Method::Patch,
        path: ONE,
        access: WRITE,
        actor: "resource",
        parameters: &[],
        shape: Shape::Update {
            body: "ExpenseUpdate",
            resource: "Expense",
        },
        summary: "Change an expense",
        description: "A JSON Merge Patch: fields that are absent stay, null clears, `external_reference` and `metadata` are merged. To name the amount of an expense that has a quantity, set `quantity` and `unit_price` to null with it. A locked expense cannot change, and none can be moved into a locked day or an archived project. Send `If-Match` to be sure that nobody changed it meanwhile.",
    },
    Route {
        id: "expense.delete",
        resource: "expense",
        action: "delete",
        method: Method::Delete,
        path: ONE,
        access: WRITE,
        actor: "resource",
        parameters: &[],
        shape: Shape::Delete,
        summary: "Delete an expense",
        description: "Unless it is locked.",
    },
];

/// An expense.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Expense {
    /// Id.
    #[schema(example = "0199c3a2-7dd8-7c13-8a6e-1f0b9c4d2e57")]
    pub id: Uuid,
    /// Who paid.
    #[schema(example = "0199c3a2-7c02-7a55-9e3b-41c07d8f2a16")]
    pub member_id: Uuid,
    /// The project that it was for.
    #[schema(example = "0199c3a2-7cf1-7b0e-9d52-8c64f1a2e705")]
    pub project_id: Uuid,
    /// The project's client; null if it has none.
    #[schema(required = true, example = "0199c3a2-7b7e-7d10-a1f4-d2f6b8a94c31")]
    pub client_id: Option<Uuid>,
    /// The day of it.
    #[schema(value_type = String, format = Date, max_length = 10, example = "2026-11-02")]
    pub spent_on: Day,
    /// What kind it is, in the organization's own words.
    #[schema(required = true, min_length = 1, max_length = 100, example = "Travel")]
    pub category: Option<String>,
    /// What it was.
    #[schema(
        required = true,
        max_length = 5000,
        pattern = "^[^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f\\u202a-\\u202e\\u2066-\\u2069]*$",
        example = "By car to the roastery and back."
    )]
    pub description: Option<String>,
    /// How many units; null where the amount was named.
    #[schema(
        required = true,
        pattern = "^(0|[1-9][0-9]{0,11})(\\.[0-9]{1,4})?$",
        max_length = 17,
        example = "42.5"
    )]
    pub quantity: Option<String>,
    /// The price of a unit; null where the amount was named.
    #[schema(
        required = true,
        pattern = "^(0|[1-9][0-9]{0,11})(\\.[0-9]{1,4})?$",
        max_length = 17,
        example = "0.30"
    )]
    pub unit_price: Option<String>,
    /// What was paid, tax included: as named, or quantity times unit price, rounded half up once
    /// to the currency's minor unit.
    #[schema(
        pattern = "^(0|[1-9][0-9]{0,11})(\\.[0-9]{1,4})?$",
        max_length = 17,
        example = "12.75"
    )]
    pub amount: String,
    /// ISO 4217 code of the amounts.
    #[schema(pattern = "^[A-Z]{3}$", max_length = 3, example = "EUR")]
    pub currency: String,
    /// The tax contained in the amount.
    #[schema(
        required = true,
        pattern = "^(0|[1-9][0-9]{0,11})(\\.[0-9]{1,4})?$",
        max_length = 17,
        example = "2.04"
    )]
    pub tax_amount: Option<String>,
    /// Whether the client is to be billed for it.
    #[schema(example = true)]
    pub billable: bool,
    /// Whether the member is to be paid back.
    #[schema(example = true)]
    pub reimbursable: bool,
    /// Whether it cannot change now.
    #[schema(example = false)]
    pub is_locked: bool,
    /// Why not; null if it can.
    #[schema(value_type = Option<LockedReasonWord>, required = true)]
    pub locked_reason: Option<String>,
    /// The sent invoice that bills it; null if none does.
    #[schema(required = true)]
    pub invoice_id: Option<Uuid>,
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

/// A page of expenses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExpenseList {
    /// The expenses.
    #[schema(max_items = 200)]
    pub data: Vec<Expense>,
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

/// What may be set: `project_id` is required, and either `amount` or `quantity` and `unit_price`.
// The schema of a change, `ExpenseUpdate`, is this one with nothing required.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "project_id": "0199c3a2-7cf1-7b0e-9d52-8c64f1a2e705", "spent_on": "2026-11-02",
    "category": "Travel", "quantity": "42.5", "unit_price": "0.30", "reimbursable": true
}))]
pub struct ExpenseCreate {
    /// Who paid; the caller if absent on creation. Must be in the project.
    #[schema(nullable = false, example = "0199c3a2-7c02-7a55-9e3b-41c07d8f2a16")]
    pub member_id: Option<Uuid>,
    /// The project that it was for.
    #[schema(example = "0199c3a2-7cf1-7b0e-9d52-8c64f1a2e705")]
    pub project_id: Uuid,
    /// The day of it; today in the member's time zone if absent on creation.
    #[schema(value_type = Option<String>, nullable = false, format = Date, max_length = 10, example = "2026-11-02")]
    pub spent_on: Option<Day>,
    /// What kind it is, in the organization's own words.
    #[schema(min_length = 1, max_length = 100, example = "Travel")]
    pub category: Option<String>,
    /// What it was.
    #[schema(
        max_length = 5000,
        pattern = "^[^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f\\u202a-\\u202e\\u2066-\\u2069]*$",
        example = "By car to the roastery and back."
    )]
    pub description: Option<String>,
    /// How many units, with `unit_price`, instead of `amount`.
    #[schema(
        pattern = "^(0|[1-9][0-9]{0,11})(\\.[0-9]{1,4})?$",
        max_length = 17,
        example = "42.5"
    )]
    pub quantity: Option<String>,
    /// The price of a unit, with `quantity`, instead of `amount`.
    #[schema(
        pattern = "^(0|[1-9][0-9]{0,11})(\\.[0-9]{1,4})?$",
        max_length = 17,
        example = "0.30"
    )]
    pub unit_price: Option<String>,
    /// What was paid, tax included, instead of `quantity` and `unit_price`. If the expense is
    /// billable, with no more digits after the point than the currency's minor unit.
    #[schema(
        nullable = false,
        pattern = "^(0|[1-9][0-9]{0,11})(\\.[0-9]{1,4})?$",
        max_length = 17,
        example = "12.75"
    )]
    pub amount: Option<String>,
    /// ISO 4217 code of the amounts; the one the project is billed in if absent on creation, and
    /// no other if the expense is billable.
    #[schema(
        nullable = false,
        pattern = "^[A-Z]{3}$",
        max_length = 3,
        example = "EUR"
    )]
    pub currency: Option<String>,
    /// The tax contained in the amount, at most all of it.
    #[schema(
        pattern = "^(0|[1-9][0-9]{0,11})(\\.[0-9]{1,4})?$",
        max_length = 17,
        example = "2.04"
    )]
    pub tax_amount: Option<String>,
    /// Whether the client is to be billed for it; the project's if absent on creation.
    #[schema(nullable = false, example = true)]
    pub billable: Option<bool>,
    /// Whether the member is to be paid back; false if absent on creation.
    #[schema(nullable = false, example = true)]
    pub reimbursable: Option<bool>,
    /// Counterpart in another system.
    #[schema(value_type = Option<ExternalReferenceInput>)]
    pub external_reference: Option<ExternalReference>,
    /// Pairs to set; a null value removes its pair, null for all removes all.
    #[schema(value_type = Option<MetadataInputSchema>)]
    pub metadata: Option<Metadata>,
}
