//! Lists: keyset pages behind sealed cursors.
//!
//! A page is read from the last row that was shown, by (instant, id), so that a deep page costs
//! what the first costs and rows that come and go between pages shift nothing. One row more than
//! the page is read to know whether there is another.

use hoursmith_bus::Response;
use hoursmith_domain::{Code, Cursor, CursorScope, FieldError, Problem, Timestamp};
use hoursmith_routes::DEFAULT_LIMIT;
use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::error::Error;
use crate::request::Request;

/// Where a page ends before its limit, in bytes of its items, since an answer must fit the bus. A
/// single item fits it by its own bounds: an invoice by its entries and lines, a project by its
/// members, all others by the length of their texts. A short page proves nothing, and says so by `has_more`.
pub const MAX_PAGE_BYTES: usize = 768 * 1024;

/// What a list is asked for.
#[derive(Debug)]
pub struct Page {
    /// Most items; the statement takes one more.
    pub limit: i64,
    /// Only items changed at or after it, oldest change first; else newest first.
    pub updated_since: Option<Timestamp>,
    /// The row after which the page begins, in the list's order.
    pub after: Cursor,
    filters: String,
}

impl Page {
    /// Reads `limit`, `updated_since` and `cursor`.
    pub fn of(request: &Request) -> Result<Self, Error> {
        let updated_since: Option<Timestamp> = request.param("updated_since")?;
        Self::from(request, updated_since, first(updated_since))
    }

    /// The same of a feed, which is in the order of a number: reads `limit` and `cursor`. Without a
    /// cursor the page begins after the number `after`.
    pub fn of_feed(request: &Request, after: i64) -> Result<Self, Error> {
        let first = Cursor {
            sort: after,
            id: Uuid::max(),
        };
        Self::from(request, None, first)
    }

    fn from(
        request: &Request,
        updated_since: Option<Timestamp>,
        first: Cursor,
    ) -> Result<Self, Error> {
        let filters = filters(request);
        let after = match request.ask.head.query_param("cursor") {
            Some(text) => Cursor::open(text, &request.context.keys, &scope(request, &filters))
                .ok_or_else(invalid_cursor)?,
            None => first,
        };
        let limit = request.param("limit")?.unwrap_or(DEFAULT_LIMIT);
        Ok(Self {
            limit,
            updated_since,
            after,
            filters,
        })
    }

    /// How many rows to read.
    pub fn fetch(&self) -> i64 {
        self.limit.saturating_add(1)
    }

    /// Answers the rows that were read, at most [`Page::fetch`] of them. `place` gives where a row
    /// stands in the list's order, `show` what the client sees of it.
    pub fn respond<R, T: Serialize>(
        &self,
        request: &Request,
        rows: Vec<R>,
        place: impl Fn(&R) -> Cursor,
        show: impl Fn(R) -> T,
    ) -> Result<Response, Error> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let mut has_more = rows.len() > limit;
        let (mut data, mut bytes, mut last) = (Vec::new(), 0_usize, None);
        for row in rows.into_iter().take(limit) {
            let at = place(&row);
            let item = serde_json::value::to_raw_value(&show(row)).map_err(unwritable)?;
            bytes = bytes.saturating_add(item.get().len());
            if bytes > MAX_PAGE_BYTES && !data.is_empty() {
                has_more = true;
                break;
            }
            last = Some(at);
            data.push(item);
        }
        let next_cursor = last
            .filter(|_| has_more)
            .map(|at| at.seal(&request.context.keys, &scope(request, &self.filters)));
        let link = next_cursor
            .as_deref()
            .map(|cursor| next_link(request, cursor));
        let list = List {
            data,
            has_more,
            next_cursor,
        };
        let response = json(200, &list)?;
        Ok(match link {
            Some(link) => response.with_header("link", link),
            None => response,
        })
    }
}

/// The shape of every page.
#[derive(Serialize)]
struct List {
    data: Vec<Box<RawValue>>,
    has_more: bool,
    next_cursor: Option<String>,
}

fn unwritable(source: serde_json::Error) -> Error {
    hoursmith_kit::Failure::internal("write the answer", source).into()
}

/// A JSON response of a wire type.
pub fn json(status: u16, body: &impl Serialize) -> Result<Response, Error> {
    let body = serde_json::to_vec(body).map_err(unwritable)?;
    Ok(Response::json(status, body))
}

/// The place before the first row: the newest possible, or just before `updated_since`.
fn first(updated_since: Option<Timestamp>) -> Cursor {
    match updated_since {
        None => Cursor {
            sort: i64::MAX,
            id: Uuid::max(),
        },
        Some(since) => Cursor {
            sort: since.as_micros().saturating_sub(1),
            id: Uuid::max(),
        },
    }
}

/// The filters in one spelling: sorted, without what may change from page to page.
fn filters(request: &Request) -> String {
    let query = &request.ask.head.query;
    let mut pairs: Vec<_> = query
        .iter()
        .filter(|(name, _)| name != "cursor" && name != "limit")
        .collect();
    pairs.sort();
    // Lengths keep a value from passing for a name.
    pairs
        .iter()
        .map(|(name, value)| format!("{}:{name}={}:{value};", name.len(), value.len()))
        .collect()
}

fn scope<'a>(request: &'a Request, filters: &'a str) -> CursorScope<'a> {
    CursorScope {
        organization: request.caller.organization(),
        route: request.route,
        filters,
    }
}

fn invalid_cursor() -> Problem {
    Problem::new(
        Code::InvalidCursor,
        "This cursor is not good for this list with these filters.",
    )
    .with_error(FieldError::parameter(
        "cursor",
        "invalid_cursor",
        "must be `next_cursor` of a page of this very list",
    ))
}

/// `Link: <…>; rel="next"` (RFC 8288) with every parameter of this page but the cursor.
fn next_link(request: &Request, cursor: &str) -> String {
    let mut link = format!("<{}{}?", request.context.public_url, request.ask.head.path);
    for (name, value) in request
        .ask
        .head
        .query
        .iter()
        .filter(|(name, _)| name != "cursor")
    {
        link.push_str(name);
        link.push('=');
        percent_encode(value, &mut link);
        link.push('&');
    }
    link.push_str("cursor=");
    link.push_str(cursor);
    link.push_str(">; rel=\"next\"");
    link
}

/// Percent-encodes all but unreserved characters (RFC 3986, section 2.3).
fn percent_encode(text: &str, out: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
}

/// A pattern for `LIKE … ESCAPE '\'` that finds the text anywhere, taken literally.
pub fn contains(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}
