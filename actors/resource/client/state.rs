//! A client as it is: what is stored, and how a change and a view are made of it.

use hoursmith_domain::{Amount, ClientId, Currency, Problem, Timestamp};
use hoursmith_routes::client::{Address, Client};
use serde_json::Value;
use uuid::Uuid;

use super::input::{AddressInput, ClientInput};
use crate::base::{Base, Stored, archived_at, refuse_any};
use crate::sight::Sight;

/// A client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClientState {
    pub(crate) id: ClientId,
    pub(crate) name: String,
    pub(crate) number: Option<String>,
    pub(crate) currency: Currency,
    pub(crate) email: Option<String>,
    pub(crate) phone: Option<String>,
    pub(crate) address: Option<Address>,
    pub(crate) vat_id: Option<String>,
    pub(crate) billable_rate: Option<Amount>,
    pub(crate) payment_terms_days: Option<i64>,
    pub(crate) notes: Option<String>,
    pub(crate) archived_at: Option<Timestamp>,
    pub(crate) base: Base,
}

impl ClientState {
    /// A client without a name yet.
    pub(crate) fn new(id: ClientId, currency: Currency, now: Timestamp) -> Self {
        Self {
            id,
            name: String::new(),
            number: None,
            currency,
            email: None,
            phone: None,
            address: None,
            vat_id: None,
            billable_rate: None,
            payment_terms_days: None,
            notes: None,
            archived_at: None,
            base: Base::new(now),
        }
    }

    /// Takes a change in. Refuses what only the merged whole can show.
    pub(crate) fn apply(&mut self, input: ClientInput, now: Timestamp) -> Result<(), Problem> {
        input.name.apply_required(&mut self.name);
        input.number.apply(&mut self.number);
        input.currency.apply_required(&mut self.currency);
        input.email.apply(&mut self.email);
        input.phone.apply(&mut self.phone);
        let current = self.address.clone().unwrap_or_default();
        input
            .address
            .map(|lines| merge_address(current, lines))
            .apply(&mut self.address);
        input.vat_id.apply(&mut self.vat_id);
        input.billable_rate.apply(&mut self.billable_rate);
        input.payment_terms_days.apply(&mut self.payment_terms_days);
        input.notes.apply(&mut self.notes);
        if let Some(archived) = input.archived.into_option() {
            self.archived_at = archived_at(archived, self.archived_at, now);
        }
        refuse_any(self.base.apply(input.base))
    }

    /// What a caller sees.
    pub(crate) fn to_wire(&self, sight: Sight) -> Client {
        Client {
            id: self.id.0,
            name: self.name.clone(),
            number: self.number.clone(),
            currency: self.currency.to_string(),
            email: self.email.clone(),
            phone: self.phone.clone(),
            address: self.address.clone(),
            vat_id: self.vat_id.clone(),
            billable_rate: sight.rate(self.billable_rate, self.currency),
            payment_terms_days: self.payment_terms_days,
            notes: self.notes.clone(),
            archived: self.archived_at.is_some(),
            archived_at: self.archived_at,
            external_reference: self.base.external_reference.clone(),
            metadata: self.base.metadata.clone(),
            created_at: self.base.created_at,
            updated_at: self.base.updated_at,
        }
    }
}

impl Stored for ClientState {
    fn id(&self) -> Uuid {
        self.id.0
    }

    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn to_event(&self) -> Value {
        // A wire type of strings and numbers, whose serialization cannot fail.
        serde_json::to_value(self.to_wire(Sight::OWNER)).unwrap_or_default()
    }
}

fn merge_address(mut address: Address, lines: AddressInput) -> Address {
    lines.line1.apply(&mut address.line1);
    lines.line2.apply(&mut address.line2);
    lines.city.apply(&mut address.city);
    lines.state.apply(&mut address.state);
    lines.postal_code.apply(&mut address.postal_code);
    lines.country.apply(&mut address.country);
    address
}
