//! A time entry as it is: what is stored, and how a change and a view are made of it.

use hoursmith_domain::{
    Amount, ClientId, Currency, Day, FieldError, InvoiceId, MemberId, Patch, Problem, ProjectId,
    RateSource, TaskId, TimeEntryId, Timestamp, amount_of_time,
};
use hoursmith_routes::common::ExternalReference;
use hoursmith_routes::time_entry::TimeEntry;
use serde_json::Value;
use uuid::Uuid;

use super::input::TimeEntryInput;
use super::terms::Terms;
use super::when::When;
use crate::base::{Base, Stored, refuse_any};
use crate::sight::Sight;
use crate::work::LockedReason;

/// A time entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TimeEntryState {
    pub(crate) id: TimeEntryId,
    pub(crate) member: MemberId,
    pub(crate) project: ProjectId,
    pub(crate) client: Option<ClientId>,
    pub(crate) task: Option<TaskId>,
    pub(crate) description: Option<String>,
    pub(crate) when: When,
    /// Where it stands in lists.
    pub(crate) order_at: Timestamp,
    pub(crate) spent_on: Day,
    /// The duration as the organization rounded it when it was written.
    pub(crate) rounded_seconds: Option<i64>,
    pub(crate) billable: bool,
    /// Its own rate.
    pub(crate) billable_rate: Option<Amount>,
    /// The rate that applied when it was written, and where it came from.
    pub(crate) rate: Option<(Amount, RateSource)>,
    pub(crate) amount: Option<Amount>,
    pub(crate) currency: Currency,
    pub(crate) tags: Vec<String>,
    pub(crate) invoice: Option<InvoiceId>,
    pub(crate) surroundings: Surroundings,
    pub(crate) base: Base,
}

/// What locks an entry beside its invoice. Read with the entry and never stored in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Surroundings {
    /// The organization's; days before it are locked.
    pub(crate) lock_before: Option<Day>,
    /// Whether its project is archived.
    pub(crate) is_archived: bool,
}

impl TimeEntryState {
    /// A new entry on terms. Refuses a locked day or project (409), then what is wrong on these
    /// terms (422).
    pub(crate) fn create(
        id: TimeEntryId,
        input: TimeEntryInput,
        terms: &Terms,
        now: Timestamp,
    ) -> Result<Self, Problem> {
        let when = When::begin(&input.when, now).map_err(wrong)?;
        let zone = terms.ground.zone;
        let spent_on = when.day(&input.when.spent_on, None, zone, now);
        let mut entry = Self {
            id,
            member: terms.member,
            project: terms.ground.project,
            client: terms.ground.client,
            task: terms.task.as_ref().map(|task| task.id),
            description: None,
            when,
            order_at: when.order_at(spent_on, zone),
            spent_on,
            rounded_seconds: None,
            billable: terms.billable(),
            billable_rate: None,
            rate: None,
            amount: None,
            currency: terms.ground.currency,
            tags: Vec::new(),
            invoice: None,
            surroundings: terms.surroundings(),
            base: Base::new(now),
        };
        entry.refuse_locked()?;
        let mut errors = terms.refusals(None);
        errors.extend(when.check_day(spent_on, zone));
        errors.extend(entry.take(input));
        entry.round(terms);
        entry.rate = terms.rate(entry.billable, entry.billable_rate);
        errors.extend(entry.price());
        refuse_any(errors).map(|()| entry)
    }

    /// Takes a change in, on the terms that hold after it. The same refusals as [`Self::create`].
    pub(crate) fn change(
        &mut self,
        input: TimeEntryInput,
        terms: &Terms,
        now: Timestamp,
    ) -> Result<(), Problem> {
        let before = self.clone();
        let zone = terms.ground.zone;
        self.member = terms.member;
        self.project = terms.ground.project;
        self.client = terms.ground.client;
        self.currency = terms.ground.currency;
        self.task = terms.task.as_ref().map(|task| task.id);
        self.surroundings = terms.surroundings();
        self.when = before.when.changed(&input.when).map_err(wrong)?;
        let was = Some((before.when, before.spent_on));
        self.spent_on = self.when.day(&input.when.spent_on, was, zone, now);
        self.refuse_locked()?;
        let moved = self.when != before.when || self.spent_on != before.spent_on;
        if moved || self.member != before.member {
            self.order_at = self.when.order_at(self.spent_on, zone);
        }
        let mut errors = terms.refusals(Some(&before));
        if moved {
            errors.extend(self.when.check_day(self.spent_on, zone));
        }
        errors.extend(self.take(input));
        if self.when.seconds() != before.when.seconds() {
            self.round(terms);
        }
        if self.rated_by() != before.rated_by() {
            self.rate = terms.rate(self.billable, self.billable_rate);
        }
        errors.extend(self.price());
        refuse_any(errors)
    }

    /// Ends a running entry.
    pub(crate) fn stop(&mut self, at: Timestamp, terms: &Terms) -> Result<(), Problem> {
        self.when = self.when.stopped(at);
        self.round(terms);
        refuse_any(self.price().into_iter().collect())
    }

    /// Whether its timer runs.
    pub(crate) fn is_running(&self) -> bool {
        matches!(self.when, When::Running(_))
    }

    /// Why it cannot be changed, if it cannot.
    pub(crate) fn lock(&self) -> Option<LockedReason> {
        LockedReason::of(
            self.invoice.is_some(),
            self.spent_on,
            self.surroundings.lock_before,
            self.surroundings.is_archived,
        )
    }

    /// Refuses any change of a locked entry.
    pub(crate) fn refuse_locked(&self) -> Result<(), Problem> {
        match self.lock() {
            Some(reason) => Err(reason.refusal()),
            None => Ok(()),
        }
    }

    /// What a caller sees.
    pub(crate) fn to_wire(&self, sight: Sight) -> TimeEntry {
        let lock = self.lock();
        let rate = self.rate.filter(|_| sight.rates);
        TimeEntry {
            id: self.id.0,
            member_id: self.member.0,
            project_id: self.project.0,
            client_id: self.client.map(|id| id.0),
            task_id: self.task.map(|id| id.0),
            description: self.description.clone(),
            started_at: self.when.started_at(),
            ended_at: self.when.ended_at(),
            spent_on: self.spent_on,
            duration_seconds: self.when.seconds(),
            rounded_seconds: self.rounded_seconds,
            is_running: self.is_running(),
            billable: self.billable,
            billable_rate: sight.rate(self.billable_rate, self.currency),
            rate: sight.rate(rate.map(|(rate, _)| rate), self.currency),
            rate_source: rate.map(|(_, source)| source.as_str().to_owned()),
            amount: sight.rate(self.amount, self.currency),
            currency: self.currency.to_string(),
            tags: self.tags.clone(),
            is_locked: lock.is_some(),
            locked_reason: lock.map(|reason| reason.as_str().to_owned()),
            invoice_id: self.invoice.map(|id| id.0),
            external_reference: self.base.external_reference.clone(),
            metadata: self.base.metadata.clone(),
            created_at: self.base.created_at,
            updated_at: self.base.updated_at,
        }
    }

    /// Its counterpart in another system.
    pub(super) fn reference(&self) -> Option<&ExternalReference> {
        self.base.external_reference.as_ref()
    }

    /// Takes in the fields that depend on no other row.
    fn take(&mut self, input: TimeEntryInput) -> Vec<FieldError> {
        input.description.apply(&mut self.description);
        input.billable.apply_required(&mut self.billable);
        input.billable_rate.apply(&mut self.billable_rate);
        match input.tags {
            Patch::Absent => {}
            Patch::Null => self.tags.clear(),
            Patch::Value(tags) => self.tags = tags,
        }
        self.base.apply(input.base)
    }

    /// What its rate depends on: only when one of these changes is it looked up again.
    fn rated_by(&self) -> (ProjectId, Option<TaskId>, MemberId, bool, Option<Amount>) {
        (
            self.project,
            self.task,
            self.member,
            self.billable,
            self.billable_rate,
        )
    }

    fn round(&mut self, terms: &Terms) {
        let seconds = self.when.seconds();
        self.rounded_seconds = seconds.map(|seconds| terms.ground.rounding.apply(seconds));
    }

    /// Works the amount out; refuses one that cannot be written.
    fn price(&mut self) -> Option<FieldError> {
        let (Some((rate, _)), Some(seconds)) = (self.rate, self.rounded_seconds) else {
            self.amount = None;
            return None;
        };
        self.amount = amount_of_time(rate, seconds, self.currency);
        self.amount.is_none().then(too_large)
    }
}

/// The refusal of an amount of more than 12 digits before the point.
pub(crate) fn too_large() -> FieldError {
    FieldError::pointer(
        "#/billable_rate",
        "too_large",
        "makes an amount of more than 12 digits before the point",
    )
}

fn wrong(wrong: super::when::Wrong) -> Problem {
    match refuse_any(vec![wrong.into()]) {
        Err(problem) => problem,
        Ok(()) => Problem::internal(),
    }
}

impl Stored for TimeEntryState {
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
