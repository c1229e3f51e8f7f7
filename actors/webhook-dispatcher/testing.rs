//! What tests and measurements of whole deployments need: an endpoint as the API would have kept it,
//! and a claim by itself.

use hoursmith_domain::webhook::WebhookSecret;
use hoursmith_domain::{Keys, OrganizationId, WebhookEndpointId};
use hoursmith_kit::SystemRandom;

pub use crate::dispatch::testing::claim;

/// The column of the secret that signs.
pub const SECRET_COLUMN: &str = crate::secret::SECRET;

/// The column of the one before.
pub const PREVIOUS_SECRET_COLUMN: &str = crate::secret::PREVIOUS_SECRET;

/// A secret as a column of an endpoint's row keeps it.
pub fn sealed(
    keys: &Keys,
    organization: OrganizationId,
    endpoint: WebhookEndpointId,
    column: &str,
    secret: &WebhookSecret,
) -> Vec<u8> {
    crate::secret::seal(keys, &SystemRandom, organization, endpoint, column, secret)
}
