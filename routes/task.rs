//! Tasks: what is to be done in a project, by whom, until when.

use hoursmith_domain::{Access, Day, Grant, Plan, Scope, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::common::{
    ExternalReference, ExternalReferenceInput, Metadata, MetadataInputSchema, MetadataSchema,
};
use crate::route::parameter;
use crate::words::TaskStatusWord;
use crate::{Form, Method, Route, Shape};

const READ: Access = Access {
    owner: Grant::All,
    admin: Grant::All,
    manager: Grant::Projects,
    member: Grant::Projects,
    scope: Scope::Read,
    min_plan: Plan::Studio,
};

const WRITE: Access = Access {
    owner: Grant::All,
    admin: Grant::All,
    manager: Grant::Projects,
    member: Grant::Deny,
    scope: Scope::Write,
    min_plan: Plan::Studio,
};

const ONE: &str = "/api/v1/tasks/{task_id}";
const ALL: &str = "/api/v1/tasks";

/// The states of a task, in JSON.
pub const STATUSES: &[&str] = &["open", "completed"];

/// The routes.
pub const ROUTES: &[Route] = &[
    Route {
        id: "task.list",
        resource: "task",
        action: "list",
        method: Method::Get,
        path: ALL,
        access: READ,
        actor: "resource",
        parameters: &[
            parameter("project_id", Form::Id, "Only tasks of this project."),
            parameter("status", Form::OneOf(STATUSES), "Only tasks in this state."),
            parameter(
                "assignee_id",
                Form::Id,
                "Only tasks assigned to this member.",
            ),
            parameter(
                "due_before",
                Form::Day,
                "Only tasks due before this day; those without a due date are not among them.",
            ),
            parameter(
                "q",
                Form::Text { max: 255 },
                "Only tasks whose name contains this, in any case.",
            ),
        ],
        shape: Shape::List { page: "TaskList" },
        summary: "List tasks",
        description: "Newest first. Managers and members see the tasks of the projects they were added to.",
    },
    Route {
        id: "task.create",
        resource: "task",
        action: "create",
        method: Method::Post,
        path: ALL,
        access: WRITE,
        actor: "resource",
        parameters: &[],
        shape: Shape::Create {
            body: "TaskCreate",
            resource: "Task",
        },
        summary: "Create a task",
        description: "`project_id` and `name` are required; the name must be unique in the project whatever its case. `billable` defaults to the project's. Whoever is assigned must be in the project. Send an `Idempotency-Key` to make a retry safe.",
    },
    Route {
        id: "task.read",
        resource: "task",
        action: "read",
        method: Method::Get,
        path: ONE,
        access: READ,
        actor: "resource",
        parameters: &[],
        shape: Shape::Read { resource: "Task" },
        summary: "Read a task",
        description: "One task, with its ETag.",
    },
    Route {
        id: "task.update",
        resource: "task",
        action: "update",
        method: Method::Patch,
        path: ONE,
        access: Access {
            member: Grant::Assigned,
            ..WRITE
        },
        actor: "resource",
        parameters: &[],
        shape: Shape::Update {
            body: "TaskUpdate",
            resource: "Task",
        },
        summary: "Change a task",
        description: "A JSON Merge Patch: fields that are absent stay, null clears, `assignee_ids` is replaced, `external_reference` and `metadata` are merged. `status` completes and reopens, which are events of their own. Members may change `status` alone, of the tasks assigned to them. `project_id` can change until time is tracked on the task. Send `If-Match` to be sure that nobody changed it meanwhile.",
    },
    Route {
        id: "task.delete",
        resource: "task",
        action: "delete",
        method: Method::Delete,
        path: ONE,
        access: WRITE,
        actor: "resource",
        parameters: &[],
        shape: Shape::Delete,
        summary: "Delete a task",
        description: "Only a task on which no time is tracked can be deleted; complete the others.",
    },
];

/// A task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Task {
    /// Id.
    #[schema(example = "0199c3a2-7d44-7e21-b0c5-5a1f3e7d9b60")]
    pub id: Uuid,
    /// The project that it belongs to.
    #[schema(example = "0199c3a2-7cf1-7b0e-9d52-8c64f1a2e705")]
    pub project_id: Uuid,
    /// Name.
    #[schema(min_length = 1, max_length = 255, example = "Design the menu")]
    pub name: String,
    /// What it is about.
    #[schema(
        required = true,
        max_length = 5000,
        pattern = "^[^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f\\u202a-\\u202e\\u2066-\\u2069]*$",
        example = "Three drafts, then a talk."
    )]
    pub description: Option<String>,
    /// `open` or `completed`.
    #[schema(value_type = TaskStatusWord)]
    pub status: String,
    /// When it was completed; null while it is open.
    #[schema(value_type = Option<String>, required = true, format = DateTime, max_length = 40)]
    pub completed_at: Option<Timestamp>,
    /// Whether time on it is billable unless the entry says otherwise.
    #[schema(example = true)]
    pub billable: bool,
    /// Rate per hour; null if none is set, and for those who may not see rates.
    #[schema(
        required = true,
        pattern = "^-?(0|[1-9][0-9]{0,11})(\\.[0-9]{1,4})?$",
        max_length = 18,
        example = "110.00"
    )]
    pub billable_rate: Option<String>,
    /// ISO 4217 code of the rate: the currency that the project is billed in.
    #[schema(pattern = "^[A-Z]{3}$", max_length = 3, example = "EUR")]
    pub currency: String,
    /// How long it is expected to take, in seconds.
    #[schema(
        required = true,
        minimum = 0,
        maximum = 3_600_000_000_i64,
        example = 28_800
    )]
    pub estimated_seconds: Option<i64>,
    /// The members it is assigned to, ordered by id.
    #[schema(max_items = 100, example = json!(["0199c3a2-7c02-7a55-9e3b-41c07d8f2a16"]))]
    pub assignee_ids: Vec<Uuid>,
    /// The day by which it is to be done.
    #[schema(value_type = Option<String>, required = true, format = Date, max_length = 10, example = "2026-12-18")]
    pub due_on: Option<Day>,
    /// Time tracked on it, in seconds; running timers not yet.
    #[schema(minimum = 0, example = 5400)]
    pub tracked_seconds: i64,
    /// Counterpart in another system.
    #[schema(required = true)]
    pub external_reference: Option<ExternalReference>,
    /// The integration's own pairs.
    #[schema(value_type = MetadataSchema)]
    pub metadata: Metadata,
    /// When it was made.
    #[schema(value_type = String, format = DateTime, max_length = 40, example = "2026-01-05T08:00:00Z")]
    pub created_at: Timestamp,
    /// When it last changed.
    #[schema(value_type = String, format = DateTime, max_length = 40, example = "2026-11-02T14:11:09Z")]
    pub updated_at: Timestamp,
}

/// A page of tasks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TaskList {
    /// The tasks.
    #[schema(max_items = 200)]
    pub data: Vec<Task>,
    /// Whether there is another page. A short page proves nothing; this does.
    #[schema(example = true)]
    pub has_more: bool,
    /// The cursor of the next page; null on the last.
    #[schema(
        required = true,
        max_length = 200,
        pattern = "^[A-Za-z0-9_-]+$",
        example = "AZnDont-fRCh9NL2uKlMMQ"
    )]
    pub next_cursor: Option<String>,
}

/// What may be set; `project_id` and `name` are required.
// The schema of a change, `TaskUpdate`, is this one with nothing required.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TaskCreate {
    /// The project that it belongs to. Can change until time is tracked on the task.
    #[schema(example = "0199c3a2-7cf1-7b0e-9d52-8c64f1a2e705")]
    pub project_id: Uuid,
    /// Name, unique in the project whatever its case.
    #[schema(min_length = 1, max_length = 255, example = "Design the menu")]
    pub name: String,
    /// What it is about.
    #[schema(
        max_length = 5000,
        pattern = "^[^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f\\u202a-\\u202e\\u2066-\\u2069]*$",
        example = "Three drafts, then a talk."
    )]
    pub description: Option<String>,
    /// `open` (the default) or `completed`.
    #[schema(value_type = Option<TaskStatusWord>, nullable = false)]
    pub status: Option<String>,
    /// Whether time on it is billable unless the entry says otherwise; the project's if absent on
    /// creation.
    #[schema(nullable = false, example = true)]
    pub billable: Option<bool>,
    /// Rate per hour, at least 0, in the currency that the project is billed in.
    #[schema(
        pattern = "^(0|[1-9][0-9]{0,11})(\\.[0-9]{1,4})?$",
        max_length = 18,
        example = "110.00"
    )]
    pub billable_rate: Option<String>,
    /// How long it is expected to take, in seconds.
    #[schema(minimum = 0, maximum = 3_600_000_000_i64, example = 28_800)]
    pub estimated_seconds: Option<i64>,
    /// The members it is assigned to, each of whom must be in the project; null for none.
    #[schema(max_items = 100, example = json!(["0199c3a2-7c02-7a55-9e3b-41c07d8f2a16"]))]
    pub assignee_ids: Option<Vec<Uuid>>,
    /// The day by which it is to be done.
    #[schema(value_type = Option<String>, format = Date, max_length = 10, example = "2026-12-18")]
    pub due_on: Option<Day>,
    /// Counterpart in another system.
    #[schema(value_type = Option<ExternalReferenceInput>)]
    pub external_reference: Option<ExternalReference>,
    /// Pairs to set; a null value removes its pair, null for all removes all.
    #[schema(value_type = Option<MetadataInputSchema>)]
    pub metadata: Option<Metadata>,
}
