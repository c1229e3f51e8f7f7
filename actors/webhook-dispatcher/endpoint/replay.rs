//! Replay-since: what happened since an instant and an endpoint has not got is queued again.
//!
//! What to send is looked up without holding anything, and each row is then queued by a statement
//! that decides anew: what was queued or delivered meanwhile is left alone and not counted.
//!
//! Bounded: one call queues at most `replay_max`, and says where the next one goes on. The rest is
//! the sender's, whose limits hold for replays as for everything else.

mod input;
mod sql;

use hoursmith_bus::Response;
use hoursmith_domain::WebhookEndpointId;
use hoursmith_handler::error::Error;
use hoursmith_handler::list::json;
use hoursmith_handler::request::Request;
use hoursmith_handler::write::write;
use hoursmith_routes::webhook_endpoint::WebhookReplayed;
use hoursmith_store::Statement;

use super::{hold_enabled, sql as endpoints};
use crate::delivery;
use input::ReplayInput;

pub(super) fn statements() -> &'static [Statement] {
    sql::statements()
}

/// `POST /api/v1/webhook_endpoints/{webhook_endpoint_id}/replay`
pub(crate) async fn replay(request: &Request, max: u32) -> Result<Response, Error> {
    let id: WebhookEndpointId = request.id("webhook_endpoint_id")?;
    let input = request
        .ask
        .with_document(|document| ReplayInput::read(document.value()))??;
    let organization = request.caller.organization();
    let mut conn = request.context.db.read().await?;
    let mut found = match endpoints::find(&mut conn, organization, id).await? {
        Some(endpoint) if !endpoint.is_disabled() => {
            sql::find(&mut conn, organization, &endpoint, &input, max).await?
        }
        // Refused below, where a refusal is recorded.
        Some(_) | None => Vec::new(),
    };
    drop(conn);
    let most = usize::try_from(max).unwrap_or(usize::MAX);
    let next_since = found.get(most).map(|first| first.created_at);
    found.truncate(most);
    write(request, move |conn, stamp| {
        Box::pin(async move {
            hold_enabled(conn, organization, id).await?;
            let mut count = 0_i64;
            for event in &found {
                let queued = input.is_dry_run
                    || sql::queue(
                        conn,
                        organization,
                        id,
                        event.id,
                        stamp.new_id(),
                        &input,
                        stamp.now,
                    )
                    .await?;
                count = count.saturating_add(i64::from(queued));
            }
            if count > 0 && !input.is_dry_run {
                delivery::lower_due(conn, organization, id, stamp.now).await?;
            }
            json(200, &WebhookReplayed { count, next_since })
        })
    })
    .await
}
