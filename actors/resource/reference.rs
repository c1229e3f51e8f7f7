//! External references and metadata, which every resource has.

use std::collections::BTreeMap;

use hoursmith_domain::{Fields, Patch, check_text};
use hoursmith_routes::common::{ExternalReference, Metadata};

/// Reads `external_reference` from a body. Replaced whole: half a reference names nothing.
pub(crate) fn read_external_reference(fields: &mut Fields<'_>) -> Patch<ExternalReference> {
    fields.object("external_reference", |inner| {
        let service = inner.text("service", 1, 255);
        inner.required("service", &service);
        let id = inner.text("id", 1, 255);
        inner.required("id", &id);
        let url = inner.parsed("url", "invalid_url", parse_url);
        ExternalReference {
            service: service.into_option().unwrap_or_default(),
            id: id.into_option().unwrap_or_default(),
            url: url.into_option(),
        }
    })
}

/// A link that a person may follow: http or https, nothing that a page could be tricked with.
fn parse_url(text: &str) -> Result<String, &'static str> {
    let web = text.starts_with("https://") || text.starts_with("http://");
    let plain = text
        .bytes()
        .all(|b| b.is_ascii_graphic() && !matches!(b, b'"' | b'<' | b'>' | b'\\' | b'`'));
    if web && plain && check_text(text, 8, 2048, false).is_ok() {
        Ok(text.to_owned())
    } else {
        Err("must be an http or https URL of at most 2048 ASCII characters")
    }
}

/// Pairs of a merge patch on metadata.
pub(crate) type MetadataPatch = Patch<Vec<(String, Option<String>)>>;

/// Most pairs that a resource holds.
const MAX_PAIRS: usize = 50;

/// Reads `metadata` from a body.
pub(crate) fn read_metadata(fields: &mut Fields<'_>) -> MetadataPatch {
    fields.pairs("metadata", MAX_PAIRS, 40, 500)
}

/// Merges a patch into metadata (RFC 7396): a null removes its pair, null for all removes all.
/// False when the result would hold too many pairs.
pub(crate) fn merge_metadata(current: &mut Metadata, patch: MetadataPatch) -> bool {
    match patch {
        Patch::Absent => {}
        Patch::Null => current.clear(),
        Patch::Value(pairs) => {
            for (name, value) in pairs {
                match value {
                    Some(value) => current.insert(name, value),
                    None => current.remove(&name),
                };
            }
        }
    }
    current.len() <= MAX_PAIRS
}

/// The JSON text of metadata, to store.
pub(crate) fn metadata_text(metadata: &Metadata) -> String {
    // A map of strings, whose serialization cannot fail.
    serde_json::to_string(metadata).unwrap_or_else(|_| "{}".to_owned())
}

/// Metadata from its stored text.
pub(crate) fn metadata_from(text: &str) -> Metadata {
    serde_json::from_str(text).unwrap_or_else(|_| BTreeMap::new())
}

/// An external reference from its columns.
pub(crate) fn external_reference_from(
    service: Option<&String>,
    id: Option<&String>,
    url: Option<&String>,
) -> Option<ExternalReference> {
    Some(ExternalReference {
        service: service?.clone(),
        id: id?.clone(),
        url: url.cloned(),
    })
}
