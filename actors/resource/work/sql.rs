//! The ground of an entry, in one row.

use hoursmith_domain::{
    Amount, ClientId, Code, Currency, MemberId, OrganizationId, Problem, ProjectId, Rounding,
    RoundingMode,
};
use hoursmith_kit::Failure;
use hoursmith_store::{Conn, fetch_optional};
use uuid::Uuid;

use super::{BillingMethod, Ground};
use crate::error::Error;

hoursmith_store::statements! {
    /// A project ($2) and a member ($3) with the rules that hold between them.
    FIND_GROUND = "SELECT p.id AS project_id, p.client_id, COALESCE(c.currency, o.currency) AS currency, \
        o.currency AS own_currency, p.billable, p.billing_method, p.archived_at, \
        pm.member_id AS in_project, m.status, p.billable_rate AS project_rate, \
        pm.billable_rate AS project_member_rate, m.billable_rate AS member_rate, \
        o.default_billable_rate AS organization_rate, COALESCE(m.timezone, o.timezone) AS timezone, \
        o.rounding_mode, o.rounding_minutes, o.allow_overlap, o.lock_before \
        FROM projects p \
        JOIN organizations o ON o.id = p.organization_id \
        JOIN members m ON m.organization_id = p.organization_id AND m.id = $3 \
        LEFT JOIN clients c ON c.organization_id = p.organization_id AND c.id = p.client_id \
        LEFT JOIN project_members pm ON pm.organization_id = p.organization_id \
            AND pm.project_id = p.id AND pm.member_id = m.id \
        WHERE p.organization_id = $1 AND p.id = $2";
    /// Whom a project is for, and in which currency.
    FIND_FOOTING = "SELECT p.client_id, COALESCE(c.currency, o.currency) AS currency FROM projects p \
        JOIN organizations o ON o.id = p.organization_id \
        LEFT JOIN clients c ON c.organization_id = p.organization_id AND c.id = p.client_id \
        WHERE p.organization_id = $1 AND p.id = $2";
}

#[derive(sqlx::FromRow)]
struct Row {
    project_id: Uuid,
    client_id: Option<Uuid>,
    currency: String,
    own_currency: String,
    billable: bool,
    billing_method: String,
    archived_at: Option<i64>,
    in_project: Option<Uuid>,
    status: String,
    project_rate: Option<i64>,
    project_member_rate: Option<i64>,
    member_rate: Option<i64>,
    organization_rate: Option<i64>,
    timezone: String,
    rounding_mode: String,
    rounding_minutes: i64,
    allow_overlap: bool,
    lock_before: Option<String>,
}

/// The ground of an entry of a member on a project; nothing when the organization lacks either.
pub(crate) async fn ground(
    conn: &mut Conn,
    organization: OrganizationId,
    project: ProjectId,
    member: MemberId,
) -> Result<Option<Ground>, Error> {
    let row = fetch_optional!(
        conn,
        FIND_GROUND as Row,
        organization.0,
        project.0,
        member.0
    )?;
    Ok(row.map(Row::into_ground).transpose()?)
}

/// Refuses (409) what was written for a client and in a currency that are not the project's any
/// more. To be called once the row is written: it refers to project and client, so PostgreSQL lets
/// nobody change a column of a key of theirs until the transaction ends, and client and currency are
/// such columns. Whoever changes them looks for such rows after the change, and so sees those that
/// came first. SQLite has one writer at a time.
pub(crate) async fn must_stand(
    conn: &mut Conn,
    organization: OrganizationId,
    project: ProjectId,
    client: Option<ClientId>,
    currency: Currency,
) -> Result<(), Error> {
    let row = fetch_optional!(
        conn,
        FIND_FOOTING as (Option<Uuid>, String),
        organization.0,
        project.0
    )?;
    let stands = row.is_some_and(|(id, stored)| {
        id == client.map(|client| client.0) && stored == currency.as_str()
    });
    if stands {
        return Ok(());
    }
    Err(Problem::new(
        Code::Conflict,
        "The project's client or currency changed at the same moment. Ask again.",
    )
    .into())
}

impl Row {
    fn into_ground(self) -> Result<Ground, Failure> {
        let own = self.currency == self.own_currency;
        let amount = |stored: Option<i64>| stored.and_then(Amount::from_ten_thousandths);
        let method = BillingMethod::WORDS
            .iter()
            .find(|(word, _)| *word == self.billing_method)
            .map(|(_, method)| *method)
            .ok_or_else(|| unreadable("a billing method", &self.billing_method))?;
        let mode = RoundingMode::from_word(&self.rounding_mode)
            .ok_or_else(|| unreadable("a rounding mode", &self.rounding_mode))?;
        let lock_before = self
            .lock_before
            .as_deref()
            .map(str::parse)
            .transpose()
            .map_err(|source| Failure::internal("read a stored day", source))?;
        let currency: Currency = self
            .currency
            .parse()
            .map_err(|source| Failure::internal("read a stored currency", source))?;
        Ok(Ground {
            project: ProjectId(self.project_id),
            client: self.client_id.map(ClientId),
            currency,
            billable: self.billable,
            billing_method: method,
            is_archived: self.archived_at.is_some(),
            is_in_project: self.in_project.is_some(),
            is_active: self.status == "active",
            project_rate: amount(self.project_rate),
            project_member_rate: amount(self.project_member_rate),
            member_rate: amount(self.member_rate).filter(|_| own),
            organization_rate: amount(self.organization_rate).filter(|_| own),
            zone: self
                .timezone
                .parse()
                .map_err(|source| Failure::internal("read a stored time zone", source))?,
            rounding: Rounding {
                mode,
                minutes: self.rounding_minutes,
            },
            allow_overlap: self.allow_overlap,
            lock_before,
        })
    }
}

fn unreadable(what: &str, word: &str) -> Failure {
    Failure::internal("read a stored word", format!("{what}: {word}"))
}
