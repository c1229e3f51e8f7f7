//! Roles, plans and scopes: closed lists with one spelling each, ordered where order has meaning.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A word that is none of the list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is no {kind}; use one of {allowed}")]
pub struct UnknownWord {
    /// What was expected, such as `role`.
    pub kind: &'static str,
    /// What was given.
    pub word: String,
    /// The words there are, separated by commas.
    pub allowed: &'static str,
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $allowed:literal,
     { $($(#[$vdoc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$vdoc])* $variant,)+ }

        impl $name {
            /// Every value, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The word in JSON, in the database and on the command line.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = UnknownWord;

            fn from_str(word: &str) -> Result<Self, UnknownWord> {
                match word {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(UnknownWord { kind: $kind, word: word.to_owned(), allowed: $allowed }),
                }
            }
        }
    };
}

words! {
    /// What a member may do in the organization. The access table gives the meaning.
    Role, "role", "owner, admin, manager, member", {
        /// Everything; the last one cannot go.
        Owner = "owner",
        /// Everything but owners.
        Admin = "admin",
        /// The projects that the manager was added to.
        Manager = "manager",
        /// Own time and expenses, in the projects that the member was added to.
        Member = "member",
    }
}

words! {
    /// What an organization pays for, lowest first.
    Plan, "plan", "free, studio, agency", {
        /// No API access.
        Free = "free",
        /// API tokens.
        Studio = "studio",
        /// API tokens with higher limits, and webhooks.
        Agency = "agency",
    }
}

words! {
    /// What a token may do; a write token may read.
    Scope, "scope", "read, write", {
        /// Reads alone.
        Read = "read",
        /// Reads and writes.
        Write = "write",
    }
}
