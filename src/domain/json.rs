//! The one decoder of JSON input (RFC 8259), on simd-json.
//!
//! Stricter than the RFC where leniency loses data or lets two readers disagree: depth at most
//! [`MAX_DEPTH`], no duplicate names (RFC 7493, section 2.3), no NUL in any string (PostgreSQL
//! cannot store it), no byte order mark. One parser for the whole product, so that what one stage
//! accepted another cannot read differently.

use sha2::{Digest as _, Sha256};
use simd_json::Node;
use simd_json::borrowed::{Object, Value};
use simd_json::prelude::*;

use crate::{Code, FieldError, Problem};

/// Deepest nesting of arrays and objects that is accepted.
pub const MAX_DEPTH: usize = 32;

/// Why a document was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// Not JSON (also: a byte order mark, bad UTF-8, anything after the document).
    #[error("The body is not valid JSON.")]
    Syntax,
    /// Nested deeper than [`MAX_DEPTH`].
    #[error("The body is nested deeper than {MAX_DEPTH} levels.")]
    TooDeep,
    /// One object names a member twice.
    #[error("The body names a member twice in one object.")]
    DuplicateName {
        /// JSON Pointer of the member, as a fragment.
        pointer: String,
    },
    /// A NUL character in a string.
    #[error("The body has a NUL character in a string.")]
    Nul {
        /// JSON Pointer of the string, as a fragment.
        pointer: String,
    },
}

impl From<JsonError> for Problem {
    fn from(error: JsonError) -> Self {
        let detail = error.to_string();
        let problem = Self::new(Code::MalformedJson, detail.clone());
        match error {
            JsonError::Syntax | JsonError::TooDeep => problem,
            JsonError::DuplicateName { pointer } => {
                problem.with_error(FieldError::pointer(pointer, "duplicate_name", detail))
            }
            JsonError::Nul { pointer } => {
                problem.with_error(FieldError::pointer(pointer, "invalid_character", detail))
            }
        }
    }
}

/// A checked document.
#[derive(Debug)]
pub struct Document<'body> {
    value: Value<'body>,
}

impl<'body> Document<'body> {
    /// Parses and checks a body. The parser works in place, so the buffer's content is used up.
    pub fn parse(body: &'body mut [u8]) -> Result<Self, JsonError> {
        if depth_exceeds(body, MAX_DEPTH) {
            return Err(JsonError::TooDeep);
        }
        // simd-json's own value types keep the last of two equal names in silence, so the value is
        // built here from its tape, where both can still be seen.
        let tape = simd_json::to_tape(body).map_err(|_| JsonError::Syntax)?;
        let mut nodes = tape.0.into_iter();
        let value = build(&mut nodes, &mut String::from("#"))?;
        Ok(Self { value })
    }

    /// The parsed value.
    pub fn value(&self) -> &Value<'body> {
        &self.value
    }

    /// SHA-256 of the canonical form: names sorted by bytes, no white space. Two bodies that mean
    /// the same have the same digest however a client's library wrote them; numbers keep the
    /// parser's distinction between integer and float.
    pub fn canonical_digest(&self) -> [u8; 32] {
        let mut canonical = Vec::with_capacity(256);
        write_canonical(&self.value, &mut canonical);
        Sha256::digest(&canonical).into()
    }
}

/// Counts brackets outside strings. Runs before the parser, whose own recursion this bounds.
fn depth_exceeds(body: &[u8], max: usize) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    for byte in body {
        if in_string {
            match (escaped, byte) {
                (true, _) => escaped = false,
                (false, b'\\') => escaped = true,
                (false, b'"') => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'[' | b'{' => {
                depth += 1;
                if depth > max {
                    return true;
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

fn build<'body>(
    nodes: &mut impl Iterator<Item = Node<'body>>,
    pointer: &mut String,
) -> Result<Value<'body>, JsonError> {
    let length = pointer.len();
    match nodes.next().ok_or(JsonError::Syntax)? {
        Node::Static(node) => Ok(Value::Static(node)),
        Node::String(text) if text.contains('\0') => Err(JsonError::Nul {
            pointer: pointer.clone(),
        }),
        Node::String(text) => Ok(Value::String(text.into())),
        Node::Array { len, .. } => {
            let mut items = Vec::with_capacity(len);
            for index in 0..len {
                pointer.push_str(&format!("/{index}"));
                items.push(build(nodes, pointer)?);
                pointer.truncate(length);
            }
            Ok(Value::Array(Box::new(items)))
        }
        Node::Object { len, .. } => {
            let mut members = Object::with_capacity_and_hasher(len, Default::default());
            for _ in 0..len {
                let Some(Node::String(name)) = nodes.next() else {
                    return Err(JsonError::Syntax);
                };
                push_name(pointer, name);
                if name.contains('\0') {
                    return Err(JsonError::Nul {
                        pointer: pointer.clone(),
                    });
                }
                let value = build(nodes, pointer)?;
                if members.insert(name.into(), value).is_some() {
                    return Err(JsonError::DuplicateName {
                        pointer: pointer.clone(),
                    });
                }
                pointer.truncate(length);
            }
            Ok(Value::Object(Box::new(members)))
        }
    }
}

/// Longest part of a name that a pointer shows; longer ones end in `…`.
const MAX_NAME_CHARS: usize = 100;

/// Appends a name to a JSON Pointer in its URI fragment form (RFC 6901, sections 3 and 6).
pub(crate) fn push_name(pointer: &mut String, name: &str) {
    pointer.push('/');
    let longer = name.chars().nth(MAX_NAME_CHARS).is_some();
    for c in name
        .chars()
        .take(MAX_NAME_CHARS)
        .chain(longer.then_some('…'))
    {
        match c {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            c if c.is_ascii_alphanumeric() || "-._!$&'()*+,;=:@?".contains(c) => pointer.push(c),
            c => {
                let mut bytes = [0; 4];
                for byte in c.encode_utf8(&mut bytes).bytes() {
                    pointer.push_str(&format!("%{byte:02X}"));
                }
            }
        }
    }
}

fn write_canonical(value: &Value<'_>, out: &mut Vec<u8>) {
    match value {
        Value::Array(items) => {
            out.push(b'[');
            for item in items.iter() {
                write_canonical(item, out);
                out.push(b',');
            }
            out.push(b']');
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_unstable_by(|(a, _), (b, _)| a.as_bytes().cmp(b.as_bytes()));
            out.push(b'{');
            for (name, item) in members {
                write_canonical_text(name, out);
                out.push(b':');
                write_canonical(item, out);
                out.push(b',');
            }
            out.push(b'}');
        }
        Value::String(text) => write_canonical_text(text, out),
        Value::Static(node) => out.extend_from_slice(format!("{node:?}").as_bytes()),
    }
}

/// Length first, then the bytes: needs no escaping and cannot be confused with its neighbours.
fn write_canonical_text(text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(format!("\"{}:", text.len()).as_bytes());
    out.extend_from_slice(text.as_bytes());
}

/// Largest magnitude below which every whole number is a float of its own.
const MAX_EXACT_FLOAT: f64 = 9_007_199_254_740_992.0;

/// The whole number that a value is, written as an integer or as a float without a fraction.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the float is whole and within the range of i64"
)]
pub(crate) fn whole(value: &Value<'_>) -> Option<i64> {
    value.as_i64().or_else(|| {
        let float = value.as_f64()?;
        (float.fract() == 0.0 && float.abs() <= MAX_EXACT_FLOAT).then_some(float as i64)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<[u8; 32], JsonError> {
        let mut body = text.as_bytes().to_vec();
        Document::parse(&mut body).map(|document| document.canonical_digest())
    }

    #[test]
    fn what_means_the_same_has_one_digest() {
        let digest = parse(r#"{"a":1,"b":{"c":"x","d":[1,2]}}"#).unwrap();
        assert_eq!(
            parse("{ \"b\": {\"d\":[1, 2],\n\"c\":\"\\u0078\"}, \"a\":1 }").unwrap(),
            digest
        );
        for other in [
            r#"{"a":1,"b":{"c":"x","d":[2,1]}}"#,
            r#"{"a":"1","b":{"c":"x","d":[1,2]}}"#,
            r#"{"a":1,"b":{"c":"x","d":[1,2],"e":null}}"#,
            r#"{"a":1.5,"b":{"c":"x","d":[1,2]}}"#,
        ] {
            assert_ne!(parse(other).unwrap(), digest, "{other}");
        }
        assert_ne!(parse(r#"["a","b"]"#), parse(r#"["a\",\"b"]"#));
    }

    #[test]
    fn pointers_are_fragments() {
        let mut pointer = String::from("#");
        push_name(&mut pointer, "a%20b/~ é");
        assert_eq!(pointer, "#/a%2520b~1~0%20%C3%A9");
    }

    #[test]
    fn refuses_what_readers_disagree_about() {
        let deep = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
        assert!(parse(&deep(MAX_DEPTH)).is_ok());
        assert_eq!(parse(&deep(MAX_DEPTH + 1)), Err(JsonError::TooDeep));
        assert_eq!(parse(&"[".repeat(100_000)), Err(JsonError::TooDeep));
        assert!(parse(&format!("\"{}\"", "[".repeat(100))).is_ok());
        assert_eq!(
            parse(r#"{"a":{"b":1,"\u0062":2}}"#),
            Err(JsonError::DuplicateName {
                pointer: "#/a/b".to_owned()
            })
        );
        assert_eq!(
            parse(r#"{"a/~":["x","\u0000"]}"#),
            Err(JsonError::Nul {
                pointer: "#/a~1~0/1".to_owned()
            })
        );
        for syntax in [
            "",
            " ",
            "{",
            "nul",
            "NaN",
            "1e400",
            "01",
            "+1",
            "[1,]",
            "{'a':1}",
            "1 2",
            "\u{feff}{}",
            "{\"a\":1}x",
            "\"\\ud800\"",
            "// c\n1",
            "\"\t\"",
            "[1]]",
        ] {
            assert_eq!(parse(syntax), Err(JsonError::Syntax), "{syntax:?}");
        }
        let mut bad_utf8 = b"\"\xff\"".to_vec();
        assert_eq!(
            Document::parse(&mut bad_utf8).unwrap_err(),
            JsonError::Syntax
        );
    }
}
