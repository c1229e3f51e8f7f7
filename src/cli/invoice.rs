//! `invoice`: drafts are sent, invoices paid and voided by the operator.

use std::process::ExitCode;

use clap::Subcommand;
use hoursmith::Parts;
use hoursmith_domain::{Amount, Day};
use hoursmith_resource::admin::{InvoiceRow, Sending};
use hoursmith_settings::Settings;

use super::{Failure, manage};

#[derive(Debug, Subcommand)]
pub(super) enum InvoiceCommand {
    /// List an organization's invoices, newest first, at most 1,000.
    List {
        /// Short name of the organization.
        slug: String,
        /// draft, sent, paid or void.
        #[arg(long)]
        status: Option<String>,
    },
    /// Send a draft: it gets its number, its lines are frozen, what it bills is locked.
    Send {
        /// Short name of the organization.
        slug: String,
        /// Id of the draft, as `invoice list` shows it.
        invoice: String,
        /// Date of issue, YYYY-MM-DD; else today.
        #[arg(long, value_name = "DAY")]
        issued_on: Option<Day>,
        /// When it is due; else by the client's payment terms, or after 30 days.
        #[arg(long, value_name = "DAY")]
        due_on: Option<Day>,
        /// Tax in percent, such as 19.00; else none.
        #[arg(long, value_name = "PERCENT")]
        tax_rate: Option<Amount>,
        /// What the client is told.
        #[arg(long)]
        notes: Option<String>,
    },
    /// Record a payment.
    Pay {
        /// Short name of the organization.
        slug: String,
        /// Number or id of the invoice.
        invoice: String,
        /// What was paid; else the balance.
        #[arg(long)]
        amount: Option<Amount>,
    },
    /// Void a sent invoice without payments; what it billed is billed by the next draft.
    Void {
        /// Short name of the organization.
        slug: String,
        /// Number or id of the invoice.
        invoice: String,
    },
}

pub(super) async fn run(settings: Settings, command: InvoiceCommand) -> Result<ExitCode, Failure> {
    let admin = manage::admin(&settings, &Parts::default()).await?;
    match command {
        InvoiceCommand::List { slug, status } => {
            let rows = admin.invoices(&slug, status.as_deref()).await?;
            rows.iter().for_each(print);
        }
        InvoiceCommand::Send {
            slug,
            invoice,
            issued_on,
            due_on,
            tax_rate,
            notes,
        } => {
            let sending = Sending {
                issued_on,
                due_on,
                tax_rate,
                notes,
            };
            print(&admin.send_invoice(&slug, &invoice, sending).await?);
        }
        InvoiceCommand::Pay {
            slug,
            invoice,
            amount,
        } => print(&admin.pay_invoice(&slug, &invoice, amount).await?),
        InvoiceCommand::Void { slug, invoice } => {
            print(&admin.void_invoice(&slug, &invoice).await?);
        }
    }
    admin.db.close().await;
    Ok(ExitCode::SUCCESS)
}

/// Id, number, status, total, balance, due date.
fn print(row: &InvoiceRow) {
    let number = row.number.as_deref().unwrap_or("-");
    let due = row.due_on.as_deref().unwrap_or("-");
    let status = if row.overdue { "overdue" } else { row.status };
    println!(
        "{}\t{number}\t{status}\t{} {}\tbalance {}\tdue {due}",
        row.id, row.total, row.currency, row.balance
    );
}
