//! Query parameters: decoded, known to the route, and of the right form. Nothing is ignored, so
//! that a typing error cannot return the wrong list.

use hoursmith_domain::{Code, Currency, Day, FieldError, Problem, Timestamp, check_text};
use hoursmith_routes::{Form, Parameter, Route};
use uuid::Uuid;

/// Name and value, decoded, in the order sent.
pub(crate) type Pairs = Vec<(String, String)>;

/// Reads the query of a request to a route; every wrong parameter is in the problem.
pub(crate) fn read(route: &Route, query: Option<&str>) -> Result<Pairs, Problem> {
    let mut pairs = Pairs::new();
    let mut unknown = Vec::new();
    let mut invalid = Vec::new();
    for pair in query
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty())
    {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        // As sent where the answer could not show it: escapes of control characters stay escaped.
        let shown = decode(name)
            .filter(|decoded| check_text(decoded, 0, name.len(), false).is_ok())
            .unwrap_or_else(|| name.to_owned());
        let Some(parameter) = route.query().find(|parameter| parameter.name == shown) else {
            unknown.push(FieldError::parameter(shown, "unknown", "is not taken here"));
            continue;
        };
        if !parameter.repeatable && pairs.iter().any(|(given, _)| *given == shown) {
            unknown.push(FieldError::parameter(shown, "duplicate", "is given twice"));
            continue;
        }
        match decode(value).ok_or_else(|| "is not valid percent-encoded UTF-8".to_owned()) {
            Ok(value) => {
                if let Err(detail) = check(parameter, &value) {
                    invalid.push(FieldError::parameter(parameter.name, "invalid", detail));
                }
                pairs.push((shown, value));
            }
            Err(detail) => {
                invalid.push(FieldError::parameter(parameter.name, "invalid", detail));
                pairs.push((shown, String::new()));
            }
        }
    }
    if !unknown.is_empty() {
        unknown.append(&mut invalid);
        return Err(problem(
            Code::UnknownParameter,
            "A query parameter is unknown or given twice.",
            unknown,
        ));
    }
    if !invalid.is_empty() {
        let cursor_alone = invalid.iter().all(|error| error.location == cursor());
        return Err(if cursor_alone {
            problem(
                Code::InvalidCursor,
                "The cursor is not one of ours.",
                invalid,
            )
        } else {
            problem(
                Code::InvalidParameter,
                "A query parameter is invalid.",
                invalid,
            )
        });
    }
    Ok(pairs)
}

fn cursor() -> hoursmith_domain::Location {
    hoursmith_domain::Location::Parameter("cursor".to_owned())
}

fn problem(code: Code, detail: &str, errors: Vec<FieldError>) -> Problem {
    let mut problem = Problem::new(code, detail);
    problem.errors = errors;
    problem
}

/// Whether a value has the parameter's form, with the sentence if not.
fn check(parameter: &Parameter, value: &str) -> Result<(), String> {
    let right = match parameter.form {
        Form::Text { max } => {
            return check_text(value, 1, max, false).map_err(|error| error.to_string());
        }
        Form::Boolean => matches!(value, "true" | "false"),
        Form::Id => value.len() == 36 && Uuid::try_parse(value).is_ok(),
        Form::PrefixedId(prefix) => value
            .strip_prefix(prefix)
            .is_some_and(|hex| hex.len() == 32 && Uuid::try_parse(hex).is_ok()),
        Form::Instant => value.parse::<Timestamp>().is_ok(),
        Form::Day => value.parse::<Day>().is_ok(),
        Form::Integer { min, max } => is_integer(value, min, max),
        Form::Currency => value.parse::<Currency>().is_ok(),
        Form::OneOf(words) => words.contains(&value),
    };
    if right {
        Ok(())
    } else {
        Err(expectation(parameter.form))
    }
}

/// Digits alone, perhaps after a minus: `str::parse` would also take a plus.
fn is_integer(value: &str, min: i64, max: i64) -> bool {
    let digits = value.strip_prefix('-').unwrap_or(value);
    digits.bytes().all(|byte| byte.is_ascii_digit())
        && value
            .parse::<i64>()
            .is_ok_and(|number| (min..=max).contains(&number))
}

fn expectation(form: Form) -> String {
    match form {
        Form::Text { max } => format!("must have 1 to {max} characters"),
        Form::Boolean => "must be `true` or `false`".to_owned(),
        Form::Id => "must be a UUID".to_owned(),
        Form::PrefixedId(prefix) => format!("must be `{prefix}` and 32 hex digits"),
        Form::Day => "must be a calendar day such as 2026-11-24".to_owned(),
        Form::Instant => {
            "must be an RFC 3339 instant such as 2026-11-24T09:30:00Z (write `+` as `%2B`)"
                .to_owned()
        }
        Form::Integer { min, max } => format!("must be a whole number from {min} to {max}"),
        Form::Currency => "must be an ISO 4217 code".to_owned(),
        Form::OneOf(words) => format!("must be one of {}", words.join(", ")),
    }
}

/// Decodes `application/x-www-form-urlencoded` strictly: a broken escape or bad UTF-8 is `None`,
/// where the usual decoders guess.
fn decode(text: &str) -> Option<String> {
    if !text.bytes().any(|byte| matches!(byte, b'%' | b'+')) {
        return Some(text.to_owned());
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => hex(bytes.next()?)? << 4 | hex(bytes.next()?)?,
            byte => byte,
        });
    }
    String::from_utf8(decoded).ok()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod unit {
    use super::*;

    fn read_list(query: &str) -> Result<Pairs, (Code, Vec<String>)> {
        let route = hoursmith_routes::route("client.list").unwrap();
        read(route, Some(query)).map_err(|problem| {
            let names = problem
                .errors
                .iter()
                .map(|error| format!("{:?}", error.location));
            (problem.code, names.collect())
        })
    }

    #[test]
    fn what_is_right_is_decoded() {
        let pairs = read_list("limit=200&q=caf%C3%A9+%26+co&archived=true&&").unwrap();
        let expected = [("limit", "200"), ("q", "café & co"), ("archived", "true")];
        assert_eq!(pairs, expected.map(|(n, v)| (n.to_owned(), v.to_owned())));
        assert!(read_list("").unwrap().is_empty());
        assert!(read_list("updated_since=2026-11-24T09:30:00%2B01:00").is_ok());
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (query, code) in [
            ("nope=1", Code::UnknownParameter),
            ("limit=1&limit=2", Code::UnknownParameter),
            ("Limit=1", Code::UnknownParameter),
            ("limit=0", Code::InvalidParameter),
            ("limit=201", Code::InvalidParameter),
            ("limit=+1", Code::InvalidParameter),
            ("limit=1.0", Code::InvalidParameter),
            ("limit=", Code::InvalidParameter),
            ("limit", Code::InvalidParameter),
            ("archived=1", Code::InvalidParameter),
            ("updated_since=yesterday", Code::InvalidParameter),
            ("currency=euro", Code::InvalidParameter),
            ("q=", Code::InvalidParameter),
            ("q=%00", Code::InvalidParameter),
            ("q=%zz", Code::InvalidParameter),
            ("q=%ff", Code::InvalidParameter),
            ("cursor=", Code::InvalidCursor),
        ] {
            assert_eq!(read_list(query).unwrap_err().0, code, "{query}");
        }
        assert_eq!(
            read_list("limit=0&archived=x&nope=1").unwrap_err().1.len(),
            3
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_is_shown_unless_it_cannot_be() {
        let route = hoursmith_routes::route("client.list").unwrap();
        for (sent, shown) in [
            ("archive=1", "archive"),
            ("arch%69ve=1", "archive"),
            ("%C3%A9", "é"),
            ("a%00b", "a%00b"),
            ("%E2%80%AE", "%E2%80%AE"),
            ("%zz", "%zz"),
            ("=1", ""),
        ] {
            let problem = read(route, Some(sent)).unwrap_err();
            let location = hoursmith_domain::Location::Parameter(shown.to_owned());
            assert_eq!(problem.errors[0].location, location, "{sent}");
        }
    }
}
