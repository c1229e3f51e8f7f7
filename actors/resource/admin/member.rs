//! Members, as an operator adds, changes and removes them.

use hoursmith_domain::{Amount, EventType, MemberId, OrganizationId, Patch, Role, UserId, Zone};
use hoursmith_routes::member::Member;
use hoursmith_store::Conn;

use super::{Admin, AdminError, NewMember, check, sql};
use crate::base::{Stored as _, settle};
use crate::member::{MemberState, find, find_by_email, list_all, update};
use crate::organization;
use crate::project_member;
use crate::sight::{Reach, Sight};
use crate::write::Stamp;

/// What changes in a member; what is absent stays, what is cleared is the organization's again.
#[derive(Debug, Clone, Default)]
pub struct MemberChange {
    /// Zone.
    pub timezone: Patch<Zone>,
    /// Rate per hour, at least 0.
    pub billable_rate: Patch<Amount>,
    /// What an hour costs, at least 0.
    pub cost_rate: Patch<Amount>,
    /// Working time of a week, 0..=604,800 seconds.
    pub weekly_capacity_seconds: Patch<i64>,
}

impl Admin {
    /// Adds a member, active at once; one who was removed comes back, without what it had: no
    /// tokens, no projects, no rates.
    pub async fn add_member(&self, slug: &str, member: NewMember) -> Result<MemberId, AdminError> {
        check::member(&member)?;
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
            member.role = role;
        })
        .await
    }

    /// Changes zone, rates and capacity. A new rate holds for time that is written from then on.
    pub async fn set_member(
        &self,
        slug: &str,
        email: &str,
        change: MemberChange,
    ) -> Result<(), AdminError> {
        change.check()?;
        self.change_member(slug, email, EventType::MemberUpdated, move |member| {
            change.apply(member);
        })
        .await
    }

    /// Removes a member; its tokens stop working on the next request, and it leaves its projects
    /// and tasks.
    pub async fn remove_member(&self, slug: &str, email: &str) -> Result<(), AdminError> {
        let kind = EventType::MemberRemoved;
        self.change_member(slug, email, kind, MemberState::set_removed)
            .await
    }

    /// Every member of an organization, the first added first.
    pub async fn members(&self, slug: &str) -> Result<Vec<Member>, AdminError> {
        let id = self.organization(slug).await?;
        let members = list_all(&mut *self.db.read().await?, id).await?;
        Ok(members
            .iter()
            .map(|member| member.to_wire(Sight::OWNER))
            .collect())
    }

    /// The active member with an e-mail address.
    pub async fn member(
        &self,
        slug: &str,
        email: &str,
    ) -> Result<(OrganizationId, MemberId), AdminError> {
        let id = self.organization(slug).await?;
        let found = find_by_email(&mut *self.db.read().await?, id, email).await?;
        match found {
            Some(member) if member.is_active() => Ok((id, member.id)),
            _ => Err(no_member(slug, email)),
        }
    }

    async fn change_member(
        &self,
        slug: &str,
        email: &str,
        kind: EventType,
        change: impl FnOnce(&mut MemberState) + Send + 'static,
    ) -> Result<(), AdminError> {
        let (id, member) = self.member(slug, email).await?;
        let missing = no_member(slug, email);
        let admin = self.clone();
        self.write(move |conn| {
            Box::pin(async move {
                // The organization's row is held, so that two owners cannot leave each other at once.
                organization::hold(conn, id).await?;
                let found = find(conn, id, member, Reach::ALL).await?;
                let before = found.filter(MemberState::is_active).ok_or(missing)?;
                let mut after = before.clone();
                change(&mut after);
                let mut stamp = admin.stamp(id);
                stamp.renew(before.base.updated_at);
                let Some(previous) = settle(&before, &mut after, stamp.now) else {
                    return Ok(());
                };
                update(conn, id, &after).await?;
                if sql::count_owners(conn, id).await? == 0 {
                    return Err(AdminError::LastOwner);
                }
                if !after.is_active() {
                    sql::revoke_tokens(conn, id, member, stamp.now).await?;
                    project_member::leave_all(conn, &mut stamp, id, member).await?;
                }
                let object = after.to_event();
                Ok(stamp
                    .event(conn, kind, member.0, object, Some(previous))
                    .await?)
            })
        })
        .await
    }
}

impl MemberChange {
    fn check(&self) -> Result<(), AdminError> {
        check::rate("billable rate", &self.billable_rate)?;
        check::rate("cost rate", &self.cost_rate)?;
        match self.weekly_capacity_seconds {
            Patch::Value(seconds) => check::capacity(seconds),
            Patch::Absent | Patch::Null => Ok(()),
        }
    }

    fn apply(self, member: &mut MemberState) {
        self.timezone.apply(&mut member.timezone);
        self.billable_rate.apply(&mut member.billable_rate);
        self.cost_rate.apply(&mut member.cost_rate);
        self.weekly_capacity_seconds
            .apply(&mut member.weekly_capacity_seconds);
    }
}

/// Makes a member, and the user behind it if there is none with the address.
async fn add(
    conn: &mut Conn,
    stamp: &Stamp,
    organization: OrganizationId,
    new: &NewMember,
) -> Result<MemberId, AdminError> {
    let user = sql::find_or_insert_user(conn, UserId(stamp.new_id()), new, stamp.now).await?;
    join(conn, stamp, organization, user, new).await
}

/// Makes a user that is there a member.
pub(super) async fn join(
    conn: &mut Conn,
    stamp: &Stamp,
    organization: OrganizationId,
    user: UserId,
    new: &NewMember,
) -> Result<MemberId, AdminError> {
    let id = MemberId(stamp.new_id());
    let exists = || AdminError::Exists(format!("the member `{}`", new.email));
    let id = sql::insert_or_return_member(conn, organization, id, user, new.role, stamp.now)
        .await?
        .ok_or_else(exists)?;
    let member = find(conn, organization, id, Reach::ALL)
        .await?
        .ok_or_else(exists)?;
    stamp
        .event(conn, EventType::MemberAdded, id.0, member.to_event(), None)
        .await?;
    Ok(id)
}

fn no_member(slug: &str, email: &str) -> AdminError {
    AdminError::NoMember {
        slug: slug.to_owned(),
        email: email.to_owned(),
    }
}
