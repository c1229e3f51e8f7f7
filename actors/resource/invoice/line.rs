//! From what is unbilled to the lines of an invoice: pure arithmetic.
//!
//! Each item brings an amount that was rounded once, when it was written; here amounts are only
//! summed. So the lines of an invoice add up to the cent, and to the entries, whatever the grouping.
//! *Refused:* hours times rate for each line, which loses or invents cents against the entries.

use std::collections::HashMap;

use hoursmith_domain::{Amount, Day, InvoiceId};
use sha2::{Digest as _, Sha256};
use uuid::{Builder, Uuid};

/// Most time entries of an invoice. With [`MAX_LINES`] and [`MAX_DESCRIPTION_BYTES`] it keeps the
/// largest invoice below a mebibyte of JSON, which is what an answer on the bus may have; what does
/// not fit is left for the next draft.
pub(crate) const MAX_ENTRIES: usize = 5_000;

/// Most lines of an invoice; see [`MAX_ENTRIES`]. Each expense and each fee is a line.
pub(crate) const MAX_LINES: usize = 500;

/// Longest description of a line, in bytes of UTF-8; a longer one ends in `…`.
const MAX_DESCRIPTION_BYTES: usize = 512;

/// What a line bills.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    /// The fee of a project.
    Fixed,
    /// Time of one project, task and rate.
    Time,
    /// One expense.
    Expense,
}

/// Something that can be billed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) kind: Kind,
    /// Of the time entry or the expense; of the project for a fee.
    pub(crate) id: Uuid,
    pub(crate) project: Uuid,
    /// Of time: the task, which tells lines apart.
    pub(crate) task: Option<Uuid>,
    /// The day; a fee has none.
    pub(crate) spent_on: Option<Day>,
    /// What its line says.
    pub(crate) description: String,
    /// Of time: the rounded duration.
    pub(crate) seconds: i64,
    /// Of an expense that names one; else the line's quantity is the hours, or one.
    pub(crate) quantity: Option<Amount>,
    /// Rate, unit price, or the amount.
    pub(crate) unit_price: Amount,
    pub(crate) amount: Amount,
}

/// A line of an invoice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) id: Uuid,
    pub(crate) kind: Kind,
    pub(crate) project: Option<Uuid>,
    pub(crate) description: String,
    pub(crate) quantity: Amount,
    pub(crate) unit_price: Amount,
    pub(crate) amount: Amount,
    pub(crate) time_entry_ids: Vec<Uuid>,
    pub(crate) expense_ids: Vec<Uuid>,
}

/// What an invoice bills.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Content {
    /// Fees, then time, then expenses, each by description.
    pub(crate) lines: Vec<Line>,
    /// The sum of the lines.
    pub(crate) subtotal: Amount,
    /// First and last day of time and expenses.
    pub(crate) period: Option<(Day, Day)>,
    /// How many time entries and expenses are in the lines.
    pub(crate) dated: usize,
    /// The last of them, by day and id: all that come before it are in the lines as well.
    pub(crate) through: Option<(Day, Uuid)>,
}

impl Kind {
    /// The words in JSON and in the store.
    pub(crate) const WORDS: &'static [(&'static str, Self)] = &[
        ("fixed", Self::Fixed),
        ("time", Self::Time),
        ("expense", Self::Expense),
    ];

    /// The word in JSON and in the store.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Fixed => "fixed",
            Self::Time => "time",
            Self::Expense => "expense",
        }
    }
}

/// What items share that are on one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    kind: Kind,
    /// The project of time and of a fee; the expense itself.
    of: Uuid,
    task: Option<Uuid>,
    /// Of time, the rate.
    rate: Amount,
}

/// A line that is being added to.
struct Open {
    line: Line,
    seconds: i64,
}

/// Lines that are being made.
#[derive(Default)]
struct Gathering {
    lines: Vec<Open>,
    at: HashMap<Key, usize>,
    entries: usize,
    content: Content,
}

impl Default for Content {
    fn default() -> Self {
        Self {
            lines: Vec::new(),
            subtotal: Amount::ZERO,
            period: None,
            dated: 0,
            through: None,
        }
    }
}

impl Content {
    /// Makes lines of items: fees first, then the oldest, up to the first that does not fit, so
    /// that what is taken can be named by its last item. The first item always fits.
    pub(crate) fn of(invoice: InvoiceId, mut items: Vec<Item>) -> Self {
        items.sort_by_key(|item| (item.spent_on, item.id));
        let mut gathering = Gathering::default();
        for item in items {
            if gathering.take(invoice, item).is_none() {
                break;
            }
        }
        let Gathering {
            lines, mut content, ..
        } = gathering;
        content.lines = lines.into_iter().map(|open| open.line).collect();
        content.lines.sort_by(|a, b| {
            (a.kind, &a.description, a.unit_price, a.id).cmp(&(
                b.kind,
                &b.description,
                b.unit_price,
                b.id,
            ))
        });
        content
    }
}

impl Gathering {
    /// Takes an item in, or nothing of it when it does not fit.
    fn take(&mut self, invoice: InvoiceId, item: Item) -> Option<()> {
        if item.kind == Kind::Time && self.entries >= MAX_ENTRIES {
            return None;
        }
        let subtotal = self.content.subtotal.plus(item.amount)?;
        let key = Key::of(&item);
        let (at, count) = (self.at.get(&key).copied(), self.lines.len());
        match at.and_then(|at| self.lines.get_mut(at)) {
            Some(open) => open.add(&item)?,
            None if count >= MAX_LINES => return None,
            None => {
                let open = Open::new(key.line_id(invoice), &item)?;
                self.at.insert(key, count);
                self.lines.push(open);
            }
        }
        let content = &mut self.content;
        content.subtotal = subtotal;
        self.entries = self
            .entries
            .saturating_add(usize::from(item.kind == Kind::Time));
        if let Some(day) = item.spent_on {
            content.dated = content.dated.saturating_add(1);
            content.through = Some((day, item.id));
            // In order of days: the first is the earliest.
            let first = content.period.map_or(day, |(first, _)| first);
            content.period = Some((first, day));
        }
        Some(())
    }
}

impl Open {
    fn new(id: Uuid, item: &Item) -> Option<Self> {
        let (quantity, time_entry_ids, expense_ids) = match item.kind {
            Kind::Fixed => (Amount::ONE, Vec::new(), Vec::new()),
            Kind::Time => (Amount::hours(item.seconds)?, vec![item.id], Vec::new()),
            Kind::Expense => (
                item.quantity.unwrap_or(Amount::ONE),
                Vec::new(),
                vec![item.id],
            ),
        };
        let line = Line {
            id,
            kind: item.kind,
            project: Some(item.project),
            description: cut(&item.description),
            quantity,
            unit_price: item.unit_price,
            amount: item.amount,
            time_entry_ids,
            expense_ids,
        };
        Some(Self {
            line,
            seconds: item.seconds,
        })
    }

    /// Adds an item of the same key; only time has any.
    fn add(&mut self, item: &Item) -> Option<()> {
        let seconds = self.seconds.checked_add(item.seconds)?;
        let (amount, quantity) = (self.line.amount.plus(item.amount)?, Amount::hours(seconds)?);
        self.seconds = seconds;
        self.line.amount = amount;
        self.line.quantity = quantity;
        self.line.time_entry_ids.push(item.id);
        Some(())
    }
}

impl Key {
    fn of(item: &Item) -> Self {
        let (of, rate) = match item.kind {
            Kind::Fixed => (item.project, Amount::ZERO),
            Kind::Time => (item.project, item.unit_price),
            Kind::Expense => (item.id, Amount::ZERO),
        };
        Self {
            kind: item.kind,
            of,
            task: item.task,
            rate,
        }
    }

    /// The line's id: a UUIDv8 (RFC 9562, section 5.8) of SHA-256 over the invoice and the key. So a
    /// draft shows the same ids at each reading, without a row for each line, and an integration
    /// that knew them before the invoice was sent finds them again after it.
    fn line_id(&self, invoice: InvoiceId) -> Uuid {
        let digest = Sha256::new()
            .chain_update(b"invoice line\0")
            .chain_update(invoice.0.as_bytes())
            .chain_update(self.kind.as_str().as_bytes())
            .chain_update(b"\0")
            .chain_update(self.of.as_bytes())
            // No task has the nil id.
            .chain_update(self.task.unwrap_or_default().as_bytes())
            .chain_update(self.rate.ten_thousandths().to_be_bytes())
            .finalize();
        let mut bytes = [0; 16];
        for (byte, of_digest) in bytes.iter_mut().zip(digest.iter()) {
            *byte = *of_digest;
        }
        Builder::from_custom_bytes(bytes).into_uuid()
    }
}

/// The text, or its beginning and `…`.
fn cut(text: &str) -> String {
    if text.len() <= MAX_DESCRIPTION_BYTES {
        return text.to_owned();
    }
    let room = MAX_DESCRIPTION_BYTES.saturating_sub('…'.len_utf8());
    let mut short = String::with_capacity(MAX_DESCRIPTION_BYTES);
    for c in text.chars() {
        if short.len().saturating_add(c.len_utf8()) > room {
            break;
        }
        short.push(c);
    }
    short.push('…');
    short
}

#[cfg(test)]
mod tests;
