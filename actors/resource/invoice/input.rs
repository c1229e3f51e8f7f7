//! What a body says about sending and paying.

use hoursmith_bus::Ask;
use hoursmith_domain::{Amount, Day, FieldError, Fields, Problem, check_text};

use crate::error::Error;

/// Longest note, in characters.
const MAX_NOTES: usize = 5000;

/// How an invoice is to be sent. What is absent has its default.
#[derive(Debug, Clone, Default)]
pub struct Sending {
    /// Date of issue; today in the organization's time zone.
    pub issued_on: Option<Day>,
    /// When it is due; the client's payment terms after the date of issue, or 30 days.
    pub due_on: Option<Day>,
    /// Tax in percent, 0 to 100; none.
    pub tax_rate: Option<Amount>,
    /// What the client is told, at most 5000 characters.
    pub notes: Option<String>,
}

impl Sending {
    /// What is wrong whoever asks, from a body or from a command line.
    pub(super) fn errors(&self) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let percent = Amount::ZERO..=Amount::HUNDRED;
        if self.tax_rate.is_some_and(|rate| !percent.contains(&rate)) {
            let detail = "must be a percentage from 0 to 100";
            errors.push(FieldError::pointer("#/tax_rate", "out_of_range", detail));
        }
        let notes = self.notes.as_deref().unwrap_or_default();
        if let Err(error) = check_text(notes, 0, MAX_NOTES, true) {
            let detail = error.to_string();
            errors.push(FieldError::pointer("#/notes", error.code(), detail));
        }
        errors
    }
}

/// Reads a body; an empty one says nothing.
pub(super) fn read<T>(ask: &Ask, read: impl FnOnce(&mut Fields<'_>) -> T) -> Result<T, Error> {
    let of = |body: &simd_json::borrowed::Value<'_>| {
        let mut fields = Fields::of(body);
        let input = read(&mut fields);
        fields.finish().map(|()| input)
    };
    if ask.body.is_empty() {
        let mut body = *b"{}";
        let document = hoursmith_domain::Document::parse(&mut body)?;
        return Ok(of(document.value())?);
    }
    Ok(ask.with_document(|document| of(document.value()))??)
}

/// `issued_on`, `due_on`, `tax_rate`, `notes`.
pub(super) fn sending(fields: &mut Fields<'_>) -> Sending {
    Sending {
        issued_on: fields.day("issued_on").into_option(),
        due_on: fields.day("due_on").into_option(),
        tax_rate: fields.amount("tax_rate", None).into_option(),
        notes: fields.multiline("notes", MAX_NOTES).into_option(),
    }
}

/// `amount`.
pub(super) fn payment(fields: &mut Fields<'_>) -> Option<Amount> {
    fields.amount("amount", None).into_option()
}

/// No field at all.
pub(super) fn nothing(_: &mut Fields<'_>) {}

/// The refusal of one field.
pub(super) fn refuse(pointer: &str, code: &str, detail: &str) -> Result<(), Problem> {
    crate::base::refuse_any(vec![FieldError::pointer(pointer, code, detail)])
}
