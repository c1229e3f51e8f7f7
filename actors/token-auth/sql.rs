//! The statements about tokens.

use hoursmith_domain::{
    MemberId, OrganizationId, Plan, Role, Scope, Timestamp, TokenDigest, TokenId, UnknownWord,
    UserId,
};
use hoursmith_store::{Conn, Error, execute, fetch_all, fetch_optional};
use uuid::Uuid;

hoursmith_store::statements! {
    /// A token with what its member may do now. Everything that can end a token is in this one row.
    FIND_TOKEN = "SELECT t.organization_id, t.id, t.scope, t.expires_at, t.revoked_at, t.last_used_at,
            m.id AS member_id, m.user_id, m.role, m.status, o.plan
        FROM api_tokens t
        JOIN members m ON m.organization_id = t.organization_id AND m.id = t.member_id
        JOIN organizations o ON o.id = t.organization_id
        WHERE t.digest = $1";
    /// Notes a use, unless one is noted that is hardly older.
    TOUCH_TOKEN = "UPDATE api_tokens SET last_used_at = $3
        WHERE organization_id = $1 AND id = $2 AND (last_used_at IS NULL OR last_used_at < $4)";
    /// Gives an active member a token; writes no row when there is no such member.
    INSERT_TOKEN = "INSERT INTO api_tokens
            (organization_id, member_id, id, name, digest, last_four, scope, expires_at, created_at)
        SELECT organization_id, id, $3, $4, $5, $6, $7, $8, $9 FROM members
        WHERE organization_id = $1 AND id = $2 AND status = 'active'";
    /// An organization's tokens, newest first.
    LIST_TOKENS = "SELECT id, member_id, name, last_four, scope,
            expires_at, revoked_at, last_used_at, created_at
        FROM api_tokens WHERE organization_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3";
    /// A member's live tokens, newest first.
    LIST_MEMBER_TOKENS = "SELECT id, member_id, name, last_four, scope,
            expires_at, revoked_at, last_used_at, created_at
        FROM api_tokens WHERE organization_id = $1 AND member_id = $2 AND revoked_at IS NULL
        ORDER BY created_at DESC, id DESC LIMIT $3";
    /// Revokes a token of a member's; one that is revoked keeps its time.
    REVOKE_MEMBER_TOKEN = "UPDATE api_tokens SET revoked_at = COALESCE(revoked_at, $4)
        WHERE organization_id = $1 AND member_id = $2 AND id = $3";
    /// Revokes a token; one that is revoked keeps its time.
    REVOKE_TOKEN = "UPDATE api_tokens SET revoked_at = COALESCE(revoked_at, $3)
        WHERE organization_id = $1 AND id = $2";
}

/// A token and its member, as they are now.
#[derive(sqlx::FromRow)]
pub(crate) struct FoundToken {
    organization_id: Uuid,
    id: Uuid,
    scope: String,
    expires_at: Option<i64>,
    revoked_at: Option<i64>,
    last_used_at: Option<i64>,
    member_id: Uuid,
    user_id: Uuid,
    role: String,
    status: String,
    plan: String,
}

/// Whom a live token acts as, and what that one may do.
#[derive(Debug)]
pub(crate) struct Principal {
    pub(crate) organization: OrganizationId,
    pub(crate) user: UserId,
    pub(crate) member: MemberId,
    pub(crate) token: TokenId,
    pub(crate) role: Role,
    pub(crate) plan: Plan,
    pub(crate) scope: Scope,
    pub(crate) last_used_at: Option<Timestamp>,
}

/// A token as lists show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenInfo {
    /// Its id.
    pub id: TokenId,
    /// Whom it acts as.
    pub member: MemberId,
    /// What its owner calls it.
    pub name: String,
    /// The last four characters of the secret.
    pub last_four: String,
    /// What it may do.
    pub scope: Scope,
    /// From when on it is refused.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// When it was used, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// When it was minted.
    pub created_at: Timestamp,
}

/// A row to add.
pub(crate) struct TokenRow {
    pub(crate) organization: OrganizationId,
    pub(crate) member: MemberId,
    pub(crate) id: TokenId,
    pub(crate) name: String,
    pub(crate) digest: TokenDigest,
    pub(crate) last_four: String,
    pub(crate) scope: Scope,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) created_at: Timestamp,
}

#[derive(sqlx::FromRow)]
pub(crate) struct ListedToken {
    id: Uuid,
    member_id: Uuid,
    name: String,
    last_four: String,
    scope: String,
    expires_at: Option<i64>,
    revoked_at: Option<i64>,
    last_used_at: Option<i64>,
    created_at: i64,
}

impl FoundToken {
    /// Whether it may be used now.
    pub(crate) fn is_live(&self, now: Timestamp) -> bool {
        let expired = self.expires_at.is_some_and(|at| now.as_micros() >= at);
        self.revoked_at.is_none() && !expired && self.status == "active"
    }
}

impl TryFrom<FoundToken> for Principal {
    type Error = UnknownWord;

    fn try_from(row: FoundToken) -> Result<Self, UnknownWord> {
        Ok(Self {
            organization: OrganizationId(row.organization_id),
            user: UserId(row.user_id),
            member: MemberId(row.member_id),
            token: TokenId(row.id),
            role: row.role.parse()?,
            plan: row.plan.parse()?,
            scope: row.scope.parse()?,
            last_used_at: row.last_used_at.map(Timestamp::from_micros),
        })
    }
}

impl TryFrom<ListedToken> for TokenInfo {
    type Error = UnknownWord;

    fn try_from(row: ListedToken) -> Result<Self, UnknownWord> {
        Ok(Self {
            id: TokenId(row.id),
            member: MemberId(row.member_id),
            name: row.name,
            last_four: row.last_four,
            scope: row.scope.parse()?,
            expires_at: row.expires_at.map(Timestamp::from_micros),
            revoked_at: row.revoked_at.map(Timestamp::from_micros),
            last_used_at: row.last_used_at.map(Timestamp::from_micros),
            created_at: Timestamp::from_micros(row.created_at),
        })
    }
}

pub(crate) async fn find(
    conn: &mut Conn,
    digest: &TokenDigest,
) -> Result<Option<FoundToken>, Error> {
    fetch_optional!(conn, FIND_TOKEN as FoundToken, digest.0.as_slice())
}

pub(crate) async fn touch(
    conn: &mut Conn,
    organization: OrganizationId,
    token: TokenId,
    at: Timestamp,
    unless_since: Timestamp,
) -> Result<u64, Error> {
    execute!(
        conn,
        TOUCH_TOKEN,
        organization.0,
        token.0,
        at.as_micros(),
        unless_since.as_micros()
    )
}

/// Whether there was such a member to give it to.
pub(crate) async fn insert(conn: &mut Conn, row: &TokenRow) -> Result<bool, Error> {
    let written = execute!(
        conn,
        INSERT_TOKEN,
        row.organization.0,
        row.member.0,
        row.id.0,
        &row.name,
        row.digest.0.as_slice(),
        &row.last_four,
        row.scope.as_str(),
        row.expires_at.map(Timestamp::as_micros),
        row.created_at.as_micros(),
    )?;
    Ok(written == 1)
}

pub(crate) async fn list(
    conn: &mut Conn,
    organization: OrganizationId,
    before: Option<TokenId>,
    limit: u32,
) -> Result<Vec<ListedToken>, Error> {
    let before = before.map_or(Uuid::max(), |id| id.0);
    fetch_all!(
        conn,
        LIST_TOKENS as ListedToken,
        organization.0,
        before,
        i64::from(limit)
    )
}

/// A member's live tokens, newest first.
pub(crate) async fn list_of(
    conn: &mut Conn,
    organization: OrganizationId,
    member: MemberId,
    limit: u32,
) -> Result<Vec<ListedToken>, Error> {
    fetch_all!(
        conn,
        LIST_MEMBER_TOKENS as ListedToken,
        organization.0,
        member.0,
        i64::from(limit)
    )
}

/// Whether the member has such a token.
pub(crate) async fn revoke_of(
    conn: &mut Conn,
    organization: OrganizationId,
    member: MemberId,
    token: TokenId,
    now: Timestamp,
) -> Result<bool, Error> {
    let written = execute!(
        conn,
        REVOKE_MEMBER_TOKEN,
        organization.0,
        member.0,
        token.0,
        now.as_micros()
    )?;
    Ok(written == 1)
}

/// Whether there is such a token.
pub(crate) async fn revoke(
    conn: &mut Conn,
    organization: OrganizationId,
    token: TokenId,
    now: Timestamp,
) -> Result<bool, Error> {
    let written = execute!(conn, REVOKE_TOKEN, organization.0, token.0, now.as_micros())?;
    Ok(written == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_dead_from_its_expiry_on() {
        let id = Uuid::from_u128(1);
        let token = FoundToken {
            organization_id: id,
            id,
            scope: "read".to_owned(),
            expires_at: Some(1_000_000),
            revoked_at: None,
            last_used_at: None,
            member_id: id,
            user_id: id,
            role: "owner".to_owned(),
            status: "active".to_owned(),
            plan: "studio".to_owned(),
        };
        assert!(token.is_live(Timestamp::from_micros(999_999)));
        assert!(!token.is_live(Timestamp::from_micros(1_000_000)));
        let forever = FoundToken {
            expires_at: None,
            ..token
        };
        assert!(forever.is_live(Timestamp::from_micros(i64::MAX)));
    }
}
