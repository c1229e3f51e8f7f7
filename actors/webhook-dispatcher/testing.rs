//! What tests of whole deployments put in place: an endpoint as the API would have kept it.

use hoursmith_domain::webhook::WebhookSecret;
use hoursmith_domain::{Keys, OrganizationId, WebhookEndpointId};
use hoursmith_kit::SystemRandom;

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
