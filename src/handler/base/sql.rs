//! The columns that every resource's table has, and how stored texts are read.

use hoursmith_domain::{Currency, Day, Timestamp, Zone};
use hoursmith_kit::Failure;

use super::Base;
use crate::reference::{external_reference_from, metadata_from};

/// The common columns of the table with an alias, to select.
#[macro_export]
macro_rules! base_columns {
    ($alias:literal) => {
        concat!(
            $alias,
            ".external_reference_service, ",
            $alias,
            ".external_reference_id, ",
            $alias,
            ".external_reference_url, ",
            $alias,
            ".metadata, ",
            $alias,
            ".version, ",
            $alias,
            ".created_at, ",
            $alias,
            ".updated_at"
        )
    };
}

/// The same without an alias, to return and to insert.
#[macro_export]
macro_rules! base_names {
    () => {
        "external_reference_service, external_reference_id, external_reference_url, metadata, version, \
         created_at, updated_at"
    };
}

pub use {base_columns, base_names};

/// The common columns as stored. To be flattened into a resource's row.
#[derive(Debug, sqlx::FromRow)]
pub struct BaseRow {
    external_reference_service: Option<String>,
    external_reference_id: Option<String>,
    external_reference_url: Option<String>,
    metadata: String,
    version: i64,
    created_at: i64,
    updated_at: i64,
}

impl BaseRow {
    /// What the columns say; a failure when it cannot be read.
    pub fn into_base(self) -> Result<Base, Failure> {
        Ok(Base {
            external_reference: external_reference_from(
                self.external_reference_service.as_ref(),
                self.external_reference_id.as_ref(),
                self.external_reference_url.as_ref(),
            ),
            metadata: metadata_from(&self.metadata)?,
            version: self.version,
            created_at: Timestamp::from_micros(self.created_at),
            updated_at: Timestamp::from_micros(self.updated_at),
        })
    }
}

/// A stored day; a failure when it is none.
pub fn stored_day(text: &str) -> Result<Day, Failure> {
    text.parse()
        .map_err(|source| Failure::internal("read a stored day", source))
}

/// A stored currency; a failure when it is none.
pub fn stored_currency(text: &str) -> Result<Currency, Failure> {
    text.parse()
        .map_err(|source| Failure::internal("read a stored currency", source))
}

/// A stored time zone; a failure when it is none.
pub fn stored_zone(text: &str) -> Result<Zone, Failure> {
    text.parse()
        .map_err(|source| Failure::internal("read a stored time zone", source))
}
