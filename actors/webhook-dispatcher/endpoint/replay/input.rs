//! What a body says about a replay.

use hoursmith_domain::{Fields, Patch, Problem, Timestamp};
use simd_json::borrowed::Value;

/// Which deliveries are sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    /// All that the endpoint has not got, and that does not wait already.
    Undelivered,
    /// Those that were given up.
    Failed,
    /// Those that were not tried.
    Skipped,
    /// Those that arrived.
    Delivered,
}

/// What is asked for.
#[derive(Debug, Clone)]
pub(super) struct ReplayInput {
    pub(super) since: Timestamp,
    /// Where an earlier call ended.
    pub(super) after_sequence: Option<i64>,
    pub(super) until: Option<Timestamp>,
    pub(super) which: Which,
    pub(super) is_dry_run: bool,
}

/// The largest number that the document allows: what every client reads exactly.
const MAX_SEQUENCE: i64 = 9_007_199_254_740_991;

const STATUSES: &[(&str, Which)] = &[
    ("failed", Which::Failed),
    ("skipped", Which::Skipped),
    ("delivered", Which::Delivered),
];

impl Which {
    /// The states of deliveries that are sent again, each between commas; `missing` stands for an
    /// event without a delivery.
    pub(super) fn statuses(self) -> &'static str {
        match self {
            Self::Undelivered => ",failed,skipped,missing,",
            Self::Failed => ",failed,",
            Self::Skipped => ",skipped,",
            Self::Delivered => ",delivered,",
        }
    }
}

impl ReplayInput {
    pub(super) fn read(body: &Value<'_>) -> Result<Self, Problem> {
        let mut fields = Fields::of(body);
        let since = fields.instant("since");
        fields.required("since", &since);
        let after_sequence = fields.integer("after_sequence", 0, MAX_SEQUENCE);
        let until = fields.instant("until");
        let status = fields.word("status", STATUSES);
        let dry_run = fields.boolean("dry_run");
        fields.not_null("dry_run", &dry_run);
        if let (Patch::Value(since), Patch::Value(until)) = (&since, &until)
            && until <= since
        {
            let _: Patch<()> = fields.refuse("until", "invalid_range", "must be after `since`");
        }
        fields.finish()?;
        let until = until.into_option();
        Ok(Self {
            // There is one: it is required.
            since: since.into_option().unwrap_or(Timestamp::from_micros(0)),
            after_sequence: after_sequence.into_option(),
            until,
            which: status.into_option().unwrap_or(Which::Undelivered),
            is_dry_run: dry_run.into_option().unwrap_or(false),
        })
    }
}
