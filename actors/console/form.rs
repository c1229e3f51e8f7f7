//! Forms: what a browser sends, and the fields of the one that is shown.

use askama::Template;
use url::form_urlencoded;

use crate::halt::Refusal;

/// What was typed, by field. Also what a form is shown again with.
#[derive(Debug, Clone, Default)]
pub(crate) struct Form {
    fields: Vec<(String, String)>,
    /// What was wrong with it; nothing at first.
    pub(crate) refusal: Refusal,
}

/// A labelled text of several lines.
#[derive(Template)]
#[template(path = "area.html")]
struct Area<'a> {
    name: &'a str,
    label: &'a str,
    value: &'a str,
    hint: &'a str,
    error: Option<&'a str>,
}

/// A box to tick.
#[derive(Template)]
#[template(path = "box.html")]
struct TickBox<'a> {
    name: &'a str,
    label: &'a str,
    ticked: bool,
}

/// A labelled input with what is wrong with it.
#[derive(Template)]
#[template(path = "field.html")]
struct Field<'a> {
    name: &'a str,
    label: &'a str,
    kind: &'a str,
    value: &'a str,
    hint: &'a str,
    autocomplete: &'a str,
    required: bool,
    error: Option<&'a str>,
}

impl Form {
    /// Reads `application/x-www-form-urlencoded`, which a query is as well. Browsers send each end of
    /// a line as CRLF, whatever it was when they were given the text; what is kept has LF.
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let fields = form_urlencoded::parse(bytes)
            .map(|(name, value)| (name.into_owned(), value.replace("\r\n", "\n")))
            .collect();
        Self {
            fields,
            refusal: Refusal::default(),
        }
    }

    /// An empty form with some of its fields filled in.
    pub(crate) fn with(fields: &[(&str, &str)]) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Self {
            fields: fields.iter().map(owned).collect(),
            refusal: Refusal::default(),
        }
    }

    /// What was typed into a field, without the space around it; empty where nothing was.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.raw(name).trim()
    }

    /// What was typed into a field, to the character: for passwords.
    pub(crate) fn raw(&self, name: &str) -> &str {
        let mut fields = self.fields.iter();
        let found = fields.find(|(given, _)| given == name);
        found.map_or("", |(_, value)| value.as_str())
    }

    /// What was typed, if anything.
    pub(crate) fn some(&self, name: &str) -> Option<&str> {
        Some(self.get(name)).filter(|text| !text.is_empty())
    }

    /// Whether a box was ticked.
    pub(crate) fn ticked(&self, name: &str) -> bool {
        !self.raw(name).is_empty()
    }

    /// Whether a choice is the one made.
    pub(crate) fn chose(&self, name: &str, value: &str) -> bool {
        self.raw(name) == value
    }

    /// All that was picked of a list, in the order of the form.
    pub(crate) fn picked(&self, name: &str) -> impl Iterator<Item = &str> {
        let fields = self.fields.iter();
        let of_list = fields.filter(move |(given, _)| given == name);
        of_list.map(|(_, value)| value.as_str())
    }

    /// Whether it was picked of a list.
    pub(crate) fn has(&self, name: &str, value: &str) -> bool {
        self.picked(name).any(|picked| picked == value)
    }

    /// The status of the page that shows it.
    pub(crate) fn status(&self) -> u16 {
        match self.refusal.status {
            0 => 200,
            status => status,
        }
    }

    /// The same with one more pick of a list.
    pub(crate) fn and(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same, refused.
    pub(crate) fn refused(mut self, refusal: Refusal) -> Self {
        self.refusal = refusal;
        self
    }

    /// An input that must be filled in.
    pub(crate) fn required(&self, name: &str, label: &str, kind: &str, hint: &str) -> String {
        self.input(name, label, kind, hint, true)
    }

    /// An input that may be left empty.
    pub(crate) fn optional(&self, name: &str, label: &str, kind: &str, hint: &str) -> String {
        self.input(name, label, kind, hint, false)
    }

    /// A text of several lines.
    pub(crate) fn area(&self, name: &str, label: &str, hint: &str) -> String {
        let area = Area {
            name,
            label,
            value: self.get(name),
            hint,
            error: self.refusal.of(name),
        };
        area.render().unwrap_or_default()
    }

    /// A box to tick.
    pub(crate) fn tick(&self, name: &str, label: &str) -> String {
        let ticked = self.ticked(name);
        let tick = TickBox {
            name,
            label,
            ticked,
        };
        tick.render().unwrap_or_default()
    }

    fn input(&self, name: &str, label: &str, kind: &str, hint: &str, required: bool) -> String {
        // A password is never sent back.
        let value = if kind == "password" {
            ""
        } else {
            self.get(name)
        };
        let field = Field {
            name,
            label,
            kind,
            value,
            hint,
            autocomplete: autocomplete(name),
            required,
            error: self.refusal.of(name),
        };
        // Writing to memory fails for no template of ours; a field that is missing is seen.
        field.render().unwrap_or_default()
    }
}

/// What a browser may fill in by itself.
fn autocomplete(name: &str) -> &'static str {
    match name {
        "email" => "email",
        "password" => "current-password",
        "new_password" => "new-password",
        _ => "off",
    }
}

/// Seconds of a duration as people write it: `1:30`, `1.5`, `1,5` hours, or `90m`.
pub(crate) fn seconds(text: &str) -> Option<i64> {
    let text = text.trim();
    let seconds = if let Some(minutes) = text.strip_suffix('m') {
        minutes.trim().parse::<i64>().ok()?.checked_mul(60)?
    } else if let Some((hours, minutes)) = text.split_once(':') {
        let minutes: i64 = minutes.parse().ok().filter(|m| (0..60).contains(m))?;
        let hours: i64 = hours.parse().ok()?;
        hours
            .checked_mul(3600)?
            .checked_add(minutes.checked_mul(60)?)?
    } else {
        let text = text.trim_end_matches('h').trim().replace(',', ".");
        let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        if whole.len() + part.len() == 0 || part.len() > 4 || !digits(whole) || !digits(part) {
            return None;
        }
        let whole: i64 = if whole.is_empty() {
            0
        } else {
            whole.parse().ok()?
        };
        let part: i64 = format!("{part:0<4}").parse().ok()?;
        whole
            .checked_mul(3600)?
            .checked_add(part.checked_mul(3600)?.checked_add(5_000)? / 10_000)?
    };
    (0..=366 * 24 * 3600).contains(&seconds).then_some(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_people_write_them() {
        for (text, expected) in [
            ("1:30", 5400),
            ("1.5", 5400),
            ("1,5h", 5400),
            ("90m", 5400),
            (".25", 900),
            ("0:05", 300),
            ("2", 7200),
        ] {
            assert_eq!(seconds(text), Some(expected), "{text}");
        }
        for wrong in ["", ".", "a", "1:60", "-1", "1:-1", "1e3", "99999999"] {
            assert_eq!(seconds(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_lines_of_a_text_are_kept_as_they_were() {
        let form = Form::parse(b"notes=one%0D%0A%0D%0Atwo%0Athree");
        assert_eq!(form.get("notes"), "one\n\ntwo\nthree");
    }

    #[test]
    fn markup_in_a_field_is_text() {
        let form = Form::parse(b"name=%22%3E%3Cscript%3E");
        let shown = form.required("name", "Name", "text", "");
        assert!(!shown.contains("<script>"), "{shown}");
        assert!(
            !form
                .required("name", "Name", "password", "")
                .contains("script")
        );
    }
}
