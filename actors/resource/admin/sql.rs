//! Organizations, as an operator makes and finds them.

use hoursmith_domain::{OrganizationId, Timestamp};
use hoursmith_store::{Conn, Error, execute, fetch_all, fetch_optional};
use uuid::Uuid;

use super::NewOrganization;

hoursmith_store::statements! {
    /// A new organization with the defaults of the schema.
    INSERT_ORGANIZATION = "INSERT INTO organizations (id, name, slug, plan, currency, timezone, \
        created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $7)";
    /// An organization by its short name.
    FIND_ORGANIZATION_BY_SLUG = "SELECT id FROM organizations WHERE slug = $1";
    /// Every organization, at most 1,000.
    LIST_ORGANIZATIONS = "SELECT id, name, slug, plan, currency FROM organizations ORDER BY created_at, id LIMIT 1000";
}

/// An organization, in short.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct OrganizationRow {
    /// Id.
    pub id: Uuid,
    /// Name.
    pub name: String,
    /// Short name.
    pub slug: String,
    /// Plan.
    pub plan: String,
    /// Currency.
    pub currency: String,
}

pub(super) async fn insert_organization(
    conn: &mut Conn,
    id: OrganizationId,
    new: &NewOrganization,
    now: Timestamp,
) -> Result<(), Error> {
    execute!(
        conn,
        INSERT_ORGANIZATION,
        id.0,
        new.name.as_str(),
        new.slug.as_str(),
        new.plan.as_str(),
        new.currency.as_str(),
        new.timezone.as_str(),
        now.as_micros(),
    )?;
    Ok(())
}

pub(super) async fn find_organization(
    conn: &mut Conn,
    slug: &str,
) -> Result<Option<OrganizationId>, Error> {
    let row = fetch_optional!(conn, FIND_ORGANIZATION_BY_SLUG as (Uuid,), slug)?;
    Ok(row.map(|(id,)| OrganizationId(id)))
}

pub(super) async fn organizations(conn: &mut Conn) -> Result<Vec<OrganizationRow>, Error> {
    fetch_all!(conn, LIST_ORGANIZATIONS as OrganizationRow)
}
