//! An invoice as it is: what is stored, what it bills, and how it is shown.

use hoursmith_domain::{Amount, ClientId, Currency, Day, InvoiceId, Problem, Timestamp, Zone};
use hoursmith_routes::invoice::{Invoice, InvoiceLine};
use serde_json::Value;
use uuid::Uuid;

use super::line::{Content, Line};
use crate::base::Base;

/// Where an invoice stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// It builds itself and has no number yet.
    Draft,
    /// It has its number and is frozen.
    Sent,
    /// The same, and the balance is zero.
    Paid,
    /// It was sent and does not count any more.
    Void,
}

/// An invoice with its lines: of a draft as they are at the moment of reading, else as they were
/// frozen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InvoiceState {
    pub(crate) id: InvoiceId,
    pub(crate) client: ClientId,
    pub(crate) number: Option<String>,
    pub(crate) status: Status,
    pub(crate) currency: Currency,
    pub(crate) issued_on: Option<Day>,
    pub(crate) due_on: Option<Day>,
    pub(crate) period: Option<(Day, Day)>,
    /// Of a draft: the last entry or expense in it, by day and id.
    pub(crate) through: Option<(Day, Uuid)>,
    pub(crate) subtotal: Amount,
    pub(crate) discount: Amount,
    pub(crate) tax_rate: Amount,
    pub(crate) tax_amount: Amount,
    pub(crate) total: Amount,
    pub(crate) amount_paid: Amount,
    pub(crate) notes: Option<String>,
    pub(crate) sent_at: Option<Timestamp>,
    pub(crate) paid_at: Option<Timestamp>,
    pub(crate) voided_at: Option<Timestamp>,
    pub(crate) lines: Vec<Line>,
    /// The organization's zone, in which a due date passes.
    pub(crate) zone: Zone,
    pub(crate) base: Base,
}

impl Status {
    /// The words in JSON and in the store.
    pub(crate) const WORDS: &'static [(&'static str, Self)] = &[
        ("draft", Self::Draft),
        ("sent", Self::Sent),
        ("paid", Self::Paid),
        ("void", Self::Void),
    ];

    /// The word in JSON and in the store.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Sent => "sent",
            Self::Paid => "paid",
            Self::Void => "void",
        }
    }
}

impl InvoiceState {
    /// Puts a draft's content in. Drafts have no tax: what will apply is said when it is sent.
    pub(crate) fn fill(&mut self, content: Content) {
        self.period = content.period;
        self.through = content.through;
        self.subtotal = content.subtotal;
        self.total = content.subtotal;
        self.lines = content.lines;
    }

    /// What is still to be paid.
    pub(crate) fn balance(&self) -> Amount {
        // Payments never exceed the total.
        self.total.minus(self.amount_paid).unwrap_or(Amount::ZERO)
    }

    /// What an owner or admin sees at a moment.
    pub(crate) fn to_wire(&self, now: Timestamp) -> Invoice {
        let money = |amount: Amount| amount.display(self.currency);
        Invoice {
            id: self.id.0,
            number: self.number.clone(),
            client_id: self.client.0,
            status: self.status.as_str().to_owned(),
            overdue: self.is_overdue(now),
            currency: self.currency,
            issued_on: self.issued_on,
            due_on: self.due_on,
            period_start: self.period.map(|(first, _)| first),
            period_end: self.period.map(|(_, last)| last),
            subtotal: money(self.subtotal),
            discount: money(self.discount),
            tax_rate: self.tax_rate.plain(),
            tax_amount: money(self.tax_amount),
            total: money(self.total),
            amount_paid: money(self.amount_paid),
            balance: money(self.balance()),
            notes: self.notes.clone(),
            sent_at: self.sent_at,
            paid_at: self.paid_at,
            voided_at: self.voided_at,
            lines: self.lines.iter().map(|line| line.to_wire(&money)).collect(),
            external_reference: self.base.external_reference.clone(),
            metadata: self.base.metadata.clone(),
            created_at: self.base.created_at,
            updated_at: self.base.updated_at,
        }
    }

    /// What events carry.
    pub(crate) fn to_event(&self, now: Timestamp) -> Value {
        // A wire type of strings and numbers, whose serialization cannot fail.
        serde_json::to_value(self.to_wire(now)).unwrap_or_default()
    }

    /// Refuses what needs another state.
    pub(crate) fn must_be(&self, status: Status) -> Result<(), Problem> {
        if self.status == status {
            return Ok(());
        }
        let detail = match self.status {
            Status::Draft => "The invoice is a draft; it has to be sent first.",
            Status::Sent => "The invoice was sent already.",
            Status::Paid => "The invoice is paid.",
            Status::Void => "The invoice is void.",
        };
        Err(super::conflict(detail))
    }

    fn is_overdue(&self, now: Timestamp) -> bool {
        self.status == Status::Sent && self.due_on.is_some_and(|due| due < self.zone.day_of(now))
    }
}

impl Line {
    fn to_wire(&self, money: &impl Fn(Amount) -> String) -> InvoiceLine {
        InvoiceLine {
            id: self.id,
            kind: self.kind.as_str().to_owned(),
            project_id: self.project,
            description: self.description.clone(),
            quantity: self.quantity.plain(),
            unit_price: money(self.unit_price),
            amount: money(self.amount),
            time_entry_ids: self.time_entry_ids.clone(),
            expense_ids: self.expense_ids.clone(),
        }
    }
}
