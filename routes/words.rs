//! Schemas of closed lists of words. Where domain has the list, it is taken from there.
//!
//! The wire types name these as `value_type`: the words stay what they are in Rust, and a client
//! generator gets an enumeration.

use std::borrow::Cow;

use hoursmith_domain::webhook::EventFilter;
use hoursmith_domain::{Currency, EventType, Plan, RateSource, Role, Scope};
use serde_json::json;
use utoipa::openapi::schema::ObjectBuilder;
use utoipa::openapi::{RefOr, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

macro_rules! words {
    ($($marker:ident, $name:literal, $description:literal, $example:literal, $words:expr;)+) => {$(
        #[doc = concat!("Schema `", $name, "`.")]
        #[derive(Debug)]
        pub(crate) struct $marker;

        impl PartialSchema for $marker {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .description(Some($description))
                    .enum_values(Some($words))
                    .examples([json!($example)])
                    .into()
            }
        }

        impl ToSchema for $marker {
            fn name() -> Cow<'static, str> {
                $name.into()
            }
        }
    )+};
}

words! {
    CurrencyWord, "Currency", "A currency, by its ISO 4217 code.", "EUR",
        Currency::all();
    RoleWord, "Role", "What a member may do in the organization.", "manager",
        Role::ALL.iter().map(|role| role.as_str());
    PlanWord, "Plan", "What the organization pays for, lowest first.", "agency",
        Plan::ALL.iter().map(|plan| plan.as_str());
    ScopeWord, "Scope", "What a token may do; `write` includes `read`.", "write",
        Scope::ALL.iter().map(|scope| scope.as_str());
    EventTypeWord, "EventType", "What happened: a resource, and what became of it.", "client.updated",
        EventType::WORDS.iter().copied();
    StatusWord, "MemberStatus", "Where a membership stands.", "active",
        ["active", "invited", "removed"];
    WeekdayWord, "Weekday", "A day of the week.", "monday",
        ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    RoundingModeWord, "RoundingMode", "In which direction time is rounded.", "up",
        ["none", "up", "down", "nearest"];
    BillingMethodWord, "BillingMethod", "How a project is billed: by the hour, by one fee, or not at all.", "hourly",
        ["hourly", "fixed", "none"];
    BudgetKindWord, "BudgetKind", "What a budget counts.", "hours",
        ["hours", "money"];
    BudgetPeriodWord, "BudgetPeriod", "How long a budget lasts: once, or each calendar month anew.", "total",
        ["total", "monthly"];
    RoundingTargetWord, "RoundingTarget", "What is rounded.", "entry",
        ["entry"];
    RateSourceWord, "RateSource", "Where the rate of a time entry came from, the most specific first.", "project",
        RateSource::ALL.iter().map(|source| source.as_str());
    LockedReasonWord, "LockedReason", "Why time or an expense cannot be changed, the strongest reason first.", "invoiced",
        ["invoiced", "period_locked", "project_archived"];
    InvoiceStatusWord, "InvoiceStatus", "Where an invoice stands.", "sent",
        crate::invoice::STATUSES.iter().copied();
    InvoiceLineKindWord, "InvoiceLineKind", "What a line bills.", "time",
        crate::invoice::KINDS.iter().copied();
    TaskStatusWord, "TaskStatus", "Whether a task is to be done or is done.", "open",
        crate::task::STATUSES.iter().copied();
    EventFilterWord, "EventFilter", "Which events are sent: all (`*`), all of a resource (`invoice.*`), or one type.", "invoice.*",
        EventFilter::known().map(|filter| filter.to_string());
    WebhookEndpointStatusWord, "WebhookEndpointStatus", "Where an endpoint stands.", "enabled",
        crate::webhook_endpoint::STATUSES.iter().copied();
    ReplayStatusWord, "WebhookReplayStatus", "Which deliveries are sent again.", "failed",
        crate::webhook_endpoint::REPLAYED.iter().copied();
    WebhookDeliveryStatusWord, "WebhookDeliveryStatus", "Where a delivery stands.", "delivered",
        crate::webhook_delivery::STATUSES.iter().copied();
    SkipReasonWord, "WebhookSkipReason", "Why nothing is sent: the plan has no webhooks, or the endpoint is disabled or deleted.", "plan",
        crate::webhook_delivery::SKIP_REASONS.iter().copied();
}
