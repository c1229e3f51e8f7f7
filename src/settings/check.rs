//! What the types alone do not rule out.

use secrecy::ExposeSecret as _;

use crate::error::Error;
use crate::keys::Key;
use crate::{Limit, Settings, redact};

/// The longest deadline of a request over NATS. `nats-server.conf` permits an answer for 30 s after
/// its question (`allow_responses`); the rest is for clocks that differ.
const NATS_DEADLINE_MS: u64 = 25_000;

/// Checks ranges, as the schema gives them, and what must fit together.
pub(crate) fn settings(settings: &Settings, keys: &[Key]) -> Result<(), Error> {
    let invalid = |key: &str, reason: &str| {
        Err(Error::Invalid {
            key: key.to_owned(),
            origin: settings.origins.of_key(key),
            reason: reason.to_owned(),
        })
    };
    let values = redact::json(settings);
    for key in keys {
        let value = values
            .pointer(&format!("/{}", key.path.replace('.', "/")))
            .and_then(serde_json::Value::as_f64);
        let (least, most) = (
            key.minimum.unwrap_or(f64::MIN),
            key.maximum.unwrap_or(f64::MAX),
        );
        if value.is_some_and(|value| !(least..=most).contains(&value)) {
            return invalid(&key.path, &format!("must be between {least} and {most}"));
        }
    }
    if !is_base_url(&settings.public_url) {
        return invalid(
            "public_url",
            "must be http://… or https://… without a slash at the end, a query or a user",
        );
    }
    if let Some(endpoint) = &settings.telemetry.otlp_endpoint
        && !(endpoint.starts_with("http://") && is_base_url(endpoint.trim_end_matches('/')))
    {
        return invalid(
            "telemetry.otlp_endpoint",
            "must be http://…, without a query or a user",
        );
    }
    if settings.telemetry.service_name.is_empty() {
        return invalid("telemetry.service_name", "must not be empty");
    }
    for (name, limit) in limits(settings) {
        if limit.burst_window_s > limit.sustained_window_s {
            return invalid(
                &format!("limits.{name}.burst_window_s"),
                "must be at most the sustained window",
            );
        }
        if limit.burst_limit > limit.sustained_limit {
            return invalid(
                &format!("limits.{name}.burst_limit"),
                "must be at most the sustained limit",
            );
        }
    }
    if let Some(url) = &settings.database_url
        && !["sqlite:", "postgres:", "postgresql:"]
            .iter()
            .any(|scheme| url.expose_secret().starts_with(scheme))
    {
        return invalid("database_url", "must begin with sqlite: or postgres:");
    }
    nats(settings)
}

fn nats(settings: &Settings) -> Result<(), Error> {
    let invalid = |key: &str, reason: &str| {
        Err(Error::Invalid {
            key: key.to_owned(),
            origin: settings.origins.of_key(key),
            reason: reason.to_owned(),
        })
    };
    let nats = &settings.nats;
    if settings.secret_key.is_some() && settings.secret_key_file.is_some() {
        return invalid("secret_key_file", "must not be set beside `secret_key`");
    }
    if nats.user.is_some() != nats.password.is_some() {
        return invalid(
            if nats.user.is_some() {
                "nats.user"
            } else {
                "nats.password"
            },
            "must be set with its other half: `nats.user` and `nats.password`",
        );
    }
    if nats.nkey_seed.is_some() && nats.user.is_some() {
        return invalid("nats.nkey_seed", "must not be set beside `nats.user`");
    }
    if !nats.remote.is_empty() && settings.nats_url.is_none() {
        return invalid("nats.remote", "needs `nats_url`");
    }
    let mut names: Vec<&str> = (nats.events.subscribers.iter())
        .map(|subscriber| subscriber.name.as_str())
        .collect();
    names.sort_unstable();
    if names.windows(2).any(|pair| pair.first() == pair.last()) {
        return invalid(
            "nats.events.subscribers",
            "must name each subscriber once: its place in the stream and its identity are one organization's",
        );
    }
    if settings.nats_url.is_some() && settings.request.deadline_ms > NATS_DEADLINE_MS {
        return invalid(
            "request.deadline_ms",
            &format!(
                "must be at most {NATS_DEADLINE_MS} with `nats_url`: NATS lets nobody answer later"
            ),
        );
    }
    if settings.nats_url.is_some()
        && settings.secret_key.is_none()
        && settings.secret_key_file.is_none()
    {
        return Err(Error::SecretKeyRequired);
    }
    Ok(())
}

fn limits(settings: &Settings) -> [(&'static str, Limit); 5] {
    let limits = &settings.limits;
    [
        ("free", limits.free),
        ("studio", limits.studio),
        ("agency", limits.agency),
        ("anonymous", limits.anonymous),
        ("app", limits.app),
    ]
}

/// Whether paths can be appended to a URL. A user is refused since these settings are shown.
fn is_base_url(url: &str) -> bool {
    let rest = url
        .strip_prefix("http://")
        .or_else(|| url.strip_prefix("https://"));
    rest.is_some_and(|rest| {
        !rest.is_empty()
            && !rest.starts_with('/')
            && !rest.ends_with('/')
            && rest
                .chars()
                .all(|c| c.is_ascii_graphic() && !matches!(c, '?' | '#' | '@'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::SecretString;

    #[test]
    fn over_nats_no_request_outlives_the_permission_to_answer_it() {
        let with = |nats: Option<&str>, deadline_ms| {
            let mut settings = Settings {
                nats_url: nats.map(SecretString::from),
                secret_key: Some(SecretString::from("k")),
                ..Settings::default()
            };
            settings.request.deadline_ms = deadline_ms;
            super::settings(&settings, &[])
        };
        let nats = Some("nats://127.0.0.1");
        assert!(with(nats, NATS_DEADLINE_MS).is_ok());
        assert!(with(None, NATS_DEADLINE_MS + 1).is_ok());
        let refused = with(nats, NATS_DEADLINE_MS + 1).unwrap_err().to_string();
        for name in ["request.deadline_ms", "nats_url"] {
            assert!(refused.contains(name), "{refused}");
        }
    }
    #[test]
    fn a_subscriber_reads_one_organization() {
        let with = |names: [&str; 2]| {
            let mut settings = Settings::default();
            settings.nats.events.subscribers = (names.iter().zip(1..))
                .map(|(name, number)| {
                    let text = format!("{name}=0199c3a2-7b7e-7d10-a1f4-d2f6b8a94c3{number}");
                    text.parse().unwrap()
                })
                .collect();
            super::settings(&settings, &[])
        };
        assert!(with(["books", "payroll"]).is_ok());
        let refused = with(["books", "books"]).unwrap_err().to_string();
        assert!(refused.contains("nats.events.subscribers"), "{refused}");
    }
}
