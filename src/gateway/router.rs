//! From method and path to what answers: a row of the route table, a public document, or nothing.

use std::collections::BTreeMap;

use hoursmith_bus::Subject;
use hoursmith_domain::{Code, Problem};
use hoursmith_routes::docs::{Documents, PublicDocument};
use hoursmith_routes::{Method as RouteMethod, Route, app, why_read_only};
use http::Method;

use crate::Error;
use crate::meter::RouteMeter;

/// Every path there is.
#[derive(Debug)]
pub(crate) struct Router {
    paths: matchit::Router<Path>,
    documents: Documents,
    /// Meters of what is no row.
    app_meter: RouteMeter,
    document_meter: RouteMeter,
    other_meter: RouteMeter,
}

/// A path and the methods on it.
#[derive(Debug)]
struct Path {
    rows: Vec<Row>,
    /// `Allow`: the rows' methods, HEAD with GET, and OPTIONS.
    allow: String,
}

/// A route with what is made of it once.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) route: &'static Route,
    pub(crate) subject: Subject,
    pub(crate) meter: RouteMeter,
}

/// What a request is for.
#[derive(Debug)]
pub(crate) enum Target<'a> {
    /// A route, with the path's parameters as sent: ids need no escapes, so none are decoded.
    Row {
        row: &'a Row,
        parameters: Vec<(String, String)>,
    },
    /// A public document.
    Document(&'a PublicDocument),
    /// A page or a form of the app.
    App { post: bool },
    /// OPTIONS, with the value of `Allow`.
    Options(&'a str),
    /// Nothing: 404, or 405.
    Nothing(Problem),
}

/// What the app's pages allow. No preflight is answered kindly there: nobody else's script has
/// business with them.
const APP_ALLOW: &str = "GET, HEAD, POST";

/// What public documents allow.
const DOCUMENT_ALLOW: &str = "GET, HEAD, OPTIONS";

impl Router {
    /// A router of these rows and documents.
    pub(crate) fn new(
        routes: impl Iterator<Item = &'static Route>,
        documents: Documents,
    ) -> Result<Self, Error> {
        let mut rows: BTreeMap<&'static str, Vec<Row>> = BTreeMap::new();
        for route in routes {
            let subject = Subject::new(&route.subject()).map_err(|source| Error::Subject {
                route: route.id,
                source,
            })?;
            let meter = RouteMeter::new(route.path, route.method.as_str());
            rows.entry(route.path).or_default().push(Row {
                route,
                subject,
                meter,
            });
        }
        let mut paths = matchit::Router::new();
        for (template, rows) in rows {
            let allow = allow(&rows);
            paths
                .insert(template, Path { rows, allow })
                .map_err(|source| Error::Path {
                    path: template.to_owned(),
                    source,
                })?;
        }
        Ok(Self {
            paths,
            documents,
            app_meter: RouteMeter::new("app", "any"),
            document_meter: RouteMeter::new("document", "GET"),
            other_meter: RouteMeter::new("none", "any"),
        })
    }

    /// Finds what a request is for.
    pub(crate) fn find(&self, method: &Method, path: &str) -> Target<'_> {
        if let Ok(found) = self.paths.at(path) {
            if *method == Method::OPTIONS {
                return Target::Options(&found.value.allow);
            }
            return match found
                .value
                .rows
                .iter()
                .find(|row| serves(row.route.method, method))
            {
                Some(row) => Target::Row {
                    row,
                    parameters: found
                        .params
                        .iter()
                        .map(|(name, value)| (name.to_owned(), value.to_owned()))
                        .collect(),
                },
                None => Target::Nothing(method_not_allowed(method, path, &found.value.allow)),
            };
        }
        if app::has(path) {
            return match *method {
                Method::GET | Method::HEAD => Target::App { post: false },
                Method::POST => Target::App { post: true },
                _ => Target::Nothing(method_not_allowed(method, path, APP_ALLOW)),
            };
        }
        match (self.documents.get(path), method) {
            (Some(document), &Method::GET | &Method::HEAD) => Target::Document(document),
            (Some(_), &Method::OPTIONS) => Target::Options(DOCUMENT_ALLOW),
            (Some(_), _) => Target::Nothing(method_not_allowed(method, path, DOCUMENT_ALLOW)),
            (None, _) => Target::Nothing(no_route(method)),
        }
    }

    /// Where a request to this target is counted.
    pub(crate) fn meter<'a>(&'a self, target: &Target<'a>) -> &'a RouteMeter {
        match target {
            Target::Row { row, .. } => &row.meter,
            Target::App { .. } => &self.app_meter,
            Target::Document(_) => &self.document_meter,
            Target::Options(_) | Target::Nothing(_) => &self.other_meter,
        }
    }
}

fn serves(row: RouteMethod, method: &Method) -> bool {
    match row {
        RouteMethod::Get => *method == Method::GET || *method == Method::HEAD,
        RouteMethod::Post => *method == Method::POST,
        RouteMethod::Patch => *method == Method::PATCH,
        RouteMethod::Put => *method == Method::PUT,
        RouteMethod::Delete => *method == Method::DELETE,
    }
}

fn allow(rows: &[Row]) -> String {
    let mut methods = Vec::new();
    for row in rows {
        methods.push(row.route.method.as_str());
        if row.route.method == RouteMethod::Get {
            methods.push("HEAD");
        }
    }
    methods.push("OPTIONS");
    methods.join(", ")
}

fn no_route(method: &Method) -> Problem {
    let problem = Problem::new(
        Code::NotFound,
        "No such route. The routes are listed at /api-docs.",
    );
    // What follows a CONNECT is no HTTP, if its sender believes that we let it through.
    if *method == Method::CONNECT {
        problem.with_header("connection", "close")
    } else {
        problem
    }
}

fn method_not_allowed(method: &Method, path: &str, allow: &str) -> Problem {
    let detail = match why_read_only(path) {
        Some(why) => why.to_owned(),
        None => format!("{method} is not served here; {allow} are."),
    };
    Problem::new(Code::MethodNotAllowed, detail).with_header("allow", allow)
}
