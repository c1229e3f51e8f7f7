//! Subjects and patterns, in the grammar of NATS: tokens separated by dots, `*` for one token,
//! `>` for one or more at the end (docs.nats.io, "Subject-Based Messaging").

use std::fmt;
use std::sync::Arc;

/// A literal subject: one or more tokens of letters, digits, `-` and `_`. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Subject(Arc<str>);

/// A subject in which tokens may be wildcards.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pattern(Arc<str>);

/// Text that is no subject or no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no {kind}: tokens of letters, digits, `-` and `_`, separated by dots")]
pub struct SubjectError {
    text: String,
    kind: &'static str,
}

/// Longest subject. NATS advises against more than 256 characters.
const MAX_BYTES: usize = 256;

fn is_token(token: &str) -> bool {
    !token.is_empty()
        && token
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

impl Subject {
    /// Checks and makes a subject.
    pub fn new(text: &str) -> Result<Self, SubjectError> {
        if text.len() <= MAX_BYTES && text.split('.').all(is_token) {
            Ok(Self(text.into()))
        } else {
            Err(SubjectError {
                text: text.to_owned(),
                kind: "subject",
            })
        }
    }

    /// One of ours, whose form a test checks.
    pub(crate) fn known(text: String) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Pattern {
    /// Checks and makes a pattern.
    pub fn new(text: &str) -> Result<Self, SubjectError> {
        let last = text.split('.').count().saturating_sub(1);
        let valid = |(at, token): (usize, &str)| {
            is_token(token) || token == "*" || (token == ">" && at == last)
        };
        if text.len() <= MAX_BYTES && text.split('.').enumerate().all(valid) {
            Ok(Self(text.into()))
        } else {
            Err(SubjectError {
                text: text.to_owned(),
                kind: "subject pattern",
            })
        }
    }

    /// One of ours, whose form a test checks.
    pub(crate) fn known(text: String) -> Self {
        Self(text.into())
    }

    /// Whether a subject is one of this pattern's.
    pub fn matches(&self, subject: &Subject) -> bool {
        let mut tokens = subject.as_str().split('.');
        for part in self.0.split('.') {
            match (part, tokens.next()) {
                (">", Some(_)) => return true,
                ("*", Some(_)) => {}
                (literal, Some(token)) if literal == token => {}
                _ => return false,
            }
        }
        tokens.next().is_none()
    }

    /// Whether it has no wildcards and so names one subject.
    pub fn is_literal(&self) -> bool {
        self.0.split('.').all(is_token)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&Subject> for Pattern {
    fn from(subject: &Subject) -> Self {
        Self(Arc::clone(&subject.0))
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_match_as_in_nats() {
        let matches = |pattern, subject| {
            Pattern::new(pattern)
                .unwrap()
                .matches(&Subject::new(subject).unwrap())
        };
        assert!(matches("a.b", "a.b"));
        assert!(matches("a.*", "a.b"));
        assert!(matches("a.>", "a.b.c"));
        assert!(matches(">", "a"));
        assert!(!matches("a.>", "a"));
        assert!(!matches("a.*", "a.b.c"));
        assert!(!matches("a.b", "a.b.c"));
        assert!(!matches("a.b.c", "a.b"));
    }

    #[test]
    fn grammar_is_checked() {
        for wrong in [
            "",
            ".",
            "a.",
            ".a",
            "a..b",
            "a b",
            "a.*",
            "a.>",
            "ä",
            "$JS.API",
            &"a".repeat(257),
        ] {
            assert!(Subject::new(wrong).is_err(), "{wrong}");
        }
        for wrong in ["", "a.>.b", "a*", "a.>b", "a..*"] {
            assert!(Pattern::new(wrong).is_err(), "{wrong}");
        }
    }
}
