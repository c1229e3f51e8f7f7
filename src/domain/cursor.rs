//! List cursors: where the next page begins, sealed.
//!
//! A cursor holds the sort key and the id of the last row that was shown (keyset paging: a deep
//! page costs what the first costs, and rows that come or go between two pages shift nothing). It
//! is bound by a seal to the organization, the route and the filters it was made for, needs no
//! memory on the server and never expires. Text: base64url of version, sort key, id, seal.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use crate::{Keys, OrganizationId};

const VERSION: u8 = 1;
const SEAL_BYTES: usize = 16;
const BYTES: usize = 1 + 8 + 16 + SEAL_BYTES;

/// What a cursor is good for.
#[derive(Debug, Clone, Copy)]
pub struct CursorScope<'a> {
    /// The tenant whose list it is.
    pub organization: OrganizationId,
    /// The route, such as `client.list`.
    pub route: &'a str,
    /// The filters, in one spelling each and sorted; without `limit` and `cursor`.
    pub filters: &'a str,
}

/// The last row that was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// Its sort key: an instant in microseconds, or a sequence.
    pub sort: i64,
    /// Its id, which decides among equal sort keys.
    pub id: Uuid,
}

impl Cursor {
    /// The opaque text.
    pub fn seal(&self, keys: &Keys, scope: &CursorScope<'_>) -> String {
        let mut bytes = Vec::with_capacity(BYTES);
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.sort.to_be_bytes());
        bytes.extend_from_slice(self.id.as_bytes());
        let seal = seal(keys, scope, &bytes);
        bytes.extend(seal.iter().take(SEAL_BYTES));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a cursor that was made for this very scope; `None` for anything else.
    pub fn open(text: &str, keys: &Keys, scope: &CursorScope<'_>) -> Option<Self> {
        let bytes: [u8; BYTES] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        let (content, given) = bytes.split_at_checked(BYTES - SEAL_BYTES)?;
        let expected = seal(keys, scope, content);
        if !bool::from(expected.get(..SEAL_BYTES)?.ct_eq(given)) {
            return None;
        }
        let (version, rest) = content.split_first()?;
        let (sort, id) = rest.split_at_checked(8)?;
        (*version == VERSION).then_some(Self {
            sort: i64::from_be_bytes(sort.try_into().ok()?),
            id: Uuid::from_slice(id).ok()?,
        })
    }
}

fn seal(keys: &Keys, scope: &CursorScope<'_>, content: &[u8]) -> [u8; 32] {
    keys.cursor_seal(&[
        scope.organization.0.as_bytes(),
        scope.route.as_bytes(),
        scope.filters.as_bytes(),
        content,
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SecretKey;

    #[test]
    fn opens_in_its_own_scope_alone() {
        let keys = Keys::derive(&SecretKey::from_bytes([3; 32]));
        let scope = CursorScope {
            organization: OrganizationId(Uuid::from_u128(1)),
            route: "client.list",
            filters: "archived=false",
        };
        let cursor = Cursor {
            sort: -5,
            id: Uuid::from_u128(77),
        };
        let text = cursor.seal(&keys, &scope);
        assert_eq!(Cursor::open(&text, &keys, &scope), Some(cursor));
        let foreign = OrganizationId(Uuid::from_u128(2));
        for other in [
            CursorScope {
                organization: foreign,
                ..scope
            },
            CursorScope {
                route: "member.list",
                ..scope
            },
            CursorScope {
                filters: "",
                ..scope
            },
        ] {
            assert_eq!(Cursor::open(&text, &keys, &other), None);
        }
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(
                Cursor::open(std::str::from_utf8(&bytes).unwrap(), &keys, &scope),
                None,
                "{at}"
            );
        }
        assert_eq!(Cursor::open("", &keys, &scope), None);
        assert_eq!(Cursor::open(&"A".repeat(5000), &keys, &scope), None);
    }
}
