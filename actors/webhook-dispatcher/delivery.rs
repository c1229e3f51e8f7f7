//! Deliveries: list, read, replay. They are made and sent elsewhere.

mod sql;
mod state;

use hoursmith_bus::Response;
use hoursmith_domain::{Code, Cursor, Problem, WebhookDeliveryId, WebhookEndpointId};
use hoursmith_handler::condition;
use hoursmith_handler::error::Error;
use hoursmith_handler::list::{Page, json};
use hoursmith_handler::request::Request;
use hoursmith_handler::write::write;
use hoursmith_store::Statement;

use crate::endpoint;
use state::DeliveryState;

pub(crate) fn statements() -> &'static [Statement] {
    sql::statements()
}

/// `GET /api/v1/webhook_deliveries`
pub(crate) async fn list(request: &Request) -> Result<Response, Error> {
    let page = Page::of(request)?;
    let filter = sql::Filter {
        organization: request.caller.organization(),
        endpoint: request.param("endpoint_id")?,
        event: request.param("event_id")?,
        status: request.param("status")?,
        from: request.param("from")?,
        to: request.param("to")?,
    };
    let mut conn = request.context.db.read().await?;
    let rows = sql::list(&mut conn, &filter, &page).await?;
    drop(conn);
    let place = |delivery: &DeliveryState| Cursor {
        sort: delivery.moment(page.updated_since.is_some()).as_micros(),
        id: delivery.wire.id.0,
    };
    page.respond(request, rows, place, |delivery| delivery.wire)
}

/// `GET /api/v1/webhook_deliveries/{webhook_delivery_id}`
pub(crate) async fn read(request: &Request) -> Result<Response, Error> {
    let id: WebhookDeliveryId = request.id("webhook_delivery_id")?;
    let mut conn = request.context.db.read().await?;
    let delivery = sql::find(&mut conn, request.caller.organization(), id)
        .await?
        .ok_or_else(Problem::not_found)?;
    let body = json(200, &delivery.wire)?;
    let conditions = &request.ask.head.conditions;
    Ok(condition::respond(body, delivery.version, conditions))
}

/// `POST /api/v1/webhook_deliveries/{webhook_delivery_id}/replay`
pub(crate) async fn replay(request: &Request) -> Result<Response, Error> {
    let id: WebhookDeliveryId = request.id("webhook_delivery_id")?;
    let organization = request.caller.organization();
    write(request, move |conn, stamp| {
        Box::pin(async move {
            // Which endpoint it is for never changes, so this is read before anything is held: the
            // endpoint's row first, as everywhere.
            let delivery = sql::find(conn, organization, id)
                .await?
                .ok_or_else(Problem::not_found)?;
            let to = WebhookEndpointId(delivery.wire.endpoint_id);
            match endpoint::hold_enabled(conn, organization, to).await {
                Err(Error::Problem(refusal)) if refusal.code == Code::NotFound => {
                    return Err(deleted().into());
                }
                held => held.map(drop)?,
            }
            if !sql::queue(conn, organization, id, stamp.now).await? {
                return Err(waits_already().into());
            }
            endpoint::look_at(conn, organization, to, Some(stamp.now)).await?;
            let delivery = sql::find(conn, organization, id)
                .await?
                .ok_or_else(Problem::not_found)?;
            let body = json(200, &delivery.wire)?;
            Ok(condition::tagged(body, delivery.version))
        })
    })
    .await
}

fn waits_already() -> Problem {
    Problem::new(
        Code::Conflict,
        "The delivery is pending: it is sent by itself when `next_attempt_at` has come.",
    )
}

fn deleted() -> Problem {
    Problem::new(
        Code::Conflict,
        "The delivery's endpoint was deleted; there is nowhere to send it.",
    )
}
