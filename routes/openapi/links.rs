//! Links: from an answer to the operations that its ids are good for. Tools that test in sequences
//! follow them, and readers see what comes next.
//!
//! Derived from paths and schemas alone: what stands under a collection's path takes the id of what
//! the collection made or listed, and a body with `client_id` takes the id of a client.

use serde_json::json;
use utoipa::openapi::link::{Link, LinkBuilder};
use utoipa::openapi::{Components, RefOr, Schema};

use super::operation::operation_id;
use super::parameters::path_names;
use crate::{Route, Shape, routes};

/// By operation.
type Links = Vec<(String, RefOr<Link>)>;

/// The links of a route's success.
pub(super) fn of(route: &'static Route, components: &Components) -> Links {
    match route.shape {
        Shape::Create { .. } => {
            let under = under(route).filter_map(|one| link(route, one, "/id"));
            under.chain(made_for(route, components)).collect()
        }
        // Only reading: what a list shows was there before, and may be needed still.
        Shape::List { .. } | Shape::Records { .. } | Shape::Feed { .. } => under(route)
            .filter(|one| matches!(one.shape, Shape::Read { .. }))
            .filter_map(|one| link(route, one, "/data/0/id"))
            .collect(),
        // A link has no id: it is found by what it leads to.
        Shape::Links { .. } => under(route)
            .filter_map(|one| {
                let name = path_names(one.path).last()?;
                link(route, one, &format!("/data/0/{name}"))
            })
            .collect(),
        Shape::Put { .. } => routes()
            .filter(|one| one.path == route.path && one.id != route.id)
            .filter_map(|one| link(route, one, ""))
            .collect(),
        Shape::Read { .. }
        | Shape::Update { .. }
        | Shape::Act { .. }
        | Shape::Command { .. }
        | Shape::Delete => Vec::new(),
    }
}

/// The routes one resource below a collection.
fn under(route: &'static Route) -> impl Iterator<Item = &'static Route> {
    routes().filter(|one| {
        let rest = one.path.strip_prefix(route.path);
        rest.is_some_and(|rest| rest.starts_with("/{"))
    })
}

/// A link to a route whose path has the parameters of this one's, and at most one more, whose
/// value stands at `pointer` in the body.
fn link(route: &Route, to: &Route, pointer: &str) -> Option<(String, RefOr<Link>)> {
    let mut link = LinkBuilder::new()
        .operation_id(operation_id(to))
        .description(to.summary);
    let mut added = 0;
    for name in path_names(to.path) {
        let value = if path_names(route.path).any(|known| known == name) {
            format!("$request.path.{name}")
        } else {
            added += 1;
            format!("$response.body#{pointer}")
        };
        link = link.parameter(name, json!(value));
    }
    (added <= 1).then(|| (operation_id(to), link.build().into()))
}

/// Links to what can be made for the new resource: the bodies that take its id.
fn made_for(
    route: &'static Route,
    components: &Components,
) -> impl Iterator<Item = (String, RefOr<Link>)> {
    let field = format!("{}_id", route.resource);
    routes().filter_map(move |one| {
        let Shape::Create { body, .. } = one.shape else {
            return None;
        };
        let RefOr::T(Schema::Object(object)) = components.schemas.get(body)? else {
            return None;
        };
        object.properties.get(&field)?;
        let link = LinkBuilder::new()
            .operation_id(operation_id(one))
            .description(one.summary)
            .request_body(Some(json!({ field.as_str(): "$response.body#/id" })))
            .build();
        Some((operation_id(one), link.into()))
    })
}
