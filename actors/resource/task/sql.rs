//! Tasks in the database.

use hoursmith_domain::{Amount, Day, MemberId, OrganizationId, ProjectId, TaskId, Timestamp, fold};
use hoursmith_kit::Failure;
use hoursmith_store::{Conn, Error, execute, fetch_all, fetch_optional};
use uuid::Uuid;

use super::home::home;
use super::state::TaskState;
use crate::base::{BaseRow, base_columns};
use crate::error;
use crate::list::{Page, contains};
use crate::reference::metadata_text;
use crate::sight::Reach;

macro_rules! columns {
    () => {
        concat!(
            "SELECT t.id, t.project_id, p.client_id, COALESCE(c.currency, o.currency) AS currency, t.name, \
             t.description, t.completed_at, t.billable, t.billable_rate, t.estimated_seconds, \
             t.assignee_ids, t.due_on, t.tracked_seconds, ",
            base_columns!("t")
        )
    };
}

/// What a task has from its project. Left joins, though no part can be missing, so that rows come
/// in the order of an index of the tasks.
macro_rules! homes {
    () => {
        " LEFT JOIN projects p ON p.organization_id = t.organization_id AND p.id = t.project_id \
          LEFT JOIN clients c ON c.organization_id = p.organization_id AND c.id = p.client_id \
          LEFT JOIN organizations o ON o.id = t.organization_id"
    };
}

macro_rules! tasks {
    () => {
        concat!(" FROM tasks t", homes!())
    };
}

/// The rows that a caller sees: all ($2), or those of the projects that the member ($3) was added
/// to. Not correlated: asked once, not for each task.
macro_rules! visible {
    () => {
        " WHERE t.organization_id = $1 AND ($2 OR t.project_id IN ( \
            SELECT pm.project_id FROM project_members pm \
            WHERE pm.organization_id = $1 AND pm.member_id = $3))"
    };
}

macro_rules! filters {
    () => {
        " AND (CAST($4 AS UUID) IS NULL OR t.project_id = $4) \
          AND (CAST($5 AS BOOLEAN) IS NULL OR (t.completed_at IS NOT NULL) = $5) \
          AND (CAST($6 AS UUID) IS NULL OR EXISTS (SELECT 1 FROM task_assignees x \
              WHERE x.organization_id = $1 AND x.task_id = t.id AND x.member_id = $6)) \
          AND (CAST($7 AS TEXT) IS NULL OR t.due_on < $7) \
          AND (CAST($8 AS TEXT) IS NULL OR t.search LIKE $8 ESCAPE '\\')"
    };
}

/// Newest first, after a place.
macro_rules! by_creation {
    () => {
        " AND (t.created_at, t.id) < ($9, $10) ORDER BY t.created_at DESC, t.id DESC LIMIT $11"
    };
}

/// Oldest change first, after a place.
macro_rules! by_update {
    () => {
        " AND (t.updated_at, t.id) > ($9, $10) ORDER BY t.updated_at, t.id LIMIT $11"
    };
}

/// By the id in another system. A statement of its own, since an optional filter finds no index;
/// so for a project and an assignee.
macro_rules! referenced {
    () => {
        " AND t.external_reference_id = $12"
    };
}

hoursmith_store::statements! {
    /// A task that the caller sees.
    FIND_TASK = concat!(columns!(), tasks!(), visible!(), " AND t.id = $4");
    /// The tasks of a project that a member is assigned to. As many as there are: whoever leaves is
    /// taken off all of them or stays.
    FIND_TASKS_OF_LEAVER = concat!(
        columns!(), tasks!(),
        " WHERE t.organization_id = $1 AND t.project_id = $2 AND t.id IN ( \
            SELECT x.task_id FROM task_assignees x \
            WHERE x.organization_id = $1 AND x.project_id = $2 AND x.member_id = $3)"
    );
    /// Their ids, in the order in which tasks are held.
    LIST_TASKS_OF_LEAVER = "SELECT task_id FROM task_assignees \
        WHERE organization_id = $1 AND project_id = $2 AND member_id = $3 ORDER BY task_id";
    /// A page of tasks, newest first.
    LIST_TASKS = concat!(columns!(), tasks!(), visible!(), filters!(), by_creation!());
    /// A page of the tasks of a project, newest first.
    LIST_TASKS_OF_PROJECT =
        concat!(columns!(), tasks!(), visible!(), filters!(), " AND t.project_id = $4", by_creation!());
    /// A page of the tasks of an assignee, newest first.
    LIST_TASKS_OF_ASSIGNEE = concat!(
        columns!(),
        " FROM task_assignees a JOIN tasks t ON t.organization_id = a.organization_id AND t.id = a.task_id",
        homes!(), visible!(), filters!(),
        " AND a.organization_id = $1 AND a.member_id = $6 AND (a.created_at, a.task_id) < ($9, $10) \
          ORDER BY a.created_at DESC, a.task_id DESC LIMIT $11"
    );
    /// A page of tasks, oldest change first.
    LIST_UPDATED_TASKS = concat!(columns!(), tasks!(), visible!(), filters!(), by_update!());
    /// A page of the tasks with a counterpart, newest first.
    LIST_REFERENCED_TASKS =
        concat!(columns!(), tasks!(), visible!(), filters!(), referenced!(), by_creation!());
    /// A page of the tasks with a counterpart, oldest change first.
    LIST_UPDATED_REFERENCED_TASKS =
        concat!(columns!(), tasks!(), visible!(), filters!(), referenced!(), by_update!());
    /// Holds the row until the transaction ends: what is decided by it stays true. Reading it is a
    /// statement of its own, since it is read with its project, which `RETURNING` cannot join.
    HOLD_TASK = "UPDATE tasks SET version = version WHERE organization_id = $1 AND id = $2";
    /// A new task.
    INSERT_TASK = "INSERT INTO tasks (organization_id, id, project_id, name, name_key, search, description, \
        completed_at, billable, billable_rate, estimated_seconds, assignee_ids, due_on, \
        external_reference_service, external_reference_id, external_reference_url, metadata, version, \
        created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, \
        $15, $16, $17, $19, $18)";
    /// Every column that can change, but for the time on it, which entries add to.
    UPDATE_TASK = "UPDATE tasks SET project_id = $3, name = $4, name_key = $5, search = $5, \
        description = $6, completed_at = $7, billable = $8, billable_rate = $9, estimated_seconds = $10, \
        assignee_ids = $11, due_on = $12, external_reference_service = $13, external_reference_id = $14, \
        external_reference_url = $15, metadata = $16, version = $17, updated_at = $18 \
        WHERE organization_id = $1 AND id = $2";
    /// Gone, with its assignments; refused by the database while time refers to it.
    DELETE_TASK = "DELETE FROM tasks WHERE organization_id = $1 AND id = $2";
}

/// What a list is narrowed by.
#[derive(Debug)]
pub(crate) struct Filter {
    pub(crate) organization: OrganizationId,
    pub(crate) reach: Reach,
    pub(crate) project: Option<ProjectId>,
    pub(crate) completed: Option<bool>,
    pub(crate) assignee: Option<MemberId>,
    pub(crate) due_before: Option<Day>,
    pub(crate) q: Option<String>,
    pub(crate) external_reference_id: Option<String>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    project_id: Uuid,
    client_id: Option<Uuid>,
    currency: String,
    name: String,
    description: Option<String>,
    completed_at: Option<i64>,
    billable: bool,
    billable_rate: Option<i64>,
    estimated_seconds: Option<i64>,
    assignee_ids: String,
    due_on: Option<String>,
    tracked_seconds: i64,
    #[sqlx(flatten)]
    base: BaseRow,
}

pub(crate) async fn find(
    conn: &mut Conn,
    organization: OrganizationId,
    id: TaskId,
    reach: Reach,
) -> Result<Option<TaskState>, error::Error> {
    let row = fetch_optional!(
        conn,
        FIND_TASK as Row,
        organization.0,
        reach.all,
        reach.member.0,
        id.0
    )?;
    row.map(Row::into_state).transpose()
}

/// The same, held until the transaction ends.
pub(crate) async fn lock(
    conn: &mut Conn,
    organization: OrganizationId,
    id: TaskId,
    reach: Reach,
) -> Result<Option<TaskState>, error::Error> {
    execute!(conn, HOLD_TASK, organization.0, id.0)?;
    find(conn, organization, id, reach).await
}

/// The tasks of a project that a member is assigned to, held until the transaction ends: the smaller
/// id first, like the tasks that an entry moves between.
pub(crate) async fn lock_of_leaver(
    conn: &mut Conn,
    organization: OrganizationId,
    project: ProjectId,
    member: MemberId,
) -> Result<Vec<TaskState>, error::Error> {
    let held = fetch_all!(
        conn,
        LIST_TASKS_OF_LEAVER as (Uuid,),
        organization.0,
        project.0,
        member.0
    )?;
    for (task,) in held {
        execute!(conn, HOLD_TASK, organization.0, task)?;
    }
    let rows = fetch_all!(
        conn,
        FIND_TASKS_OF_LEAVER as Row,
        organization.0,
        project.0,
        member.0
    )?;
    rows.into_iter().map(Row::into_state).collect()
}

pub(crate) async fn list(
    conn: &mut Conn,
    filter: &Filter,
    page: &Page,
) -> Result<Vec<TaskState>, error::Error> {
    let q = filter.q.as_deref().map(contains);
    let due_before = filter.due_before.map(|day| day.to_string());
    macro_rules! rows {
        ($statement:path $(, $further:expr)?) => {
            fetch_all!(
                conn,
                $statement as Row,
                filter.organization.0,
                filter.reach.all,
                filter.reach.member.0,
                filter.project.map(|project| project.0),
                filter.completed,
                filter.assignee.map(|member| member.0),
                due_before.as_deref(),
                q.as_deref(),
                page.after.sort,
                page.after.id,
                page.fetch(),
                $($further)?
            )?
        };
    }
    let rows = match (page.updated_since, filter.external_reference_id.as_deref()) {
        (Some(_), None) => rows!(LIST_UPDATED_TASKS),
        (Some(_), Some(id)) => rows!(LIST_UPDATED_REFERENCED_TASKS, id),
        (None, Some(id)) => rows!(LIST_REFERENCED_TASKS, id),
        (None, None) if filter.assignee.is_some() => rows!(LIST_TASKS_OF_ASSIGNEE),
        (None, None) if filter.project.is_some() => rows!(LIST_TASKS_OF_PROJECT),
        (None, None) => rows!(LIST_TASKS),
    };
    rows.into_iter().map(Row::into_state).collect()
}

/// Runs a statement that writes every column of a task; `$further` follow in it.
macro_rules! save {
    ($conn:expr, $statement:path, $organization:expr, $task:expr $(, $further:expr)?) => {{
        let task: &TaskState = $task;
        let reference = task.base.external_reference.as_ref();
        execute!(
            $conn,
            $statement,
            $organization.0,
            task.id.0,
            task.home.project.0,
            task.name.as_str(),
            fold(&task.name),
            task.description.as_deref(),
            task.completed_at.map(Timestamp::as_micros),
            task.billable,
            task.billable_rate.map(Amount::ten_thousandths),
            task.estimated_seconds,
            assignees_text(&task.assignees),
            task.due_on.map(|day| day.to_string()),
            reference.map(|reference| reference.service.as_str()),
            reference.map(|reference| reference.id.as_str()),
            reference.and_then(|reference| reference.url.as_deref()),
            metadata_text(&task.base.metadata),
            task.base.version,
            task.base.updated_at.as_micros(),
            $($further)?
        )
    }};
}

pub(crate) async fn insert(
    conn: &mut Conn,
    organization: OrganizationId,
    task: &TaskState,
) -> Result<(), Error> {
    let created_at = task.base.created_at.as_micros();
    save!(conn, INSERT_TASK, organization, task, created_at)?;
    Ok(())
}

pub(crate) async fn update(
    conn: &mut Conn,
    organization: OrganizationId,
    task: &TaskState,
) -> Result<(), Error> {
    save!(conn, UPDATE_TASK, organization, task)?;
    Ok(())
}

pub(crate) async fn delete(
    conn: &mut Conn,
    organization: OrganizationId,
    id: TaskId,
) -> Result<(), Error> {
    execute!(conn, DELETE_TASK, organization.0, id.0)?;
    Ok(())
}

impl Row {
    fn into_state(self) -> Result<TaskState, error::Error> {
        let assignees = serde_json::from_str(&self.assignee_ids)
            .map_err(|source| Failure::internal("read stored assignees", source))?;
        let due_on = self.due_on.as_deref().map(str::parse).transpose();
        Ok(TaskState {
            id: TaskId(self.id),
            home: home(self.project_id, self.client_id, &self.currency)?,
            name: self.name,
            description: self.description,
            completed_at: self.completed_at.map(Timestamp::from_micros),
            billable: self.billable,
            billable_rate: self.billable_rate.and_then(Amount::from_ten_thousandths),
            estimated_seconds: self.estimated_seconds,
            assignees,
            due_on: due_on.map_err(|source| Failure::internal("read a stored day", source))?,
            tracked_seconds: self.tracked_seconds,
            base: self.base.into_base()?,
        })
    }
}

fn assignees_text(members: &[MemberId]) -> String {
    // A list of ids, whose serialization cannot fail.
    serde_json::to_string(members).unwrap_or_else(|_| "[]".to_owned())
}
