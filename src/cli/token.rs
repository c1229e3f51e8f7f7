//! `token`: API tokens, minted for a member by the operator.

use std::process::ExitCode;
use std::time::Duration;

use clap::Subcommand;
use hoursmith::Parts;
use hoursmith_domain::{OrganizationId, Scope, Timestamp, Token, TokenId};
use hoursmith_resource::admin::Admin;
use hoursmith_settings::Settings;
use hoursmith_token_auth::{NewToken, TokenInfo, list_tokens, mint_token, revoke_token};

use super::{Failure, manage};

/// Tokens that are read at a time.
const PAGE: u32 = 500;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[derive(Debug, Subcommand)]
pub(super) enum TokenCommand {
    /// Mint a token that acts as a member; prints it, this once.
    Create {
        /// Short name of the organization.
        slug: String,
        /// E-mail address of the member.
        email: String,
        /// What it is for.
        #[arg(long)]
        name: String,
        /// read or write.
        #[arg(long, default_value = "write")]
        scope: Scope,
        /// Days until it expires; without it, never.
        #[arg(long, value_name = "DAYS")]
        expires_in: Option<u32>,
    },
    /// List an organization's tokens, newest first.
    List {
        /// Short name of the organization.
        slug: String,
    },
    /// Revoke a token, from the next request on.
    Revoke {
        /// Short name of the organization.
        slug: String,
        /// Id of the token, as `token list` shows it.
        id: TokenId,
    },
}

pub(super) async fn run(settings: Settings, command: TokenCommand) -> Result<ExitCode, Failure> {
    let parts = Parts::default();
    let admin = manage::admin(&settings, &parts).await?;
    match command {
        TokenCommand::Create {
            slug,
            email,
            name,
            scope,
            expires_in,
        } => {
            let expires_at =
                expires_in.map(|days| parts.clock.now().plus(DAY.saturating_mul(days)));
            let (organization, member) = admin.member(&slug, &email).await?;
            let new = NewToken {
                organization,
                member,
                name,
                scope,
                expires_at,
            };
            println!("{}", mint(&settings, &parts, &admin, new).await?.expose());
        }
        TokenCommand::List { slug } => {
            let organization = admin.organization(&slug).await?;
            for token in all(&admin, organization).await? {
                let shown =
                    |at: Option<Timestamp>| at.map_or_else(|| "-".to_owned(), |at| at.to_string());
                println!(
                    "{}\t…{}\t{}\texpires {}\trevoked {}\tused {}\t{}",
                    token.id,
                    token.last_four,
                    token.scope,
                    shown(token.expires_at),
                    shown(token.revoked_at),
                    shown(token.last_used_at),
                    token.name
                );
            }
        }
        TokenCommand::Revoke { slug, id } => {
            let organization = admin.organization(&slug).await?;
            if !revoke_token(&admin.db, parts.clock.now(), organization, id).await? {
                return Err(format!("`{slug}` has no token {id}").into());
            }
        }
    }
    admin.db.close().await;
    Ok(ExitCode::SUCCESS)
}

/// Every token of an organization, newest first.
async fn all(admin: &Admin, organization: OrganizationId) -> Result<Vec<TokenInfo>, Failure> {
    let mut tokens: Vec<TokenInfo> = Vec::new();
    loop {
        let before = tokens.last().map(|token| token.id);
        let page = list_tokens(&admin.db, organization, before, PAGE).await?;
        if page.is_empty() {
            return Ok(tokens);
        }
        tokens.extend(page);
    }
}

/// A new token of this name for a member; those of the same name are revoked.
pub(super) async fn renew(
    settings: &Settings,
    parts: &Parts,
    admin: &Admin,
    slug: &str,
    email: &str,
    name: &str,
) -> Result<Token, Failure> {
    let (organization, member) = admin.member(slug, email).await?;
    for old in all(admin, organization).await? {
        if old.name == name && old.member == member && old.revoked_at.is_none() {
            revoke_token(&admin.db, parts.clock.now(), organization, old.id).await?;
        }
    }
    let new = NewToken {
        organization,
        member,
        name: name.to_owned(),
        scope: Scope::Write,
        expires_at: None,
    };
    mint(settings, parts, admin, new).await
}

async fn mint(
    settings: &Settings,
    parts: &Parts,
    admin: &Admin,
    new: NewToken,
) -> Result<Token, Failure> {
    let keys = hoursmith::keys(settings, parts.random.as_ref())?;
    let minted = mint_token(
        &admin.db,
        parts.random.as_ref(),
        &keys,
        parts.clock.now(),
        new,
    )
    .await?;
    Ok(minted.token)
}
