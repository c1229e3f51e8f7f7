//! The types of event: `tests/contract/events.tsv` is the reviewed list.

use std::fmt;

macro_rules! event_types {
    ($($(#[$doc:meta])* $variant:ident = $word:literal,)+) => {
        /// What happened. `<resource>.<verb in the past>`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum EventType { $($(#[$doc])* $variant,)+ }

        impl EventType {
            /// Every type that this version writes.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The word in JSON and in the subject.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }
    };
}

event_types! {
    /// A client was created.
    ClientCreated = "client.created",
    /// A client was changed, archived or unarchived.
    ClientUpdated = "client.updated",
    /// A client was deleted; carries its last state.
    ClientDeleted = "client.deleted",
    /// A member was added.
    MemberAdded = "member.added",
    /// A member's role or rates changed.
    MemberUpdated = "member.updated",
    /// A member was removed.
    MemberRemoved = "member.removed",
    /// The organization was changed; also its plan.
    OrganizationUpdated = "organization.updated",
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
