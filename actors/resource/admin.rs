//! What an operator does to organizations and members, from the command line.
//!
//! [`Admin`] is not reachable over HTTP or the bus: whoever may run its commands may open the database
//! as well. They write the same events as the API would. Founding is shared: who signs up in the app
//! founds an organization by the same statements (`found.rs`).

mod check;
mod demo;
mod invitation;
mod invoice;
mod member;
mod organization;
mod sql;

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use hoursmith_domain::{Currency, MemberId, OrganizationId, Plan, Problem, Role, UserId};
use hoursmith_kit::{Clock, Failure, Random};
use hoursmith_store::{Conn, Db, ErrorKind, Statement};

use crate::error;
use crate::member::{Status, find_or_insert_user, join};
use crate::write::Stamp;

pub use crate::invoice::Sending;
pub use crate::member::{MemberChange, NewMember};
pub use crate::organization::OrganizationChange;
pub use demo::{Demo, fill as fill_demo, seed as seed_demo};
pub use invitation::NewLink;
pub use invoice::InvoiceRow;
pub use sql::OrganizationRow;

pub(crate) fn statements() -> Vec<Statement> {
    [sql::statements(), demo::statements()].concat()
}

/// How long a command is tried again for that others hold what it needs. Each try waits a second or two
/// for a lock.
const PATIENCE: Duration = Duration::from_secs(15);

/// Why an operator's command was refused.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// There is no such organization.
    #[error("there is no organization `{0}`; `org list` shows those there are")]
    NoOrganization(String),
    /// There is no such member.
    #[error("`{email}` is no active member of `{slug}`; `member list` shows those there are")]
    NoMember {
        /// The organization.
        slug: String,
        /// The address that was given.
        email: String,
    },
    /// There is no such invoice.
    #[error("`{slug}` has no invoice `{invoice}`; `invoice list` shows those there are")]
    NoInvoice {
        /// The organization.
        slug: String,
        /// The number or id that was given.
        invoice: String,
    },
    /// The state of things is against it.
    #[error("{0}")]
    Refused(String),
    /// The slug or the membership exists.
    #[error("{0} exists already")]
    Exists(String),
    /// A value that the product cannot take.
    #[error("{field}: {reason}")]
    Invalid {
        /// Which one.
        field: &'static str,
        /// What it must be.
        reason: String,
    },
    /// The organization would be without an owner.
    #[error("the last owner cannot go: make someone else an owner first")]
    LastOwner,
    /// The organization's currency is in use.
    #[error(
        "the currency cannot change: a rate, a project without a client, time, an expense or an \
         invoice is in it"
    )]
    CurrencyUsed,
    /// The database.
    #[error("the database refused")]
    Store(#[source] hoursmith_store::Error),
    /// A stored value cannot be read.
    #[error("a stored value cannot be read")]
    Stored(#[source] Failure),
}

impl From<hoursmith_store::Error> for AdminError {
    fn from(source: hoursmith_store::Error) -> Self {
        Self::Store(source)
    }
}

impl From<Failure> for AdminError {
    fn from(source: Failure) -> Self {
        Self::Stored(source)
    }
}

impl From<error::Error> for AdminError {
    fn from(error: error::Error) -> Self {
        match error {
            error::Error::Failure(failure) => Self::Stored(failure),
            error::Error::Contended(error) => error.into(),
            error::Error::Problem(Problem { detail, .. }) => Self::Invalid {
                field: "value",
                reason: detail,
            },
        }
    }
}

/// An operator at work on a database.
#[derive(Debug, Clone)]
pub struct Admin {
    /// The database.
    pub db: Db,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
}

/// A new organization and its first owner.
#[derive(Debug, Clone)]
pub struct NewOrganization {
    /// Name, 1..=255 characters.
    pub name: String,
    /// Short name: lower-case letters, digits and hyphens, 1..=63.
    pub slug: String,
    /// Plan.
    pub plan: Plan,
    /// Currency.
    pub currency: Currency,
    /// IANA time zone.
    pub timezone: String,
}

impl Admin {
    /// Makes an organization with its first owner.
    pub async fn create_organization(
        &self,
        new: NewOrganization,
        owner: NewMember,
    ) -> Result<(OrganizationId, MemberId), AdminError> {
        let owner = NewMember {
            role: Role::Owner,
            ..owner
        };
        check_founding(&new, &owner)?;
        let id = OrganizationId(self.random.uuid_v7(self.clock.now()));
        let admin = self.clone();
        let member = self
            .write(move |conn| {
                Box::pin(async move {
                    let stamp = admin.stamp(id);
                    let user = UserId(stamp.new_id());
                    let user = find_or_insert_user(conn, user, &owner, stamp.now).await?;
                    found(conn, &stamp, id, &new, user, &owner).await
                })
            })
            .await?;
        Ok((id, member))
    }

    /// The organizations, the oldest first, at most 1,000.
    pub async fn organizations(&self) -> Result<Vec<OrganizationRow>, AdminError> {
        Ok(sql::organizations(&mut *self.db.read().await?).await?)
    }

    /// The organization of a slug.
    pub async fn organization(&self, slug: &str) -> Result<OrganizationId, AdminError> {
        let found = sql::find_organization(&mut *self.db.read().await?, slug).await?;
        found.ok_or_else(|| AdminError::NoOrganization(slug.to_owned()))
    }

    fn stamp(&self, organization: OrganizationId) -> Stamp {
        Stamp::new(&self.clock, &self.random, organization)
    }

    /// Runs a job in a transaction, and again while others held what it needs: an operator's command has
    /// as long for that as a request has.
    async fn write<T, F>(&self, job: F) -> Result<T, AdminError>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Conn) -> BoxFuture<'t, Result<T, AdminError>>
            + Clone
            + Send
            + 'static,
    {
        let until = self.clock.now().plus(PATIENCE);
        loop {
            match self.db.write(job.clone()).await {
                Err(AdminError::Store(error))
                    if error.is_contended() && self.clock.now() < until => {}
                done => return done,
            }
        }
    }
}

/// What a new organization and its owner must be.
pub(crate) fn check_founding(new: &NewOrganization, owner: &NewMember) -> Result<(), AdminError> {
    check::name("name", &new.name)?;
    check::slug(&new.slug)?;
    check::timezone(&new.timezone)?;
    check::member(owner)
}

/// Makes an organization and its owner, of a user that is there.
pub(crate) async fn found(
    conn: &mut Conn,
    stamp: &Stamp,
    id: OrganizationId,
    new: &NewOrganization,
    user: UserId,
    owner: &NewMember,
) -> Result<MemberId, AdminError> {
    sql::insert_organization(conn, id, new, stamp.now)
        .await
        .map_err(|error| exists(error, &new.slug))?;
    let added = join(conn, stamp, id, user, owner, Status::Active).await?;
    member::is_in(added, owner)
}

fn exists(error: hoursmith_store::Error, slug: &str) -> AdminError {
    if error.kind() == ErrorKind::UniqueViolation {
        AdminError::Exists(format!("the organization `{slug}`"))
    } else {
        error.into()
    }
}
