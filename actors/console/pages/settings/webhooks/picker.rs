//! Which events: everything, all of a resource, or single types, as boxes to tick.

use hoursmith_domain::EventType;
use hoursmith_domain::webhook::EventFilter;

use crate::form::Form;

/// The name of the boxes.
const EVENTS: &str = "events";

/// The boxes of a resource.
pub(super) struct Group {
    /// In words, such as `time entries`.
    pub(super) name: String,
    /// The one for all of them, those of later versions as well.
    pub(super) all: Option<Choice>,
    pub(super) single: Vec<Choice>,
}

impl Group {
    /// All of its boxes.
    fn choices(&self) -> impl Iterator<Item = &Choice> {
        self.all.iter().chain(&self.single)
    }

    /// Whether one of the single types is ticked: they are shown then.
    pub(super) fn is_open(&self) -> bool {
        self.single.iter().any(|choice| choice.picked)
    }
}

/// A box.
pub(super) struct Choice {
    /// What is sent: `invoice.*`, `invoice.sent`.
    pub(super) pattern: String,
    pub(super) label: String,
    pub(super) hint: &'static str,
    pub(super) picked: bool,
}

/// All boxes but the one for everything, those ticked that the form has. What was set through the API
/// and has no box here has one in a group of its own: saving the form keeps it.
pub(super) fn groups(form: &Form) -> Vec<Group> {
    let is_picked = |pattern: &str| form.has(EVENTS, pattern);
    let mut groups: Vec<Group> = Vec::new();
    for filter in EventFilter::known() {
        match filter {
            EventFilter::Resource(resource) => {
                let pattern = filter.to_string();
                let name = plural(resource);
                let all = Choice {
                    label: format!("All of {name}"),
                    hint: "",
                    picked: is_picked(&pattern),
                    pattern,
                };
                groups.push(Group {
                    name,
                    all: Some(all),
                    single: Vec::new(),
                });
            }
            EventFilter::Type(event) => {
                let Some((resource, verb)) = event.as_str().split_once('.') else {
                    continue;
                };
                let name = plural(resource);
                let choice = Choice {
                    pattern: event.to_string(),
                    label: capitalized(&verb.replace('_', " ")),
                    hint: event.description(),
                    picked: is_picked(event.as_str()),
                };
                if let Some(group) = groups.iter_mut().find(|group| group.name == name) {
                    group.single.push(choice);
                }
            }
            EventFilter::All | EventFilter::Later(_) => {}
        }
    }
    let has_box = |pattern: &str| {
        pattern == "*"
            || groups
                .iter()
                .any(|group| group.choices().any(|one| one.pattern == pattern))
    };
    let others: Vec<Choice> = form
        .picked(EVENTS)
        .filter(|pattern| !has_box(pattern))
        .map(|pattern| Choice {
            pattern: pattern.to_owned(),
            label: pattern.to_owned(),
            hint: match pattern == EventType::Ping.as_str() {
                true => "Tests are sent whether this is picked or not.",
                false => "Set through the API.",
            },
            picked: true,
        })
        .collect();
    if !others.is_empty() {
        groups.push(Group {
            name: "others".to_owned(),
            all: None,
            single: others,
        });
    }
    groups
}

/// What the ticked boxes say, without what another of them says already.
pub(super) fn patterns(form: &Form) -> Vec<&str> {
    let is_picked = |pattern: &str| form.has(EVENTS, pattern);
    if is_picked("*") {
        return vec!["*"];
    }
    let is_said = |pattern: &str| match pattern.split_once('.') {
        Some((_, "*")) | None => false,
        Some((resource, _)) => is_picked(&format!("{resource}.*")),
    };
    form.picked(EVENTS).filter(|one| !is_said(one)).collect()
}

/// What an endpoint wants, for reading.
pub(super) fn in_words(patterns: &[String]) -> String {
    match patterns.iter().any(|pattern| pattern == "*") {
        true => "everything".to_owned(),
        false => patterns.join(", "),
    }
}

/// A form in which an endpoint's own patterns are ticked.
pub(super) fn ticked(form: Form, patterns: &[String]) -> Form {
    patterns
        .iter()
        .fold(form, |form, pattern| form.and(EVENTS, pattern))
}

/// The resource in words, of several.
fn plural(resource: &str) -> String {
    let words = resource.replace('_', " ");
    match words.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None => format!("{words}s"),
    }
}

fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_but_the_test_has_its_box() {
        let groups = groups(&Form::default());
        let names: Vec<&str> = groups.iter().map(|group| group.name.as_str()).collect();
        assert!(names.contains(&"time entries"), "{names:?}");
        let boxes: Vec<&str> = groups
            .iter()
            .flat_map(Group::choices)
            .map(|choice| choice.pattern.as_str())
            .collect();
        for filter in EventFilter::known().map(|filter| filter.to_string()) {
            let there = boxes.contains(&filter.as_str());
            assert_eq!(there, filter != "*" && filter != "ping", "{filter}");
        }
    }

    #[test]
    fn what_is_said_twice_is_sent_once() {
        let patterns_of = |body: &[u8]| {
            let form = Form::parse(body);
            patterns(&form).join(" ")
        };
        let picked = b"events=invoice.*&events=invoice.sent&events=client.created";
        assert_eq!(patterns_of(picked), "invoice.* client.created");
        assert_eq!(patterns_of(b"events=*&events=client.created"), "*");
        assert_eq!(patterns_of(b""), "");
    }

    #[test]
    fn a_pattern_without_a_box_is_kept() {
        let form = ticked(Form::default(), &["ping".to_owned(), "later.*".to_owned()]);
        let last = groups(&form).pop().unwrap();
        assert_eq!(last.name, "others");
        assert!(last.single.iter().all(|choice| choice.picked));
        assert_eq!(patterns(&form), ["ping", "later.*"]);
    }
}
