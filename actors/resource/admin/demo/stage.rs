//! The demo's organization while its story is told: what was made, by the words of the cast, and how
//! each act is done. Everything is done by what the API's handlers and the operator's commands do it
//! by, in transactions of many acts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hoursmith_bus::Conditions;
use hoursmith_domain::{
    Amount, ClientId, Day, InvoiceId, MemberId, OrganizationId, ProjectId, TaskId, Timestamp, Zone,
};
use hoursmith_kit::{Clock, Failure, Random};
use hoursmith_store::Conn;
use serde_json::json;

use super::body::Body;
use super::cast::{CLIENTS, PEOPLE, PROJECTS, Project};
use super::plan::{Act, Deed};
use super::unknown;
use crate::client::{self, ClientInput};
use crate::error::Error;
use crate::expense::{self, ExpenseInput};
use crate::invoice::{self, Sending, Status};
use crate::project::{self, ProjectInput};
use crate::project_member;
use crate::sight::{Reach, Sight};
use crate::task::{self, TaskInput};
use crate::time_entry::{self, TimeEntryInput};
use crate::write::Stamp;

/// A clock that stands: each act has its own moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Still(pub(super) Timestamp);

impl Clock for Still {
    fn now(&self) -> Timestamp {
        self.0
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

/// What there is.
#[derive(Debug)]
pub(super) struct Stage {
    organization: OrganizationId,
    /// The organization's.
    home: Zone,
    random: Arc<dyn Random>,
    members: BTreeMap<&'static str, MemberId>,
    clients: BTreeMap<&'static str, ClientId>,
    projects: BTreeMap<&'static str, ProjectId>,
    tasks: BTreeMap<(&'static str, usize), TaskId>,
    /// Each client's last invoice.
    sent: BTreeMap<&'static str, InvoiceId>,
}

impl Stage {
    /// An organization with its people.
    pub(super) fn new(
        organization: OrganizationId,
        home: Zone,
        random: Arc<dyn Random>,
        members: BTreeMap<&'static str, MemberId>,
    ) -> Self {
        Self {
            organization,
            home,
            random,
            members,
            clients: BTreeMap::new(),
            projects: BTreeMap::new(),
            tasks: BTreeMap::new(),
            sent: BTreeMap::new(),
        }
    }

    /// Makes clients and projects, with who works on them and what is to be done, a minute apart.
    /// What is due is due some days from today.
    pub(super) async fn set(
        &mut self,
        conn: &mut Conn,
        from: Timestamp,
        today: Day,
    ) -> Result<(), Error> {
        let mut at = from;
        for (number, body) in CLIENTS {
            let input = Body::parse(body)?.read(ClientInput::read_new)?;
            let made = client::make(conn, &self.stamp(at), self.organization, input).await?;
            self.clients.insert(number, made.id);
            at = at.plus(MINUTE);
        }
        for project in PROJECTS {
            at = self.set_project(conn, (at, today), project).await?;
        }
        Ok(())
    }

    async fn set_project(
        &mut self,
        conn: &mut Conn,
        (mut at, today): (Timestamp, Day),
        project: &'static Project,
    ) -> Result<Timestamp, Error> {
        let mut body = Body::parse(project.body)?;
        body.set("code", json!(project.code));
        if let Some(client) = project.client {
            body.set("client_id", json!(known(&self.clients, &client)?.0));
        }
        let input = body.read(ProjectInput::read_new)?;
        let (organization, any) = (self.organization, Conditions::default());
        let made = project::make(conn, &self.stamp(at), organization, Reach::ALL, input).await?;
        self.projects.insert(project.code, made.id);
        for person in PEOPLE {
            if !person
                .works_on
                .iter()
                .any(|(code, _)| *code == project.code)
            {
                continue;
            }
            let rate = project.rates.iter().find(|(key, _)| *key == person.key);
            let rate = rate.map(|(_, rate)| amount(rate)).transpose()?;
            let to = (made.id, known(&self.members, &person.key)?, &any);
            let mut stamp = self.stamp(at);
            project_member::join(conn, &mut stamp, organization, Reach::ALL, to, rate).await?;
        }
        for (place, task) in project.tasks.iter().enumerate() {
            at = at.plus(MINUTE);
            let mut body = Body::parse(task.body)?;
            body.set("project_id", json!(made.id.0));
            let assigned = task.assigned.iter().map(|key| known(&self.members, key));
            let assigned = assigned.map(|id| id.map(|id| id.0));
            body.set(
                "assignee_ids",
                json!(assigned.collect::<Result<Vec<_>, _>>()?),
            );
            if let Some(days) = task.due {
                body.set("due_on", json!(today.plus(days)));
            }
            let input = body.read(TaskInput::read_new)?;
            let task = task::make(conn, &self.stamp(at), organization, Reach::ALL, input).await?;
            self.tasks.insert((project.code, place), task.id);
        }
        Ok(at.plus(MINUTE))
    }

    /// Does what is done at its moment.
    pub(super) async fn play(&mut self, conn: &mut Conn, act: Act) -> Result<(), Error> {
        let (organization, any) = (self.organization, Conditions::default());
        let mut stamp = self.stamp(act.at);
        match act.deed {
            Deed::Track {
                person,
                project,
                task,
                mut body,
            } => {
                if let Some(place) = task {
                    body.set("task_id", json!(known(&self.tasks, &(project, place))?.0));
                }
                let body = self.of(person, project, body)?;
                let input = body.read(TimeEntryInput::read_new)?;
                let who = (Reach::ALL, Sight::OWNER);
                time_entry::make(conn, &mut stamp, organization, who, false, input).await?;
            }
            Deed::Spend {
                person,
                project,
                body,
            } => {
                let body = self.of(person, project, body)?;
                let input = body.read(ExpenseInput::read_new)?;
                expense::make(conn, &stamp, organization, Reach::ALL, input).await?;
            }
            Deed::Complete { project, task } => {
                let input = Body::of("status", "completed").read(TaskInput::read_patch)?;
                let named = (known(&self.tasks, &(project, task))?, &any);
                let who = (Reach::ALL, false);
                task::amend(conn, &mut stamp, organization, who, named, input).await?;
            }
            Deed::Archive { project } => {
                let input = Body::of("archived", true).read(ProjectInput::read_patch)?;
                let named = (known(&self.projects, &project)?, &any);
                project::amend(conn, &mut stamp, organization, Reach::ALL, named, input).await?;
            }
            Deed::Send {
                client,
                tax_rate,
                due_after,
                notes,
            } => {
                let draft = self.draft(conn, client).await?;
                let sending = Sending {
                    due_on: due_after.map(|days| self.home.day_of(act.at).plus(days)),
                    tax_rate: tax_rate.map(amount).transpose()?,
                    notes: notes.map(str::to_owned),
                    ..Sending::default()
                };
                invoice::send_draft(conn, stamp, organization, draft, sending, &any).await?;
                self.sent.insert(client, draft);
            }
            Deed::Pay { client, amount: of } => {
                let of = of.map(amount).transpose()?;
                let id = known(&self.sent, &client)?;
                invoice::pay_invoice(conn, stamp, organization, id, of, &any).await?;
            }
            Deed::Void { client } => {
                let id = known(&self.sent, &client)?;
                invoice::void_invoice(conn, stamp, organization, id, &any).await?;
            }
        }
        Ok(())
    }

    /// A body with whose it is and where it belongs.
    fn of(
        &self,
        person: &'static str,
        project: &'static str,
        mut body: Body,
    ) -> Result<Body, Error> {
        body.set("member_id", json!(known(&self.members, &person)?.0));
        body.set("project_id", json!(known(&self.projects, &project)?.0));
        Ok(body)
    }

    /// A client's open draft.
    async fn draft(&self, conn: &mut Conn, client: &'static str) -> Result<InvoiceId, Error> {
        let id = known(&self.clients, &client)?;
        let drafts = invoice::newest(conn, self.organization, Some(Status::Draft)).await?;
        let draft = drafts.into_iter().find(|draft| draft.client == id);
        Ok(draft.ok_or_else(|| unknown(&client))?.id)
    }

    fn stamp(&self, at: Timestamp) -> Stamp {
        let clock: Arc<dyn Clock> = Arc::new(Still(at));
        Stamp::new(&clock, &self.random, self.organization)
    }
}

const MINUTE: Duration = Duration::from_secs(60);

fn amount(text: &str) -> Result<Amount, Failure> {
    text.parse().map_err(unreadable)
}

fn known<K: Ord + std::fmt::Debug, V: Copy>(all: &BTreeMap<K, V>, key: &K) -> Result<V, Failure> {
    all.get(key).copied().ok_or_else(|| unknown(key))
}

fn unreadable(source: impl std::error::Error + Send + Sync + 'static) -> Failure {
    Failure::internal("read the demo's script", source)
}
