//! Clients in the database.

use hoursmith_domain::{Amount, ClientId, OrganizationId, Timestamp, fold};
use hoursmith_kit::Failure;
use hoursmith_store::{Conn, Error, execute, fetch_all, fetch_one, fetch_optional};
use uuid::Uuid;

use super::state::ClientState;
use crate::base::{BaseRow, base_columns, base_names, stored_currency};
use crate::error;
use crate::list::{Page, contains};
use crate::reference::metadata_text;
use crate::sight::Reach;

macro_rules! columns {
    () => {
        concat!(
            "c.id, c.name, c.number, c.currency, c.email, c.phone, c.address, c.vat_id, c.billable_rate, \
             c.payment_terms_days, c.notes, c.archived_at, ",
            base_columns!("c")
        )
    };
}

/// The rows that a caller sees: all ($2), or the clients of the projects that the member ($3) was
/// added to. Not correlated: asked once, not for each client.
macro_rules! visible {
    () => {
        " FROM clients c WHERE c.organization_id = $1 AND ($2 OR c.id IN ( \
            SELECT p.client_id FROM project_members pm JOIN projects p \
            ON p.organization_id = pm.organization_id AND p.id = pm.project_id \
            WHERE pm.organization_id = $1 AND pm.member_id = $3))"
    };
}

macro_rules! filters {
    () => {
        " AND (CAST($4 AS BOOLEAN) IS NULL OR (c.archived_at IS NOT NULL) = $4) \
          AND (CAST($5 AS TEXT) IS NULL OR c.search LIKE $5 ESCAPE '\\') \
          AND (CAST($6 AS TEXT) IS NULL OR c.number = $6) \
          AND (CAST($7 AS TEXT) IS NULL OR c.currency = $7)"
    };
}

/// Newest first, after a place.
macro_rules! by_creation {
    () => {
        " AND (c.created_at, c.id) < ($8, $9) ORDER BY c.created_at DESC, c.id DESC LIMIT $10"
    };
}

/// Oldest change first, after a place.
macro_rules! by_update {
    () => {
        " AND (c.updated_at, c.id) > ($8, $9) ORDER BY c.updated_at, c.id LIMIT $10"
    };
}

/// By the id in another system. A statement of its own, since an optional filter finds no index.
macro_rules! referenced {
    () => {
        " AND c.external_reference_id = $11"
    };
}

hoursmith_store::statements! {
    /// A client that the caller sees.
    FIND_CLIENT = concat!("SELECT ", columns!(), visible!(), " AND c.id = $4");
    /// A page of clients, newest first.
    LIST_CLIENTS = concat!("SELECT ", columns!(), visible!(), filters!(), by_creation!());
    /// A page of clients, oldest change first.
    LIST_UPDATED_CLIENTS = concat!("SELECT ", columns!(), visible!(), filters!(), by_update!());
    /// A page of the clients with a counterpart, newest first.
    LIST_REFERENCED_CLIENTS =
        concat!("SELECT ", columns!(), visible!(), filters!(), referenced!(), by_creation!());
    /// A page of the clients with a counterpart, oldest change first.
    LIST_UPDATED_REFERENCED_CLIENTS =
        concat!("SELECT ", columns!(), visible!(), filters!(), referenced!(), by_update!());
    /// The row, held until the transaction ends: what is decided by it stays true. SQLite has no
    /// `FOR UPDATE`; a write that changes nothing holds the row on both engines.
    LOCK_CLIENT = concat!(
        "UPDATE clients AS c SET version = version WHERE c.organization_id = $1 AND c.id = $2 RETURNING ",
        "id, name, number, currency, email, phone, address, vat_id, billable_rate, payment_terms_days, \
         notes, archived_at, ",
        base_names!()
    );
    /// Whether anything is kept in the currency that the client has now.
    FIND_BILLED = "SELECT EXISTS (SELECT 1 FROM time_entries WHERE organization_id = $1 AND client_id = $2) \
        OR EXISTS (SELECT 1 FROM expenses WHERE organization_id = $1 AND client_id = $2) \
        OR EXISTS (SELECT 1 FROM invoices WHERE organization_id = $1 AND client_id = $2)";
    /// A new client.
    INSERT_CLIENT = "INSERT INTO clients (organization_id, id, name, name_key, search, number, currency, \
        email, phone, address, vat_id, billable_rate, payment_terms_days, notes, archived_at, \
        external_reference_service, external_reference_id, external_reference_url, metadata, version, \
        created_at, updated_at) VALUES ($1, $2, $3, $4, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, \
        $15, $16, $17, $18, $19, $20, $21)";
    /// Every column that can change.
    UPDATE_CLIENT = "UPDATE clients SET name = $3, name_key = $4, search = $4, number = $5, currency = $6, \
        email = $7, phone = $8, address = $9, vat_id = $10, billable_rate = $11, payment_terms_days = $12, \
        notes = $13, archived_at = $14, external_reference_service = $15, external_reference_id = $16, \
        external_reference_url = $17, metadata = $18, version = $19, updated_at = $20 \
        WHERE organization_id = $1 AND id = $2";
    /// Gone; refused by the database while a project refers to it.
    DELETE_CLIENT = "DELETE FROM clients WHERE organization_id = $1 AND id = $2";
}

/// What a list is narrowed by.
#[derive(Debug)]
pub(crate) struct Filter {
    pub(crate) organization: OrganizationId,
    pub(crate) reach: Reach,
    pub(crate) archived: Option<bool>,
    pub(crate) q: Option<String>,
    pub(crate) number: Option<String>,
    pub(crate) currency: Option<String>,
    pub(crate) external_reference_id: Option<String>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    name: String,
    number: Option<String>,
    currency: String,
    email: Option<String>,
    phone: Option<String>,
    address: Option<String>,
    vat_id: Option<String>,
    billable_rate: Option<i64>,
    payment_terms_days: Option<i64>,
    notes: Option<String>,
    archived_at: Option<i64>,
    #[sqlx(flatten)]
    base: BaseRow,
}

pub(crate) async fn find(
    conn: &mut Conn,
    organization: OrganizationId,
    id: ClientId,
    reach: Reach,
) -> Result<Option<ClientState>, error::Error> {
    let row = fetch_optional!(
        conn,
        FIND_CLIENT as Row,
        organization.0,
        reach.all,
        reach.member.0,
        id.0
    )?;
    row.map(Row::into_state).transpose()
}

pub(crate) async fn lock(
    conn: &mut Conn,
    organization: OrganizationId,
    id: ClientId,
) -> Result<Option<ClientState>, error::Error> {
    let row = fetch_optional!(conn, LOCK_CLIENT as Row, organization.0, id.0)?;
    row.map(Row::into_state).transpose()
}

pub(crate) async fn list(
    conn: &mut Conn,
    filter: &Filter,
    page: &Page,
) -> Result<Vec<ClientState>, error::Error> {
    let q = filter.q.as_deref().map(contains);
    macro_rules! rows {
        ($statement:path $(, $further:expr)?) => {
            fetch_all!(
                conn,
                $statement as Row,
                filter.organization.0,
                filter.reach.all,
                filter.reach.member.0,
                filter.archived,
                q.as_deref(),
                filter.number.as_deref(),
                filter.currency.as_deref(),
                page.after.sort,
                page.after.id,
                page.fetch(),
                $($further)?
            )?
        };
    }
    let rows = match (page.updated_since, filter.external_reference_id.as_deref()) {
        (None, None) => rows!(LIST_CLIENTS),
        (Some(_), None) => rows!(LIST_UPDATED_CLIENTS),
        (None, Some(id)) => rows!(LIST_REFERENCED_CLIENTS, id),
        (Some(_), Some(id)) => rows!(LIST_UPDATED_REFERENCED_CLIENTS, id),
    };
    rows.into_iter().map(Row::into_state).collect()
}

/// Whether the client has time, expenses or invoices.
pub(crate) async fn is_billed(
    conn: &mut Conn,
    organization: OrganizationId,
    id: ClientId,
) -> Result<bool, Error> {
    let (billed,) = fetch_one!(conn, FIND_BILLED as (bool,), organization.0, id.0)?;
    Ok(billed)
}

pub(crate) async fn insert(
    conn: &mut Conn,
    organization: OrganizationId,
    client: &ClientState,
) -> Result<(), Error> {
    let reference = client.base.external_reference.as_ref();
    execute!(
        conn,
        INSERT_CLIENT,
        organization.0,
        client.id.0,
        client.name.as_str(),
        fold(&client.name),
        client.number.as_deref(),
        client.currency.as_str(),
        client.email.as_deref(),
        client.phone.as_deref(),
        address_text(client),
        client.vat_id.as_deref(),
        client.billable_rate.map(Amount::ten_thousandths),
        client.payment_terms_days,
        client.notes.as_deref(),
        client.archived_at.map(Timestamp::as_micros),
        reference.map(|reference| reference.service.as_str()),
        reference.map(|reference| reference.id.as_str()),
        reference.and_then(|reference| reference.url.as_deref()),
        metadata_text(&client.base.metadata),
        client.base.version,
        client.base.created_at.as_micros(),
        client.base.updated_at.as_micros(),
    )?;
    Ok(())
}

pub(crate) async fn update(
    conn: &mut Conn,
    organization: OrganizationId,
    client: &ClientState,
) -> Result<(), Error> {
    let reference = client.base.external_reference.as_ref();
    execute!(
        conn,
        UPDATE_CLIENT,
        organization.0,
        client.id.0,
        client.name.as_str(),
        fold(&client.name),
        client.number.as_deref(),
        client.currency.as_str(),
        client.email.as_deref(),
        client.phone.as_deref(),
        address_text(client),
        client.vat_id.as_deref(),
        client.billable_rate.map(Amount::ten_thousandths),
        client.payment_terms_days,
        client.notes.as_deref(),
        client.archived_at.map(Timestamp::as_micros),
        reference.map(|reference| reference.service.as_str()),
        reference.map(|reference| reference.id.as_str()),
        reference.and_then(|reference| reference.url.as_deref()),
        metadata_text(&client.base.metadata),
        client.base.version,
        client.base.updated_at.as_micros(),
    )?;
    Ok(())
}

pub(crate) async fn delete(
    conn: &mut Conn,
    organization: OrganizationId,
    id: ClientId,
) -> Result<(), Error> {
    execute!(conn, DELETE_CLIENT, organization.0, id.0)?;
    Ok(())
}

impl Row {
    fn into_state(self) -> Result<ClientState, error::Error> {
        let currency = stored_currency(&self.currency)?;
        let address = match self
            .address
            .as_deref()
            .map(serde_json::from_str)
            .transpose()
        {
            Ok(address) => address,
            Err(source) => return Err(Failure::internal("read a stored address", source).into()),
        };
        Ok(ClientState {
            id: ClientId(self.id),
            name: self.name,
            number: self.number,
            currency,
            email: self.email,
            phone: self.phone,
            address,
            vat_id: self.vat_id,
            billable_rate: self.billable_rate.and_then(Amount::from_ten_thousandths),
            payment_terms_days: self.payment_terms_days,
            notes: self.notes,
            archived_at: self.archived_at.map(Timestamp::from_micros),
            base: self.base.into_base()?,
        })
    }
}

fn address_text(client: &ClientState) -> Option<String> {
    // A wire type of strings, whose serialization cannot fail.
    client
        .address
        .as_ref()
        .and_then(|address| serde_json::to_string(address).ok())
}
