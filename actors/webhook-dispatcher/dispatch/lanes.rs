//! How much is sent at a time, so that no receiver slows another.
//!
//! A receiver that hangs holds its place for as long as it may, and many of them would hold every
//! place. So there are two lanes with places of their own. Endpoints whose last attempt succeeded
//! are sent in the prompt one. All others, and whatever turns out to take longer than [`PROMPT`],
//! are in the patient one: dead receivers wait behind one another there, however many they are. A
//! slow exchange moves over only while the patient lane has a place for it.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::claim::Standing;

/// How long an exchange may take in the prompt lane. Receivers that put an event into a queue and
/// answer take a tenth of it.
pub(super) const PROMPT: Duration = Duration::from_secs(1);

/// The places.
#[derive(Debug)]
pub(super) struct Lanes {
    prompt: Lane,
    patient: Lane,
}

#[derive(Debug)]
struct Lane {
    places: Arc<Semaphore>,
    size: u32,
}

/// A place, free again when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    _permit: OwnedSemaphorePermit,
}

impl Lanes {
    pub(super) fn new(prompt: NonZeroU32, patient: NonZeroU32) -> Self {
        Self {
            prompt: Lane::new(prompt),
            patient: Lane::new(patient),
        }
    }

    /// Free places for endpoints of this standing.
    pub(super) fn free(&self, standing: Standing) -> u32 {
        let free = self.of(standing).places.available_permits();
        u32::try_from(free).unwrap_or(u32::MAX)
    }

    /// Takes a place, if one is free.
    pub(super) fn take(&self, standing: Standing) -> Option<Place> {
        let places = Arc::clone(&self.of(standing).places);
        let permit = places.try_acquire_owned().ok()?;
        Some(Place { _permit: permit })
    }

    /// Moves over to the patient lane, if it has a place.
    pub(super) fn move_over(&self, place: &mut Place) {
        if let Some(patient) = self.take(Standing::OnProbation) {
            *place = patient;
        }
    }

    /// Sends that are under way.
    pub(super) fn in_use(&self) -> u32 {
        let lanes = [Standing::Proven, Standing::OnProbation];
        let in_use = lanes.map(|lane| self.of(lane).size.saturating_sub(self.free(lane)));
        in_use.into_iter().fold(0, u32::saturating_add)
    }

    /// Waits until nothing is under way. Nothing new gets a place from then on. Who stops waiting
    /// may begin anew.
    pub(super) async fn clear(&self) {
        // Both are held before either is taken away: half of it would be waited for in vain later.
        let prompt = self.prompt.places.acquire_many(self.prompt.size).await;
        let patient = self.patient.places.acquire_many(self.patient.size).await;
        // Closed by nobody.
        for all in [prompt, patient].into_iter().flatten() {
            all.forget();
        }
    }

    fn of(&self, standing: Standing) -> &Lane {
        match standing {
            Standing::Proven => &self.prompt,
            Standing::OnProbation => &self.patient,
        }
    }
}

impl Lane {
    fn new(size: NonZeroU32) -> Self {
        Self {
            places: Arc::new(Semaphore::new(
                usize::try_from(size.get()).unwrap_or(usize::MAX),
            )),
            size: size.get(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt as _;

    #[test]
    fn the_dead_take_no_place_from_the_others() {
        let one = NonZeroU32::MIN;
        let lanes = Lanes::new(one, one);
        let dead = lanes.take(Standing::OnProbation);
        assert!(dead.is_some() && lanes.take(Standing::OnProbation).is_none());
        let mut slow = lanes.take(Standing::Proven).unwrap();
        assert_eq!((lanes.free(Standing::Proven), lanes.in_use()), (0, 2));
        // There is no place for it; it keeps its own.
        lanes.move_over(&mut slow);
        assert_eq!(lanes.free(Standing::Proven), 0);
        drop(dead);
        lanes.move_over(&mut slow);
        assert_eq!((lanes.free(Standing::Proven), lanes.in_use()), (1, 1));
        // Given up, as when a process may wait no longer, and begun anew.
        assert!(lanes.clear().now_or_never().is_none());
        assert!(lanes.clear().now_or_never().is_none());
        drop(slow);
        assert!(lanes.clear().now_or_never().is_some());
        assert!(lanes.take(Standing::Proven).is_none());
    }
}
