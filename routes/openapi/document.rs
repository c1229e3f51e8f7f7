//! The document's frame: what the API is, where it is, how to get in.

use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    Components, ComponentsBuilder, ContactBuilder, Info, InfoBuilder, LicenseBuilder, OpenApi,
    OpenApiBuilder, Paths, PathsBuilder, Server, ServerBuilder, Tag,
};

use super::{headers, operation, parameters, responses, schemas, webhooks};
use crate::routes;

/// Name of the one security scheme.
pub(super) const TOKEN: &str = "token";

const DESCRIPTION: &str = include_str!("description.md");

/// Resource, name of its group, what the group is; in the order of the page.
const TAGS: &[(&str, &str, &str)] = &[
    ("me", "Me", "Whom the token acts as."),
    (
        "organization",
        "Organization",
        "The tenant that the token belongs to, and its defaults.",
    ),
    ("member", "Members", "The people in the organization."),
    (
        "client",
        "Clients",
        "Whom the organization works for and bills.",
    ),
    (
        "project",
        "Projects",
        "What time is spent on, how it is billed, and how far it has come.",
    ),
    (
        "project_member",
        "Project members",
        "Who was added to a project, at what rate.",
    ),
    (
        "task",
        "Tasks",
        "What is to be done in a project, by whom, until when.",
    ),
    (
        "time_entry",
        "Time entries",
        "What members spent on projects, and timers that run.",
    ),
    ("expense", "Expenses", "What members paid for projects."),
    (
        "invoice",
        "Invoices",
        "Drafts that build themselves from unbilled time, expenses and fees, and what was sent.",
    ),
    (
        "event",
        "Events",
        "The change feed: what changed, in order and without a gap.",
    ),
    (
        "webhook_endpoint",
        "Webhook endpoints",
        "Where events are sent, and which.",
    ),
    (
        "webhook_delivery",
        "Webhook deliveries",
        "What was sent of an event to an endpoint, and what became of it.",
    ),
    (
        webhooks::TAG,
        "Webhooks",
        "What is sent to an endpoint: a signed POST for each event.",
    ),
];

/// The document of a product that is reached at `public_url` (without a slash at the end).
pub fn document(public_url: &str) -> OpenApi {
    let components = components(public_url);
    let paths = paths(&components);
    let webhooks = webhooks::entries(&components);
    OpenApiBuilder::new()
        .info(info(public_url))
        .servers(Some([server(public_url)]))
        .paths(paths)
        .webhooks(Some(webhooks))
        .components(Some(components))
        .tags(Some(
            TAGS.iter()
                .map(|(_, name, description)| tag(name, description)),
        ))
        .build()
}

/// Name of the group that a resource's operations are in.
pub(super) fn tag_of(resource: &str) -> &str {
    TAGS.iter()
        .find(|(of, _, _)| *of == resource)
        .map_or(resource, |(_, name, _)| name)
}

fn tag(name: &str, description: &str) -> Tag {
    TagBuilder::new()
        .name(name)
        .description(Some(description))
        .build()
}

fn info(public_url: &str) -> Info {
    InfoBuilder::new()
        .title("Hoursmith API")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(DESCRIPTION.replace("{{public_url}}", public_url)))
        .contact(Some(
            ContactBuilder::new()
                .name(Some("The operator of this server"))
                .url(Some(public_url))
                .build(),
        ))
        .license(Some(
            LicenseBuilder::new()
                .name(env!("CARGO_PKG_LICENSE"))
                .identifier(Some(env!("CARGO_PKG_LICENSE")))
                .build(),
        ))
        .build()
}

fn server(public_url: &str) -> Server {
    ServerBuilder::new()
        .url(public_url)
        .description(Some("This server (production)."))
        .extensions(Some(
            ExtensionsBuilder::new().add("x-internal", false).build(),
        ))
        .build()
}

fn paths(components: &Components) -> Paths {
    let mut paths = PathsBuilder::new().build();
    for route in routes() {
        let method = operation::method(route.method);
        paths.add_path_operation(
            route.path,
            vec![method],
            operation::operation(route, components),
        );
    }
    paths
}

fn components(public_url: &str) -> Components {
    let mut components = ComponentsBuilder::new()
        .schemas_from_iter(schemas::components())
        .responses_from_iter(responses::problems(public_url))
        .security_scheme(TOKEN, security())
        .build();
    components.parameters = parameters::components().collect();
    components.headers = headers::components().collect();
    components
}

fn security() -> SecurityScheme {
    SecurityScheme::Http(
        HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("hsk_live_")
            .description(Some(
                "An API token, `hsk_live_` and 38 characters, minted in the app by the member it \
                 acts as. Its scope is `read` or `write`.",
            ))
            .build(),
    )
}
