//! The types of event: `tests/contract/events.tsv` is the reviewed list.

use std::fmt;

macro_rules! event_types {
    ($($(#[doc = $doc:literal])+ $variant:ident = $word:literal,)+) => {
        /// What happened. `<resource>.<verb in the past>`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum EventType { $($(#[doc = $doc])+ $variant,)+ }

        impl EventType {
            /// Every type that this version writes.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// Their words, in the same order.
            pub const WORDS: &'static [&'static str] = &[$($word,)+];

            /// The word in JSON and in the subject.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// What happened, in a sentence, for documents.
            pub fn description(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+).trim_ascii(),)+ }
            }
        }
    };
}

event_types! {
    /// A client was created.
    ClientCreated = "client.created",
    /// A client was changed, archived or unarchived.
    ClientUpdated = "client.updated",
    /// A client was deleted; carries its last state.
    ClientDeleted = "client.deleted",
    /// A project was created.
    ProjectCreated = "project.created",
    /// A project was changed, archived, unarchived, or its members or their rates were.
    ProjectUpdated = "project.updated",
    /// A project was deleted; carries its last state.
    ProjectDeleted = "project.deleted",
    /// A task was created.
    TaskCreated = "task.created",
    /// Any field of a task but its status was changed.
    TaskUpdated = "task.updated",
    /// A task was completed.
    TaskCompleted = "task.completed",
    /// A completed task was opened again.
    TaskReopened = "task.reopened",
    /// A task was deleted; carries its last state.
    TaskDeleted = "task.deleted",
    /// Time was entered, or a timer started.
    TimeEntryCreated = "time_entry.created",
    /// A time entry was changed; also when a timer stops, and when an invoice takes or releases it.
    TimeEntryUpdated = "time_entry.updated",
    /// A time entry was deleted; carries its last state.
    TimeEntryDeleted = "time_entry.deleted",
    /// An expense was created.
    ExpenseCreated = "expense.created",
    /// An expense was changed; also when an invoice takes or releases it.
    ExpenseUpdated = "expense.updated",
    /// An expense was deleted; carries its last state.
    ExpenseDeleted = "expense.deleted",
    /// A draft was opened for a client.
    InvoiceCreated = "invoice.created",
    /// An invoice was sent: it has its number, its lines are frozen, what it bills is locked.
    InvoiceSent = "invoice.sent",
    /// The balance reached zero.
    InvoicePaid = "invoice.paid",
    /// An invoice was voided; what it billed is released.
    InvoiceVoided = "invoice.voided",
    /// A member was added.
    MemberAdded = "member.added",
    /// A member's role or rates changed.
    MemberUpdated = "member.updated",
    /// A member was removed.
    MemberRemoved = "member.removed",
    /// The organization was changed; also its plan.
    OrganizationUpdated = "organization.updated",
    /// The first delivery to an endpoint was given up, or none succeeded for a day.
    WebhookEndpointFailing = "webhook_endpoint.failing",
    /// A delivery to a failing endpoint succeeded.
    WebhookEndpointRecovered = "webhook_endpoint.recovered",
    /// An endpoint was disabled: by 410 from the receiver, or by an owner or admin.
    WebhookEndpointDisabled = "webhook_endpoint.disabled",
    /// A test, for the endpoint alone that was asked for.
    Ping = "ping",
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
