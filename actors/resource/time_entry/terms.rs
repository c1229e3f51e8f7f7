//! The terms on which time is written: project, member and task, as the caller may name them, with
//! the rules and rates that come with them.

mod sql;

use hoursmith_domain::{
    Amount, FieldError, MemberId, OrganizationId, Patch, Problem, ProjectId, RateSource, Rates,
    TaskId,
};
use hoursmith_store::{Conn, Statement};

use super::input::TimeEntryInput;
use super::state::{Surroundings, TimeEntryState};
use crate::base::missing;
use crate::error::Error;
use crate::sight::Reach;
use crate::work::{BillingMethod, Ground, ground};

pub(crate) fn statements() -> &'static [Statement] {
    sql::statements()
}

/// What an entry is written on.
#[derive(Debug)]
pub(crate) struct Terms {
    pub(crate) member: MemberId,
    pub(crate) ground: Ground,
    pub(crate) task: Option<TaskTerms>,
    /// Whether the body names the member, where a refusal of it points.
    names_member: bool,
}

/// What a task says about its time.
#[derive(Debug)]
pub(crate) struct TaskTerms {
    pub(crate) id: TaskId,
    pub(crate) project: ProjectId,
    pub(crate) billable: bool,
    pub(crate) rate: Option<Amount>,
}

impl Terms {
    /// The terms of a new entry. What the body names and the caller does not see is not found.
    pub(crate) async fn of_new(
        conn: &mut Conn,
        organization: OrganizationId,
        reach: Reach,
        input: &TimeEntryInput,
    ) -> Result<Self, Error> {
        let named = Named::of(input);
        let project = named.project.ok_or_else(|| missing("project_id"))?;
        let member = named.member.unwrap_or(reach.member);
        named.check(conn, organization, reach).await?;
        Self::read(conn, organization, project, member, named.task, &named).await
    }

    /// The terms of an entry after a change.
    pub(crate) async fn of_changed(
        conn: &mut Conn,
        organization: OrganizationId,
        reach: Reach,
        input: &TimeEntryInput,
        entry: &TimeEntryState,
    ) -> Result<Self, Error> {
        let named = Named::of(input);
        named.check(conn, organization, reach).await?;
        let mut task = entry.task;
        input.task.clone().apply(&mut task);
        let project = named.project.unwrap_or(entry.project);
        let member = named.member.unwrap_or(entry.member);
        Self::read(conn, organization, project, member, task, &named).await
    }

    /// The terms that an entry stands on as it is.
    pub(crate) async fn of_entry(
        conn: &mut Conn,
        organization: OrganizationId,
        entry: &TimeEntryState,
    ) -> Result<Self, Error> {
        let named = Named::default();
        let (project, member) = (entry.project, entry.member);
        Self::read(conn, organization, project, member, entry.task, &named).await
    }

    async fn read(
        conn: &mut Conn,
        organization: OrganizationId,
        project: ProjectId,
        member: MemberId,
        task: Option<TaskId>,
        named: &Named,
    ) -> Result<Self, Error> {
        let ground = ground(conn, organization, project, member)
            .await?
            .ok_or_else(Problem::not_found)?;
        let task = match task {
            Some(task) => Some(
                sql::find_task(conn, organization, task)
                    .await?
                    .ok_or_else(|| missing("task_id"))?,
            ),
            None => None,
        };
        Ok(Self {
            member,
            ground,
            task,
            names_member: named.member.is_some(),
        })
    }

    /// Terms without a database.
    #[cfg(test)]
    pub(super) fn new(member: MemberId, ground: Ground, task: Option<TaskTerms>) -> Self {
        Self {
            member,
            ground,
            task,
            names_member: false,
        }
    }

    /// Whether an entry is billable that does not say.
    pub(crate) fn billable(&self) -> bool {
        match &self.task {
            Some(task) => task.billable,
            None => self.ground.billable,
        }
    }

    /// The rate that applies to an entry, and where it comes from. None when it is not billable or
    /// its project not billed by the hour.
    pub(crate) fn rate(&self, billable: bool, own: Option<Amount>) -> Option<(Amount, RateSource)> {
        if !billable || self.ground.billing_method != BillingMethod::Hourly {
            return None;
        }
        Rates {
            entry: own,
            project_member: self.ground.project_member_rate,
            task: self.task.as_ref().and_then(|task| task.rate),
            project: self.ground.project_rate,
            member: self.ground.member_rate,
            organization: self.ground.organization_rate,
        }
        .resolve()
    }

    /// What locks an entry here beside an invoice.
    pub(crate) fn surroundings(&self) -> Surroundings {
        Surroundings {
            lock_before: self.ground.lock_before,
            is_archived: self.ground.is_archived,
        }
    }

    /// What is wrong with member, project and task together, where one of them is new to the entry.
    /// Time of a member who left the project may still be put right.
    pub(crate) fn refusals(&self, before: Option<&TimeEntryState>) -> Vec<FieldError> {
        let new_member = before.is_none_or(|entry| entry.member != self.member);
        let new_project = before.is_none_or(|entry| entry.project != self.ground.project);
        let mut errors = Vec::new();
        if new_member && !self.ground.is_active {
            let detail = "names a member who is not active";
            errors.push(FieldError::pointer("#/member_id", "not_active", detail));
        } else if (new_member || new_project) && !self.ground.is_in_project {
            let (pointer, detail) = if self.names_member {
                ("#/member_id", "names a member who is not in the project")
            } else {
                ("#/project_id", "names a project that the member is not in")
            };
            errors.push(FieldError::pointer(pointer, "not_in_project", detail));
        }
        let has_strayed = |task: &TaskTerms| task.project != self.ground.project;
        if self.task.as_ref().is_some_and(has_strayed) {
            let detail = "names a task of another project";
            errors.push(FieldError::pointer("#/task_id", "not_in_project", detail));
        }
        errors
    }
}

/// The rows that a body names.
#[derive(Debug, Default)]
struct Named {
    project: Option<ProjectId>,
    member: Option<MemberId>,
    task: Option<TaskId>,
}

impl Named {
    fn of(input: &TimeEntryInput) -> Self {
        let value = |patch: &Patch<TaskId>| patch.clone().into_option();
        Self {
            project: input.project.clone().into_option(),
            member: input.member.clone().into_option(),
            task: value(&input.task),
        }
    }

    /// Refuses what is not there, or not within the caller's reach: both alike.
    async fn check(
        &self,
        conn: &mut Conn,
        organization: OrganizationId,
        reach: Reach,
    ) -> Result<(), Error> {
        if self.project.is_none() && self.member.is_none() && self.task.is_none() {
            return Ok(());
        }
        let seen = sql::see(
            conn,
            organization,
            reach,
            self.project,
            self.member,
            self.task,
        )
        .await?;
        let unseen = [
            ("project_id", self.project.is_some() && !seen.project),
            ("member_id", self.member.is_some() && !seen.member),
            ("task_id", self.task.is_some() && !seen.task),
        ];
        match unseen.into_iter().find(|(_, is_unseen)| *is_unseen) {
            Some((field, _)) => Err(missing(field).into()),
            None => Ok(()),
        }
    }
}
