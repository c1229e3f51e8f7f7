//! Reads the members of a JSON object one by one and gathers what is wrong with them, so that one
//! answer names every invalid field, the unknown ones included.
//!
//! A derived deserializer stops at the first error and cannot tell absent from null without help;
//! this reader gives each member as a [`Patch`]: absent, null, or a value.

use simd_json::borrowed::{Object, Value};
use simd_json::prelude::*;

use crate::json::{push_name, whole};
use crate::{Amount, Code, Currency, Day, FieldError, Patch, Problem, Timestamp, check_text};

/// Most errors that one answer names. More help nobody, and a body of a megabyte could hold a
/// hundred thousand unknown names.
const MAX_ERRORS: usize = 100;

/// A reader over one JSON object. Every method that reads a member marks it as known.
#[derive(Debug)]
pub struct Fields<'doc> {
    object: Option<&'doc Object<'doc>>,
    pointer: String,
    known: Vec<&'static str>,
    errors: Vec<FieldError>,
}

impl<'doc> Fields<'doc> {
    /// Reads the document's root, which must be an object.
    pub fn of(value: &'doc Value<'doc>) -> Self {
        Self::at(value, String::from("#"))
    }

    fn at(value: &'doc Value<'doc>, pointer: String) -> Self {
        let mut fields = Self {
            object: value.as_object(),
            pointer,
            known: Vec::new(),
            errors: Vec::new(),
        };
        if fields.object.is_none() {
            let at = fields.pointer.clone();
            fields
                .errors
                .push(FieldError::pointer(at, "type", "must be an object"));
        }
        fields
    }

    /// Text of `min..=max` characters on one line; null clears it.
    pub fn text(&mut self, name: &'static str, min: usize, max: usize) -> Patch<String> {
        self.checked_text(name, min, max, false)
    }

    /// Text of up to `max` characters that may have line breaks; null clears it.
    pub fn multiline(&mut self, name: &'static str, max: usize) -> Patch<String> {
        self.checked_text(name, 0, max, true)
    }

    /// A text that `parse` reads; its refusal is shown.
    pub fn parsed<T, E: std::fmt::Display>(
        &mut self,
        name: &'static str,
        code: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Patch<T> {
        match self.string(name) {
            Patch::Absent => Patch::Absent,
            Patch::Null => Patch::Null,
            Patch::Value(text) => match parse(text) {
                Ok(value) => Patch::Value(value),
                Err(error) => self.refuse(name, code, error.to_string()),
            },
        }
    }

    /// An exact decimal, as a string, at least `min`; a JSON number is refused.
    pub fn amount(&mut self, name: &'static str, min: Option<Amount>) -> Patch<Amount> {
        let amount = self.parsed(name, "invalid_amount", str::parse::<Amount>);
        match (&amount, min) {
            (Patch::Value(value), Some(min)) if *value < min => self.refuse(
                name,
                "min_value",
                format!("must be at least {}", min.decimal().normalize()),
            ),
            _ => amount,
        }
    }

    /// An ISO 4217 code.
    pub fn currency(&mut self, name: &'static str) -> Patch<Currency> {
        self.parsed(name, "invalid_currency", str::parse::<Currency>)
    }

    /// The id of a resource.
    pub fn id<T: std::str::FromStr<Err = crate::IdError>>(
        &mut self,
        name: &'static str,
    ) -> Patch<T> {
        self.parsed(name, "invalid_id", str::parse::<T>)
    }

    /// A calendar day.
    pub fn day(&mut self, name: &'static str) -> Patch<Day> {
        self.parsed(name, "invalid_date", str::parse::<Day>)
    }

    /// An instant, with any offset.
    pub fn instant(&mut self, name: &'static str) -> Patch<Timestamp> {
        self.parsed(name, "invalid_instant", str::parse::<Timestamp>)
    }

    /// One of a closed list of words.
    pub fn word<T: Copy>(&mut self, name: &'static str, words: &[(&str, T)]) -> Patch<T> {
        self.parsed(name, "invalid_choice", |text| {
            let found = words.iter().find(|(word, _)| *word == text);
            found.map(|(_, value)| *value).ok_or_else(|| {
                let list: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
                format!("must be one of {}", list.join(", "))
            })
        })
    }

    /// Up to `max` texts that `parse` reads, each once; null clears the list.
    pub fn list<T: PartialEq, E: std::fmt::Display>(
        &mut self,
        name: &'static str,
        max: usize,
        code: &str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Patch<Vec<T>> {
        let Some(value) = self.member(name) else {
            return Patch::Absent;
        };
        if value.is_null() {
            return Patch::Null;
        }
        let Some(array) = value.as_array() else {
            return self.refuse(name, "type", "must be an array of strings");
        };
        if array.len() > max {
            return self.refuse(name, "too_many", format!("must have at most {max} items"));
        }
        let mut items = Vec::with_capacity(array.len());
        for (index, value) in array.iter().enumerate() {
            let refused = match value.as_str().map(&parse) {
                Some(Ok(item)) if items.contains(&item) => {
                    ("duplicate", "is given twice".to_owned())
                }
                Some(Ok(item)) => {
                    items.push(item);
                    continue;
                }
                Some(Err(error)) => (code, error.to_string()),
                None => ("type", "must be a string".to_owned()),
            };
            let pointer = format!("{}/{index}", self.pointer_to(name));
            self.push(FieldError::pointer(pointer, refused.0, refused.1));
        }
        Patch::Value(items)
    }

    /// A whole number from `min` to `max`. `30.0` is 30, as JSON Schema has it: many clients' only
    /// number is a float.
    pub fn integer(&mut self, name: &'static str, min: i64, max: i64) -> Patch<i64> {
        match self.member(name) {
            None => Patch::Absent,
            Some(value) if value.is_null() => Patch::Null,
            Some(value) => match whole(value) {
                Some(number) if (min..=max).contains(&number) => Patch::Value(number),
                Some(_) => {
                    self.refuse(name, "out_of_range", format!("must be from {min} to {max}"))
                }
                None => self.refuse(name, "type", "must be a whole number"),
            },
        }
    }

    /// True or false.
    pub fn boolean(&mut self, name: &'static str) -> Patch<bool> {
        match self.member(name) {
            None => Patch::Absent,
            Some(value) if value.is_null() => Patch::Null,
            Some(value) => match value.as_bool() {
                Some(boolean) => Patch::Value(boolean),
                None => self.refuse(name, "type", "must be true or false"),
            },
        }
    }

    /// A nested object, read by `read`; what is wrong inside is gathered too.
    pub fn object<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&mut Fields<'doc>) -> T,
    ) -> Patch<T> {
        match self.member(name) {
            None => Patch::Absent,
            Some(value) if value.is_null() => Patch::Null,
            Some(value) => {
                let mut inner = Fields::at(value, self.pointer_to(name));
                let result = read(&mut inner);
                inner.refuse_unknown();
                inner.errors.into_iter().for_each(|error| self.push(error));
                Patch::Value(result)
            }
        }
    }

    /// Up to `max` pairs of a name (1..=`max_name` characters) and a text (≤ `max_text`); a pair
    /// whose text is null is to be removed (RFC 7396) and reads `None`.
    pub fn pairs(
        &mut self,
        name: &'static str,
        max: usize,
        max_name: usize,
        max_text: usize,
    ) -> Patch<Vec<(String, Option<String>)>> {
        let Some(value) = self.member(name) else {
            return Patch::Absent;
        };
        if value.is_null() {
            return Patch::Null;
        }
        let Some(object) = value.as_object() else {
            return self.refuse(name, "type", "must be an object of strings");
        };
        // Removals do not count: a full object can be exchanged in one patch.
        let kept = object.values().filter(|value| !value.is_null()).count();
        if kept > max || object.len() > max.saturating_mul(2) {
            return self.refuse(name, "too_many", format!("must have at most {max} pairs"));
        }
        let mut pairs = Vec::with_capacity(object.len());
        for (key, value) in object.iter() {
            let mut pointer = self.pointer_to(name);
            push_name(&mut pointer, key);
            if let Err(error) = check_text(key, 1, max_name, false) {
                self.push(FieldError::pointer(
                    &pointer,
                    error.code(),
                    format!("the name {error}"),
                ));
            }
            if value.is_null() {
                pairs.push((key.to_string(), None));
                continue;
            }
            match value
                .as_str()
                .map(|text| (text, check_text(text, 0, max_text, true)))
            {
                Some((text, Ok(()))) => pairs.push((key.to_string(), Some(text.to_owned()))),
                Some((_, Err(error))) => {
                    self.push(FieldError::pointer(
                        pointer,
                        error.code(),
                        error.to_string(),
                    ));
                }
                None => self.push(FieldError::pointer(pointer, "type", "must be a string")),
            }
        }
        pairs.sort();
        Patch::Value(pairs)
    }

    /// Marks fields that exist but cannot be set; naming one is an error of its own.
    pub fn read_only(&mut self, names: &[&'static str]) {
        for name in names {
            if self.member(name).is_some() {
                let _: Patch<()> = self.refuse(
                    name,
                    "read_only",
                    "is set by the server and cannot be written",
                );
            }
        }
    }

    /// Refuses an absent or null field; for what creation needs.
    pub fn required<T>(&mut self, name: &'static str, value: &Patch<T>) {
        let wrong = self.errors.iter().any(|error| {
            matches!(&error.location, crate::Location::Pointer(at) if *at == self.pointer_to(name))
        });
        if !wrong && !matches!(value, Patch::Value(_)) && self.object.is_some() {
            let _: Patch<()> = self.refuse(name, "required", "is required");
        }
    }

    /// Refuses null; for fields that a patch may change but not clear.
    pub fn not_null<T>(&mut self, name: &'static str, value: &Patch<T>) {
        if matches!(value, Patch::Null) {
            let _: Patch<()> = self.refuse(name, "not_nullable", "must not be null");
        }
    }

    /// Refuses a list without items.
    pub fn not_empty(&mut self, name: &'static str) {
        let array = self.member(name).and_then(|value| value.as_array());
        if array.is_some_and(|array| array.is_empty()) {
            let _: Patch<()> = self.refuse(name, "too_few", "must have at least 1 item");
        }
    }

    /// Adds an error of the caller's own at a field.
    pub fn refuse<T>(&mut self, name: &str, code: &str, detail: impl Into<String>) -> Patch<T> {
        let pointer = self.pointer_to(name);
        self.push(FieldError::pointer(pointer, code, detail));
        Patch::Absent
    }

    fn push(&mut self, error: FieldError) {
        if self.errors.len() < MAX_ERRORS {
            self.errors.push(error);
        }
    }

    /// Every error so far and every unknown member, up to a hundred; or nothing.
    pub fn finish(mut self) -> Result<(), Problem> {
        self.refuse_unknown();
        if self.errors.is_empty() {
            return Ok(());
        }
        self.errors.sort_by(|a, b| a.location.cmp(&b.location));
        let detail = match self.errors.len() {
            1 => "One field is invalid.".to_owned(),
            MAX_ERRORS => {
                format!("At least {MAX_ERRORS} fields are invalid; these are some of them.")
            }
            count => format!("{count} fields are invalid."),
        };
        let mut problem = Problem::new(Code::ValidationFailed, detail);
        problem.errors = self.errors;
        Err(problem)
    }

    fn refuse_unknown(&mut self) {
        let Some(object) = self.object else { return };
        let unknown: Vec<String> = object
            .keys()
            .filter(|name| !self.known.contains(&name.as_ref()))
            .take(MAX_ERRORS.saturating_sub(self.errors.len()))
            .map(ToString::to_string)
            .collect();
        for name in unknown {
            let _: Patch<()> = self.refuse(&name, "unknown_field", "is no field of this resource");
        }
    }

    fn member(&mut self, name: &'static str) -> Option<&'doc Value<'doc>> {
        if !self.known.contains(&name) {
            self.known.push(name);
        }
        self.object.and_then(|object| object.get(name))
    }

    fn string(&mut self, name: &'static str) -> Patch<&'doc str> {
        match self.member(name) {
            None => Patch::Absent,
            Some(value) if value.is_null() => Patch::Null,
            Some(value) => match value.as_str() {
                Some(text) => Patch::Value(text),
                None => self.refuse(name, "type", "must be a string"),
            },
        }
    }

    fn checked_text(
        &mut self,
        name: &'static str,
        min: usize,
        max: usize,
        multiline: bool,
    ) -> Patch<String> {
        match self.string(name) {
            Patch::Absent => Patch::Absent,
            Patch::Null => Patch::Null,
            Patch::Value(text) => match check_text(text, min, max, multiline) {
                Ok(()) => Patch::Value(text.to_owned()),
                Err(error) => self.refuse(name, error.code(), error.to_string()),
            },
        }
    }

    fn pointer_to(&self, name: &str) -> String {
        let mut pointer = self.pointer.clone();
        push_name(&mut pointer, name);
        pointer
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Document, Location};

    #[test]
    fn one_answer_names_every_wrong_field() {
        let mut body =
            br#"{"name":"","rate":12,"zip":1,"id":"x","ok":null,"address":{"city":5,"moon":1},
                            "none":[],"wrong":["x"],
                            "metadata":{"a":"b","":"c","d":7}}"#
                .to_vec();
        let document = Document::parse(&mut body).unwrap();
        let mut fields = Fields::of(document.value());
        let name = fields.text("name", 1, 10);
        fields.required("name", &name);
        let rate = fields.amount("rate", None);
        assert_eq!(rate, Patch::Absent);
        assert_eq!(fields.boolean("ok"), Patch::Null);
        fields.object("address", |address| address.text("city", 0, 9));
        fields.pairs("metadata", 50, 40, 500);
        fields.list("none", 9, "wrong", str::parse::<u8>);
        fields.not_empty("none");
        fields.list("wrong", 9, "wrong", str::parse::<u8>);
        fields.not_empty("wrong");
        let email = fields.text("email", 1, 9);
        fields.required("email", &email);
        fields.read_only(&["id"]);
        let problem = fields.finish().unwrap_err();
        let found: Vec<(String, String)> = problem
            .errors
            .iter()
            .map(|error| match &error.location {
                Location::Pointer(pointer) => (pointer.clone(), error.code.clone()),
                other => panic!("{other:?}"),
            })
            .collect();
        let expected = [
            ("#/address/city", "type"),
            ("#/address/moon", "unknown_field"),
            ("#/email", "required"),
            ("#/id", "read_only"),
            ("#/metadata/", "too_short"),
            ("#/metadata/d", "type"),
            ("#/name", "too_short"),
            ("#/none", "too_few"),
            ("#/rate", "type"),
            ("#/wrong/0", "wrong"),
            ("#/zip", "unknown_field"),
        ];
        let expected: Vec<_> = expected
            .iter()
            .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn errors_and_the_names_in_them_are_bounded() {
        let members: Vec<String> = (0..50_000)
            .map(|number| format!("\"{number}\":0"))
            .collect();
        for body in [
            format!("{{{}}}", members.join(",")),
            format!("{{\"{}\":1}}", "/".repeat(600_000)),
        ] {
            let mut body = body.into_bytes();
            let document = Document::parse(&mut body).unwrap();
            let problem = Fields::of(document.value()).finish().unwrap_err();
            assert!(problem.errors.len() <= MAX_ERRORS);
            assert!(format!("{problem:?}").len() < 50_000);
        }
    }

    #[test]
    fn a_body_that_is_no_object_is_one_error() {
        let mut body = b"[]".to_vec();
        let document = Document::parse(&mut body).unwrap();
        let mut fields = Fields::of(document.value());
        let name = fields.text("name", 1, 10);
        fields.required("name", &name);
        assert_eq!(fields.finish().unwrap_err().errors.len(), 1);
    }
}
