//! The member behind a token, with its token.

use hoursmith_domain::{Amount, Currency, OrganizationId, Role, Scope, Timestamp, TokenId};
use hoursmith_kit::Failure;
use hoursmith_routes::me::{Me, MyToken};
use hoursmith_routes::member::Member;
use hoursmith_store::{Conn, Error, fetch_optional};
use uuid::Uuid;

use crate::reference::{external_reference_from, metadata_from};
use crate::sight::Sight;

hoursmith_store::statements! {
    /// A member by one of its tokens. Zone and capacity fall back to the organization's.
    FIND_ME = "SELECT m.organization_id, m.id, m.user_id, u.name, u.email, m.role, m.status, \
        COALESCE(m.timezone, o.timezone) AS timezone, m.billable_rate, m.cost_rate, o.currency, \
        COALESCE(m.weekly_capacity_seconds, o.weekly_capacity_seconds) AS weekly_capacity_seconds, \
        m.external_reference_service, m.external_reference_id, m.external_reference_url, m.metadata, \
        m.version, m.created_at, m.updated_at, t.id AS token_id, t.name AS token_name, \
        t.scope AS token_scope, t.last_four AS token_last_four, t.expires_at AS token_expires_at, \
        t.created_at AS token_created_at \
        FROM api_tokens t \
        JOIN members m ON m.organization_id = t.organization_id AND m.id = t.member_id \
        JOIN users u ON u.id = m.user_id \
        JOIN organizations o ON o.id = m.organization_id \
        WHERE t.organization_id = $1 AND t.id = $2";
}

#[derive(sqlx::FromRow)]
pub(super) struct Row {
    organization_id: Uuid,
    id: Uuid,
    user_id: Uuid,
    name: String,
    email: String,
    role: String,
    status: String,
    timezone: String,
    billable_rate: Option<i64>,
    cost_rate: Option<i64>,
    currency: String,
    weekly_capacity_seconds: i64,
    external_reference_service: Option<String>,
    external_reference_id: Option<String>,
    external_reference_url: Option<String>,
    metadata: String,
    pub(super) version: i64,
    created_at: i64,
    updated_at: i64,
    token_id: Uuid,
    token_name: String,
    token_scope: String,
    token_last_four: String,
    token_expires_at: Option<i64>,
    token_created_at: i64,
}

pub(super) async fn find(
    conn: &mut Conn,
    organization: OrganizationId,
    token: TokenId,
) -> Result<Option<Row>, Error> {
    fetch_optional!(conn, FIND_ME as Row, organization.0, token.0)
}

impl Row {
    pub(super) fn into_wire(self, sight: Sight) -> Result<Me, Failure> {
        let stored = |source| Failure::internal("read a stored member", source);
        let currency: Currency = self
            .currency
            .parse()
            .map_err(|source| Failure::internal("read a stored currency", source))?;
        let role: Role = self.role.parse().map_err(stored)?;
        let scope: Scope = self.token_scope.parse().map_err(stored)?;
        Ok(Me {
            member: Member {
                id: self.id,
                user_id: self.user_id,
                name: self.name,
                email: self.email,
                role,
                status: self.status,
                timezone: self.timezone,
                billable_rate: sight.rate(
                    self.billable_rate.and_then(Amount::from_ten_thousandths),
                    currency,
                ),
                cost_rate: sight.cost(
                    self.cost_rate.and_then(Amount::from_ten_thousandths),
                    currency,
                ),
                currency: self.currency,
                weekly_capacity_seconds: self.weekly_capacity_seconds,
                external_reference: external_reference_from(
                    self.external_reference_service.as_ref(),
                    self.external_reference_id.as_ref(),
                    self.external_reference_url.as_ref(),
                ),
                metadata: metadata_from(&self.metadata)?,
                created_at: Timestamp::from_micros(self.created_at),
                updated_at: Timestamp::from_micros(self.updated_at),
            },
            organization_id: self.organization_id,
            token: MyToken {
                id: self.token_id,
                name: self.token_name,
                scope,
                last_four: self.token_last_four,
                expires_at: self.token_expires_at.map(Timestamp::from_micros),
                created_at: Timestamp::from_micros(self.token_created_at),
            },
        })
    }
}
