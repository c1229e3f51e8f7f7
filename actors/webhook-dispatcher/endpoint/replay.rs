//! Replay-since: what happened since an instant and an endpoint has not got is queued again.
//!
//! What to send is looked up without holding anything, and is then queued by few statements that
//! decide anew: what was queued or delivered meanwhile is left alone and not counted. The endpoint's
//! row is held for no longer than these take.
//!
//! Bounded: one call queues at most `replay_max`, and says where the next one goes on. The rest is
//! the sender's, whose limits hold for replays as for everything else.

mod input;
mod sql;

use std::time::Duration;

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
pub(crate) async fn replay(
    request: &Request,
    max: u32,
    delivery_retention: Duration,
) -> Result<Response, Error> {
    let id: WebhookEndpointId = request.id("webhook_endpoint_id")?;
    let input = request
        .ask
        .with_document(|document| ReplayInput::read(document.value()))??;
    let organization = request.caller.organization();
    let limits = sql::Limits {
        most: max,
        kept_since: request.context.clock.now().minus(delivery_retention),
    };
    let mut conn = request.context.db.read().await?;
    let mut found = match endpoints::find(&mut conn, organization, id).await? {
        Some(endpoint) if !endpoint.is_disabled() => {
            sql::find(&mut conn, organization, &endpoint, &input, limits).await?
        }
        // Refused below, where a refusal is recorded.
        Some(_) | None => Vec::new(),
    };
    drop(conn);
    let most = usize::try_from(max).unwrap_or(usize::MAX);
    let next_since = found.get(most).map(|first| first.created_at);
    found.truncate(most);
    write(request, move |conn, mut stamp| {
        Box::pin(async move {
            let endpoint = hold_enabled(conn, organization, id).await?;
            stamp.renew(endpoint.base.updated_at);
            let count = if input.is_dry_run {
                u64::try_from(found.len()).unwrap_or(u64::MAX)
            } else {
                let fresh = found.into_iter().map(|event| (stamp.new_id(), event));
                let events: Vec<_> = fresh.collect();
                sql::queue(conn, organization, id, &events, input.which, stamp.now).await?
            };
            if count > 0 && !input.is_dry_run {
                delivery::lower_due(conn, organization, id, stamp.now).await?;
            }
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            json(200, &WebhookReplayed { count, next_since })
        })
    })
    .await
}
