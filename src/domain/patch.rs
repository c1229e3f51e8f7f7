//! What a merge patch says about one field (RFC 7396): absent, null, or a value.

/// What a request says about one field.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Patch<T> {
    /// Not named: unchanged, or the default on creation.
    #[default]
    Absent,
    /// Named as null: cleared.
    Null,
    /// Named with a value.
    Value(T),
}

impl<T> Patch<T> {
    /// The value on creation, where absent and null mean the same.
    pub fn into_option(self) -> Option<T> {
        match self {
            Self::Absent | Self::Null => None,
            Self::Value(value) => Some(value),
        }
    }

    /// The new value of an optional field that now is `current`.
    pub fn apply(self, current: &mut Option<T>) {
        match self {
            Self::Absent => {}
            Self::Null => *current = None,
            Self::Value(value) => *current = Some(value),
        }
    }

    /// The new value of a field that is never null (a reader of such fields never gives `Null`).
    pub fn apply_required(self, current: &mut T) {
        if let Self::Value(value) = self {
            *current = value;
        }
    }

    /// Changes the value, if there is one.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Patch<U> {
        match self {
            Self::Absent => Patch::Absent,
            Self::Null => Patch::Null,
            Self::Value(value) => Patch::Value(change(value)),
        }
    }
}
