//! What a body says about a task.

use hoursmith_domain::{Amount, Day, Fields, MemberId, Patch, Problem, ProjectId};
use simd_json::borrowed::Value;
use simd_json::prelude::*;

use crate::base::BaseInput;

/// Most members that a task is assigned to: more than work on one thing, few enough to check each.
const MAX_ASSIGNEES: usize = 100;

/// A million hours, so that sums of estimates stay far from the end of numbers.
const MAX_ESTIMATE_SECONDS: i64 = 3_600_000_000;

/// Where a task stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Open,
    Completed,
}

impl Status {
    /// The words in JSON.
    pub(crate) const WORDS: &'static [(&'static str, Self)] =
        &[("open", Self::Open), ("completed", Self::Completed)];
}

/// The settable fields.
#[derive(Debug, Clone, Default)]
pub(crate) struct TaskInput {
    pub(crate) project_id: Patch<ProjectId>,
    pub(crate) name: Patch<String>,
    pub(crate) description: Patch<String>,
    pub(crate) status: Patch<Status>,
    pub(crate) billable: Patch<bool>,
    pub(crate) billable_rate: Patch<Amount>,
    pub(crate) estimated_seconds: Patch<i64>,
    /// In the order of the body, so that an error can point at one of them.
    pub(crate) assignee_ids: Patch<Vec<MemberId>>,
    pub(crate) due_on: Patch<Day>,
    pub(crate) base: BaseInput,
    /// The first field that is named beside `status`, which alone may change under
    /// `Grant::Assigned`.
    pub(crate) beside_status: Option<String>,
}

impl TaskInput {
    /// Reads the body of a creation.
    pub(crate) fn read_new(body: &Value<'_>) -> Result<Self, Problem> {
        let mut fields = Fields::of(body);
        let input = Self::read(&mut fields, body);
        fields.required("name", &input.name);
        fields.required("project_id", &input.project_id);
        fields.finish().map(|()| input)
    }

    /// Reads a merge patch.
    pub(crate) fn read_patch(body: &Value<'_>) -> Result<Self, Problem> {
        let mut fields = Fields::of(body);
        let input = Self::read(&mut fields, body);
        fields.not_null("name", &input.name);
        fields.not_null("project_id", &input.project_id);
        fields.finish().map(|()| input)
    }

    /// The project that is named.
    pub(crate) fn project(&self) -> Option<ProjectId> {
        match self.project_id {
            Patch::Value(project) => Some(project),
            Patch::Absent | Patch::Null => None,
        }
    }

    /// The members that are named, if the list is.
    pub(crate) fn assignees(&self) -> Option<&[MemberId]> {
        match &self.assignee_ids {
            Patch::Value(members) => Some(members),
            Patch::Null => Some(&[]),
            Patch::Absent => None,
        }
    }

    fn read(fields: &mut Fields<'_>, body: &Value<'_>) -> Self {
        let input = Self {
            project_id: fields.id("project_id"),
            name: fields.text("name", 1, 255),
            description: fields.multiline("description", 5000),
            status: fields.word("status", Status::WORDS),
            billable: fields.boolean("billable"),
            billable_rate: fields.amount("billable_rate", Amount::from_ten_thousandths(0)),
            estimated_seconds: fields.integer("estimated_seconds", 0, MAX_ESTIMATE_SECONDS),
            assignee_ids: fields.list(
                "assignee_ids",
                MAX_ASSIGNEES,
                "invalid_id",
                str::parse::<MemberId>,
            ),
            due_on: fields.day("due_on"),
            base: BaseInput::read(fields),
            beside_status: beside_status(body),
        };
        fields.not_null("status", &input.status);
        fields.not_null("billable", &input.billable);
        fields.read_only(&["completed_at", "currency", "tracked_seconds"]);
        input
    }
}

fn beside_status(body: &Value<'_>) -> Option<String> {
    let names = body.as_object()?.keys();
    names
        .map(ToString::to_string)
        .filter(|name| name != "status")
        .min()
}
