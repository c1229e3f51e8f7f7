//! One route as an operation.

use utoipa::openapi::path::{Operation, OperationBuilder};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::{Components, ContentBuilder, HttpMethod, Required, SecurityRequirement};

use super::document::{TOKEN, tag_of};
use super::{example, parameters, responses, schemas};
use crate::{Method, Route, Shape};

/// The operation of a route. The components must hold the schemas, for the examples.
pub(super) fn operation(route: &'static Route, components: &Components) -> Operation {
    let mut operation = OperationBuilder::new()
        .operation_id(Some(operation_id(route)))
        .tag(tag_of(route.resource))
        .summary(Some(route.summary))
        .description(Some(route.description))
        .request_body(body(route, components))
        .security(SecurityRequirement::new::<_, [String; 0], String>(
            TOKEN,
            [],
        ))
        .build();
    let parameters = parameters::of(route);
    operation.parameters = (!parameters.is_empty()).then_some(parameters);
    operation.responses.responses = responses::of(route, components).into_iter().collect();
    operation
}

/// The route's id, with `_`, which every generator takes as a name.
pub(super) fn operation_id(route: &Route) -> String {
    route.id.replace('.', "_")
}

/// The method in utoipa's words.
pub(super) fn method(method: Method) -> HttpMethod {
    match method {
        Method::Get => HttpMethod::Get,
        Method::Post => HttpMethod::Post,
        Method::Patch => HttpMethod::Patch,
        Method::Put => HttpMethod::Put,
        Method::Delete => HttpMethod::Delete,
    }
}

fn body(route: &Route, components: &Components) -> Option<RequestBody> {
    let (schema, media_types): (_, &[&str]) = match route.shape {
        Shape::Create { body, .. }
        | Shape::Put { body, .. }
        | Shape::Command {
            body: Some(body), ..
        } => (body, &["application/json"]),
        Shape::Update { body, .. } => (body, &["application/merge-patch+json", "application/json"]),
        Shape::List { .. }
        | Shape::Links { .. }
        | Shape::Records { .. }
        | Shape::Feed { .. }
        | Shape::Read { .. }
        | Shape::Act { .. }
        | Shape::Command { body: None, .. }
        | Shape::Delete => return None,
    };
    let content = ContentBuilder::new()
        .schema(Some(schemas::reference(schema)))
        .example(Some(example::of(schema, components)))
        .build();
    let body = RequestBodyBuilder::new().required(Some(Required::True));
    let body = media_types.iter().fold(body, |body, media_type| {
        body.content(*media_type, content.clone())
    });
    Some(body.build())
}
