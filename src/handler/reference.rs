//! External references and metadata, which every resource has.

use hoursmith_domain::{FieldError, Fields, Patch, check_text};
use hoursmith_kit::Failure;
use hoursmith_routes::common::{ExternalReference, Metadata};

/// A merge patch of an external reference.
#[derive(Debug, Clone, Default)]
pub struct ExternalReferencePatch {
    service: Patch<String>,
    id: Patch<String>,
    url: Patch<String>,
}

/// Reads `external_reference` from a body.
pub fn read_external_reference(fields: &mut Fields<'_>) -> Patch<ExternalReferencePatch> {
    fields.object("external_reference", |inner| {
        let patch = ExternalReferencePatch {
            service: inner.text("service", 1, 255),
            id: inner.text("id", 1, 255),
            url: inner.parsed("url", "invalid_url", parse_url),
        };
        inner.not_null("service", &patch.service);
        inner.not_null("id", &patch.id);
        patch
    })
}

/// Merges a patch into a reference. Refused when the result would name no service or no id.
pub fn merge_external_reference(
    current: &mut Option<ExternalReference>,
    patch: Patch<ExternalReferencePatch>,
) -> Result<(), Vec<FieldError>> {
    let patch = match patch {
        Patch::Absent => return Ok(()),
        Patch::Null => {
            *current = None;
            return Ok(());
        }
        Patch::Value(patch) => patch,
    };
    let (mut service, mut id, mut url) = match current.take() {
        Some(known) => (Some(known.service), Some(known.id), known.url),
        None => (None, None, None),
    };
    patch.service.apply(&mut service);
    patch.id.apply(&mut id);
    patch.url.apply(&mut url);
    let missing = |name: &str| {
        FieldError::pointer(
            format!("#/external_reference/{name}"),
            "required",
            "is required",
        )
    };
    match (service, id) {
        (Some(service), Some(id)) => {
            *current = Some(ExternalReference { service, id, url });
            Ok(())
        }
        (service, id) => Err([("id", id.is_none()), ("service", service.is_none())]
            .iter()
            .filter(|(_, is_missing)| *is_missing)
            .map(|(name, _)| missing(name))
            .collect()),
    }
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
pub type MetadataPatch = Patch<Vec<(String, Option<String>)>>;

/// Most pairs that a resource holds.
const MAX_PAIRS: usize = 50;

/// Reads `metadata` from a body.
pub fn read_metadata(fields: &mut Fields<'_>) -> MetadataPatch {
    fields.pairs("metadata", MAX_PAIRS, 40, 500)
}

/// Merges a patch into metadata (RFC 7396): a null removes its pair, null for all removes all.
/// False when the result would hold too many pairs.
pub fn merge_metadata(current: &mut Metadata, patch: MetadataPatch) -> bool {
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
pub fn metadata_text(metadata: &Metadata) -> String {
    // A map of strings, whose serialization cannot fail.
    serde_json::to_string(metadata).unwrap_or_else(|_| "{}".to_owned())
}

/// Metadata from its stored text. What cannot be read fails, lest the next change save it empty.
pub fn metadata_from(text: &str) -> Result<Metadata, Failure> {
    serde_json::from_str(text).map_err(|source| Failure::internal("read stored metadata", source))
}

/// An external reference from its columns.
pub fn external_reference_from(
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
