//! What an operator does to organizations and members, from the command line.
//!
//! Not reachable over HTTP or the bus: whoever may run these may open the database as well. They
//! write the same events as the API would.

mod demo;
mod invoice;
mod sql;

use std::sync::Arc;

use futures::future::BoxFuture;
use hoursmith_domain::{
    Currency, EventType, MemberId, OrganizationId, Plan, Problem, Role, UserId, check_text,
};
use hoursmith_kit::{Clock, Failure, Random};
use hoursmith_store::{Conn, Db, ErrorKind, Statement};
use serde_json::Value;

use crate::error;
use crate::organization;
use crate::sight::Sight;
use crate::write::{Stamp, changed_fields};

pub use crate::invoice::Sending;
pub use demo::seed as seed_demo;
pub use invoice::InvoiceRow;
pub use sql::{MemberRow, OrganizationRow};

pub(crate) fn statements() -> &'static [Statement] {
    sql::statements()
}

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

/// A person to add.
#[derive(Debug, Clone)]
pub struct NewMember {
    /// Name, 1..=255 characters.
    pub name: String,
    /// E-mail address; a user who has it already becomes a member under the name it has.
    pub email: String,
    /// Role.
    pub role: Role,
}

impl Admin {
    /// Makes an organization with its first owner.
    pub async fn create_organization(
        &self,
        new: NewOrganization,
        owner: NewMember,
    ) -> Result<(OrganizationId, MemberId), AdminError> {
        check_name("name", &new.name)?;
        check_slug(&new.slug)?;
        check_timezone(&new.timezone)?;
        check_member(&owner)?;
        let id = OrganizationId(self.random.uuid_v7(self.clock.now()));
        let admin = self.clone();
        let owner = NewMember {
            role: Role::Owner,
            ..owner
        };
        let member = self
            .write(move |conn| {
                Box::pin(async move {
                    let stamp = admin.stamp(id);
                    sql::insert_organization(conn, id, &new, stamp.now)
                        .await
                        .map_err(|error| exists(error, &new.slug))?;
                    add(conn, &stamp, id, &owner).await
                })
            })
            .await?;
        Ok((id, member))
    }

    /// Changes the plan; takes effect on the next request.
    pub async fn set_plan(&self, slug: &str, plan: Plan) -> Result<(), AdminError> {
        let id = self.organization(slug).await?;
        let admin = self.clone();
        self.write(move |conn| {
            Box::pin(async move {
                sql::hold_organization(conn, id).await?;
                let before = organization_event(conn, id).await?;
                if before.get("plan").and_then(Value::as_str) == Some(plan.as_str()) {
                    return Ok(());
                }
                let stamp = admin.stamp(id);
                sql::set_plan(conn, id, plan, stamp.now).await?;
                let after = organization_event(conn, id).await?;
                let previous = changed_fields(&before, &after);
                let kind = EventType::OrganizationUpdated;
                Ok(stamp.event(conn, kind, id.0, after, Some(previous)).await?)
            })
        })
        .await
    }

    /// Adds a member, active at once; one who was removed comes back, without what it had: no
    /// tokens, no projects, no rates.
    pub async fn add_member(&self, slug: &str, member: NewMember) -> Result<MemberId, AdminError> {
        check_member(&member)?;
        let id = self.organization(slug).await?;
        let admin = self.clone();
        self.write(move |conn| {
            Box::pin(async move { add(conn, &admin.stamp(id), id, &member).await })
        })
        .await
    }

    /// Changes a role; takes effect on the next request.
    pub async fn set_role(&self, slug: &str, email: &str, role: Role) -> Result<(), AdminError> {
        self.change_member(slug, email, EventType::MemberUpdated, move |member| {
            member.set_role(role)
        })
        .await
    }

    /// Removes a member; its tokens stop working on the next request.
    pub async fn remove_member(&self, slug: &str, email: &str) -> Result<(), AdminError> {
        let remove = |member: &mut MemberRow| member.status = "removed".to_owned();
        self.change_member(slug, email, EventType::MemberRemoved, remove)
            .await
    }

    /// Every organization, by name.
    pub async fn organizations(&self) -> Result<Vec<OrganizationRow>, AdminError> {
        Ok(sql::organizations(&mut *self.db.read().await?).await?)
    }

    /// Every member of an organization, by name.
    pub async fn members(&self, slug: &str) -> Result<Vec<MemberRow>, AdminError> {
        let id = self.organization(slug).await?;
        sql::members(&mut *self.db.read().await?, id).await
    }

    /// The organization of a slug.
    pub async fn organization(&self, slug: &str) -> Result<OrganizationId, AdminError> {
        let found = sql::find_organization(&mut *self.db.read().await?, slug).await?;
        found.ok_or_else(|| AdminError::NoOrganization(slug.to_owned()))
    }

    /// The active member with an e-mail address.
    pub async fn member(
        &self,
        slug: &str,
        email: &str,
    ) -> Result<(OrganizationId, MemberId), AdminError> {
        let id = self.organization(slug).await?;
        let found = sql::find_member(&mut *self.db.read().await?, id, email).await?;
        match found {
            Some(member) if member.is_active() => Ok((id, MemberId(member.id))),
            _ => Err(AdminError::NoMember {
                slug: slug.to_owned(),
                email: email.to_owned(),
            }),
        }
    }

    async fn change_member(
        &self,
        slug: &str,
        email: &str,
        kind: EventType,
        change: impl FnOnce(&mut MemberRow) + Send + 'static,
    ) -> Result<(), AdminError> {
        let (id, member) = self.member(slug, email).await?;
        let missing = AdminError::NoMember {
            slug: slug.to_owned(),
            email: email.to_owned(),
        };
        let admin = self.clone();
        self.write(move |conn| {
            Box::pin(async move {
                // The organization's row is held, so that two owners cannot leave each other at once.
                sql::hold_organization(conn, id).await?;
                let before = sql::member(conn, id, member).await?;
                if !before.is_active() {
                    return Err(missing);
                }
                let mut after = before.clone();
                change(&mut after);
                let previous = changed_fields(&before.to_event()?, &after.to_event()?);
                if previous.is_empty() {
                    return Ok(());
                }
                let mut stamp = admin.stamp(id);
                stamp.renew(before.updated_at());
                after.touch(stamp.now);
                sql::update_member(conn, id, &after).await?;
                if sql::count_owners(conn, id).await? == 0 {
                    return Err(AdminError::LastOwner);
                }
                if !after.is_active() {
                    sql::revoke_tokens(conn, id, member, stamp.now).await?;
                    sql::leave_projects(conn, id, member).await?;
                }
                let object = after.to_event()?;
                Ok(stamp
                    .event(conn, kind, member.0, object, Some(previous))
                    .await?)
            })
        })
        .await
    }

    fn stamp(&self, organization: OrganizationId) -> Stamp {
        Stamp::new(&self.clock, &self.random, organization)
    }

    async fn write<T, F>(&self, job: F) -> Result<T, AdminError>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Conn) -> BoxFuture<'t, Result<T, AdminError>> + Send + 'static,
    {
        self.db.write(job).await
    }
}

async fn add(
    conn: &mut Conn,
    stamp: &Stamp,
    organization: OrganizationId,
    new: &NewMember,
) -> Result<MemberId, AdminError> {
    let user = sql::find_or_insert_user(conn, UserId(stamp.new_id()), new, stamp.now).await?;
    let id = MemberId(stamp.new_id());
    let id = sql::insert_or_return_member(conn, organization, id, user, new.role, stamp.now)
        .await?
        .ok_or_else(|| AdminError::Exists(format!("the member `{}`", new.email)))?;
    let member = sql::member(conn, organization, id).await?;
    stamp
        .event(conn, EventType::MemberAdded, id.0, member.to_event()?, None)
        .await?;
    Ok(id)
}

async fn organization_event(conn: &mut Conn, id: OrganizationId) -> Result<Value, AdminError> {
    let row = organization::find(conn, id)
        .await?
        .ok_or_else(|| AdminError::NoOrganization(id.to_string()))?;
    // A wire type of strings and numbers, whose serialization cannot fail.
    Ok(serde_json::to_value(row.into_wire(Sight::OWNER)?).unwrap_or_default())
}

fn exists(error: hoursmith_store::Error, slug: &str) -> AdminError {
    if error.kind() == ErrorKind::UniqueViolation {
        AdminError::Exists(format!("the organization `{slug}`"))
    } else {
        error.into()
    }
}

fn check_name(field: &'static str, text: &str) -> Result<(), AdminError> {
    check_text(text, 1, 255, false).map_err(|error| AdminError::Invalid {
        field,
        reason: error.to_string(),
    })
}

fn check_member(member: &NewMember) -> Result<(), AdminError> {
    check_name("member name", &member.name)?;
    check_name("e-mail", &member.email)?;
    match member.email.split_once('@') {
        Some((user, host)) if !user.is_empty() && !host.is_empty() => Ok(()),
        _ => Err(AdminError::Invalid {
            field: "e-mail",
            reason: "must be an e-mail address".to_owned(),
        }),
    }
}

fn check_slug(slug: &str) -> Result<(), AdminError> {
    let valid = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if (1..=63).contains(&slug.len()) && slug.bytes().all(valid) {
        return Ok(());
    }
    let reason = "must be 1 to 63 lower-case letters, digits and hyphens".to_owned();
    Err(AdminError::Invalid {
        field: "slug",
        reason,
    })
}

fn check_timezone(name: &str) -> Result<(), AdminError> {
    name.parse::<chrono_tz::Tz>()
        .map(|_| ())
        .map_err(|_| AdminError::Invalid {
            field: "timezone",
            reason: "must be an IANA time zone, such as Europe/Berlin".to_owned(),
        })
}
