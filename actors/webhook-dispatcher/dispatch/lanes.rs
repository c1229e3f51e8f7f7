//! How much is sent at a time, so that no receiver slows another.
//!
//! A receiver that hangs holds its place for as long as it may, and many of them would hold every
//! place. So there are two lanes with places of their own. Endpoints whose last attempt succeeded
//! are sent in the prompt one. All others, and whatever turns out to take longer than [`PROMPT`],
//! are in the patient one: dead receivers wait behind one another there, however many they are. A
//! slow exchange for which the patient lane has no place stays where it is while others have room
//! there; after that it is over, as if its time were up.
//!
//! Of each lane an organization has a share at most, so that one with many endpoints, or with many
//! that take their time, leaves room for others.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hoursmith_domain::OrganizationId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

use super::claim::Standing;

/// How long an exchange may take in the prompt lane. Receivers that put an event into a queue and
/// answer take a tenth of it.
pub(super) const PROMPT: Duration = Duration::from_secs(1);

/// An organization has one of so many parts of a lane's places, at most; so at most as many
/// organizations have all that they may.
pub(super) const SHARES: usize = 4;

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
    /// Places that each organization has, of those that have any.
    taken: Arc<Mutex<HashMap<OrganizationId, u32>>>,
}

/// A place, free again when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    standing: Standing,
    organization: OrganizationId,
    taken: Arc<Mutex<HashMap<OrganizationId, u32>>>,
    _permit: OwnedSemaphorePermit,
}

/// Where a slow exchange is from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moved {
    /// In the patient lane, where it may take its time.
    Over,
    /// Where it was, for now: there is room for others.
    Not,
    /// Nowhere. It is in the way of others.
    Out,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = lock(&self.taken);
        if let Some(count) = taken.get_mut(&self.organization) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                taken.remove(&self.organization);
            }
        }
    }
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

    /// Takes a place for an organization, if one is free and it has not its share.
    pub(super) fn take(&self, standing: Standing, organization: OrganizationId) -> Option<Place> {
        let lane = self.of(standing);
        let mut taken = lock(&lane.taken);
        if taken.get(&organization).copied().unwrap_or(0) >= lane.share() {
            return None;
        }
        let permit = Arc::clone(&lane.places).try_acquire_owned().ok()?;
        let count = taken.entry(organization).or_insert(0);
        *count = count.saturating_add(1);
        Some(Place {
            standing,
            organization,
            taken: Arc::clone(&lane.taken),
            _permit: permit,
        })
    }

    /// The organizations that have their share; nil where there are fewer.
    pub(super) fn full(&self, standing: Standing) -> [OrganizationId; SHARES] {
        let lane = self.of(standing);
        let mut full = [OrganizationId(Uuid::nil()); SHARES];
        let taken = lock(&lane.taken);
        let of_share = taken.iter().filter(|(_, count)| **count >= lane.share());
        for (at, (organization, _)) in full.iter_mut().zip(of_share) {
            *at = *organization;
        }
        full
    }

    /// Whether who has a place in the prompt lane may send from it once more: nobody waits for it, of its
    /// organization or of others.
    pub(super) fn may_stay(&self, place: &Place) -> bool {
        place.standing == Standing::Proven && self.has_room(place.organization)
    }

    /// Moves a slow exchange over to the patient lane, if that has a place for it.
    pub(super) fn move_over(&self, place: &mut Place) -> Moved {
        if place.standing == Standing::OnProbation {
            return Moved::Over;
        }
        if let Some(patient) = self.take(Standing::OnProbation, place.organization) {
            *place = patient;
            return Moved::Over;
        }
        if self.has_room(place.organization) {
            return Moved::Not;
        }
        Moved::Out
    }

    /// Whether the prompt lane has a place for an organization.
    fn has_room(&self, organization: OrganizationId) -> bool {
        let taken = lock(&self.prompt.taken).get(&organization).copied();
        self.free(Standing::Proven) > 0 && taken.is_none_or(|taken| taken < self.prompt.share())
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
            taken: Arc::default(),
        }
    }

    /// Places that one organization may have.
    fn share(&self) -> u32 {
        self.size
            .div_ceil(u32::try_from(SHARES).unwrap_or(u32::MAX))
    }
}

fn lock(
    taken: &Mutex<HashMap<OrganizationId, u32>>,
) -> MutexGuard<'_, HashMap<OrganizationId, u32>> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt as _;

    const ONE: OrganizationId = OrganizationId(Uuid::from_u128(1));
    const OTHER: OrganizationId = OrganizationId(Uuid::from_u128(2));

    #[test]
    fn an_organization_has_its_share_and_no_more() {
        let lanes = Lanes::new(NonZeroU32::new(5).unwrap(), NonZeroU32::MIN);
        let take = |organization| lanes.take(Standing::Proven, organization);
        let places = [take(ONE), take(ONE)];
        assert!(places.iter().all(Option::is_some) && take(ONE).is_none());
        let full = |standing| {
            lanes
                .full(standing)
                .map(|organization| organization.0.as_u128())
        };
        assert_eq!(full(Standing::Proven), [1, 0, 0, 0]);
        assert_eq!(full(Standing::OnProbation), [0; 4]);
        assert!(take(OTHER).is_some());
        drop(places);
        assert_eq!(full(Standing::Proven), [0; 4]);
        assert!(take(ONE).is_some());
    }

    #[test]
    fn a_slow_exchange_stays_while_others_have_room() {
        let (six, one) = (NonZeroU32::new(6).unwrap(), NonZeroU32::MIN);
        let lanes = Lanes::new(six, one);
        let dead = lanes.take(Standing::OnProbation, ONE);
        let mut slow = lanes.take(Standing::Proven, ONE).unwrap();
        assert_eq!(lanes.move_over(&mut slow), Moved::Not);
        // Its organization has its share now, and later again the lane is full.
        let second = lanes.take(Standing::Proven, ONE);
        assert_eq!(lanes.move_over(&mut slow), Moved::Out);
        drop(second);
        assert_eq!(lanes.move_over(&mut slow), Moved::Not);
        let others = [2, 2, 3, 3, 4].map(|id| {
            let id = OrganizationId(Uuid::from_u128(id));
            lanes.take(Standing::Proven, id).unwrap()
        });
        assert_eq!(lanes.move_over(&mut slow), Moved::Out);
        drop((dead, others));
    }

    #[test]
    fn who_has_a_place_stays_while_nobody_waits_for_it() {
        let six = NonZeroU32::new(6).unwrap();
        let lanes = Lanes::new(six, six);
        let take = |id| lanes.take(Standing::Proven, OrganizationId(Uuid::from_u128(id)));
        let place = take(1).unwrap();
        assert!(lanes.may_stay(&place));
        let second = take(1);
        assert!(
            !lanes.may_stay(&place),
            "another endpoint of its own may wait"
        );
        drop(second);
        assert!(lanes.may_stay(&place));
        let others = [2, 2, 3, 3, 4].map(take);
        assert!(!lanes.may_stay(&place), "others may wait");
        drop(others);
        let patient = lanes.take(Standing::OnProbation, ONE).unwrap();
        assert!(!lanes.may_stay(&patient));
    }

    #[test]
    fn the_dead_take_no_place_from_the_others() {
        let one = NonZeroU32::MIN;
        let lanes = Lanes::new(one, one);
        let dead = lanes.take(Standing::OnProbation, ONE);
        assert!(dead.is_some() && lanes.take(Standing::OnProbation, ONE).is_none());
        let mut slow = lanes.take(Standing::Proven, ONE).unwrap();
        assert_eq!((lanes.free(Standing::Proven), lanes.in_use()), (0, 2));
        // There is no place for it, and others wait for its own.
        assert_eq!(lanes.move_over(&mut slow), Moved::Out);
        drop(dead);
        assert_eq!(lanes.move_over(&mut slow), Moved::Over);
        assert_eq!(lanes.move_over(&mut slow), Moved::Over);
        assert_eq!((lanes.free(Standing::Proven), lanes.in_use()), (1, 1));
        // Given up, as when a process may wait no longer, and begun anew.
        assert!(lanes.clear().now_or_never().is_none());
        assert!(lanes.clear().now_or_never().is_none());
        drop(slow);
        assert!(lanes.clear().now_or_never().is_some());
        assert!(lanes.take(Standing::Proven, ONE).is_none());
    }
}
