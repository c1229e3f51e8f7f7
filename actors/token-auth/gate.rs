//! The gate: tells from a token's digest who calls.
//!
//! One query reads the token, its member and its organization at every request, so that revoking,
//! demoting, removing and a change of plan count from the next request on. A cache would save a
//! lookup by a unique key and buy with it a time in which a revoked token works.

use std::sync::Arc;

use hoursmith_bus::{Additions, Ask, Verdict};
use hoursmith_domain::{CallerAuthority, Code, Door, Problem};
use hoursmith_kit::{Clock, Failure, Worker};
use hoursmith_store::Db;

use crate::last_used::LastUsed;
use crate::sql::{self, FoundToken, Principal};

pub(crate) struct Gate {
    pub(crate) db: Db,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) authority: Arc<CallerAuthority>,
    pub(crate) last_used: LastUsed,
}

impl Worker for Gate {
    async fn handle(&mut self, ask: Ask) -> Result<Verdict, Failure> {
        let Some(digest) = &ask.head.token else {
            return Ok(refuse(Code::TokenMissing));
        };
        let found = sql::find(&mut *self.db.read().await?, digest).await?;
        let now = self.clock.now();
        let Some(token) = found.filter(|token: &FoundToken| token.is_live(now)) else {
            return Ok(refuse(Code::TokenInvalid));
        };
        let principal = Principal::try_from(token)
            .map_err(|source| Failure::internal("read a token", source))?;
        self.last_used.note(&principal, now);
        let caller = self.authority.vouch(
            ask.head.request_id,
            ask.deadline,
            principal.organization,
            principal.user,
            principal.member,
            principal.token,
            principal.role,
            principal.plan,
            principal.scope,
            Door::Api,
        );
        Ok(Verdict::Continue(Additions {
            caller: Some(caller),
            ..Additions::default()
        }))
    }
}

/// Unknown, revoked, expired or without its member: one answer, so that nobody learns from it which
/// tokens there are (RFC 6750, section 3.1). Bare: its words and its challenge are the gateway's,
/// which refuses malformed tokens in the same way.
pub(crate) fn refuse(code: Code) -> Verdict {
    Verdict::Refuse(Problem::new(code, "No such token is good."))
}
