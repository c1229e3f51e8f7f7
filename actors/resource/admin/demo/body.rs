//! Bodies, as a client of the API would send them.

use hoursmith_domain::{Document, Problem};
use hoursmith_kit::Failure;
use serde_json::{Map, Value};
use simd_json::borrowed;

use crate::error::Error;

/// The JSON object of a body.
#[derive(Debug, Clone, Default)]
pub(super) struct Body(Map<String, Value>);

impl Body {
    /// One that is written down in the cast.
    pub(super) fn parse(text: &str) -> Result<Self, Failure> {
        serde_json::from_str(text)
            .map(Self)
            .map_err(|source| Failure::internal("read the demo's script", source))
    }

    /// One with a single field.
    pub(super) fn of(name: &str, value: impl Into<Value>) -> Self {
        let mut body = Self::default();
        body.set(name, value);
        body
    }

    /// Gives a field its value.
    pub(super) fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.0.insert(name.to_owned(), value.into());
    }

    /// Reads it as a handler does.
    pub(super) fn read<T>(
        &self,
        input: impl FnOnce(&borrowed::Value<'_>) -> Result<T, Problem>,
    ) -> Result<T, Error> {
        // An object of strings and numbers, whose serialization cannot fail.
        let mut bytes = serde_json::to_vec(&self.0).unwrap_or_default();
        let document = Document::parse(&mut bytes)?;
        Ok(input(document.value())?)
    }
}
