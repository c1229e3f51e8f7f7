//! `If-Match` and `If-None-Match`: their form. What they name is compared by the actor that has the
//! resource.
//!
//! What cannot be an entity tag is refused, and not ignored as RFC 9110 allows: whoever sends a
//! condition relies on it.

use hoursmith_bus::Conditions;
use hoursmith_domain::{Code, FieldError, Problem};
use hoursmith_routes::MAX_CONDITION_LENGTH;
use http::HeaderMap;
use http::header::{HeaderName, IF_MATCH, IF_NONE_MATCH};

/// The conditions of a request.
pub(crate) fn read(headers: &HeaderMap) -> Result<Conditions, Problem> {
    Ok(Conditions {
        if_match: joined(headers, &IF_MATCH, "If-Match")?,
        if_none_match: joined(headers, &IF_NONE_MATCH, "If-None-Match")?,
    })
}

/// The header's lines as one (RFC 9110, section 5.3).
fn joined(headers: &HeaderMap, name: &HeaderName, shown: &str) -> Result<Option<String>, Problem> {
    let mut all: Option<String> = None;
    for line in headers.get_all(name) {
        // `to_str` alone lets tabs through.
        let text = line.to_str().ok().filter(|text| !text.contains('\t'));
        let line =
            text.ok_or_else(|| refuse(shown, "invalid_character", "must be visible ASCII"))?;
        all = Some(match all {
            None => line.to_owned(),
            Some(before) => before + ", " + line,
        });
    }
    match &all {
        Some(tags) if tags.trim().is_empty() => {
            Err(refuse(shown, "too_short", "must not be empty"))
        }
        Some(tags) if tags.len() > MAX_CONDITION_LENGTH => Err(refuse(
            shown,
            "too_long",
            &format!("must have at most {MAX_CONDITION_LENGTH} characters"),
        )),
        _ => Ok(all),
    }
}

fn refuse(header: &str, code: &str, detail: &str) -> Problem {
    Problem::new(
        Code::MalformedRequest,
        format!("The header {header} {detail}."),
    )
    .with_error(FieldError::header(header, code, detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(lines: &[&[u8]]) -> Result<Option<String>, Problem> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(IF_MATCH, http::HeaderValue::from_bytes(line).unwrap());
        }
        read(&headers).map(|conditions| conditions.if_match)
    }

    #[test]
    fn lines_are_one_list_and_what_no_tag_can_be_is_refused() {
        assert_eq!(of(&[]).unwrap(), None);
        assert_eq!(of(&[b"\"1\"", b"*"]).unwrap().as_deref(), Some("\"1\", *"));
        assert!(of(&[&[b'x'; MAX_CONDITION_LENGTH]]).is_ok());
        let long = [b'x'; MAX_CONDITION_LENGTH + 1];
        for wrong in [&b""[..], b" ", b"\"\xc3\xa9\"", b"a\tb", &long] {
            let problem = of(&[wrong]).unwrap_err();
            assert_eq!(problem.code, Code::MalformedRequest, "{wrong:?}");
        }
    }
}
