//! Invoices, as an operator lists and settles them: the same functions as on the bus.

use hoursmith_bus::Conditions;
use hoursmith_domain::{Amount, InvoiceId, Location, OrganizationId, Problem};
use hoursmith_routes::invoice::Invoice;

use super::{Admin, AdminError};
use crate::error::Error;
use crate::invoice::{self, InvoiceState, Sending, Status, pay_invoice, send_draft, void_invoice};

/// An invoice, in short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvoiceRow {
    /// Id.
    pub id: InvoiceId,
    /// Number; a draft has none.
    pub number: Option<String>,
    /// `draft`, `sent`, `paid` or `void`.
    pub status: &'static str,
    /// Whether it is sent and its due date has passed.
    pub overdue: bool,
    /// Currency of the amounts.
    pub currency: String,
    /// Lines and tax, a decimal.
    pub total: String,
    /// What is still to be paid, a decimal.
    pub balance: String,
    /// Due date; a draft has none.
    pub due_on: Option<String>,
}

impl Admin {
    /// The newest invoices of an organization, at most 1,000, of any status or of one.
    pub async fn invoices(
        &self,
        slug: &str,
        status: Option<&str>,
    ) -> Result<Vec<InvoiceRow>, AdminError> {
        let organization = self.organization(slug).await?;
        let status = status.map(status_of).transpose()?;
        let mut conn = self.db.read().await?;
        let mut rows = Vec::new();
        for invoice in invoice::newest(&mut conn, organization, status).await? {
            if let Some(invoice) = invoice::fill(&mut conn, organization, invoice).await? {
                rows.push(InvoiceRow::of(&invoice, self));
            }
        }
        Ok(rows)
    }

    /// Sends a draft, by its id; gives it as it is then.
    pub async fn send_invoice(
        &self,
        slug: &str,
        invoice: &str,
        sending: Sending,
    ) -> Result<InvoiceRow, AdminError> {
        let (organization, id) = self.invoice(slug, invoice).await?;
        let admin = self.clone();
        self.write(move |conn| {
            Box::pin(async move {
                let (stamp, any) = (admin.stamp(organization), Conditions::default());
                let sent = send_draft(conn, stamp, organization, id, sending, &any).await;
                sent.map(|sent| InvoiceRow::of(&sent, &admin))
                    .map_err(refused)
            })
        })
        .await
    }

    /// Records a payment, by number or id; without an amount, the balance is paid.
    pub async fn pay_invoice(
        &self,
        slug: &str,
        invoice: &str,
        amount: Option<Amount>,
    ) -> Result<InvoiceRow, AdminError> {
        let (organization, id) = self.invoice(slug, invoice).await?;
        let admin = self.clone();
        self.write(move |conn| {
            Box::pin(async move {
                let (stamp, any) = (admin.stamp(organization), Conditions::default());
                let paid = pay_invoice(conn, stamp, organization, id, amount, &any).await;
                paid.map(|paid| InvoiceRow::of(&paid, &admin))
                    .map_err(refused)
            })
        })
        .await
    }

    /// Voids a sent invoice, by number or id.
    pub async fn void_invoice(&self, slug: &str, invoice: &str) -> Result<InvoiceRow, AdminError> {
        let (organization, id) = self.invoice(slug, invoice).await?;
        let admin = self.clone();
        self.write(move |conn| {
            Box::pin(async move {
                let (stamp, any) = (admin.stamp(organization), Conditions::default());
                let void = void_invoice(conn, stamp, organization, id, &any).await;
                void.map(|void| InvoiceRow::of(&void, &admin))
                    .map_err(refused)
            })
        })
        .await
    }

    /// The invoice with a number or an id.
    async fn invoice(
        &self,
        slug: &str,
        named: &str,
    ) -> Result<(OrganizationId, InvoiceId), AdminError> {
        let organization = self.organization(slug).await?;
        let mut conn = self.db.read().await?;
        let found = match named.parse::<InvoiceId>() {
            Ok(id) => invoice::find_row(&mut conn, organization, id)
                .await?
                .map(|invoice| invoice.id),
            Err(_) => invoice::find_by_number(&mut conn, organization, named).await?,
        };
        let id = found.ok_or_else(|| AdminError::NoInvoice {
            slug: slug.to_owned(),
            invoice: named.to_owned(),
        })?;
        Ok((organization, id))
    }
}

impl InvoiceRow {
    fn of(invoice: &InvoiceState, admin: &Admin) -> Self {
        let Invoice {
            number,
            overdue,
            total,
            balance,
            due_on,
            ..
        } = invoice.to_wire(admin.clock.now());
        Self {
            id: invoice.id,
            number,
            status: invoice.status.as_str(),
            overdue,
            currency: invoice.currency.to_string(),
            total,
            balance,
            due_on: due_on.map(|day| day.to_string()),
        }
    }
}

fn status_of(word: &str) -> Result<Status, AdminError> {
    let found = Status::WORDS.iter().find(|(known, _)| *known == word);
    found
        .map(|(_, status)| *status)
        .ok_or_else(|| AdminError::Invalid {
            field: "status",
            reason: "must be draft, sent, paid or void".to_owned(),
        })
}

/// A refusal in words for a terminal: every wrong field by name, or the reason.
fn refused(error: Error) -> AdminError {
    let problem: Problem = match error {
        Error::Failure(failure) => return failure.into(),
        Error::Contended(error) => return error.into(),
        Error::Problem(problem) => problem,
    };
    let fields: Vec<String> = problem
        .errors
        .iter()
        .map(|error| match &error.location {
            Location::Pointer(pointer) => {
                format!("{} {}", pointer.trim_start_matches("#/"), error.detail)
            }
            Location::Parameter(name) | Location::Header(name) => {
                format!("{name} {}", error.detail)
            }
        })
        .collect();
    AdminError::Refused(if fields.is_empty() {
        problem.detail
    } else {
        fields.join("; ")
    })
}
