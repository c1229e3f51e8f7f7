//! `Idempotency-Key`: its form.

use hoursmith_domain::{Code, FieldError, Problem};
use http::HeaderMap;

const HEADER: &str = "idempotency-key";
const MAX_CHARACTERS: usize = 255;

/// The key of a POST, `None` if it has none.
///
/// Both forms in use are read as the same key: bare, as Stripe takes it, and as the quoted string
/// of draft-ietf-httpapi-idempotency-key-header.
pub(crate) fn key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut values = headers.get_all(HEADER).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(refuse("duplicate", "is sent twice"));
    }
    let Ok(text) = value.to_str() else {
        return Err(refuse("invalid_character", "must be visible ASCII"));
    };
    let key = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
        .unwrap_or(text);
    if key.is_empty() {
        return Err(refuse("too_short", "must not be empty"));
    }
    if key.len() > MAX_CHARACTERS {
        return Err(refuse("too_long", "must have at most 255 characters"));
    }
    if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(refuse(
            "invalid_character",
            "must be visible ASCII without spaces",
        ));
    }
    Ok(Some(key.to_owned()))
}

fn refuse(code: &str, detail: &str) -> Problem {
    Problem::new(
        Code::InvalidIdempotencyKey,
        format!("The Idempotency-Key {detail}."),
    )
    .with_error(FieldError::header("Idempotency-Key", code, detail))
}

#[cfg(test)]
mod unit {
    use super::*;
    use http::HeaderValue;

    fn key_of(values: &[&str]) -> Result<Option<String>, Problem> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(HEADER, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        key(&headers)
    }

    #[test]
    fn both_forms_are_one_key() {
        assert_eq!(key_of(&[]).unwrap(), None);
        assert_eq!(key_of(&["abc"]).unwrap().unwrap(), "abc");
        assert_eq!(key_of(&["\"abc\""]).unwrap().unwrap(), "abc");
        assert_eq!(key_of(&[&"k".repeat(255)]).unwrap().unwrap().len(), 255);
        assert_eq!(
            key_of(&[&format!("\"{}\"", "k".repeat(255))])
                .unwrap()
                .unwrap()
                .len(),
            255
        );
    }

    #[test]
    fn other_forms_are_refused() {
        for wrong in [
            &["a", "b"] as &[&str],
            &[""],
            &["\"\""],
            &["a b"],
            &["ä"],
            &["a\tb"],
            &[&"k".repeat(256)],
        ] {
            let problem = key_of(wrong).unwrap_err();
            assert_eq!(problem.code, Code::InvalidIdempotencyKey, "{wrong:?}");
            assert_eq!(problem.errors.len(), 1);
        }
    }
}
