//! A row of the route table.

use hoursmith_bus::subjects;
use hoursmith_domain::Access;

/// The methods that routes use. HEAD and OPTIONS come with them and have no rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// GET; HEAD is served as well.
    Get,
    /// POST; takes an `Idempotency-Key`.
    Post,
    /// PATCH with a merge patch (RFC 7396).
    Patch,
    /// PUT.
    Put,
    /// DELETE.
    Delete,
}

impl Method {
    /// The method's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Patch => "PATCH",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

/// One route: what the router matches, what the access check decides by, what the document shows.
#[derive(Debug, Clone, Copy)]
pub struct Route {
    /// `<resource>.<action>`: the operation's id, and the last tokens of its subject.
    pub id: &'static str,
    /// The resource, in the singular, as in `access.tsv`.
    pub resource: &'static str,
    /// The action, as in `access.tsv`.
    pub action: &'static str,
    /// Method.
    pub method: Method,
    /// Path with parameters in braces, such as `/api/v1/clients/{client_id}`.
    pub path: &'static str,
    /// Who may.
    pub access: Access,
    /// The actor that answers: its subject is `hoursmith.v1.<actor>.<id>`.
    pub actor: &'static str,
    /// Query parameters that the route takes, beside those its shape brings.
    pub parameters: &'static [Parameter],
    /// What goes in and what comes out.
    pub shape: Shape,
    /// One line, a verb phrase.
    pub summary: &'static str,
    /// What a user must know.
    pub description: &'static str,
}

/// What goes in and what comes out. Names of types are schema names in the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A page of resources: takes `limit`, `cursor`, `updated_since`, `external_reference_id`.
    List {
        /// Schema of the page, such as `ClientList`.
        page: &'static str,
    },
    /// A page of links between resources, which have no id or reference of their own: takes
    /// `limit`, `cursor`, `updated_since`.
    Links {
        /// Schema of the page.
        page: &'static str,
    },
    /// A page of what the server keeps by itself, which refers to nothing outside: takes `limit`,
    /// `cursor`, `updated_since`.
    Records {
        /// Schema of the page.
        page: &'static str,
    },
    /// A page of what never changes: takes `limit`, `cursor`.
    Feed {
        /// Schema of the page.
        page: &'static str,
    },
    /// One resource, with an ETag.
    Read {
        /// Its schema.
        resource: &'static str,
    },
    /// Creates: 201 with `Location`.
    Create {
        /// Schema of the body.
        body: &'static str,
        /// Schema of the answer.
        resource: &'static str,
    },
    /// Changes: 200.
    Update {
        /// Schema of the merge patch.
        body: &'static str,
        /// Schema of the answer.
        resource: &'static str,
    },
    /// Puts in place: 201 when it was not there, else 200.
    Put {
        /// Schema of the body, which is the whole of what may be set.
        body: &'static str,
        /// Schema of the answer.
        resource: &'static str,
    },
    /// Does something to a resource, without a body: 200.
    Act {
        /// Schema of the answer: the resource as it is then.
        resource: &'static str,
    },
    /// Has something done whose answer is not the resource: 200.
    Command {
        /// Schema of the body; none is taken if there is none.
        body: Option<&'static str>,
        /// Schema of the answer.
        answer: &'static str,
    },
    /// Deletes: 204.
    Delete,
}

impl Shape {
    /// Whether the request has a JSON body.
    pub fn takes_body(self) -> bool {
        matches!(
            self,
            Self::Create { .. }
                | Self::Update { .. }
                | Self::Put { .. }
                | Self::Command { body: Some(_), .. }
        )
    }

    /// Schema of the page, if it is a list of some kind.
    pub fn page(self) -> Option<&'static str> {
        match self {
            Self::List { page }
            | Self::Links { page }
            | Self::Records { page }
            | Self::Feed { page } => Some(page),
            Self::Read { .. }
            | Self::Create { .. }
            | Self::Update { .. }
            | Self::Put { .. }
            | Self::Act { .. }
            | Self::Command { .. }
            | Self::Delete => None,
        }
    }

    /// The schemas that its body and its answer have.
    pub fn schemas(self) -> impl Iterator<Item = &'static str> {
        let (body, answer) = match self {
            Self::List { page }
            | Self::Links { page }
            | Self::Records { page }
            | Self::Feed { page } => (None, Some(page)),
            Self::Command { body, answer } => (body, Some(answer)),
            Self::Read { resource } | Self::Act { resource } => (None, Some(resource)),
            Self::Create { body, resource }
            | Self::Update { body, resource }
            | Self::Put { body, resource } => (Some(body), Some(resource)),
            Self::Delete => (None, None),
        };
        body.into_iter().chain(answer)
    }

    /// Whether it is a list of some kind.
    pub fn is_list(self) -> bool {
        self.page().is_some()
    }

    /// The query parameters that it brings.
    fn parameters(self) -> impl Iterator<Item = &'static Parameter> {
        let count = match self {
            Self::List { .. } => LIST.len(),
            Self::Links { .. } | Self::Records { .. } => LIST.len().saturating_sub(1),
            Self::Feed { .. } => 2,
            _ => 0,
        };
        LIST.iter().take(count)
    }
}

/// A query parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What it filters by.
    pub description: &'static str,
    /// The form of its value.
    pub form: Form,
    /// Whether it may be given more than once.
    pub repeatable: bool,
}

/// The form of a query parameter's value; the gateway refuses others (400 `invalid_parameter`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Text of 1 to `max` characters.
    Text {
        /// Most characters.
        max: usize,
    },
    /// `true` or `false`.
    Boolean,
    /// A UUID.
    Id,
    /// An id that is this prefix and 32 hex digits.
    PrefixedId(&'static str),
    /// An RFC 3339 instant.
    Instant,
    /// A calendar day.
    Day,
    /// A whole number in a range.
    Integer {
        /// Least value.
        min: i64,
        /// Largest value.
        max: i64,
    },
    /// An ISO 4217 code.
    Currency,
    /// One of these words.
    OneOf(&'static [&'static str]),
}

/// A query parameter that is given at most once.
pub(crate) const fn parameter(
    name: &'static str,
    form: Form,
    description: &'static str,
) -> Parameter {
    Parameter {
        name,
        description,
        form,
        repeatable: false,
    }
}

/// Longest `If-Match` or `If-None-Match` that is read: some thirty entity tags of ours.
pub const MAX_CONDITION_LENGTH: usize = 1024;

/// Items on a page when the request does not say.
pub const DEFAULT_LIMIT: i64 = 50;

/// What every list takes, as far as it applies: [`Shape::parameters`] cuts it.
pub(crate) const LIST: &[Parameter] = &[
    parameter(
        "limit",
        Form::Integer { min: 1, max: 200 },
        "Most items on the page; 50 if absent.",
    ),
    parameter(
        "cursor",
        Form::Text { max: 200 },
        "Where the page begins: `next_cursor` of the page before. Good for the same filters alone; never expires.",
    ),
    parameter(
        "updated_since",
        Form::Instant,
        "Only items changed at or after this instant, oldest change first, so that a client can sync. Deletions are read from `/api/v1/events`.",
    ),
    parameter(
        "external_reference_id",
        Form::Text { max: 255 },
        "Only items whose `external_reference.id` is this.",
    ),
];

impl Route {
    /// Every query parameter that the route takes.
    pub fn query(&self) -> impl Iterator<Item = &'static Parameter> {
        self.shape.parameters().chain(self.parameters)
    }

    /// The subject that answers it.
    pub fn subject(&self) -> String {
        format!("{}.{}.{}", subjects::PREFIX, self.actor, self.id)
    }

    /// Whether it changes anything.
    pub fn is_write(&self) -> bool {
        self.method != Method::Get
    }
}
