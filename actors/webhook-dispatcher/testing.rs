//! What tests of whole deployments put in place: an endpoint as the API would have kept it.

use hoursmith_domain::webhook::WebhookSecret;
use hoursmith_domain::{Keys, OrganizationId, WebhookEndpointId};
use hoursmith_kit::SystemRandom;

/// A secret as the column `secret` of an endpoint's row keeps it.
pub fn sealed(
    keys: &Keys,
    organization: OrganizationId,
    endpoint: WebhookEndpointId,
    secret: &WebhookSecret,
) -> Vec<u8> {
    crate::secret::seal(
        keys,
        &SystemRandom,
        organization,
        endpoint,
        "secret",
        secret,
    )
}

/// A secret as the column `previous_secret` keeps it.
pub fn sealed_previous(
    keys: &Keys,
    organization: OrganizationId,
    endpoint: WebhookEndpointId,
    secret: &WebhookSecret,
) -> Vec<u8> {
    crate::secret::seal(
        keys,
        &SystemRandom,
        organization,
        endpoint,
        crate::secret::PREVIOUS_SECRET,
        secret,
    )
}
