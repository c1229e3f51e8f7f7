//! Me: the member that a token acts as, and the token.

use hoursmith_domain::{Access, Grant, Plan, Scope, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::member::Member;
use crate::words::ScopeWord;
use crate::{Method, Route, Shape};

/// The routes.
pub const ROUTES: &[Route] = &[Route {
    id: "me.read",
    resource: "me",
    action: "read",
    method: Method::Get,
    path: "/api/v1/me",
    access: Access {
        owner: Grant::OneSelf,
        admin: Grant::OneSelf,
        manager: Grant::OneSelf,
        member: Grant::OneSelf,
        scope: Scope::Read,
        min_plan: Plan::Studio,
    },
    actor: "resource",
    parameters: &[],
    shape: Shape::Read { resource: "Me" },
    summary: "Read whom the token acts as",
    description: "The member who minted the token, with role and organization as they are now, and the token's own scope and expiry. A good first call.",
}];

/// The member, and the token that acts as it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Me {
    /// The member's fields.
    #[serde(flatten)]
    pub member: Member,
    /// The organization.
    #[schema(example = "0199c3a2-7e44-7b92-ac15-93e6f01d7ba8")]
    pub organization_id: Uuid,
    /// The token.
    pub token: MyToken,
}

/// The token of this very request. Its secret is never shown again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MyToken {
    /// Id.
    #[schema(example = "0199c3a2-7f08-7c6d-8d20-c4b7a1e35f69")]
    pub id: Uuid,
    /// Its name.
    #[schema(max_length = 255, example = "n8n")]
    pub name: String,
    /// `read` or `write`.
    #[schema(value_type = ScopeWord)]
    pub scope: Scope,
    /// The secret's last four characters.
    #[schema(
        min_length = 4,
        max_length = 4,
        pattern = "^[0-9A-Za-z]{4}$",
        example = "3fQz"
    )]
    pub last_four: String,
    /// When it expires; null if never.
    #[schema(value_type = Option<String>, required = true, format = DateTime, max_length = 40, example = "2027-11-24T00:00:00Z")]
    pub expires_at: Option<Timestamp>,
    /// When it was minted.
    #[schema(value_type = String, format = DateTime, max_length = 40, example = "2026-01-05T08:00:00Z")]
    pub created_at: Timestamp,
}
