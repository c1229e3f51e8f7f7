//! Endpoints: list, read, create, change, delete, rotate the secret, test, replay.
//!
//! Whoever changes an endpoint or queues something for it holds its row first, so that nothing is
//! queued for one that is being disabled or deleted.

mod input;
mod replay;
mod sql;
mod state;

use std::sync::Arc;

use hoursmith_bus::Response;
use hoursmith_domain::webhook::{ROTATION_OVERLAP, WebhookSecret};
use hoursmith_domain::{Code, EventId, EventType, OrganizationId, Problem, WebhookEndpointId};
use hoursmith_handler::base::{Stored as _, held, place, settle};
use hoursmith_handler::condition;
use hoursmith_handler::error::Error;
use hoursmith_handler::list::{Page, json};
use hoursmith_handler::request::Request;
use hoursmith_handler::write::{write, write_secret};
use hoursmith_outbound::Policy;
use hoursmith_routes::webhook_endpoint::{MAX_ENDPOINTS, WebhookEndpointWithSecret, WebhookTest};
use hoursmith_store::{Conn, Statement};

use crate::secret::{self, PREVIOUS_SECRET, SECRET};
use input::EndpointInput;
pub(crate) use replay::replay;
pub(crate) use sql::{EndpointRow, endpoint_names, look_at, look_at_all};
pub(crate) use state::{EndpointState, Status};

pub(crate) fn statements() -> Vec<Statement> {
    [sql::statements(), replay::statements()].concat()
}

/// `GET /api/v1/webhook_endpoints`
pub(crate) async fn list(request: &Request) -> Result<Response, Error> {
    let page = Page::of(request)?;
    let filter = sql::Filter {
        organization: request.caller.organization(),
        status: request.param("status")?,
        external_reference_id: request.param("external_reference_id")?,
    };
    let mut conn = request.context.db.read().await?;
    let rows = sql::list(&mut conn, &filter, &page).await?;
    drop(conn);
    let place = |endpoint: &EndpointState| place(&page, endpoint);
    page.respond(request, rows, place, |endpoint| endpoint.to_wire())
}

/// `GET /api/v1/webhook_endpoints/{webhook_endpoint_id}`
pub(crate) async fn read(request: &Request) -> Result<Response, Error> {
    let id: WebhookEndpointId = request.id("webhook_endpoint_id")?;
    let mut conn = request.context.db.read().await?;
    let endpoint = sql::find(&mut conn, request.caller.organization(), id)
        .await?
        .ok_or_else(Problem::not_found)?;
    let body = json(200, &endpoint.to_wire())?;
    let conditions = &request.ask.head.conditions;
    Ok(condition::respond(body, endpoint.base.version, conditions))
}

/// `POST /api/v1/webhook_endpoints`
pub(crate) async fn create(request: &Request, policy: &Policy) -> Result<Response, Error> {
    let input = request
        .ask
        .with_document(|document| EndpointInput::read_new(document.value(), policy))??;
    let organization = request.caller.organization();
    let context = Arc::clone(&request.context);
    write_secret(request, move |conn, stamp| {
        Box::pin(async move {
            if sql::hold_count(conn, organization).await? >= MAX_ENDPOINTS {
                return Err(too_many().into());
            }
            let mut endpoint = EndpointState::new(WebhookEndpointId(stamp.new_id()), stamp.now);
            endpoint.apply(input)?;
            let (keys, random) = (&context.keys, &*context.random);
            let new = secret::generate(random);
            let sealed = secret::seal(keys, random, organization, endpoint.id, SECRET, &new);
            sql::insert(conn, organization, &endpoint, &sealed).await?;
            let location = format!(
                "{}/api/v1/webhook_endpoints/{}",
                context.public_url, endpoint.id
            );
            Ok(with_secret(201, &endpoint, &new)?.with_header("location", location))
        })
    })
    .await
}

/// `PATCH /api/v1/webhook_endpoints/{webhook_endpoint_id}`
pub(crate) async fn update(request: &Request, policy: &Policy) -> Result<Response, Error> {
    let id: WebhookEndpointId = request.id("webhook_endpoint_id")?;
    let input = request
        .ask
        .with_document(|document| EndpointInput::read_patch(document.value(), policy))??;
    let organization = request.caller.organization();
    let conditions = request.ask.head.conditions.clone();
    write(request, move |conn, mut stamp| {
        Box::pin(async move {
            let found = sql::lock(conn, organization, id).await?;
            let before = held(found, &conditions, &mut stamp)?;
            let mut endpoint = before.clone();
            endpoint.apply(input)?;
            if let Some(previous) = settle(&before, &mut endpoint, stamp.now) {
                sql::update(conn, organization, &endpoint).await?;
                if endpoint.is_disabled() && !before.is_disabled() {
                    // The dispatcher ends what waits, a bounded number at a time.
                    look_at(conn, organization, id, Some(stamp.now)).await?;
                    let kind = EventType::WebhookEndpointDisabled;
                    let object = endpoint.to_event();
                    stamp
                        .event(conn, kind, id.0, object, Some(previous))
                        .await?;
                }
            }
            let body = json(200, &endpoint.to_wire())?;
            Ok(condition::tagged(body, endpoint.base.version))
        })
    })
    .await
}

/// `DELETE /api/v1/webhook_endpoints/{webhook_endpoint_id}`
pub(crate) async fn delete(request: &Request) -> Result<Response, Error> {
    let id: WebhookEndpointId = request.id("webhook_endpoint_id")?;
    let organization = request.caller.organization();
    let conditions = request.ask.head.conditions.clone();
    write(request, move |conn, mut stamp| {
        Box::pin(async move {
            let found = sql::lock(conn, organization, id).await?;
            held(found, &conditions, &mut stamp)?;
            sql::delete(conn, organization, id, stamp.now).await?;
            Ok(Response::empty(204))
        })
    })
    .await
}

/// `POST /api/v1/webhook_endpoints/{webhook_endpoint_id}/rotate_secret`
pub(crate) async fn rotate_secret(request: &Request) -> Result<Response, Error> {
    let id: WebhookEndpointId = request.id("webhook_endpoint_id")?;
    let organization = request.caller.organization();
    let context = Arc::clone(&request.context);
    write_secret(request, move |conn, mut stamp| {
        Box::pin(async move {
            let found = sql::lock(conn, organization, id).await?;
            let mut endpoint = found.ok_or_else(Problem::not_found)?;
            stamp.renew(endpoint.base.updated_at);
            let (keys, random) = (&context.keys, &*context.random);
            let seal = |column, secret: &WebhookSecret| {
                secret::seal(keys, random, organization, id, column, secret)
            };
            let old = sql::secret(conn, organization, id).await?;
            let old = match secret::open(keys, organization, id, SECRET, &old) {
                Ok(old) => Some(seal(PREVIOUS_SECRET, &old)),
                Err(failure) => {
                    // Nothing was signed with it either: a new one is what helps.
                    tracing::warn!(
                        plugin.name = crate::actor::NAME,
                        webhook_endpoint.id = %id,
                        error = &failure as &dyn std::error::Error,
                        "A webhook's secret that does not open was replaced."
                    );
                    None
                }
            };
            let new = secret::generate(random);
            endpoint.base.touch(stamp.now);
            let secret = seal(SECRET, &new);
            let until = stamp.now.plus(ROTATION_OVERLAP);
            let previous = old.as_deref().map(|old| (old, until));
            sql::rotate(conn, organization, &endpoint, &secret, previous).await?;
            with_secret(200, &endpoint, &new)
        })
    })
    .await
}

/// `POST /api/v1/webhook_endpoints/{webhook_endpoint_id}/test`
pub(crate) async fn test(request: &Request) -> Result<Response, Error> {
    let id: WebhookEndpointId = request.id("webhook_endpoint_id")?;
    let organization = request.caller.organization();
    write(request, move |conn, stamp| {
        Box::pin(async move {
            let endpoint = hold_enabled(conn, organization, id).await?;
            let object = endpoint.to_event();
            let event_id = EventId(stamp.new_id());
            stamp
                .event_as(conn, event_id, EventType::Ping, id.0, object, None)
                .await?;
            json(200, &WebhookTest { event_id })
        })
    })
    .await
}

/// An endpoint that something may be queued for, held until the transaction ends.
pub(crate) async fn hold_enabled(
    conn: &mut Conn,
    organization: OrganizationId,
    id: WebhookEndpointId,
) -> Result<EndpointState, Error> {
    let found = sql::lock(conn, organization, id).await?;
    let endpoint = found.ok_or_else(Problem::not_found)?;
    if endpoint.is_disabled() {
        return Err(disabled().into());
    }
    Ok(endpoint)
}

/// An answer with the secret, and the tag that the endpoint has without it: what is read later is
/// the same representation.
fn with_secret(
    status: u16,
    endpoint: &EndpointState,
    secret: &WebhookSecret,
) -> Result<Response, Error> {
    let shown = json(status, &endpoint.to_wire())?;
    let tag = condition::etag(&shown, endpoint.base.version);
    let answer = WebhookEndpointWithSecret {
        endpoint: endpoint.to_wire(),
        secret: secret.expose().to_owned(),
    };
    Ok(json(status, &answer)?.with_header("etag", tag))
}

fn too_many() -> Problem {
    Problem::new(
        Code::Conflict,
        format!("The organization has {MAX_ENDPOINTS} webhook endpoints, which is the most."),
    )
}

fn disabled() -> Problem {
    Problem::new(
        Code::Conflict,
        "The endpoint is disabled. Enable it first, with `PATCH` and `{\"enabled\": true}`.",
    )
}
