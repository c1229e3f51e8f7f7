//! Replay-since: what happened since an instant and an endpoint has not got is queued again.
//!
//! What to send is looked up without holding anything, and is then queued by few statements that
//! decide anew: what was queued or delivered meanwhile is left alone and not counted. The endpoint's
//! row is held for no longer than these take.
//!
//! Bounded: one call looks at [`EXAMINED`] events and queues `replay_max` deliveries at most, and says
//! where the next one goes on. It says so by a number in the feed and not by a moment: many events may
//! be of one moment, and a later number may be of an earlier one. The rest is the sender's, whose
//! limits hold for replays as for everything else.

mod input;
mod sql;

use std::time::Duration;

use hoursmith_bus::Response;
use hoursmith_domain::{OrganizationId, Timestamp, WebhookEndpointId};
use hoursmith_handler::error::Error;
use hoursmith_handler::list::json;
use hoursmith_handler::request::Request;
use hoursmith_handler::write::write;
use hoursmith_routes::webhook_endpoint::WebhookReplayed;
use hoursmith_store::{Conn, Error as StoreError, Statement};

use super::{EndpointState, hold_enabled, sql as endpoints};
use crate::feed::{self, DISORDER};
use input::ReplayInput;

/// Events that one call looks at, with their deliveries: a tenth of a second, whatever of them is asked
/// for.
const EXAMINED: i64 = 10_000;

/// What bounds a replay.
#[derive(Debug, Clone, Copy)]
struct Limits {
    /// Deliveries, at most.
    most: u32,
    /// Deliveries of events since then are still there.
    kept_since: Timestamp,
}

/// What a call finds.
#[derive(Debug, Clone, Default)]
struct Search {
    found: Vec<sql::Found>,
    /// After which event the next call goes on; none where there is nothing left.
    next_after: Option<i64>,
}

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
    let limits = Limits {
        most: max,
        kept_since: request.context.clock.now().minus(delivery_retention),
    };
    let mut conn = request.context.db.read().await?;
    let Search { found, next_after } = match endpoints::find(&mut conn, organization, id).await? {
        Some(endpoint) if !endpoint.is_disabled() => {
            search(&mut conn, organization, &endpoint, &input, limits).await?
        }
        // Refused below, where a refusal is recorded.
        Some(_) | None => Search::default(),
    };
    drop(conn);
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
                endpoints::look_at(conn, organization, id, Some(stamp.now)).await?;
            }
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            let next_after_sequence = next_after;
            let replayed = WebhookReplayed {
                count,
                next_after_sequence,
            };
            json(200, &replayed)
        })
    })
    .await
}

/// Looks at the feed from the instant that is asked for, or from where an earlier call ended.
async fn search(
    conn: &mut Conn,
    organization: OrganizationId,
    endpoint: &EndpointState,
    input: &ReplayInput,
    limits: Limits,
) -> Result<Search, StoreError> {
    let after = match input.after_sequence {
        Some(after) => after,
        None => feed::last_before(conn, organization, input.since.minus(DISORDER)).await?,
    };
    let end = match input.until {
        Some(until) => feed::last_before(conn, organization, until.plus(DISORDER)).await?,
        None => i64::MAX,
    };
    let so_far = sql::so_far(conn, organization, after, EXAMINED).await?;
    let goes_on = so_far.filter(|so_far| *so_far < end);
    let part = sql::Part {
        after,
        through: goes_on.unwrap_or(end),
        limit: i64::from(limits.most).saturating_add(1),
        kept_since: limits.kept_since,
    };
    let mut found = sql::find(conn, organization, endpoint, input, part).await?;
    let most = usize::try_from(limits.most).unwrap_or(usize::MAX);
    let next_after = if found.len() > most {
        found.truncate(most);
        found.last().map(|last| last.sequence)
    } else {
        goes_on
    };
    Ok(Search { found, next_after })
}
