//! The access table's grammar and the one pure function that decides a call.
//!
//! The rows stand beside the routes (`routes/`), which are the router's and the OpenAPI
//! document's rows as well; `tests/contract/access.tsv` is the reviewed oracle they are held to.
//! Which *rows of data* a grant covers is the resource's question (a row outside the grant is a
//! 404 there); whether the call may be made at all is answered here, before the body is looked at.

use crate::{Plan, Role, Scope};

/// How much of the organization a role reaches through a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Grant {
    /// Every row of the organization.
    All,
    /// Rows of the projects the member was added to.
    Projects,
    /// Rows that belong to the member, in projects the member was added to.
    Own,
    /// Tasks assigned to the member; only `status` may change.
    Assigned,
    /// The member itself.
    OneSelf,
    /// Nothing: 403 `role_forbidden`.
    Deny,
}

impl Grant {
    /// The word in `access.tsv`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Projects => "projects",
            Self::Own => "own",
            Self::Assigned => "assigned",
            Self::OneSelf => "self",
            Self::Deny => "deny",
        }
    }
}

/// One row of the access table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access {
    /// Grant of an owner.
    pub owner: Grant,
    /// Grant of an admin.
    pub admin: Grant,
    /// Grant of a manager.
    pub manager: Grant,
    /// Grant of a member.
    pub member: Grant,
    /// The scope a token needs.
    pub scope: Scope,
    /// The lowest plan that includes the route.
    pub min_plan: Plan,
}

/// Why a call may not be made, in the order in which the reasons are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// 402: the organization's plan does not include the route.
    Plan {
        /// The lowest plan that does.
        required: Plan,
    },
    /// 403: a read token on a write.
    Scope,
    /// 403: the role may never do this.
    Role,
}

impl Access {
    /// The grant of one role.
    pub fn grant(&self, role: Role) -> Grant {
        match role {
            Role::Owner => self.owner,
            Role::Admin => self.admin,
            Role::Manager => self.manager,
            Role::Member => self.member,
        }
    }

    /// Decides a call: the grant that the resource must apply, or the first reason against it. For
    /// [`Caller::decide`](crate::Caller::decide), which knows which way the caller came in.
    ///
    /// The plan comes first, since it is the organization's question and an upgrade may answer the
    /// others as well; then what the token was given, then what the member is.
    pub(crate) fn decide(&self, role: Role, plan: Plan, scope: Scope) -> Result<Grant, Refusal> {
        if plan < self.min_plan {
            return Err(Refusal::Plan {
                required: self.min_plan,
            });
        }
        if scope < self.scope {
            return Err(Refusal::Scope);
        }
        match self.grant(role) {
            Grant::Deny => Err(Refusal::Role),
            grant => Ok(grant),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WRITE: Access = Access {
        owner: Grant::All,
        admin: Grant::All,
        manager: Grant::Projects,
        member: Grant::Deny,
        scope: Scope::Write,
        min_plan: Plan::Studio,
    };

    #[test]
    fn reasons_are_looked_at_in_order() {
        let decide = |role, plan, scope| WRITE.decide(role, plan, scope);
        assert_eq!(
            decide(Role::Member, Plan::Free, Scope::Read),
            Err(Refusal::Plan {
                required: Plan::Studio
            })
        );
        assert_eq!(
            decide(Role::Member, Plan::Studio, Scope::Read),
            Err(Refusal::Scope)
        );
        assert_eq!(
            decide(Role::Member, Plan::Studio, Scope::Write),
            Err(Refusal::Role)
        );
        assert_eq!(
            decide(Role::Manager, Plan::Agency, Scope::Write),
            Ok(Grant::Projects)
        );
        assert_eq!(
            decide(Role::Owner, Plan::Studio, Scope::Write),
            Ok(Grant::All)
        );
    }
}
