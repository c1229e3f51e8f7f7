//! 32 bytes in JSON as base64 text, for `#[serde(with = "bytes32")]`: seals and digests travel in
//! the head of every message, and serde's own form, an array of numbers, is three times as long
//! and takes five times as long to write and to read.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserializer, Serializer};

const BYTES: usize = 32;

/// Writes the text.
pub fn serialize<S: Serializer>(bytes: &[u8; BYTES], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&STANDARD.encode(bytes))
}

/// Reads the text.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; BYTES], D::Error> {
    deserializer.deserialize_str(Text)
}

struct Text;

impl Visitor<'_> for Text {
    type Value = [u8; BYTES];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("base64 of 32 bytes")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<[u8; BYTES], E> {
        let bytes = STANDARD.decode(text).ok();
        bytes
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or_else(|| E::invalid_value(Unexpected::Other("other text"), &self))
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Sealed(#[serde(with = "super")] [u8; 32]);

    #[test]
    fn text_of_32_bytes_and_nothing_else_is_read() {
        let sealed = Sealed([0xfb; 32]);
        let json = serde_json::to_string(&sealed).unwrap();
        assert_eq!(json.len(), 46, "{json}");
        assert_eq!(serde_json::from_str::<Sealed>(&json).unwrap(), sealed);
        for wrong in [
            "\"\"",
            "\"+/v7\"",
            "\"?\"",
            "[1,2]",
            "null",
            &json.replace('=', ""),
        ] {
            assert!(serde_json::from_str::<Sealed>(wrong).is_err(), "{wrong}");
        }
    }
}
