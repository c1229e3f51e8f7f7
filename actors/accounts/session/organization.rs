//! Which organization a session acts in, of those that its person is in.
//!
//! It never falls to another by itself: a form that is open when its person is removed from one
//! organization must not be carried out in the next. Whoever logs in begins in the first.

use hoursmith_bus::{Ask, Response, Verdict};
use hoursmith_domain::{OrganizationId, Problem, UserId};
use hoursmith_kit::Failure;
use serde_json::{Value, json};

use super::{Sessions, named, sql};
use crate::sql::FoundSession;

impl Sessions {
    /// Lists those where the person is active.
    pub(super) async fn organizations(&self, asking: &FoundSession) -> Result<Verdict, Failure> {
        let user = UserId(asking.user_id);
        let rows = sql::list_organizations(&mut *self.db.read().await?, user).await?;
        let shown = |row: sql::ListedOrganization| json!({ "id": OrganizationId(row.id).to_string(), "name": row.name });
        let data: Vec<Value> = rows.into_iter().map(shown).collect();
        let body = json!({ "data": data });
        Ok(Verdict::Respond(Response::json(200, body.to_string())))
    }

    /// Goes over to the one that is named: 204. One where the person is not active is as if there
    /// were none.
    pub(super) async fn switch(
        &self,
        ask: &Ask,
        asking: &FoundSession,
    ) -> Result<Verdict, Failure> {
        let Some(organization) = named::<OrganizationId>(ask)? else {
            return Ok(Verdict::Refuse(Problem::not_found()));
        };
        let session = asking.id;
        let switched: Result<u64, hoursmith_store::Error> = self
            .db
            .write(move |conn| Box::pin(sql::switch_session(conn, session, organization)))
            .await;
        Ok(match switched? {
            0 => Verdict::Refuse(Problem::not_found()),
            _ => Verdict::Respond(Response::empty(204)),
        })
    }
}
