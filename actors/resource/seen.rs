//! Whether a caller sees what a body names.
//!
//! A project or a member that the caller does not see is answered like one that never existed,
//! before anything else is said about it: of another organization, outside the caller's projects,
//! or made up, to the byte.

mod sql;

pub(crate) use sql::{member, project, sees_member, sees_project, statements};
