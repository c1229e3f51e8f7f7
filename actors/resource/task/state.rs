//! A task as it is: what is stored, and how a change and a view are made of it.

use hoursmith_domain::{Amount, Day, MemberId, Patch, Problem, TaskId, Timestamp};
use hoursmith_routes::task::Task;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::home::TaskProject;
use super::input::{Status, TaskInput};
use crate::base::{Base, Stored, archived_at, refuse_any};
use crate::sight::Sight;

/// A task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TaskState {
    pub(crate) id: TaskId,
    pub(crate) home: TaskProject,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    /// Null while it is open: its status is this and nothing else.
    pub(crate) completed_at: Option<Timestamp>,
    pub(crate) billable: bool,
    pub(crate) billable_rate: Option<Amount>,
    pub(crate) estimated_seconds: Option<i64>,
    /// Ordered, so that another order of the same members is no change.
    pub(crate) assignees: Vec<MemberId>,
    pub(crate) due_on: Option<Day>,
    /// Kept by the writes of time entries; never saved with the task.
    pub(crate) tracked_seconds: i64,
    pub(crate) base: Base,
}

impl TaskState {
    /// A task without a name yet.
    pub(crate) fn new(id: TaskId, home: TaskProject, billable: bool, now: Timestamp) -> Self {
        Self {
            id,
            home,
            name: String::new(),
            description: None,
            completed_at: None,
            billable,
            billable_rate: None,
            estimated_seconds: None,
            assignees: Vec::new(),
            due_on: None,
            tracked_seconds: 0,
            base: Base::new(now),
        }
    }

    /// Takes a change in; its project, which `input` names by id alone, is the caller's to set.
    /// Refuses what only the merged whole can show.
    pub(crate) fn apply(&mut self, input: TaskInput, now: Timestamp) -> Result<(), Problem> {
        input.name.apply_required(&mut self.name);
        input.description.apply(&mut self.description);
        if let Some(status) = input.status.into_option() {
            self.completed_at = archived_at(status == Status::Completed, self.completed_at, now);
        }
        input.billable.apply_required(&mut self.billable);
        input.billable_rate.apply(&mut self.billable_rate);
        input.estimated_seconds.apply(&mut self.estimated_seconds);
        match input.assignee_ids {
            Patch::Absent => {}
            Patch::Null => self.assignees.clear(),
            Patch::Value(members) => {
                self.assignees = members;
                self.assignees.sort();
            }
        }
        input.due_on.apply(&mut self.due_on);
        refuse_any(self.base.apply(input.base))
    }

    /// What a caller sees.
    pub(crate) fn to_wire(&self, sight: Sight) -> Task {
        let status = if self.completed_at.is_some() {
            "completed"
        } else {
            "open"
        };
        Task {
            id: self.id.0,
            project_id: self.home.project.0,
            name: self.name.clone(),
            description: self.description.clone(),
            status: status.to_owned(),
            completed_at: self.completed_at,
            billable: self.billable,
            billable_rate: sight.rate(self.billable_rate, self.home.currency),
            currency: self.home.currency.to_string(),
            estimated_seconds: self.estimated_seconds,
            assignee_ids: self.assignees.iter().map(|member| member.0).collect(),
            due_on: self.due_on,
            tracked_seconds: self.tracked_seconds,
            external_reference: self.base.external_reference.clone(),
            metadata: self.base.metadata.clone(),
            created_at: self.base.created_at,
            updated_at: self.base.updated_at,
        }
    }
}

impl Stored for TaskState {
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

/// Splits what a change touched into the status, which has events of its own, and the rest.
pub(crate) fn split_status(
    previous: Map<String, Value>,
) -> (Map<String, Value>, Map<String, Value>) {
    previous
        .into_iter()
        .partition(|(name, _)| matches!(name.as_str(), "status" | "completed_at"))
}
