//! What a body says about a time entry.

use hoursmith_domain::{
    Amount, Code, Day, Fields, MemberId, Patch, Problem, ProjectId, TaskId, Timestamp, check_text,
};
use simd_json::borrowed::Value;

use super::when::When;
use crate::base::BaseInput;
use crate::sight::Sight;

/// The longest duration that a body may state: a year. Longer ones are milliseconds by mistake.
const MAX_DURATION_SECONDS: i64 = 366 * 24 * 60 * 60;

/// Most tags of an entry, and most characters of one.
const MAX_TAGS: usize = 20;
const MAX_TAG_CHARS: usize = 50;

/// Before the first and after the last instant that falls on a day we have, in every zone.
pub(super) const FIRST_INSTANT: Timestamp = Timestamp::from_micros(86_400_000_000);
pub(super) const LAST_INSTANT: Timestamp = Timestamp::from_micros(32_503_593_600_000_000);

/// The settable fields.
#[derive(Debug, Clone, Default)]
pub(crate) struct TimeEntryInput {
    pub(crate) member: Patch<MemberId>,
    pub(crate) project: Patch<ProjectId>,
    pub(crate) task: Patch<TaskId>,
    pub(crate) description: Patch<String>,
    pub(crate) when: WhenInput,
    pub(crate) billable: Patch<bool>,
    pub(crate) billable_rate: Patch<Amount>,
    pub(crate) tags: Patch<Vec<String>>,
    pub(crate) base: BaseInput,
}

/// The four fields that say when.
#[derive(Debug, Clone, Default)]
pub(crate) struct WhenInput {
    pub(crate) started_at: Patch<Timestamp>,
    pub(crate) ended_at: Patch<Timestamp>,
    pub(crate) spent_on: Patch<Day>,
    pub(crate) duration_seconds: Patch<i64>,
}

impl WhenInput {
    /// Whether a new entry that says this is a timer.
    pub(crate) fn starts_timer(&self) -> bool {
        matches!(When::begin(self, FIRST_INSTANT), Ok(When::Running(_)))
    }
}

impl TimeEntryInput {
    /// Reads the body of a creation.
    pub(crate) fn read_new(body: &Value<'_>) -> Result<Self, Problem> {
        let mut fields = Fields::of(body);
        let input = Self::read(&mut fields);
        fields.required("project_id", &input.project);
        // Whether it begins now makes no difference to what is wrong with it.
        if let Err(wrong) = When::begin(&input.when, FIRST_INSTANT) {
            let _: Patch<()> = fields.refuse(wrong.field, wrong.code, wrong.detail);
        }
        fields.finish().map(|()| input)
    }

    /// Reads a merge patch.
    pub(crate) fn read_patch(body: &Value<'_>) -> Result<Self, Problem> {
        let mut fields = Fields::of(body);
        let input = Self::read(&mut fields);
        fields.not_null("project_id", &input.project);
        fields.finish().map(|()| input)
    }

    /// Refuses what the caller may not see and hence not set.
    pub(crate) fn refuse_hidden(&self, sight: Sight) -> Result<(), Problem> {
        if sight.rates || self.billable_rate == Patch::Absent {
            return Ok(());
        }
        Err(Problem::new(
            Code::RoleForbidden,
            "Your role does not see rates and may not set `billable_rate`.",
        ))
    }

    fn read(fields: &mut Fields<'_>) -> Self {
        let input = Self {
            member: fields.id("member_id"),
            project: fields.id("project_id"),
            task: fields.id("task_id"),
            description: fields.multiline("description", 5000),
            when: WhenInput {
                started_at: instant(fields, "started_at"),
                ended_at: instant(fields, "ended_at"),
                spent_on: fields.day("spent_on"),
                duration_seconds: fields.integer("duration_seconds", 0, MAX_DURATION_SECONDS),
            },
            billable: fields.boolean("billable"),
            billable_rate: fields.amount("billable_rate", Amount::from_ten_thousandths(0)),
            tags: fields.list("tags", MAX_TAGS, "invalid_tag", |tag| {
                check_text(tag, 1, MAX_TAG_CHARS, false).map(|()| tag.to_owned())
            }),
            base: BaseInput::read(fields),
        };
        fields.not_null("member_id", &input.member);
        fields.not_null("billable", &input.billable);
        fields.read_only(&[
            "client_id",
            "rounded_seconds",
            "is_running",
            "rate",
            "rate_source",
            "amount",
            "currency",
            "is_locked",
            "locked_reason",
            "invoice_id",
        ]);
        input
    }
}

/// An instant of the years whose days we have.
fn instant(fields: &mut Fields<'_>, name: &'static str) -> Patch<Timestamp> {
    match fields.instant(name) {
        Patch::Value(instant) if !(FIRST_INSTANT..=LAST_INSTANT).contains(&instant) => {
            let detail = "must be from 1970-01-02 to 2999-12-31";
            fields.refuse(name, "out_of_range", detail)
        }
        other => other,
    }
}
