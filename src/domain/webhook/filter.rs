//! Which events an endpoint wants: types, all of a resource (`invoice.*`), or all (`*`).
//!
//! Only what this version can write is taken: a pattern that matches nothing would look like a
//! subscription and never fire. What is stored may be of a later version, though, when two run side
//! by side or one was rolled back; such a pattern is kept and matched as it stands.

use std::fmt;
use std::str::FromStr;

use crate::EventType;

/// The most patterns an endpoint may have; more than there are types is a mistake of its author.
pub const MAX_EVENT_FILTERS: usize = 50;

/// One pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventFilter {
    /// `*`: every type, also those of later versions.
    All,
    /// `invoice.*`: every type of a resource, also those of later versions.
    Resource(&'static str),
    /// One type.
    Type(EventType),
    /// A pattern that only a later version knows, in its words.
    Later(String),
}

/// A pattern that matches no type of event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a type of event such as invoice.sent, a resource such as invoice.*, or *")]
pub struct EventFilterError;

/// The patterns of an endpoint, of which one must match.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventFilters(pub Vec<EventFilter>);

impl EventFilter {
    /// Whether an event of this type is wanted.
    pub fn matches(&self, event: EventType) -> bool {
        self.matches_word(event.as_str())
    }

    /// Whether events of a type that this version need not know are wanted.
    pub fn matches_word(&self, kind: &str) -> bool {
        match self {
            Self::All => true,
            Self::Resource(resource) => *resource == resource_of(kind),
            Self::Type(wanted) => wanted.as_str() == kind,
            Self::Later(pattern) => match pattern.strip_suffix(".*") {
                Some(resource) => resource == resource_of(kind),
                None => pattern == kind,
            },
        }
    }

    /// Every pattern that this version writes: all, everything of a resource, one type.
    pub fn known() -> impl Iterator<Item = Self> {
        let types = || EventType::ALL.iter().copied();
        let mut resources: Vec<&str> = types()
            .filter_map(|event| event.as_str().split_once('.'))
            .map(|(resource, _)| resource)
            .collect();
        resources.dedup();
        [Self::All]
            .into_iter()
            .chain(resources.into_iter().map(Self::Resource))
            .chain(types().map(Self::Type))
    }

    /// Whether this is the pattern of a text.
    fn is_written(&self, text: &str) -> bool {
        match self {
            Self::All => text == "*",
            Self::Resource(resource) => text.strip_suffix(".*") == Some(*resource),
            Self::Type(event) => text == event.as_str(),
            Self::Later(pattern) => text == pattern,
        }
    }
}

impl EventFilters {
    /// The patterns of a JSON array that was stored, those of a later version included.
    ///
    /// # Errors
    ///
    /// Where the text is no array of texts, which is a defect: nobody can tell what was wanted.
    pub fn stored(text: &str) -> Result<Self, serde_json::Error> {
        let texts: Vec<String> = serde_json::from_str(text)?;
        let pattern = |text: String| text.parse().unwrap_or(EventFilter::Later(text));
        Ok(Self(texts.into_iter().map(pattern).collect()))
    }

    /// Whether an event of this type is wanted. No pattern wants nothing.
    pub fn matches(&self, event: EventType) -> bool {
        self.matches_word(event.as_str())
    }

    /// Whether events of a type that this version need not know are wanted.
    pub fn matches_word(&self, kind: &str) -> bool {
        self.0.iter().any(|filter| filter.matches_word(kind))
    }
}

impl FromStr for EventFilter {
    type Err = EventFilterError;

    fn from_str(text: &str) -> Result<Self, EventFilterError> {
        Self::known()
            .find(|known| known.is_written(text))
            .ok_or(EventFilterError)
    }
}

impl fmt::Display for EventFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("*"),
            Self::Resource(resource) => write!(f, "{resource}.*"),
            Self::Type(event) => event.fmt(f),
            Self::Later(pattern) => f.write_str(pattern),
        }
    }
}

/// What stands before the dot of a type.
fn resource_of(word: &str) -> &str {
    word.split_once('.').map_or(word, |(resource, _)| resource)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_its_types_and_no_other() {
        let filters =
            |texts: &[&str]| EventFilters(texts.iter().map(|text| text.parse().unwrap()).collect());
        for event in EventType::ALL.iter().copied() {
            assert!(filters(&["*"]).matches(event));
            assert!(!filters(&[]).matches(event));
            assert!(filters(&[event.as_str()]).matches(event));
            assert_eq!(
                filters(&["invoice.*", "time_entry.deleted"]).matches(event),
                event.as_str().starts_with("invoice.") || event == EventType::TimeEntryDeleted
            );
        }
    }

    #[test]
    fn what_a_later_version_stored_is_matched_and_kept() {
        let stored = |text: &str| {
            let EventFilters(mut filters) = EventFilters::stored(&format!("[\"{text}\"]")).unwrap();
            filters.remove(0)
        };
        assert_eq!(stored("invoice.*"), EventFilter::Resource("invoice"));
        for (pattern, other) in [
            ("timer.started", "timer.stopped"),
            ("timer.*", "time.started"),
        ] {
            let later = stored(pattern);
            assert_eq!(later, EventFilter::Later(pattern.to_owned()));
            assert_eq!(later.to_string(), pattern);
            assert!(later.matches_word("timer.started") && !later.matches_word(other));
            assert!(!later.matches(EventType::ClientCreated));
        }
        assert!(EventFilter::All.matches_word("timer.started"));
        assert_eq!(EventFilters::stored("[]").unwrap(), EventFilters::default());
        for unreadable in ["", "{}", "*", "[7]", "[\"*\""] {
            assert!(EventFilters::stored(unreadable).is_err(), "{unreadable}");
        }
    }

    #[test]
    fn all_that_is_known_comes_back_and_is_known_once() {
        let known: Vec<EventFilter> = EventFilter::known().collect();
        for (at, filter) in known.iter().enumerate() {
            assert_eq!(filter.to_string().parse().as_ref(), Ok(filter));
            assert!(!known[..at].contains(filter), "{filter}");
            assert!(EventType::ALL.iter().any(|event| filter.matches(*event)));
        }
    }

    #[test]
    fn what_would_never_fire_is_refused_and_the_rest_comes_back() {
        for text in ["*", "invoice.*", "time_entry.*", "client.updated"] {
            assert_eq!(text.parse::<EventFilter>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "**",
            "*.*",
            ".*",
            "invoice",
            "invoice.",
            "invoice.**",
            "invoice.*.x",
            "time.*",
            "ping.*",
            "Invoice.*",
            "invoice.exploded",
            "* ",
        ] {
            assert!(text.parse::<EventFilter>().is_err(), "{text}");
        }
    }
}
