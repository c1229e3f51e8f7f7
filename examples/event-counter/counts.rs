//! The counts themselves.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

/// What further types are counted as.
const OTHER: &str = "other";

/// How often each type was seen; of a bounded number of types.
#[derive(Debug)]
pub(crate) struct Counts {
    most_types: NonZeroUsize,
    by_type: Mutex<BTreeMap<String, u64>>,
}

impl Counts {
    pub(crate) fn new(most_types: NonZeroUsize) -> Self {
        Self {
            most_types,
            by_type: Mutex::default(),
        }
    }

    pub(crate) fn add(&self, kind: &str) {
        let mut by_type = self.by_type.lock().unwrap_or_else(PoisonError::into_inner);
        let known = by_type.contains_key(kind) || by_type.len() < self.most_types.get();
        let kind = if known { kind } else { OTHER };
        let count = by_type.entry(kind.to_owned()).or_default();
        *count = count.saturating_add(1);
    }

    /// A JSON object, type to number.
    pub(crate) fn json(&self) -> Vec<u8> {
        let by_type = self.by_type.lock().unwrap_or_else(PoisonError::into_inner);
        // Texts and numbers, whose serialization cannot fail.
        serde_json::to_vec(&*by_type).unwrap_or_default()
    }
}
