//! The HTML pages: the landing page, the list of problems and a page for each.

use hoursmith_domain::Code;
use std::fmt::Write as _;

use super::document::{PAGE, PublicDocument};
use crate::openapi::occurrence;
use crate::problem::{explanation, slug, status, title, word};

const FRAME: &str = include_str!("page.html");
const LANDING: &str = include_str!("landing.html");

/// Makes the pages of one product.
pub(super) struct Pages<'a> {
    pub(super) public_url: &'a str,
}

impl Pages<'_> {
    pub(super) fn all(&self) -> Vec<PublicDocument> {
        let landing = LANDING.replace("{{public_url}}", &escape(self.public_url));
        let mut pages = vec![
            page("/", "Hoursmith API", &landing),
            page("/problems", "Problems · Hoursmith API", &problem_list()),
        ];
        pages.extend(Code::ALL.iter().map(|code| {
            page(
                format!("/problems/{}", slug(*code)),
                &format!("{} · Hoursmith API", title(*code)),
                &self.problem(*code),
            )
        }));
        pages
    }

    fn problem(&self, code: Code) -> String {
        let body = occurrence::body(code, self.public_url);
        format!(
            "<p class=\"status\">{status} <code>{word}</code></p>\n<h1>{title}</h1>\n<p>{explanation}</p>\n\
             <h2>Example</h2>\n<pre tabindex=\"0\"><code>{example}</code></pre>\n\
             <p><a href=\"/problems\">All problems</a></p>",
            status = status(code),
            word = word(code),
            title = escape(title(code)),
            explanation = prose(explanation(code)),
            example = escape(&format!("{body:#}")),
        )
    }
}

fn problem_list() -> String {
    let mut rows = String::new();
    for code in Code::ALL {
        // Writing to a String does not fail.
        let _ = writeln!(
            rows,
            "<tr><td>{}</td><td><a href=\"/problems/{}\">{}</a><br><code>{}</code></td></tr>",
            status(*code),
            slug(*code),
            escape(title(*code)),
            word(*code),
        );
    }
    format!(
        "<h1>Problems</h1>\n<p class=\"lead\">What the API answers when it cannot do what was asked: \
         <code>application/problem+json</code> (RFC 9457) with a stable <code>code</code>.</p>\n\
         <table>\n<thead><tr><th scope=\"col\">Status</th><th scope=\"col\">Problem</th></tr></thead>\n\
         <tbody>\n{rows}</tbody>\n</table>"
    )
}

fn page(path: impl Into<String>, title: &str, main: &str) -> PublicDocument {
    let html = FRAME
        .replace("{{title}}", &escape(title))
        .replace("{{version}}", env!("CARGO_PKG_VERSION"))
        .replace("{{main}}", main);
    PublicDocument::new(path, "text/html; charset=utf-8", PAGE, html)
}

/// Text for HTML, in element content and in quoted attributes.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// A sentence whose words in backticks become code.
fn prose(text: &str) -> String {
    escape(text)
        .split('`')
        .enumerate()
        .map(|(index, part)| {
            if index % 2 == 1 {
                format!("<code>{part}</code>")
            } else {
                part.to_owned()
            }
        })
        .collect()
}
