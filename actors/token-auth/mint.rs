//! Minting, listing and revoking tokens: for whoever may, which is decided there and not here.

use hoursmith_domain::{
    Keys, MemberId, OrganizationId, Scope, TextError, Timestamp, Token, TokenId, UnknownWord,
    check_text,
};
use hoursmith_kit::Random;
use hoursmith_store::Db;

use crate::sql::{self, TokenInfo, TokenRow};

/// Longest name of a token, in Unicode scalar values.
const NAME_MAX: usize = 255;

/// A token to mint.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// The organization.
    pub organization: OrganizationId,
    /// Whom it acts as; an active member.
    pub member: MemberId,
    /// What its owner calls it, 1..=255 characters.
    pub name: String,
    /// What it may do.
    pub scope: Scope,
    /// From when on it is refused; `None` for never.
    pub expires_at: Option<Timestamp>,
}

/// A minted token: the one time that its secret is seen.
#[derive(Debug)]
pub struct MintedToken {
    /// The row's id, to list and revoke it by.
    pub id: TokenId,
    /// The secret.
    pub token: Token,
}

/// Why a token was not minted, or tokens were not listed or revoked.
#[derive(Debug, thiserror::Error)]
pub enum TokenAdminError {
    /// The name cannot be kept.
    #[error("the token's name cannot be used")]
    Name(#[source] TextError),
    /// It would never be of use.
    #[error("the token would expire at {expires_at}, which is past")]
    Expired {
        /// The given expiry.
        expires_at: Timestamp,
    },
    /// Nobody to act as.
    #[error("the organization {organization} has no active member {member}")]
    NoSuchMember {
        /// The organization.
        organization: OrganizationId,
        /// The member that was asked for.
        member: MemberId,
    },
    /// A stored word that this version does not know.
    #[error("a stored token cannot be read")]
    Unreadable(#[from] UnknownWord),
    /// The database.
    #[error("the database did not take part")]
    Store(#[from] hoursmith_store::Error),
}

/// Mints a token for an active member.
pub async fn mint_token(
    db: &Db,
    random: &dyn Random,
    keys: &Keys,
    now: Timestamp,
    new: NewToken,
) -> Result<MintedToken, TokenAdminError> {
    check_text(&new.name, 1, NAME_MAX, false).map_err(TokenAdminError::Name)?;
    if let Some(expires_at) = new.expires_at.filter(|at| *at <= now) {
        return Err(TokenAdminError::Expired { expires_at });
    }
    let mut bytes = [0; 64];
    random.fill(&mut bytes);
    let token = Token::generate(bytes);
    let id = TokenId(random.uuid_v7(now));
    let NewToken {
        organization,
        member,
        name,
        scope,
        expires_at,
    } = new;
    let row = TokenRow {
        organization,
        member,
        id,
        name,
        digest: token.digest(keys),
        last_four: token.last_four().to_owned(),
        scope,
        expires_at,
        created_at: now,
    };
    db.write(move |conn| {
        Box::pin(async move {
            if sql::insert(conn, &row).await? {
                Ok(())
            } else {
                Err(TokenAdminError::NoSuchMember {
                    organization,
                    member,
                })
            }
        })
    })
    .await?;
    Ok(MintedToken { id, token })
}

/// An organization's tokens, live or not, newest first: at most `limit` of those that are older
/// than `before`.
pub async fn list_tokens(
    db: &Db,
    organization: OrganizationId,
    before: Option<TokenId>,
    limit: u32,
) -> Result<Vec<TokenInfo>, TokenAdminError> {
    let mut conn = db.read().await?;
    let rows = sql::list(&mut conn, organization, before, limit).await?;
    Ok(rows
        .into_iter()
        .map(TokenInfo::try_from)
        .collect::<Result<_, _>>()?)
}

/// Revokes a token: its next request is refused. Gives whether there is such a token; one that
/// was revoked before keeps that time.
pub async fn revoke_token(
    db: &Db,
    now: Timestamp,
    organization: OrganizationId,
    token: TokenId,
) -> Result<bool, TokenAdminError> {
    db.write(move |conn| {
        Box::pin(async move { Ok(sql::revoke(conn, organization, token, now).await?) })
    })
    .await
}
