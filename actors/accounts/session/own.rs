//! A person's own sessions: which there are, and their end. Somebody else's are as if there were none.

use hoursmith_bus::{Ask, Response, Verdict};
use hoursmith_domain::{Problem, Timestamp, TokenId, UserId};
use hoursmith_kit::Failure;
use serde_json::{Value, json};

use super::{Sessions, named, sql};
use crate::sql::FoundSession;

impl Sessions {
    /// Lists them, with a mark on the one that asks.
    pub(super) async fn list(&self, asking: &FoundSession) -> Result<Verdict, Failure> {
        let now = self.clock.now();
        let user = UserId(asking.user_id);
        let rows = sql::list_sessions(&mut *self.db.read().await?, user, now).await?;
        let at = |micros| Timestamp::from_micros(micros).to_string();
        let shown = |row: sql::ListedSession| {
            json!({
                "id": TokenId(row.id).to_string(),
                "user_agent": row.user_agent,
                "begun_at": at(row.created_at),
                "used_at": at(row.seen_at),
                "this_one": row.id == asking.id,
            })
        };
        let data: Vec<Value> = rows.into_iter().map(shown).collect();
        let body = json!({ "data": data });
        Ok(Verdict::Respond(Response::json(200, body.to_string())))
    }

    /// Ends the one that is named: 204.
    pub(super) async fn end_one(
        &self,
        ask: &Ask,
        asking: &FoundSession,
    ) -> Result<Verdict, Failure> {
        let Some(session) = named::<TokenId>(ask)? else {
            return Ok(Verdict::Refuse(Problem::not_found()));
        };
        let user = UserId(asking.user_id);
        let ended: Result<u64, hoursmith_store::Error> = self
            .db
            .write(move |conn| Box::pin(sql::delete_session_of(conn, user, session)))
            .await;
        Ok(match ended? {
            0 => Verdict::Refuse(Problem::not_found()),
            _ => Verdict::Respond(Response::empty(204)),
        })
    }

    /// Ends all but the one that asks: 204.
    pub(super) async fn end_others(&self, asking: &FoundSession) -> Result<Verdict, Failure> {
        let (user, kept) = (UserId(asking.user_id), asking.id);
        let ended: Result<u64, hoursmith_store::Error> = self
            .db
            .write(move |conn| Box::pin(sql::delete_other_sessions(conn, user, kept)))
            .await;
        ended?;
        Ok(Verdict::Respond(Response::empty(204)))
    }
}
