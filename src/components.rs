//! Which parts a process runs: the gateway and the actors, all of them or some.

use std::collections::BTreeSet;
use std::fmt;

use crate::plugins;

/// The gateway's name among the components.
pub const GATEWAY: &str = "gateway";

/// The parts that a process runs; by default none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Components(BTreeSet<&'static str>);

/// A name that is no component's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is no component; there are {known}")]
pub struct UnknownComponent {
    name: String,
    known: String,
}

impl Components {
    /// The gateway and every actor.
    pub fn all() -> Self {
        Self(std::iter::once(GATEWAY).chain(plugins::names()).collect())
    }

    /// Those of a list of names; an empty list means all.
    pub fn only<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, UnknownComponent> {
        let Self(known) = Self::all();
        let mut chosen = BTreeSet::new();
        for name in names
            .into_iter()
            .map(str::trim)
            .filter(|name| !name.is_empty())
        {
            let found = known.get(name).ok_or_else(|| UnknownComponent {
                name: name.to_owned(),
                known: known.iter().copied().collect::<Vec<_>>().join(", "),
            })?;
            chosen.insert(*found);
        }
        Ok(Self(if chosen.is_empty() { known } else { chosen }))
    }

    /// The same and one more, which is not among the product's own (`Parts::plugins`).
    #[must_use]
    pub fn with(mut self, name: &'static str) -> Self {
        self.0.insert(name);
        self
    }

    /// Whether the process runs the component.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains(name)
    }

    /// Whether the process runs the gateway.
    pub fn has_gateway(&self) -> bool {
        self.has(GATEWAY)
    }

    /// Whether the process runs any actor, hence needs the database.
    pub fn has_actors(&self) -> bool {
        self.0.iter().any(|name| *name != GATEWAY)
    }

    /// Who the process is on the bus: the component itself where it runs one alone, as the
    /// identities of `nats/nats-server.conf` are named; `hoursmith` where it runs several.
    pub fn bus_name(&self) -> String {
        match self.0.first() {
            Some(name) if self.0.len() == 1 => (*name).to_owned(),
            _ => "hoursmith".to_owned(),
        }
    }

    /// Whether the process runs everything, so that it needs no other.
    pub fn is_all(&self) -> bool {
        self.0.is_superset(&Self::all().0)
    }
}

impl fmt::Display for Components {
    /// `hoursmith` for all, else the names joined with `+`: who the process is in logs and traces.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_all() {
            return f.write_str("hoursmith");
        }
        for (at, name) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str("+")?;
            }
            f.write_str(name)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_and_an_unknown_name_refused() {
        assert!(Components::only([]).unwrap().is_all());
        let some = Components::only(["resource", " token-auth "]).unwrap();
        assert_eq!(some.to_string(), "resource+token-auth");
        assert!(!some.has_gateway() && some.has_actors());
        let error = Components::only(["gatway"]).unwrap_err().to_string();
        assert!(
            error.starts_with("`gatway` is no component; there are accounts, console, gateway,"),
            "{error}"
        );
    }

    #[test]
    fn one_more_is_none_of_the_products_own() {
        let more = Components::all().with("event-counter");
        assert!(more.is_all() && more.has("event-counter"));
        assert!(Components::only(["event-counter"]).is_err());
    }
}
