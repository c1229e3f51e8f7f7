//! Who calls, and the proof of it.
//!
//! A forged caller would be the worst hole of the product, so a [`Caller`] cannot be written down:
//! it is made by [`CallerAuthority::vouch`] (token-auth and accounts alone hold an authority) or by opening a
//! [`SealedCaller`] whose seal is right. The sealed form is bound to one request and its deadline,
//! so it is of no use in another; the envelope's own seal (`bus::Seal`) binds it to the subject
//! and the body as well.

use std::fmt;

use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

use crate::{
    Access, Grant, Keys, MemberId, OrganizationId, Plan, Refusal, RequestId, Role, Scope,
    Timestamp, TokenId, UserId,
};

/// The authenticated principal of a request: a member of an organization, cut by a token's scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    facts: Facts,
}

/// The right to vouch for a caller. Made once, by the process that runs token-auth.
pub struct CallerAuthority {
    keys: Keys,
}

/// A caller on its way over the bus: its facts and a seal over them, the request and the deadline.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedCaller {
    facts: Facts,
    #[serde(with = "crate::bytes32")]
    seal: [u8; 32],
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Facts {
    organization: OrganizationId,
    user: UserId,
    member: MemberId,
    token: TokenId,
    role: Role,
    plan: Plan,
    scope: Scope,
    door: Door,
}

/// Which way a caller came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Door {
    /// Over the API, with a token.
    Api,
    /// Through the app, with a session.
    App,
}

impl Door {
    /// The word that is sealed.
    fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::App => "app",
        }
    }
}

impl Caller {
    /// Decides a call by its row. The lowest plan that has API tokens is what routes ask of the
    /// API's callers; a person in the app needs no token, so that every plan may. What only the
    /// highest plan has it alone has in the app as well.
    pub fn decide(&self, access: &Access) -> Result<Grant, Refusal> {
        let min_plan = match (self.facts.door, access.min_plan) {
            (Door::App, Plan::Studio) => Plan::Free,
            (_, min_plan) => min_plan,
        };
        let access = Access {
            min_plan,
            ..*access
        };
        access.decide(self.role(), self.plan(), self.scope())
    }

    /// Which way the caller came in.
    pub fn door(&self) -> Door {
        self.facts.door
    }

    /// The tenant; every query is made for this one.
    pub fn organization(&self) -> OrganizationId {
        self.facts.organization
    }

    /// The person behind the member.
    pub fn user(&self) -> UserId {
        self.facts.user
    }

    /// The member the token acts as.
    pub fn member(&self) -> MemberId {
        self.facts.member
    }

    /// The token's row; in the app, the session's.
    pub fn token(&self) -> TokenId {
        self.facts.token
    }

    /// The member's role at this request.
    pub fn role(&self) -> Role {
        self.facts.role
    }

    /// The organization's plan at this request.
    pub fn plan(&self) -> Plan {
        self.facts.plan
    }

    /// What the token was given.
    pub fn scope(&self) -> Scope {
        self.facts.scope
    }
}

impl CallerAuthority {
    /// An authority under the deployment's keys.
    pub fn new(keys: Keys) -> Self {
        Self { keys }
    }

    /// Vouches for a caller whose token or session was just read from the database.
    #[expect(
        clippy::too_many_arguments,
        reason = "the facts of a caller, each once; a struct of them could be built by anyone"
    )]
    pub fn vouch(
        &self,
        request: RequestId,
        deadline: Timestamp,
        organization: OrganizationId,
        user: UserId,
        member: MemberId,
        token: TokenId,
        role: Role,
        plan: Plan,
        scope: Scope,
        door: Door,
    ) -> SealedCaller {
        let facts = Facts {
            organization,
            user,
            member,
            token,
            role,
            plan,
            scope,
            door,
        };
        let seal = seal(&self.keys, &facts, request, deadline);
        SealedCaller { facts, seal }
    }
}

impl fmt::Debug for CallerAuthority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CallerAuthority([redacted])")
    }
}

impl SealedCaller {
    /// The caller, if the seal was made by an authority of this deployment for this very request.
    pub fn open(&self, keys: &Keys, request: RequestId, deadline: Timestamp) -> Option<Caller> {
        let expected = seal(keys, &self.facts, request, deadline);
        if bool::from(expected.ct_eq(&self.seal)) {
            Some(Caller {
                facts: self.facts.clone(),
            })
        } else {
            None
        }
    }

    /// The seal, for the envelope's seal to cover.
    pub fn seal(&self) -> &[u8; 32] {
        &self.seal
    }
}

impl fmt::Debug for SealedCaller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedCaller")
            .field("facts", &self.facts)
            .finish_non_exhaustive()
    }
}

fn seal(keys: &Keys, facts: &Facts, request: RequestId, deadline: Timestamp) -> [u8; 32] {
    keys.caller_seal(&[
        facts.organization.0.as_bytes(),
        facts.user.0.as_bytes(),
        facts.member.0.as_bytes(),
        facts.token.0.as_bytes(),
        facts.role.as_str().as_bytes(),
        facts.plan.as_str().as_bytes(),
        facts.scope.as_str().as_bytes(),
        facts.door.as_str().as_bytes(),
        request.0.as_bytes(),
        &deadline.as_micros().to_le_bytes(),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SecretKey;
    use uuid::Uuid;

    fn id(n: u128) -> Uuid {
        Uuid::from_u128(n)
    }

    #[test]
    fn opens_for_its_own_request_alone_and_unaltered_alone() {
        let keys = Keys::derive(&SecretKey::from_bytes([1; 32]));
        let (request, deadline) = (RequestId(id(9)), Timestamp::from_micros(5));
        let sealed = CallerAuthority::new(keys.clone()).vouch(
            request,
            deadline,
            OrganizationId(id(1)),
            UserId(id(2)),
            MemberId(id(3)),
            TokenId(id(4)),
            Role::Member,
            Plan::Studio,
            Scope::Read,
            Door::Api,
        );
        assert_eq!(
            sealed.open(&keys, request, deadline).unwrap().role(),
            Role::Member
        );
        assert!(sealed.open(&keys, RequestId(id(8)), deadline).is_none());
        assert!(
            sealed
                .open(&keys, request, Timestamp::from_micros(6))
                .is_none()
        );
        let other = Keys::derive(&SecretKey::from_bytes([2; 32]));
        assert!(sealed.open(&other, request, deadline).is_none());

        let mut json = serde_json::to_value(&sealed).unwrap();
        for (field, value) in [
            ("role", "owner"),
            ("plan", "agency"),
            ("scope", "write"),
            ("door", "app"),
        ] {
            let mut altered = json.clone();
            altered["facts"][field] = value.into();
            let altered: SealedCaller = serde_json::from_value(altered).unwrap();
            assert!(altered.open(&keys, request, deadline).is_none(), "{field}");
        }
        json["facts"]["organization"] = id(7).to_string().into();
        let altered: SealedCaller = serde_json::from_value(json).unwrap();
        assert!(altered.open(&keys, request, deadline).is_none());
    }
}
