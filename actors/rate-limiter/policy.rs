//! The limits of each kind of visitor, and the headers that tell of them.

use std::cmp::Reverse;
use std::num::NonZeroU32;
use std::time::Duration;

use hoursmith_domain::{Code, Plan, Problem, Timestamp};
use hoursmith_settings::{Limit, LimitSettings};

use crate::limiter::{Decision, Tiers};
use crate::ring::{Horizon, Standing, Tier};

/// What a kind of visitor may do.
#[derive(Debug)]
pub(crate) struct Policy {
    pub(crate) tiers: Tiers,
    names: [&'static str; 2],
    /// The value of `RateLimit-Policy`, the same on every answer.
    announcement: String,
}

/// The policies of all kinds.
#[derive(Debug)]
pub(crate) struct Policies {
    free: Policy,
    studio: Policy,
    agency: Policy,
    pub(crate) anonymous: Policy,
    pub(crate) app: Policy,
}

impl Policies {
    pub(crate) fn new(limits: &LimitSettings) -> Self {
        let of = |plan| Policy::new(&limits.of(plan), ["burst", "sustained"]);
        Self {
            free: of(Plan::Free),
            studio: of(Plan::Studio),
            agency: of(Plan::Agency),
            // Names of their own, so that a client sees that its token was not counted.
            anonymous: Policy::new(
                &limits.anonymous,
                ["anonymous-burst", "anonymous-sustained"],
            ),
            app: Policy::new(&limits.app, ["app-burst", "app-sustained"]),
        }
    }

    pub(crate) fn of(&self, plan: Plan) -> &Policy {
        match plan {
            Plan::Free => &self.free,
            Plan::Studio => &self.studio,
            Plan::Agency => &self.agency,
        }
    }

    pub(crate) fn horizon(&self) -> Horizon {
        let tiers = || {
            let tokens = [&self.free, &self.studio, &self.agency];
            let addresses = [&self.anonymous, &self.app];
            tokens
                .into_iter()
                .chain(addresses)
                .flat_map(|policy| policy.tiers)
        };
        Horizon {
            window: tiers().map(|tier| tier.window).max().unwrap_or_default(),
            admissions: tiers()
                .map(|tier| tier.limit)
                .max()
                .unwrap_or(NonZeroU32::MIN),
        }
    }
}

impl Policy {
    fn new(limit: &Limit, names: [&'static str; 2]) -> Self {
        // The settings refuse a limit of zero.
        let tier = |limit, window| Tier {
            limit: NonZeroU32::new(limit).unwrap_or(NonZeroU32::MIN),
            window,
        };
        let tiers = [
            tier(limit.burst_limit, limit.burst_window()),
            tier(limit.sustained_limit, limit.sustained_window()),
        ];
        let announcement = list(names, tiers, |name, Tier { limit, window }| {
            format!("\"{name}\";q={limit};w={}", window.as_secs())
        });
        Self {
            tiers,
            names,
            announcement,
        }
    }

    /// The headers of every answer: `X-RateLimit-*` of the binding tier, and both tiers as
    /// draft-ietf-httpapi-ratelimit-headers has them.
    ///
    /// The binding tier is the one with the fewest requests remaining; of two alike, the one that
    /// recovers later. Reset (epoch seconds) and `t` (seconds) name one moment, rounded up: when
    /// the tier has room for one request more. Under a sliding log that is what a client can use;
    /// the moment of a whole budget moves away with each request.
    pub(crate) fn headers(
        &self,
        standings: [Standing; 2],
        now: Timestamp,
    ) -> Vec<(String, String)> {
        let header = |name: &str, value: String| (name.to_owned(), value);
        let mut headers = Vec::with_capacity(5);
        let by_need =
            |(_, standing): &(Tier, Standing)| (standing.remaining, Reverse(standing.wait));
        if let Some((tier, standing)) = self.tiers.into_iter().zip(standings).min_by_key(by_need) {
            headers.push(header("x-ratelimit-limit", tier.limit.to_string()));
            headers.push(header(
                "x-ratelimit-remaining",
                standing.remaining.to_string(),
            ));
            headers.push(header(
                "x-ratelimit-reset",
                epoch_seconds(now, standing.wait).to_string(),
            ));
        }
        headers.push(header("ratelimit-policy", self.announcement.clone()));
        let standing = list(self.names, standings, |name, standing| {
            format!(
                "\"{name}\";r={};t={}",
                standing.remaining,
                seconds(standing.wait)
            )
        });
        headers.push(header("ratelimit", standing));
        headers
    }

    /// The answer to a refused request.
    pub(crate) fn refusal(&self, decision: &Decision, now: Timestamp) -> Problem {
        let exhausted = || {
            self.names
                .into_iter()
                .zip(decision.standings)
                .filter(|(_, s)| !s.is_open())
        };
        let wait = exhausted()
            .map(|(_, standing)| standing.wait)
            .max()
            .unwrap_or_default();
        let seconds = seconds(wait).max(1);
        let violated: Vec<&str> = exhausted().map(|(name, _)| name).collect();
        let detail = format!("Too many requests. The next one passes in {seconds} s.");
        let mut problem = Problem::new(Code::RateLimited, detail)
            .with_member("violated-policies", violated)
            .with_header("retry-after", seconds.to_string());
        problem
            .headers
            .extend(self.headers(decision.standings, now));
        problem
    }
}

/// A list of structured fields (RFC 9651), one item for each tier.
fn list<T>(names: [&'static str; 2], values: [T; 2], item: impl Fn(&str, T) -> String) -> String {
    let items: Vec<String> = names
        .into_iter()
        .zip(values)
        .map(|(name, value)| item(name, value))
        .collect();
    items.join(", ")
}

/// Whole seconds, rounded up.
fn seconds(wait: Duration) -> u64 {
    wait.as_secs()
        .saturating_add(u64::from(wait.subsec_nanos() > 0))
}

/// The first whole second of the epoch that is not before the end of the wait.
fn epoch_seconds(now: Timestamp, wait: Duration) -> i64 {
    now.plus(wait.saturating_add(Duration::from_nanos(999_999_999)))
        .unix_seconds()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_795_485_600_250_000);

    fn standing(remaining: u32, wait_ms: u64) -> Standing {
        Standing {
            remaining,
            wait: Duration::from_millis(wait_ms),
        }
    }

    fn headers(standings: [Standing; 2]) -> Vec<(String, String)> {
        Policies::new(&LimitSettings::default())
            .of(Plan::Studio)
            .headers(standings, NOW)
    }

    fn value<'a>(headers: &'a [(String, String)], name: &str) -> &'a str {
        &headers.iter().find(|(given, _)| given == name).unwrap().1
    }

    #[test]
    fn both_tiers_are_told_and_the_binding_one_in_plain_numbers() {
        let headers = headers([standing(12, 3_100), standing(540, 32_800)]);
        assert_eq!(
            headers,
            [
                ("x-ratelimit-limit", "30"),
                ("x-ratelimit-remaining", "12"),
                ("x-ratelimit-reset", "1795485604"),
                (
                    "ratelimit-policy",
                    r#""burst";q=30;w=10, "sustained";q=600;w=60"#
                ),
                ("ratelimit", r#""burst";r=12;t=4, "sustained";r=540;t=33"#),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
        );
    }

    #[test]
    fn the_later_reset_binds_where_remaining_is_equal() {
        let headers = headers([standing(5, 3_000), standing(5, 20_000)]);
        assert_eq!(value(&headers, "x-ratelimit-limit"), "600");
        assert_eq!(value(&headers, "x-ratelimit-reset"), "1795485621");
    }

    #[test]
    fn reset_is_never_early_and_never_a_second_late() {
        let at = |micros, wait| epoch_seconds(Timestamp::from_micros(micros), wait);
        assert_eq!(at(5_000_000, Duration::ZERO), 5);
        assert_eq!(at(5_000_000, Duration::from_nanos(1)), 6);
        assert_eq!(at(5_250_000, Duration::from_micros(750_000)), 6);
        assert_eq!(at(5_250_000, Duration::from_nanos(750_000_001)), 7);
    }

    #[test]
    fn a_refusal_waits_for_all_that_is_exhausted() {
        let policies = Policies::new(&LimitSettings::default());
        let refused = |burst, sustained| {
            let decision = Decision {
                admitted: false,
                standings: [burst, sustained],
            };
            policies.anonymous.refusal(&decision, NOW)
        };
        let problem = refused(standing(0, 2_001), standing(0, 40_000));
        assert_eq!(problem.code, Code::RateLimited);
        assert_eq!(value(&problem.headers, "retry-after"), "40");
        assert_eq!(value(&problem.headers, "x-ratelimit-limit"), "60");
        let names = serde_json::json!(["anonymous-burst", "anonymous-sustained"]);
        assert_eq!(problem.members.get("violated-policies"), Some(&names));

        let problem = refused(standing(0, 2_001), standing(7, 40_000));
        assert_eq!(value(&problem.headers, "retry-after"), "3");
        assert_eq!(
            problem.members.get("violated-policies"),
            Some(&serde_json::json!(["anonymous-burst"]))
        );
        assert_eq!(
            value(
                &refused(standing(0, 1), standing(7, 0)).headers,
                "retry-after"
            ),
            "1"
        );
    }

    #[test]
    fn the_horizon_spans_every_plan() {
        let mut limits = LimitSettings::default();
        limits.anonymous.sustained_window_s = 3_600;
        let horizon = Policies::new(&limits).horizon();
        assert_eq!(horizon.window, Duration::from_secs(3_600));
        assert_eq!(horizon.admissions.get(), 1_200);
    }
}
