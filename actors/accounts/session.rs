//! Sessions: whose a cookie's digest is, as of this very request, and their end.

use std::sync::Arc;
use std::time::Duration;

use hoursmith_bus::{Additions, Ask, Response, Verdict};
use hoursmith_domain::{
    CallerAuthority, Code, Door, MemberId, OrganizationId, Problem, Scope, SessionDigest,
    Timestamp, TokenId, UnknownWord, UserId,
};
use hoursmith_kit::{Clock, Failure, Worker};
use hoursmith_store::Db;

use crate::invitation;
use crate::sql::{self, FoundSession};

/// How long a session lives when it is used.
pub(crate) const LIFE: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// How long it lives when it is not.
const IDLE: Duration = Duration::from_secs(12 * 60 * 60);

/// How exactly its last use is known: a write for each page would buy nothing.
const SEEN_EVERY: Duration = Duration::from_secs(5 * 60);

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
        let Some(digest) = ask.head.visit.as_ref().and_then(|visit| visit.session) else {
            return Ok(refuse());
        };
        match ask.head.route.as_str() {
            "session.check" => self.check(&ask, digest).await,
            "session.end" => self.end(digest).await,
            other => Err(Failure::internal(
                "find what to do with a session",
                format!("no such action as {other}"),
            )),
        }
    }
}

impl Sessions {
    async fn check(&self, ask: &Ask, digest: SessionDigest) -> Result<Verdict, Failure> {
        let now = self.clock.now();
        let found = sql::find_session(&mut *self.db.read().await?, digest).await?;
        let Some(session) = found.filter(|session| session.is_live(now)) else {
            return Ok(refuse());
        };
        self.note(&session, now).await?;
        let caller = self
            .vouch(ask, &session)
            .map_err(|source| Failure::internal("read a session", source))?;
        Ok(Verdict::Continue(Additions {
            caller,
            ..Additions::default()
        }))
    }

    /// The member that the session acts as; `None` for one who is in no organization any more.
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
            .write(move |conn| Box::pin(sql::touch_session(conn, id, now)))
            .await;
        noted?;
        Ok(())
    }

    /// Ends it: its cookie is worth nothing from now on. One that is gone is no error.
    async fn end(&self, digest: SessionDigest) -> Result<Verdict, Failure> {
        let ended: Result<u64, hoursmith_store::Error> = self
            .db
            .write(move |conn| Box::pin(sql::delete_session(conn, digest)))
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

/// Unknown, ended and expired: one answer.
fn refuse() -> Verdict {
    Verdict::Refuse(Problem::new(Code::TokenInvalid, "No such session is good."))
}
