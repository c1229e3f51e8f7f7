//! Which events an endpoint gets.

use hoursmith_domain::webhook::EventFilters;
use hoursmith_domain::{EventType, WebhookEndpointId};
use uuid::Uuid;

/// What an endpoint asked for.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(crate) endpoint: WebhookEndpointId,
    filters: EventFilters,
}

impl Wanted {
    /// Reads the filters as they are kept.
    ///
    /// # Errors
    ///
    /// Where they cannot be read.
    pub(crate) fn stored(
        endpoint: WebhookEndpointId,
        filters: &str,
    ) -> Result<Self, serde_json::Error> {
        let filters = EventFilters::stored(filters)?;
        Ok(Self { endpoint, filters })
    }

    /// Whether an event of this type, about this resource, is for the endpoint. A ping is for the
    /// one that it was asked for, whatever else that wants.
    pub(crate) fn wants(&self, kind: &str, resource: Uuid) -> bool {
        if kind == EventType::Ping.as_str() {
            return resource == self.endpoint.0;
        }
        self.filters.matches_word(kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ping_is_for_its_endpoint_alone_and_a_new_type_for_those_who_want_all() {
        let (own, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let of = |filters| Wanted::stored(WebhookEndpointId(own), filters).unwrap();
        let all = of(r#"["*"]"#);
        let some = of(r#"["invoice.*","client.created","timer.started"]"#);
        for wanted in [&all, &some] {
            assert!(wanted.wants("ping", own));
            assert!(!wanted.wants("ping", other));
            assert!(wanted.wants("invoice.sent", other));
            assert!(wanted.wants("client.created", own));
        }
        assert!(all.wants("timer.started", other) && some.wants("timer.started", other));
        assert!(all.wants("timer.stopped", other) && !some.wants("timer.stopped", other));
        assert!(all.wants("client.deleted", other) && !some.wants("client.deleted", other));
        assert!(!of("[]").wants("client.created", other));
    }
}
