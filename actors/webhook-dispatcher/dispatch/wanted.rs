//! Which events an endpoint gets.

use hoursmith_domain::EventType;
use hoursmith_domain::webhook::{EventFilter, EventFilters};
use uuid::Uuid;

/// What an endpoint asked for.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    endpoint: Uuid,
    filters: EventFilters,
}

impl Wanted {
    /// Reads the JSON array of filters as it is kept.
    pub(crate) fn new(endpoint: Uuid, filters: &str) -> Self {
        let texts: Vec<String> = serde_json::from_str(filters).unwrap_or_default();
        let filters = texts.into_iter().map(EventFilter::stored).collect();
        Self {
            endpoint,
            filters: EventFilters(filters),
        }
    }

    /// Whether an event of this type, about this resource, is for the endpoint. A ping is for the
    /// one that it was asked for, whatever else that wants.
    pub(crate) fn wants(&self, kind: &str, resource: Uuid) -> bool {
        if kind == EventType::Ping.as_str() {
            return resource == self.endpoint;
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
        let all = Wanted::new(own, r#"["*"]"#);
        let some = Wanted::new(own, r#"["invoice.*","client.created","timer.started"]"#);
        for wanted in [&all, &some] {
            assert!(wanted.wants("ping", own));
            assert!(!wanted.wants("ping", other));
            assert!(wanted.wants("invoice.sent", other));
            assert!(wanted.wants("client.created", own));
        }
        assert!(all.wants("timer.started", other) && some.wants("timer.started", other));
        assert!(all.wants("timer.stopped", other) && !some.wants("timer.stopped", other));
        assert!(all.wants("client.deleted", other) && !some.wants("client.deleted", other));
        assert!(!Wanted::new(own, "[]").wants("client.created", other));
    }
}
