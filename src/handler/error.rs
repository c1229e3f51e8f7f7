//! How a handler ends early: with an answer for the client, or with a failure of ours.

use hoursmith_domain::{JsonError, Problem};
use hoursmith_kit::Failure;

/// Why a handler did not succeed.
#[derive(Debug)]
pub enum Error {
    /// The client's doing: 4xx.
    Problem(Problem),
    /// Ours: 5xx.
    Failure(Failure),
    /// Others held what was needed. Nothing was done, and the same may be tried again; 5xx when
    /// there is no time for it.
    Contended(hoursmith_store::Error),
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<hoursmith_store::Error> for Error {
    fn from(error: hoursmith_store::Error) -> Self {
        if error.is_contended() {
            Self::Contended(error)
        } else {
            Self::Failure(error.into())
        }
    }
}

impl From<JsonError> for Error {
    fn from(error: JsonError) -> Self {
        Self::Problem(error.into())
    }
}
