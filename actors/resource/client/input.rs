//! What a body says about a client.

use hoursmith_domain::{Amount, Currency, Fields, Patch, Problem, TextError, check_email};
use simd_json::borrowed::Value;

use crate::base::BaseInput;

/// The settable fields.
#[derive(Debug, Clone, Default)]
pub(crate) struct ClientInput {
    pub(crate) name: Patch<String>,
    pub(crate) number: Patch<String>,
    pub(crate) currency: Patch<Currency>,
    pub(crate) email: Patch<String>,
    pub(crate) phone: Patch<String>,
    pub(crate) address: Patch<AddressInput>,
    pub(crate) vat_id: Patch<String>,
    pub(crate) billable_rate: Patch<Amount>,
    pub(crate) payment_terms_days: Patch<i64>,
    pub(crate) notes: Patch<String>,
    pub(crate) archived: Patch<bool>,
    pub(crate) base: BaseInput,
}

/// The settable lines of an address.
#[derive(Debug, Clone, Default)]
pub(crate) struct AddressInput {
    pub(crate) line1: Patch<String>,
    pub(crate) line2: Patch<String>,
    pub(crate) city: Patch<String>,
    pub(crate) state: Patch<String>,
    pub(crate) postal_code: Patch<String>,
    pub(crate) country: Patch<String>,
}

impl ClientInput {
    /// Reads the body of a creation.
    pub(crate) fn read_new(body: &Value<'_>) -> Result<Self, Problem> {
        let mut fields = Fields::of(body);
        let input = Self::read(&mut fields);
        fields.required("name", &input.name);
        fields.finish().map(|()| input)
    }

    /// Reads a merge patch.
    pub(crate) fn read_patch(body: &Value<'_>) -> Result<Self, Problem> {
        let mut fields = Fields::of(body);
        let input = Self::read(&mut fields);
        fields.not_null("name", &input.name);
        fields.finish().map(|()| input)
    }

    /// The currency that was named.
    pub(crate) fn currency(&self) -> Option<Currency> {
        match self.currency {
            Patch::Value(currency) => Some(currency),
            Patch::Absent | Patch::Null => None,
        }
    }

    fn read(fields: &mut Fields<'_>) -> Self {
        let input = Self {
            name: fields.text("name", 1, 255),
            number: fields.text("number", 1, 50),
            currency: fields.currency("currency"),
            email: fields.parsed("email", "invalid_email", parse_email),
            phone: fields.text("phone", 1, 50),
            address: fields.object("address", AddressInput::read),
            vat_id: fields.text("vat_id", 1, 50),
            billable_rate: fields.amount("billable_rate", Some(Amount::ZERO)),
            payment_terms_days: fields.integer("payment_terms_days", 0, 365),
            notes: fields.multiline("notes", 5000),
            archived: fields.boolean("archived"),
            base: BaseInput::read(fields),
        };
        fields.not_null("currency", &input.currency);
        fields.not_null("archived", &input.archived);
        fields.read_only(&["archived_at"]);
        input
    }
}

impl AddressInput {
    fn read(fields: &mut Fields<'_>) -> Self {
        Self {
            line1: fields.text("line1", 1, 255),
            line2: fields.text("line2", 1, 255),
            city: fields.text("city", 1, 255),
            state: fields.text("state", 1, 255),
            postal_code: fields.text("postal_code", 1, 20),
            country: fields.parsed("country", "invalid_country", parse_country),
        }
    }
}

fn parse_email(text: &str) -> Result<String, TextError> {
    check_email(text).map(|()| text.to_owned())
}

fn parse_country(text: &str) -> Result<String, &'static str> {
    if text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase()) {
        Ok(text.to_owned())
    } else {
        Err("must be an ISO 3166-1 alpha-2 code, such as DE")
    }
}
