//! Why a request to the app came to an end before its page.

use hoursmith_bus::Response;
use hoursmith_domain::{Location, Problem};
use hoursmith_kit::Failure;
use hoursmith_routes::problem;
use serde::Deserialize;

/// What is said of a form whose object changed after the form was made. The template of problems adds
/// the way to a new one.
pub(crate) const CHANGED: &str =
    "Somebody changed it meanwhile: nothing was saved, and what you typed is still here.";

/// Why.
#[derive(Debug)]
pub(crate) enum Halt {
    /// Nobody is logged in.
    LogIn,
    /// Somebody is, who is not in the organization any more that the session acts in.
    Nowhere,
    /// An actor refused.
    Refused(Refusal),
    /// A fault of ours.
    Failed(Failure),
}

/// A refusal, as a person is told.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Refusal {
    #[serde(default)]
    pub(crate) status: u16,
    #[serde(default)]
    pub(crate) detail: String,
    #[serde(default)]
    pub(crate) errors: Vec<FieldRefusal>,
}

/// What is wrong with one field.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct FieldRefusal {
    #[serde(default)]
    pub(crate) pointer: String,
    #[serde(default)]
    pub(crate) detail: String,
}

impl Halt {
    /// One of the console's own.
    pub(crate) fn refused(status: u16, detail: &str) -> Self {
        Self::Refused(Refusal {
            status,
            detail: detail.to_owned(),
            errors: Vec::new(),
        })
    }

    /// Nothing is at this address.
    pub(crate) fn no_page() -> Self {
        Self::refused(404, "Go back, or begin at the dashboard.")
    }

    /// Whether nothing is there.
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.status == 404)
    }

    /// The refusal of a form that the person may correct; the rest goes on as it is.
    pub(crate) fn correctable(self) -> Result<Refusal, Self> {
        match self {
            // The actor tells of a header that a person knows nothing of.
            Self::Refused(refusal) if refusal.status == 412 => Ok(Refusal {
                detail: CHANGED.to_owned(),
                ..refusal
            }),
            Self::Refused(refusal)
                if matches!(refusal.status, 400 | 402 | 403 | 409 | 422 | 429) =>
            {
                Ok(refusal)
            }
            other => Err(other),
        }
    }
}

impl Refusal {
    /// From an answer's body.
    pub(crate) fn of_response(response: &Response) -> Self {
        let told: Self = serde_json::from_slice(&response.body).unwrap_or_default();
        Self {
            status: response.status,
            ..told
        }
    }

    /// From a problem.
    pub(crate) fn of_problem(problem: &Problem) -> Self {
        let errors = problem.errors.iter().map(|error| FieldRefusal {
            pointer: match &error.location {
                Location::Pointer(pointer) => pointer.clone(),
                _ => String::new(),
            },
            detail: error.detail.clone(),
        });
        Self {
            status: problem::status(problem.code),
            detail: problem.detail.clone(),
            errors: errors.collect(),
        }
    }

    /// Of one field of a form.
    pub(crate) fn at(field: &str, detail: &str) -> Self {
        Self {
            status: 422,
            detail: String::new(),
            errors: vec![FieldRefusal {
                pointer: format!("#/{field}"),
                detail: detail.to_owned(),
            }],
        }
    }

    /// The same, where a form calls a field otherwise than the actor does.
    pub(crate) fn renamed(mut self, asked: &str, shown: &str) -> Self {
        for error in &mut self.errors {
            if error.pointer.strip_prefix("#/") == Some(asked) {
                error.pointer = format!("#/{shown}");
            }
        }
        self
    }

    /// What is wrong with a field.
    pub(crate) fn of(&self, field: &str) -> Option<&str> {
        let pointer = |error: &&FieldRefusal| error.pointer.strip_prefix("#/") == Some(field);
        self.errors
            .iter()
            .find(pointer)
            .map(|error| error.detail.as_str())
    }

    /// What is wrong with none of the fields that a form shows, whose names are given in one text.
    pub(crate) fn beside(&self, shown: &str) -> Vec<String> {
        if self.status == 0 {
            return Vec::new();
        }
        let hidden = |error: &&FieldRefusal| {
            !shown
                .split(' ')
                .any(|name| error.pointer.strip_prefix("#/") == Some(name))
        };
        let hidden: Vec<String> = self
            .errors
            .iter()
            .filter(hidden)
            .map(|error| {
                format!(
                    "{}: {}",
                    error.pointer.trim_start_matches("#/"),
                    error.detail
                )
            })
            .collect();
        match self.errors.is_empty() {
            true => vec![self.detail.clone()],
            false => hidden,
        }
    }
}

impl From<Failure> for Halt {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}
