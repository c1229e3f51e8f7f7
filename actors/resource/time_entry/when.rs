//! When an entry is, and for which day it counts.
//!
//! A timer that runs, a span between two instants, or a mere duration: no entry is anything else, so
//! the three fields that say it cannot contradict one another once they are read.

use std::time::Duration;

use hoursmith_domain::{Day, FieldError, Patch, Timestamp, Zone};

use super::input::{FIRST_INSTANT, LAST_INSTANT, WhenInput};

/// When an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// Since an instant, without an end yet.
    Running(Timestamp),
    /// From an instant to one that is not earlier.
    Span(Timestamp, Timestamp),
    /// So many seconds of a day.
    Duration(i64),
}

/// What is wrong with what a body says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wrong {
    pub(crate) field: &'static str,
    pub(crate) code: &'static str,
    pub(crate) detail: &'static str,
}

impl When {
    /// What a new entry says; it begins now unless it says otherwise.
    pub(crate) fn begin(input: &WhenInput, now: Timestamp) -> Result<Self, Wrong> {
        match Self::stated(None, input)? {
            Some(stated) => Ok(stated),
            None => Ok(Self::Running(now)),
        }
    }

    /// What it is after a change.
    pub(crate) fn changed(self, input: &WhenInput) -> Result<Self, Wrong> {
        Self::stated(Some(self), input).map(|stated| stated.unwrap_or(self))
    }

    /// When it began.
    pub(crate) fn started_at(self) -> Option<Timestamp> {
        match self {
            Self::Running(start) | Self::Span(start, _) => Some(start),
            Self::Duration(_) => None,
        }
    }

    /// When it ended.
    pub(crate) fn ended_at(self) -> Option<Timestamp> {
        match self {
            Self::Span(_, end) => Some(end),
            Self::Running(_) | Self::Duration(_) => None,
        }
    }

    /// How long it is, in whole seconds, rounded down; nothing while it runs.
    pub(crate) fn seconds(self) -> Option<i64> {
        match self {
            Self::Running(_) => None,
            Self::Span(start, end) => i64::try_from(start.until(end).as_secs()).ok(),
            Self::Duration(seconds) => Some(seconds),
        }
    }

    /// The same, ended at an instant, or where it began when that is later.
    pub(crate) fn stopped(self, at: Timestamp) -> Self {
        match self {
            Self::Running(start) => Self::Span(start, at.max(start)),
            Self::Span(..) | Self::Duration(_) => self,
        }
    }

    /// Where it stands among the others: when it began, or where its day begins.
    pub(crate) fn order_at(self, day: Day, zone: Zone) -> Timestamp {
        self.started_at().unwrap_or_else(|| zone.start_of(day))
    }

    /// The day it counts for: as the body says, else the local day on which it began. A day that was
    /// chosen stays when the beginning moves, unless it is too far from it: then it was not chosen for
    /// this beginning, or the member moved to another zone since.
    pub(crate) fn day(
        self,
        given: &Patch<Day>,
        before: Option<(Self, Day)>,
        zone: Zone,
        now: Timestamp,
    ) -> Day {
        let local = self.started_at().map(|start| zone.day_of(start));
        let usual = local.unwrap_or_else(|| zone.day_of(now));
        match (given, before) {
            (Patch::Value(day), _) => *day,
            (Patch::Null, _) | (Patch::Absent, None) => usual,
            (Patch::Absent, Some((was, day))) => {
                let chosen = was
                    .started_at()
                    .is_some_and(|start| zone.day_of(start) != day);
                let kept = chosen || self.started_at() == was.started_at();
                let stays = kept && self.check_day(day, zone).is_none();
                if self == was || local.is_none() || stays {
                    day
                } else {
                    usual
                }
            }
        }
    }

    /// Refuses a day that is neither the local day on which it began nor next to it: who filters by
    /// days would not find it where it is.
    pub(crate) fn check_day(self, day: Day, zone: Zone) -> Option<FieldError> {
        let local = zone.day_of(self.started_at()?);
        if (local.minus(1)..=local.plus(1)).contains(&day) {
            return None;
        }
        Some(FieldError::pointer(
            "#/spent_on",
            "out_of_range",
            format!("must be {local}, the member's day of `started_at`, or a day next to it"),
        ))
    }

    /// What the body says, over what there was; nothing when it says nothing of it.
    fn stated(was: Option<Self>, input: &WhenInput) -> Result<Option<Self>, Wrong> {
        let mut start = was.and_then(Self::started_at);
        input.started_at.clone().apply(&mut start);
        let end = input.ended_at.clone().into_option();
        let seconds = input.duration_seconds.clone().into_option();
        match (start, end, seconds) {
            (Some(start), Some(end), Some(seconds)) => {
                let span = Self::span(start, end)?;
                if span.seconds() == Some(seconds) {
                    Ok(Some(span))
                } else {
                    Err(MISMATCH)
                }
            }
            (Some(start), Some(end), None) => Self::span(start, end).map(Some),
            (Some(start), None, Some(seconds)) => Self::from_start(start, seconds).map(Some),
            (None, Some(end), Some(seconds)) => Self::from_end(end, seconds).map(Some),
            (None, None, Some(seconds)) => Ok(Some(Self::Duration(seconds))),
            (Some(start), None, None) => match was {
                _ if input.ended_at == Patch::Null => Ok(Some(Self::Running(start))),
                Some(Self::Span(_, end)) => Self::span(start, end).map(Some),
                Some(Self::Duration(seconds)) => Self::from_start(start, seconds).map(Some),
                Some(Self::Running(_)) | None => Ok(Some(Self::Running(start))),
            },
            (None, Some(end), None) => match was {
                Some(Self::Duration(seconds)) => Self::from_end(end, seconds).map(Some),
                Some(Self::Running(_) | Self::Span(..)) | None => Err(NO_START),
            },
            (None, None, None) => match was {
                Some(Self::Running(_)) => Err(NO_START),
                Some(was) => Ok(was.seconds().map(Self::Duration)),
                None => Ok(None),
            },
        }
    }

    fn span(start: Timestamp, end: Timestamp) -> Result<Self, Wrong> {
        if start <= end {
            Ok(Self::Span(start, end))
        } else {
            Err(BEFORE_START)
        }
    }

    fn from_start(start: Timestamp, seconds: i64) -> Result<Self, Wrong> {
        let end = start.plus(length(seconds));
        if end <= LAST_INSTANT {
            Ok(Self::Span(start, end))
        } else {
            Err(TOO_FAR)
        }
    }

    fn from_end(end: Timestamp, seconds: i64) -> Result<Self, Wrong> {
        let start = end.minus(length(seconds));
        if start >= FIRST_INSTANT {
            Ok(Self::Span(start, end))
        } else {
            Err(TOO_FAR)
        }
    }
}

impl From<Wrong> for FieldError {
    fn from(wrong: Wrong) -> Self {
        Self::pointer(format!("#/{}", wrong.field), wrong.code, wrong.detail)
    }
}

const MISMATCH: Wrong = Wrong {
    field: "duration_seconds",
    code: "mismatch",
    detail: "must be the whole seconds from `started_at` to `ended_at`, where both are known",
};
const BEFORE_START: Wrong = Wrong {
    field: "ended_at",
    code: "before_start",
    detail: "must not be before `started_at`",
};
const NO_START: Wrong = Wrong {
    field: "started_at",
    code: "required",
    detail: "is required without a duration",
};
const TOO_FAR: Wrong = Wrong {
    field: "duration_seconds",
    code: "out_of_range",
    detail: "leads past the days that there are",
};

fn length(seconds: i64) -> Duration {
    Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
}
