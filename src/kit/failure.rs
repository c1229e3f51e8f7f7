//! What went wrong on our side: what the client may read and what the log shall say, apart.

use std::error::Error;
use std::fmt;

use hoursmith_bus::ErrorKind;
use hoursmith_domain::{Problem, RequestId};

/// A failure of ours. The pool that called the worker logs it once and answers its problem.
#[derive(Debug)]
pub struct Failure {
    operation: &'static str,
    problem: Problem,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl Failure {
    /// A bug, or an answer nobody expected: 500.
    pub fn internal(
        operation: &'static str,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self {
            operation,
            problem: Problem::internal(),
            source: Some(source.into()),
        }
    }

    /// A part that is overloaded or away: 503, worth another try.
    pub fn unavailable(
        operation: &'static str,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        let problem = Problem::unavailable("A part of the service is not available right now.");
        Self {
            operation,
            problem,
            source: Some(source.into()),
        }
    }

    /// A call over the bus that came to nothing.
    pub fn bus(operation: &'static str, error: hoursmith_bus::Error) -> Self {
        match error.kind() {
            ErrorKind::DeadlineExceeded => Self {
                operation,
                problem: Problem::deadline_exceeded(),
                source: Some(Box::new(error)),
            },
            kind if kind.retryable() => Self::unavailable(operation, error),
            _ => Self::internal(operation, error),
        }
    }

    /// What the client may read.
    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    /// Logs the failure with its causes and gives what the client may read.
    pub fn report(self, plugin: &'static str, request: RequestId) -> Problem {
        let mut causes = String::new();
        let mut source = self.source.as_deref().map(|source| source as &dyn Error);
        while let Some(cause) = source {
            if !causes.is_empty() {
                causes.push_str(": ");
            }
            causes.push_str(&cause.to_string());
            source = cause.source();
        }
        tracing::error!(
            plugin.name = plugin,
            request.id = %request,
            error.operation = self.operation,
            error.causes = causes,
            "A request failed on our side."
        );
        self.problem
    }
}

impl From<hoursmith_store::Error> for Failure {
    fn from(error: hoursmith_store::Error) -> Self {
        if error.retryable() {
            Self::unavailable("use the database", error)
        } else {
            Self::internal("use the database", error)
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "could not {}", self.operation)
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source
            .as_deref()
            .map(|source| source as &(dyn Error + 'static))
    }
}
