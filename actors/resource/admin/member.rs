//! Members, as an operator adds, changes and removes them.

use hoursmith_domain::{MemberId, OrganizationId, Patch, Role};
use hoursmith_routes::member::Member;
use hoursmith_store::Conn;

use super::{Admin, AdminError, MemberChange, NewMember, check};
use crate::error::Error;
use crate::member::{
    ChangeError, Hand, MemberState, Status, change, find_by_email, list_all, put_in,
};
use crate::sight::Sight;
use crate::write::Stamp;

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
        self.change_member(slug, email, move |member| member.role = role)
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
        self.change_member(slug, email, move |member| change.apply(member))
            .await
    }

    /// Removes a member, or one who was only invited; its tokens stop working on the next request,
    /// and it leaves its projects and tasks.
    pub async fn remove_member(&self, slug: &str, email: &str) -> Result<(), AdminError> {
        let remove = |member: &mut MemberState| member.status = Status::Removed;
        self.change_member(slug, email, remove).await
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

    /// The member with an e-mail address, who may be invited and nothing more.
    pub(super) async fn member_to_be(
        &self,
        slug: &str,
        email: &str,
    ) -> Result<(OrganizationId, MemberState), AdminError> {
        let id = self.organization(slug).await?;
        let found = find_by_email(&mut *self.db.read().await?, id, email).await?;
        match found {
            Some(member) if member.status != Status::Removed => Ok((id, member)),
            _ => Err(no_member(slug, email)),
        }
    }

    async fn change_member(
        &self,
        slug: &str,
        email: &str,
        apply: impl FnOnce(&mut MemberState) + Clone + Send + 'static,
    ) -> Result<(), AdminError> {
        let (id, MemberState { id: member, .. }) = self.member_to_be(slug, email).await?;
        let (admin, slug, email) = (self.clone(), slug.to_owned(), email.to_owned());
        self.write(move |conn| {
            Box::pin(async move {
                let mut stamp = admin.stamp(id);
                match change(conn, &mut stamp, id, member, Hand::Operator, apply).await {
                    Ok(_) => Ok(()),
                    Err(ChangeError::LastOwner) => Err(AdminError::LastOwner),
                    Err(ChangeError::Missing) => Err(no_member(&slug, &email)),
                    Err(error) => Err(Error::from(error).into()),
                }
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
}

/// Adds a member who can act at once.
async fn add(
    conn: &mut Conn,
    stamp: &Stamp,
    organization: OrganizationId,
    new: &NewMember,
) -> Result<MemberId, AdminError> {
    let added = put_in(conn, stamp, organization, new, Status::Active).await?;
    is_in(added, new)
}

/// The member, unless it was one before.
pub(super) fn is_in(added: Option<MemberState>, new: &NewMember) -> Result<MemberId, AdminError> {
    added
        .map(|member| member.id)
        .ok_or_else(|| AdminError::Exists(format!("the member `{}`", new.email)))
}

fn no_member(slug: &str, email: &str) -> AdminError {
    AdminError::NoMember {
        slug: slug.to_owned(),
        email: email.to_owned(),
    }
}
