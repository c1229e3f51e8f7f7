//! Time entries: what members spent on projects, and timers that run.

mod wire;

use hoursmith_domain::{Access, Grant, Plan, Scope};

use crate::route::{Parameter, parameter};
use crate::{Form, Method, Route, Shape};
pub(crate) use wire::TagSchema;
pub use wire::{TimeEntry, TimeEntryCreate, TimeEntryList};

const READ: Access = Access {
    owner: Grant::All,
    admin: Grant::All,
    manager: Grant::Projects,
    member: Grant::Own,
    scope: Scope::Read,
    min_plan: Plan::Studio,
};

const WRITE: Access = Access {
    scope: Scope::Write,
    ..READ
};

const ALL: &str = "/api/v1/time_entries";
const ONE: &str = "/api/v1/time_entries/{time_entry_id}";

/// What the list is narrowed by.
const FILTERS: &[Parameter] = &[
    parameter("member_id", Form::Id, "Only time of this member."),
    parameter(
        "client_id",
        Form::Id,
        "Only time on projects of this client.",
    ),
    parameter("project_id", Form::Id, "Only time on this project."),
    parameter("task_id", Form::Id, "Only time on this task."),
    parameter(
        "from",
        Form::Day,
        "Only time whose `spent_on` is this day or later.",
    ),
    parameter(
        "to",
        Form::Day,
        "Only time whose `spent_on` is this day or earlier.",
    ),
    parameter(
        "running",
        Form::Boolean,
        "Only timers that run, or only time that is spent.",
    ),
    parameter(
        "billable",
        Form::Boolean,
        "Only billable time, or only time that is not.",
    ),
    parameter(
        "invoiced",
        Form::Boolean,
        "Only time that a sent invoice bills, or only time that none does.",
    ),
    parameter(
        "locked",
        Form::Boolean,
        "Only time that cannot be changed, or only time that can.",
    ),
    parameter(
        "tag",
        Form::Text { max: 50 },
        "Only time that has exactly this tag.",
    ),
];

/// The routes.
pub const ROUTES: &[Route] = &[
    Route {
        id: "time_entry.list",
        resource: "time_entry",
        action: "list",
        method: Method::Get,
        path: ALL,
        access: READ,
        actor: "resource",
        parameters: FILTERS,
        shape: Shape::List {
            page: "TimeEntryList",
        },
        summary: "List time entries",
        description: "Latest `started_at` first; an entry that has only a duration stands at the start of its day. Managers see the time of the projects they were added to, members their own in these.",
    },
    Route {
        id: "time_entry.create",
        resource: "time_entry",
        action: "create",
        method: Method::Post,
        path: ALL,
        access: WRITE,
        actor: "resource",
        parameters: &[parameter(
            "stop_running",
            Form::Boolean,
            "When this starts a timer, stop the one that the member has running, at the moment this one starts.",
        )],
        shape: Shape::Create {
            body: "TimeEntryCreate",
            resource: "TimeEntry",
        },
        summary: "Track time or start a timer",
        description: "Say when in one of three ways: `started_at` and `ended_at`; `started_at` alone, or nothing, which starts a timer; `duration_seconds`, for the day `spent_on`. `duration_seconds` may stand in for either instant. A member has at most one timer running: starting another is a 409 `conflict`, unless `stop_running=true`. The rate is fixed now: the first that is set of the entry's own, the member's on the project, the task's, the project's, the member's and the organization's.",
    },
    Route {
        id: "time_entry.read",
        resource: "time_entry",
        action: "read",
        method: Method::Get,
        path: ONE,
        access: READ,
        actor: "resource",
        parameters: &[],
        shape: Shape::Read {
            resource: "TimeEntry",
        },
        summary: "Read a time entry",
        description: "One time entry, with its ETag.",
    },
    Route {
        id: "time_entry.update",
        resource: "time_entry",
        action: "update",
        method: Method::Patch,
        path: ONE,
        access: WRITE,
        actor: "resource",
        parameters: &[],
        shape: Shape::Update {
            body: "TimeEntryUpdate",
            resource: "TimeEntry",
        },
        summary: "Change a time entry",
        description: "A JSON Merge Patch. `ended_at` null lets the timer run again; `duration_seconds` moves the end. The rate is looked up again only when project, task, member, `billable` or `billable_rate` change. A locked entry, a locked day and an archived project refuse with 409 `locked`.",
    },
    Route {
        id: "time_entry.stop",
        resource: "time_entry",
        action: "stop",
        method: Method::Post,
        path: "/api/v1/time_entries/{time_entry_id}/stop",
        access: WRITE,
        actor: "resource",
        parameters: &[],
        shape: Shape::Act {
            resource: "TimeEntry",
        },
        summary: "Stop a timer",
        description: "Ends a running entry now; 409 `conflict` when it does not run. Send an `Idempotency-Key` to make a retry safe.",
    },
    Route {
        id: "time_entry.delete",
        resource: "time_entry",
        action: "delete",
        method: Method::Delete,
        path: ONE,
        access: WRITE,
        actor: "resource",
        parameters: &[],
        shape: Shape::Delete,
        summary: "Delete a time entry",
        description: "Gone for good; a locked entry refuses with 409 `locked`.",
    },
];
