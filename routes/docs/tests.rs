use std::collections::BTreeSet;
use std::io::Read as _;

use flate2::read::GzDecoder;
use hoursmith_domain::Code;

use super::*;
use crate::problem::{explanation, slug, title};

fn documents() -> Documents {
    Documents::new("http://127.0.0.1:8080")
}

fn text(document: &PublicDocument) -> &str {
    std::str::from_utf8(&document.body).unwrap()
}

#[test]
fn every_problem_has_its_page() {
    let documents = documents();
    let list = text(documents.get("/problems").unwrap());
    for code in Code::ALL {
        let path = format!("/problems/{}", slug(*code));
        let page = text(documents.get(&path).unwrap());
        assert!(page.contains(title(*code)), "{path}");
        let first = explanation(*code).split(['`', '"', '<']).next().unwrap();
        assert!(page.contains(first), "{path}");
        assert!(list.contains(&format!("href=\"{path}\"")), "{path}");
    }
}

#[test]
fn pages_link_only_to_what_is_served() {
    let documents = documents();
    let mut links = BTreeSet::new();
    for page in documents
        .iter()
        .filter(|one| one.content_type.starts_with("text/html"))
    {
        for attribute in [" href=\"", " src=\""] {
            links.extend(
                text(page)
                    .split(attribute)
                    .skip(1)
                    .map(|rest| rest.split('"').next().unwrap().to_owned()),
            );
        }
    }
    assert!(links.contains("/api-docs/scalar.js"));
    for link in links {
        // The app is no document: the gateway asks the console for it.
        assert!(link == "/app" || documents.get(&link).is_some(), "{link}");
    }
}

#[test]
fn pages_have_no_script_and_no_style_in_themselves() {
    for page in documents()
        .iter()
        .filter(|one| one.content_type.starts_with("text/html"))
    {
        let html = text(page);
        assert!(
            !html.contains("<style") && !html.contains(" style="),
            "{}",
            page.path
        );
        let handler = |word: &str| word.starts_with("on") && word.contains('=');
        assert!(!html.split_whitespace().any(handler), "{}", page.path);
        assert!(
            !html.contains("<script>") && !html.contains("{{"),
            "{}",
            page.path
        );
        let scripts = if page.path == "/api-docs" { 2 } else { 0 };
        assert_eq!(html.matches("<script").count(), scripts, "{}", page.path);
        assert!(!page.csp.contains("script-src 'self' 'unsafe"));
    }
}

#[test]
fn packed_bodies_are_the_plain_ones_under_a_validator_of_their_own() {
    let mut packed = 0;
    for document in documents().iter() {
        assert!(document.etag.len() == 34 && document.etag.starts_with('"'));
        let Some(gzip) = &document.gzip else { continue };
        let mut plain = Vec::new();
        GzDecoder::new(gzip.as_ref())
            .read_to_end(&mut plain)
            .unwrap();
        assert_eq!(plain, document.body, "{}", document.path);
        assert_ne!(document.etag, document.gzip_etag);
        packed += 1;
    }
    assert!(packed > 3);
}

#[test]
fn text_of_a_request_cannot_become_markup() {
    let documents = Documents::new("http://\"><script>");
    assert!(!text(documents.get("/").unwrap()).contains("<script>"));
}
