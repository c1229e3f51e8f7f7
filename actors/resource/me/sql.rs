//! The member behind a token, with its token.

use hoursmith_domain::{OrganizationId, Scope, Timestamp, TokenId};
use hoursmith_kit::Failure;
use hoursmith_routes::me::MyToken;
use hoursmith_store::{Conn, fetch_optional};
use uuid::Uuid;

use crate::base::base_columns;
use crate::error::Error;
use crate::member::{MemberRow, MemberState, member_columns, member_joins};

hoursmith_store::statements! {
    /// A member by one of its tokens.
    FIND_ME = concat!(
        "SELECT ",
        member_columns!(),
        ", t.id AS token_id, t.name AS token_name, t.scope AS token_scope, \
         t.last_four AS token_last_four, t.expires_at AS token_expires_at, \
         t.created_at AS token_created_at FROM api_tokens t \
         JOIN members m ON m.organization_id = t.organization_id AND m.id = t.member_id",
        member_joins!(),
        " WHERE t.organization_id = $1 AND t.id = $2"
    );
}

#[derive(sqlx::FromRow)]
struct Row {
    #[sqlx(flatten)]
    member: MemberRow,
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
) -> Result<Option<(MemberState, MyToken)>, Error> {
    let row = fetch_optional!(conn, FIND_ME as Row, organization.0, token.0)?;
    Ok(row.map(Row::into_states).transpose()?)
}

impl Row {
    fn into_states(self) -> Result<(MemberState, MyToken), Failure> {
        let scope: Scope = self
            .token_scope
            .parse()
            .map_err(|source| Failure::internal("read a stored token", source))?;
        let token = MyToken {
            id: self.token_id,
            name: self.token_name,
            scope,
            last_four: self.token_last_four,
            expires_at: self.token_expires_at.map(Timestamp::from_micros),
            created_at: Timestamp::from_micros(self.token_created_at),
        };
        Ok((self.member.into_state()?, token))
    }
}
