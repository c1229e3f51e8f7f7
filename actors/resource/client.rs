//! Clients: list, read, create, change, delete.

mod input;
mod sql;
mod state;

use hoursmith_bus::Response;
use hoursmith_domain::{ClientId, Code, EventType, FieldError, Patch, Problem, fold};
use hoursmith_store::{Conn, ErrorKind, Statement};

use crate::base::{Stored as _, held, place, settle};
use crate::condition;
use crate::error::Error;
use crate::list::{Page, json};
use crate::organization::{self, home};
use crate::request::Request;
use crate::write::write;
pub(crate) use input::ClientInput;
pub(crate) use sql::{find, insert};
pub(crate) use state::ClientState;

pub(crate) fn statements() -> &'static [Statement] {
    sql::statements()
}

/// `GET /api/v1/clients`
pub(crate) async fn list(request: &Request) -> Result<Response, Error> {
    let page = Page::of(request)?;
    let filter = sql::Filter {
        organization: request.caller.organization(),
        reach: request.reach(),
        archived: request.param("archived")?,
        q: request.param::<String>("q")?.map(|text| fold(&text)),
        number: request.param("number")?,
        currency: request.param("currency")?,
        external_reference_id: request.param("external_reference_id")?,
    };
    let mut conn = request.context.db.read().await?;
    let rows = sql::list(&mut conn, &filter, &page).await?;
    drop(conn);
    let sight = request.sight();
    let place = |client: &ClientState| place(&page, client);
    page.respond(request, rows, place, |client| client.to_wire(sight))
}

/// `GET /api/v1/clients/{client_id}`
pub(crate) async fn read(request: &Request) -> Result<Response, Error> {
    let id: ClientId = request.id("client_id")?;
    let mut conn = request.context.db.read().await?;
    let caller = &request.caller;
    let client = sql::find(&mut conn, caller.organization(), id, request.reach())
        .await?
        .ok_or_else(Problem::not_found)?;
    let sight = request.sight();
    let body = json(200, &client.to_wire(sight))?;
    let conditions = &request.ask.head.conditions;
    Ok(condition::respond(body, client.base.version, conditions))
}

/// `POST /api/v1/clients`
pub(crate) async fn create(request: &Request) -> Result<Response, Error> {
    let input = request
        .ask
        .with_document(|document| ClientInput::read_new(document.value()))??;
    let organization = request.caller.organization();
    let sight = request.sight();
    let location = format!("{}/api/v1/clients/", request.context.public_url);
    write(request, move |conn, stamp| {
        Box::pin(async move {
            let currency = match input.currency() {
                Some(currency) => currency,
                None => home(conn, organization, stamp.now).await?.currency,
            };
            let mut client = ClientState::new(ClientId(stamp.new_id()), currency, stamp.now);
            client.apply(input, stamp.now)?;
            sql::insert(conn, organization, &client)
                .await
                .map_err(name_taken)?;
            stamp
                .event(
                    conn,
                    EventType::ClientCreated,
                    client.id.0,
                    client.to_event(),
                    None,
                )
                .await?;
            let body = json(201, &client.to_wire(sight))?
                .with_header("location", format!("{location}{}", client.id));
            Ok(condition::tagged(body, client.base.version))
        })
    })
    .await
}

/// `PATCH /api/v1/clients/{client_id}`
pub(crate) async fn update(request: &Request) -> Result<Response, Error> {
    let id: ClientId = request.id("client_id")?;
    let input = request
        .ask
        .with_document(|document| ClientInput::read_patch(document.value()))??;
    let organization = request.caller.organization();
    let conditions = request.ask.head.conditions.clone();
    let sight = request.sight();
    write(request, move |conn, mut stamp| {
        Box::pin(async move {
            if input.name != Patch::Absent {
                // Two clients that take each other's names would wait for each other.
                organization::hold(conn, organization).await?;
            }
            let found = sql::lock(conn, organization, id).await?;
            let before = held(found, &conditions, &mut stamp)?;
            let mut client = before.clone();
            client.apply(input, stamp.now)?;
            if let Some(previous) = settle(&before, &mut client, stamp.now) {
                sql::update(conn, organization, &client)
                    .await
                    .map_err(name_taken)?;
                // After the change, which waits for whoever is writing what is in the currency: so
                // that what came first is seen, and what comes later sees the change.
                if client.currency != before.currency
                    && sql::is_billed(conn, organization, id).await?
                {
                    return Err(currency_fixed().into());
                }
                stamp
                    .event(
                        conn,
                        EventType::ClientUpdated,
                        id.0,
                        client.to_event(),
                        Some(previous),
                    )
                    .await?;
            }
            let body = json(200, &client.to_wire(sight))?;
            Ok(condition::tagged(body, client.base.version))
        })
    })
    .await
}

/// `DELETE /api/v1/clients/{client_id}`
pub(crate) async fn delete(request: &Request) -> Result<Response, Error> {
    let id: ClientId = request.id("client_id")?;
    let organization = request.caller.organization();
    let conditions = request.ask.head.conditions.clone();
    write(request, move |conn: &mut Conn, mut stamp| {
        Box::pin(async move {
            let found = sql::lock(conn, organization, id).await?;
            let client = held(found, &conditions, &mut stamp)?;
            sql::delete(conn, organization, id).await.map_err(in_use)?;
            stamp
                .event(
                    conn,
                    EventType::ClientDeleted,
                    id.0,
                    client.to_event(),
                    None,
                )
                .await?;
            Ok(Response::empty(204))
        })
    })
    .await
}

/// The one unique column that a client can run into is its name: ids are made here.
fn name_taken(error: hoursmith_store::Error) -> Error {
    if error.kind() != ErrorKind::UniqueViolation {
        return error.into();
    }
    Problem::new(Code::Conflict, "Another client has this name.")
        .with_error(FieldError::pointer(
            "#/name",
            "taken",
            "must be unique in the organization, whatever its case",
        ))
        .into()
}

/// What was tracked and billed for the client is in its currency, and stays what it was.
fn currency_fixed() -> Problem {
    Problem::new(
        Code::Conflict,
        "The client has time, expenses or invoices in its currency.",
    )
    .with_error(FieldError::pointer(
        "#/currency",
        "in_use",
        "cannot change once time, expenses or invoices are kept in it",
    ))
}

fn in_use(error: hoursmith_store::Error) -> Error {
    if error.kind() != ErrorKind::ForeignKeyViolation {
        return error.into();
    }
    Problem::new(
        Code::InUse,
        "The client has projects or invoices. Archive it instead, with `PATCH` and `{\"archived\": true}`.",
    )
    .into()
}
