//! New deliveries that are claimed by the transaction that writes them, and so are sent at once.
//!
//! Mostly nothing waits for an endpoint when an event comes, and whoever looked at it next would find just
//! what was written: a transaction for each delivery, which this spares. Only endpoints that work get theirs
//! so, as many as there are places for and as a claim would permit; what is left is due like any other.

use std::collections::HashSet;
use std::sync::Arc;

use hoursmith_domain::{EventId, OrganizationId, Timestamp, WebhookDeliveryId, WebhookEndpointId};
use uuid::Uuid;

use super::super::claim::{Claim, Receiver, Served, Standing, Terms};
use super::super::lanes::{Lanes, Place};
use super::sql::NewDelivery;

/// A delivery that was claimed, and the place to send it from.
#[derive(Debug)]
pub(in crate::dispatch) struct AtOnce {
    pub(in crate::dispatch) receiver: Arc<Receiver>,
    pub(in crate::dispatch) claim: Claim,
    pub(in crate::dispatch) place: Place,
}

/// An endpoint whose row is held.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) id: WebhookEndpointId,
    /// When it is next worth a look.
    pub(super) due: Option<Timestamp>,
    pub(super) served: Served,
}

/// What an endpoint gets of some events.
#[derive(Debug)]
pub(super) struct Share {
    pub(super) endpoint: WebhookEndpointId,
    receiver: Arc<Receiver>,
    at_once: Vec<(Claim, Place)>,
    /// When what is left is due, or else the first lease is over.
    pub(super) due: Timestamp,
    /// From when on its rate permits the next send.
    pub(super) paced_until: Timestamp,
}

impl Share {
    /// Claims the first of an endpoint's new deliveries, beside those that are being `sent`.
    pub(super) fn claim(
        held: Held,
        organization: OrganizationId,
        new: &mut [NewDelivery],
        sent: u32,
        terms: &Terms,
        lanes: &Lanes,
    ) -> Self {
        let (endpoint, until) = (held.id, terms.until());
        let mut at_once = Vec::new();
        for (delivery, _) in new.iter_mut().zip(0..held.room(sent, terms)) {
            let Some(place) = lanes.take(Standing::Proven, organization) else {
                break;
            };
            delivery.lease_until = Some(until);
            let (id, event) = (WebhookDeliveryId(delivery.id), EventId(delivery.event));
            let claim = (held.served).first_claim((organization, endpoint), id, event, until);
            at_once.push((claim, place));
        }
        let sends = u32::try_from(at_once.len()).unwrap_or(u32::MAX);
        let paced_until = held.served.paced_until();
        Self {
            endpoint,
            due: match at_once.len() < new.len() {
                true => terms.now,
                false => until,
            },
            paced_until: terms.pace.after(paced_until, terms.now, sends),
            receiver: Arc::new(held.served.into_receiver(organization, endpoint)),
            at_once,
        }
    }

    /// Whether anything is sent at once.
    pub(super) fn sends(&self) -> bool {
        !self.at_once.is_empty()
    }

    /// What is to be sent, of the deliveries that were `written`: one that was there already is whoever's it
    /// is.
    pub(super) fn into_at_once(self, written: &HashSet<Uuid>) -> impl Iterator<Item = AtOnce> {
        let Self {
            receiver, at_once, ..
        } = self;
        let written = (at_once.into_iter())
            .filter(|(claim, _)| written.contains(&claim.delivery.0))
            .collect::<Vec<_>>();
        written.into_iter().map(move |(claim, place)| AtOnce {
            receiver: Arc::clone(&receiver),
            claim,
            place,
        })
    }
}

impl Held {
    /// Whether anything may be sent at once, beside how much is being sent: not where another is due, which has
    /// its turn first.
    pub(super) fn is_ready(&self, now: Timestamp) -> bool {
        let is_due = self.due.is_some_and(|due| due <= now);
        !is_due && self.served.is_well() && self.served.paced_until() <= now
    }

    /// How many new deliveries may be sent at once.
    fn room(&self, sent: u32, terms: &Terms) -> u32 {
        if !self.is_ready(terms.now) {
            return 0;
        }
        let free = terms.at_a_time(Standing::Proven).saturating_sub(sent);
        free.min(terms.pace.room(self.served.paced_until(), terms.now))
    }
}
