//! Invoices: drafts that build themselves, and what was sent. Read over HTTP; sent, paid and voided
//! by [`OPERATIONS`] on the bus.

use hoursmith_domain::{Access, Currency, Day, Grant, Plan, Scope, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::common::{ExternalReference, Metadata, MetadataSchema};
use crate::operation::Operation;
use crate::route::parameter;
use crate::words::{InvoiceLineKindWord, InvoiceStatusWord};
use crate::{Form, Method, Route, Shape};

const READ: Access = Access {
    owner: Grant::All,
    admin: Grant::All,
    manager: Grant::Deny,
    member: Grant::Deny,
    scope: Scope::Read,
    min_plan: Plan::Studio,
};

/// Who may send, pay and void: whoever may read, with a token that may write. From the lowest
/// plan on, since an organization that fell back still has invoices to settle.
const SETTLE: Access = Access {
    scope: Scope::Write,
    min_plan: Plan::Free,
    ..READ
};

/// The words of `status`.
pub const STATUSES: &[&str] = &["draft", "sent", "paid", "void"];

/// The words of a line's `kind`.
pub const KINDS: &[&str] = &["time", "expense", "fixed"];

/// The routes.
pub const ROUTES: &[Route] = &[
    Route {
        id: "invoice.list",
        resource: "invoice",
        action: "list",
        method: Method::Get,
        path: "/api/v1/invoices",
        access: READ,
        actor: "resource",
        parameters: &[
            parameter("client_id", Form::Id, "Only invoices of this client."),
            parameter(
                "status",
                Form::OneOf(STATUSES),
                "Only invoices in this state.",
            ),
            parameter(
                "from",
                Form::Day,
                "Only invoices issued on or after this day; drafts are not issued yet.",
            ),
            parameter(
                "to",
                Form::Day,
                "Only invoices issued on or before this day; drafts are not issued yet.",
            ),
            parameter(
                "number",
                Form::Text { max: 50 },
                "Only the invoice with this number.",
            ),
        ],
        shape: Shape::List {
            page: "InvoiceList",
        },
        summary: "List invoices",
        description: "Newest first, drafts as they stand. Owners and admins alone.",
    },
    Route {
        id: "invoice.read",
        resource: "invoice",
        action: "read",
        method: Method::Get,
        path: "/api/v1/invoices/{invoice_id}",
        access: READ,
        actor: "resource",
        parameters: &[],
        shape: Shape::Read {
            resource: "Invoice",
        },
        summary: "Read an invoice",
        description: "One invoice with its lines and its ETag. A draft is computed from what is unbilled at this moment: one line for each project, task and rate of the client's billable time, one for each billable expense and each unbilled fixed fee; at most 5,000 time entries and 500 lines, the oldest first, and what does not fit is left for the next draft. From the moment it is sent, number, lines and sums never change.",
    },
];

/// What is done to invoices over the bus.
pub const OPERATIONS: &[Operation] = &[
    Operation {
        id: "invoice.send",
        access: SETTLE,
        actor: "resource",
        description: "Gives the draft its number, freezes its lines and locks what it bills.",
    },
    Operation {
        id: "invoice.pay",
        access: SETTLE,
        actor: "resource",
        description: "Records a payment; the invoice is paid once the balance is zero.",
    },
    Operation {
        id: "invoice.void",
        access: SETTLE,
        actor: "resource",
        description: "Voids a sent invoice without payments, and releases what it billed.",
    },
];

/// An invoice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Invoice {
    /// Id.
    #[schema(example = "0199c3a2-9a41-7c55-8e0b-63f1d0b7a5e2")]
    pub id: Uuid,
    /// Number, given when it is sent: without gaps in the organization. Null on a draft.
    #[schema(
        required = true,
        pattern = "^INV-[0-9]{5,}$",
        max_length = 50,
        example = "INV-00042"
    )]
    pub number: Option<String>,
    /// Whom it bills.
    #[schema(example = "0199c3a2-7b7e-7d10-a1f4-d2f6b8a94c31")]
    pub client_id: Uuid,
    /// `draft`, `sent`, `paid` or `void`.
    #[schema(value_type = InvoiceStatusWord)]
    pub status: String,
    /// Whether it is sent, not paid, and its due date has passed in the organization's time zone.
    #[schema(example = false)]
    pub overdue: bool,
    /// ISO 4217 code of every amount in it: the client's.
    #[schema(value_type = String, pattern = "^[A-Z]{3}$", max_length = 3, example = "EUR")]
    pub currency: Currency,
    /// Date of issue; null on a draft.
    #[schema(required = true, value_type = Option<String>, format = Date, max_length = 10, example = "2026-11-24")]
    pub issued_on: Option<Day>,
    /// Date on which payment is due; null on a draft.
    #[schema(required = true, value_type = Option<String>, format = Date, max_length = 10, example = "2026-12-24")]
    pub due_on: Option<Day>,
    /// Earliest day of the time and expenses in it; null when there are none.
    #[schema(required = true, value_type = Option<String>, format = Date, max_length = 10, example = "2026-11-02")]
    pub period_start: Option<Day>,
    /// Latest day of the time and expenses in it; null when there are none.
    #[schema(required = true, value_type = Option<String>, format = Date, max_length = 10, example = "2026-11-20")]
    pub period_end: Option<Day>,
    /// Sum of the lines.
    #[schema(
        pattern = "^-?(0|[1-9][0-9]{0,11})(\\.[0-9]{1,4})?$",
        max_length = 18,
        example = "1260.00"
    )]
    pub subtotal: String,
    /// Always zero in version 1.
    #[schema(
        pattern = "^-?(0|[1-9][0-9]{0,11})(\\.[0-9]{1,4})?$",
        max_length = 18,
        example = "0.00"
    )]
    pub discount: String,
    /// Tax in percent; `0` on a draft.
    #[schema(
        pattern = "^(0|[1-9][0-9]{0,2})(\\.[0-9]{1,4})?$",
        max_length = 8,
        example = "19"
    )]
    pub tax_rate: String,
    /// Tax: `tax_rate` of `subtotal`, rounded half up once to the currency's minor unit.
    #[schema(
        pattern = "^-?(0|[1-9][0-9]{0,11})(\\.[0-9]{1,4})?$",
        max_length = 18,
        example = "239.40"
    )]
    pub tax_amount: String,
    /// `subtotal` and `tax_amount`.
    #[schema(
        pattern = "^-?(0|[1-9][0-9]{0,11})(\\.[0-9]{1,4})?$",
        max_length = 18,
        example = "1499.40"
    )]
    pub total: String,
    /// What was paid so far.
    #[schema(
        pattern = "^-?(0|[1-9][0-9]{0,11})(\\.[0-9]{1,4})?$",
        max_length = 18,
        example = "500.00"
    )]
    pub amount_paid: String,
    /// `total` without `amount_paid`.
    #[schema(
        pattern = "^-?(0|[1-9][0-9]{0,11})(\\.[0-9]{1,4})?$",
        max_length = 18,
        example = "999.40"
    )]
    pub balance: String,
    /// What the client is told beside the lines.
    #[schema(
        required = true,
        max_length = 5000,
        pattern = "^[^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f\\u202a-\\u202e\\u2066-\\u2069]*$",
        example = "Thank you for your trust."
    )]
    pub notes: Option<String>,
    /// When it was sent.
    #[schema(required = true, value_type = Option<String>, format = DateTime, max_length = 40, example = "2026-11-24T09:30:00Z")]
    pub sent_at: Option<Timestamp>,
    /// When the balance became zero.
    #[schema(required = true, value_type = Option<String>, format = DateTime, max_length = 40)]
    pub paid_at: Option<Timestamp>,
    /// When it was voided.
    #[schema(required = true, value_type = Option<String>, format = DateTime, max_length = 40)]
    pub voided_at: Option<Timestamp>,
    /// What is billed: fixed fees, then time, then expenses, each by description.
    #[schema(max_items = 500)]
    pub lines: Vec<InvoiceLine>,
    /// Counterpart in another system.
    #[schema(required = true)]
    pub external_reference: Option<ExternalReference>,
    /// The integration's own pairs.
    #[schema(value_type = MetadataSchema)]
    pub metadata: Metadata,
    /// When the draft was opened.
    #[schema(value_type = String, format = DateTime, max_length = 40, example = "2026-11-02T08:15:00Z")]
    pub created_at: Timestamp,
    /// When it last changed; of a draft, when something last happened to what it might bill.
    #[schema(value_type = String, format = DateTime, max_length = 40, example = "2026-11-24T09:30:00Z")]
    pub updated_at: Timestamp,
}

/// A line of an invoice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InvoiceLine {
    /// Id, derived from the invoice and what the line bills: the same at each reading of a draft,
    /// and the same when it is sent.
    #[schema(example = "5f0c2f0e-6a0d-8b1c-9d3e-2a7c4b9e1f60")]
    pub id: Uuid,
    /// `time`, `expense` or `fixed`.
    #[schema(value_type = InvoiceLineKindWord)]
    pub kind: String,
    /// The project.
    #[schema(required = true, example = "0199c3a2-8c1f-7a02-b6d4-91e5c7f3a280")]
    pub project_id: Option<Uuid>,
    /// What it is for: `Project: Task`, the project, or the expense.
    #[schema(
        max_length = 512,
        pattern = "^[^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f\\u202a-\\u202e\\u2066-\\u2069]*$",
        example = "Autumn catalogue: Layout"
    )]
    pub description: String,
    /// Hours, rounded to 4 digits; the expense's quantity; or 1.
    #[schema(
        pattern = "^(0|[1-9][0-9]{0,11})(\\.[0-9]{1,4})?$",
        max_length = 18,
        example = "10.5"
    )]
    pub quantity: String,
    /// Rate per hour, unit price, or the amount.
    #[schema(
        pattern = "^-?(0|[1-9][0-9]{0,11})(\\.[0-9]{1,4})?$",
        max_length = 18,
        example = "120.00"
    )]
    pub unit_price: String,
    /// The exact sum of what it bills. Each time entry was rounded to the minor unit once already,
    /// so that it may differ from `quantity` times `unit_price` by cents, and never from the
    /// entries.
    #[schema(
        pattern = "^-?(0|[1-9][0-9]{0,11})(\\.[0-9]{1,4})?$",
        max_length = 18,
        example = "1260.00"
    )]
    pub amount: String,
    /// The time entries that it bills, oldest first.
    #[schema(max_items = 5000, example = json!(["0199c3a2-7c55-7b1e-8a90-3d5c1e9f7a42"]))]
    pub time_entry_ids: Vec<Uuid>,
    /// The expense that it bills.
    #[schema(max_items = 1, example = json!([]))]
    pub expense_ids: Vec<Uuid>,
}

/// A page of invoices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InvoiceList {
    /// The invoices.
    #[schema(max_items = 200)]
    pub data: Vec<Invoice>,
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
