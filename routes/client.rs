//! Clients: whom the organization works for and bills.

use hoursmith_domain::{Access, Grant, Plan, Scope, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::common::{
    ExternalReference, ExternalReferenceInput, Metadata, MetadataInputSchema, MetadataSchema,
};
use crate::route::parameter;
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

const ONE: &str = "/api/v1/clients/{client_id}";
const ALL: &str = "/api/v1/clients";

/// The routes.
pub const ROUTES: &[Route] = &[
    Route {
        id: "client.list",
        resource: "client",
        action: "list",
        method: Method::Get,
        path: ALL,
        access: READ,
        actor: "resource",
        parameters: &[
            parameter(
                "archived",
                Form::Boolean,
                "Only archived clients, or only those that are not.",
            ),
            parameter(
                "q",
                Form::Text { max: 255 },
                "Only clients whose name contains this, in any case.",
            ),
            parameter(
                "number",
                Form::Text { max: 50 },
                "Only clients with this number.",
            ),
            parameter(
                "currency",
                Form::Currency,
                "Only clients billed in this currency.",
            ),
        ],
        shape: Shape::List { page: "ClientList" },
        summary: "List clients",
        description: "Newest first. Managers and members see the clients of the projects they were added to.",
    },
    Route {
        id: "client.create",
        resource: "client",
        action: "create",
        method: Method::Post,
        path: ALL,
        access: WRITE,
        actor: "resource",
        parameters: &[],
        shape: Shape::Create {
            body: "ClientCreate",
            resource: "Client",
        },
        summary: "Create a client",
        description: "Only `name` is required, and must be unique in the organization whatever its case. `currency` defaults to the organization's. Send an `Idempotency-Key` to make a retry safe.",
    },
    Route {
        id: "client.read",
        resource: "client",
        action: "read",
        method: Method::Get,
        path: ONE,
        access: READ,
        actor: "resource",
        parameters: &[],
        shape: Shape::Read { resource: "Client" },
        summary: "Read a client",
        description: "One client, with its ETag.",
    },
    Route {
        id: "client.update",
        resource: "client",
        action: "update",
        method: Method::Patch,
        path: ONE,
        access: WRITE,
        actor: "resource",
        parameters: &[],
        shape: Shape::Update {
            body: "ClientUpdate",
            resource: "Client",
        },
        summary: "Change a client",
        description: "A JSON Merge Patch: fields that are absent stay, null clears, `address`, `external_reference` and `metadata` are merged. Send `If-Match` to be sure that nobody changed it meanwhile. `archived` archives and brings back.",
    },
    Route {
        id: "client.delete",
        resource: "client",
        action: "delete",
        method: Method::Delete,
        path: ONE,
        access: WRITE,
        actor: "resource",
        parameters: &[],
        shape: Shape::Delete,
        summary: "Delete a client",
        description: "Only a client that nothing depends on can be deleted; archive the others.",
    },
];

/// A client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Client {
    /// Id.
    #[schema(example = "0199c3a2-7b7e-7d10-a1f4-d2f6b8a94c31")]
    pub id: Uuid,
    /// Name.
    #[schema(min_length = 1, max_length = 255, example = "Atlas Coffee Roasters")]
    pub name: String,
    /// The organization's own number for it.
    #[schema(required = true, min_length = 1, max_length = 50, example = "C-0042")]
    pub number: Option<String>,
    /// ISO 4217 code: what it is billed in, and the currency of `billable_rate`.
    #[schema(pattern = "^[A-Z]{3}$", max_length = 3, example = "EUR")]
    pub currency: String,
    /// E-mail address for invoices.
    #[schema(
        required = true,
        min_length = 3,
        max_length = 255,
        pattern = "^[^@ \\u0000-\\u001f\\u007f-\\u009f\\u202a-\\u202e\\u2066-\\u2069]+@[^@ \\u0000-\\u001f\\u007f-\\u009f\\u202a-\\u202e\\u2066-\\u2069]+$",
        example = "accounts@atlas.example"
    )]
    pub email: Option<String>,
    /// Telephone number.
    #[schema(
        required = true,
        min_length = 1,
        max_length = 50,
        example = "+49 30 901820"
    )]
    pub phone: Option<String>,
    /// Postal address.
    #[schema(required = true)]
    pub address: Option<Address>,
    /// VAT identification number.
    #[schema(
        required = true,
        min_length = 1,
        max_length = 50,
        example = "DE123456789"
    )]
    pub vat_id: Option<String>,
    /// Rate per hour for its work; null if none is set, and for those who may not see rates.
    #[schema(
        required = true,
        pattern = "^-?(0|[1-9][0-9]{0,11})(\\.[0-9]{1,4})?$",
        max_length = 18,
        example = "120.00"
    )]
    pub billable_rate: Option<String>,
    /// Days from issue to due date of its invoices; null for the organization's habit.
    #[schema(required = true, minimum = 0, maximum = 365, example = 30)]
    pub payment_terms_days: Option<i64>,
    /// Notes, not shown to the client.
    #[schema(
        required = true,
        max_length = 5000,
        pattern = "^[^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f\\u202a-\\u202e\\u2066-\\u2069]*$",
        example = "Prefers calls before ten."
    )]
    pub notes: Option<String>,
    /// Whether it is archived.
    #[schema(example = false)]
    pub archived: bool,
    /// When it was archived; null if it is not.
    #[schema(value_type = Option<String>, required = true, format = DateTime, max_length = 40)]
    pub archived_at: Option<Timestamp>,
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

/// A postal address. Every line may be null.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Address {
    /// First line.
    #[schema(
        required = true,
        min_length = 1,
        max_length = 255,
        example = "Karl-Marx-Allee 90"
    )]
    pub line1: Option<String>,
    /// Second line.
    #[schema(required = true, min_length = 1, max_length = 255)]
    pub line2: Option<String>,
    /// City.
    #[schema(required = true, min_length = 1, max_length = 255, example = "Berlin")]
    pub city: Option<String>,
    /// State, province or region.
    #[schema(required = true, min_length = 1, max_length = 255)]
    pub state: Option<String>,
    /// Postal code.
    #[schema(required = true, min_length = 1, max_length = 20, example = "10243")]
    pub postal_code: Option<String>,
    /// ISO 3166-1 alpha-2 code.
    #[schema(
        required = true,
        max_length = 2,
        pattern = "^[A-Z]{2}$",
        example = "DE"
    )]
    pub country: Option<String>,
}

/// A page of clients.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ClientList {
    /// The clients.
    #[schema(max_items = 200)]
    pub data: Vec<Client>,
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
// The schema of a change, `ClientUpdate`, is this one with nothing required.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientCreate {
    /// Name, unique in the organization whatever its case.
    #[schema(min_length = 1, max_length = 255, example = "Atlas Coffee Roasters")]
    pub name: String,
    /// The organization's own number for it.
    #[schema(min_length = 1, max_length = 50, example = "C-0042")]
    pub number: Option<String>,
    /// ISO 4217 code; the organization's if absent on creation.
    #[schema(
        nullable = false,
        pattern = "^[A-Z]{3}$",
        max_length = 3,
        example = "EUR"
    )]
    pub currency: Option<String>,
    /// E-mail address for invoices.
    #[schema(
        min_length = 3,
        max_length = 255,
        pattern = "^[^@ \\u0000-\\u001f\\u007f-\\u009f\\u202a-\\u202e\\u2066-\\u2069]+@[^@ \\u0000-\\u001f\\u007f-\\u009f\\u202a-\\u202e\\u2066-\\u2069]+$",
        example = "accounts@atlas.example"
    )]
    pub email: Option<String>,
    /// Telephone number.
    #[schema(min_length = 1, max_length = 50, example = "+49 30 901820")]
    pub phone: Option<String>,
    /// Postal address.
    pub address: Option<AddressInput>,
    /// VAT identification number.
    #[schema(min_length = 1, max_length = 50, example = "DE123456789")]
    pub vat_id: Option<String>,
    /// Rate per hour for its work, at least 0.
    #[schema(
        pattern = "^(0|[1-9][0-9]{0,11})(\\.[0-9]{1,4})?$",
        max_length = 18,
        example = "120.00"
    )]
    pub billable_rate: Option<String>,
    /// Days from issue to due date of its invoices.
    #[schema(minimum = 0, maximum = 365, example = 30)]
    pub payment_terms_days: Option<i64>,
    /// Notes, not shown to the client.
    #[schema(
        max_length = 5000,
        pattern = "^[^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f\\u202a-\\u202e\\u2066-\\u2069]*$",
        example = "Prefers calls before ten."
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

/// The lines of an address to set; absent lines stay on a change and are null on creation.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddressInput {
    /// First line.
    #[schema(min_length = 1, max_length = 255, example = "Karl-Marx-Allee 90")]
    pub line1: Option<String>,
    /// Second line.
    #[schema(min_length = 1, max_length = 255)]
    pub line2: Option<String>,
    /// City.
    #[schema(min_length = 1, max_length = 255, example = "Berlin")]
    pub city: Option<String>,
    /// State, province or region.
    #[schema(min_length = 1, max_length = 255)]
    pub state: Option<String>,
    /// Postal code.
    #[schema(min_length = 1, max_length = 20, example = "10243")]
    pub postal_code: Option<String>,
    /// ISO 3166-1 alpha-2 code.
    #[schema(min_length = 2, max_length = 2, pattern = "^[A-Z]{2}$", example = "DE")]
    pub country: Option<String>,
}
