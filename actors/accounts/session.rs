//! Sessions: whose a cookie's digest is, as of this very request, and their end.
//!
//! Whatever is asked about a person's sessions or organizations is decided by the digest of the
//! session that asks, never by what a form names.

mod organization;
mod own;
mod sql;

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use hoursmith_bus::{Additions, Ask, Response, Verdict};
use hoursmith_domain::{
    CallerAuthority, Code, Door, MemberId, OrganizationId, Problem, Scope, SessionDigest,
    Timestamp, TokenId, UnknownWord, UserId,
};
use hoursmith_kit::{Clock, Failure, Worker};
use hoursmith_store::{Db, Statement};
use serde::Deserialize;

use crate::invitation;
use crate::sql::{FoundSession, delete_session, find_session, touch_session};
pub(crate) use sql::{Renewal, delete_other_sessions, renew_session};

/// How long a session lives when it is used.
pub(crate) const LIFE: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// How long it lives when it is not.
pub(crate) const IDLE: Duration = Duration::from_secs(12 * 60 * 60);

/// How exactly its last use is known: a write for each page would buy nothing.
const SEEN_EVERY: Duration = Duration::from_secs(5 * 60);

pub(crate) fn statements() -> &'static [Statement] {
    sql::statements()
}

#[derive(Clone)]
pub(crate) struct Sessions {
    pub(crate) db: Db,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) authority: Arc<CallerAuthority>,
}

impl Worker for Sessions {
    async fn handle(&mut self, ask: Ask) -> Result<Verdict, Failure> {
        if ask.head.route == "session.invitation" {
            let mut conn = self.db.read().await?;
            return invitation::show(&mut conn, &ask, self.clock.now()).await;
        }
        let Some(digest) = digest_of(&ask) else {
            return Ok(over());
        };
        if ask.head.route == "session.end" {
            return self.end(digest).await;
        }
        let Some(session) = live(&self.db, digest, self.clock.now()).await? else {
            return Ok(over());
        };
        match ask.head.route.as_str() {
            "session.check" => self.check(&ask, &session).await,
            "session.list" => self.list(&session).await,
            "session.end_one" => self.end_one(&ask, &session).await,
            "session.end_others" => self.end_others(&session).await,
            "session.organizations" => self.organizations(&session).await,
            "session.switch" => self.switch(&ask, &session).await,
            other => Err(Failure::internal(
                "find what to do with a session",
                format!("no such action as {other}"),
            )),
        }
    }
}

impl Sessions {
    async fn check(&self, ask: &Ask, session: &FoundSession) -> Result<Verdict, Failure> {
        self.note(session, self.clock.now()).await?;
        let caller = self
            .vouch(ask, session)
            .map_err(|source| Failure::internal("read a session", source))?;
        Ok(Verdict::Continue(Additions {
            caller,
            ..Additions::default()
        }))
    }

    /// The member that the session acts as; `None` for one who is not in that organization any more.
    fn vouch(
        &self,
        ask: &Ask,
        session: &FoundSession,
    ) -> Result<Option<hoursmith_domain::SealedCaller>, UnknownWord> {
        let (Some(organization), Some(member), Some(role), Some(plan)) = (
            session.organization_id,
            session.member_id,
            &session.role,
            &session.plan,
        ) else {
            return Ok(None);
        };
        Ok(Some(self.authority.vouch(
            ask.head.request_id,
            ask.deadline,
            OrganizationId(organization),
            UserId(session.user_id),
            MemberId(member),
            TokenId(session.id),
            role.parse()?,
            plan.parse()?,
            Scope::Write,
            Door::App,
        )))
    }

    async fn note(&self, session: &FoundSession, now: Timestamp) -> Result<(), Failure> {
        if Timestamp::from_micros(session.seen_at).until(now) < SEEN_EVERY {
            return Ok(());
        }
        let id = session.id;
        let noted: Result<u64, hoursmith_store::Error> = self
            .db
            .write(move |conn| Box::pin(touch_session(conn, id, now)))
            .await;
        noted?;
        Ok(())
    }

    /// Ends it: its cookie is worth nothing from now on. One that is gone is no error.
    async fn end(&self, digest: SessionDigest) -> Result<Verdict, Failure> {
        let ended: Result<u64, hoursmith_store::Error> = self
            .db
            .write(move |conn| Box::pin(delete_session(conn, digest)))
            .await;
        ended?;
        Ok(Verdict::Respond(Response::empty(204)))
    }
}

impl FoundSession {
    pub(crate) fn is_live(&self, now: Timestamp) -> bool {
        let idle = Timestamp::from_micros(self.seen_at).until(now);
        now.as_micros() < self.expires_at && idle < IDLE
    }
}

/// The digest of the session that asks.
pub(crate) fn digest_of(ask: &Ask) -> Option<SessionDigest> {
    ask.head.visit.as_ref().and_then(|visit| visit.session)
}

/// The session of a digest, unless it is over.
pub(crate) async fn live(
    db: &Db,
    digest: SessionDigest,
    now: Timestamp,
) -> Result<Option<FoundSession>, Failure> {
    let found = find_session(&mut *db.read().await?, digest).await?;
    Ok(found.filter(|session| session.is_live(now)))
}

/// The id that a question names; `None` for what cannot be one.
fn named<T: FromStr>(ask: &Ask) -> Result<Option<T>, Failure> {
    #[derive(Deserialize)]
    struct Named {
        id: String,
    }
    let named: Named = serde_json::from_slice(&ask.body)
        .map_err(|source| Failure::internal("read what a person chose", source))?;
    Ok(named.id.parse().ok())
}

/// Unknown, ended and expired: one answer.
pub(crate) fn over() -> Verdict {
    Verdict::Refuse(Problem::new(Code::TokenInvalid, "No such session is good."))
}
