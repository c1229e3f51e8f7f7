//! The bus inside one process: a table of who serves what, and a call.
//!
//! A request runs in its caller's own task. No message is queued, copied or spawned, so a hop costs
//! a few hundred nanoseconds. What follows from it: a caller that goes away takes its
//! request along, and whoever must finish an effect spawns it (as with a deadline, see
//! [`crate::Admission`]).
//!
//! Like NATS in what the contract says. Unlike NATS, a request that several groups could answer
//! goes to one member of one group, the literal subject's before a pattern's: with NATS each group
//! would get it and the first answer win, which no caller can build on.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use futures::future::{BoxFuture, join_all};

use crate::admission::{Admission, Admitted};
use crate::{
    Bus, End, Envelope, Error, ErrorKind, MAX_ENVELOPE_BYTES, Now, Service, Subject, Subscription,
};

/// The in-process bus.
pub struct MemoryBus {
    now: Now,
    /// Read by each request for as long as a look-up takes, written when somebody comes or goes.
    table: Arc<RwLock<Table>>,
}

/// Who serves what.
#[derive(Default)]
struct Table {
    /// Patterns without wildcards, by subject: found without a scan.
    literal: HashMap<String, Vec<Group>>,
    /// Patterns with wildcards. Few; every look-up that finds no literal scans them.
    wild: Vec<Group>,
    closed: bool,
}

/// The members of a queue group that serve one pattern.
struct Group {
    members: Vec<Arc<Admission>>,
    /// Whose turn it is.
    turn: AtomicUsize,
}

impl MemoryBus {
    /// A bus that nobody serves yet.
    pub fn new(now: Now) -> Arc<Self> {
        Arc::new(Self {
            now,
            table: Arc::default(),
        })
    }

    fn with_table<T>(&self, read: impl FnOnce(&Table) -> T) -> T {
        read(&self.table.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Refuses what no bus may carry.
    fn check(
        &self,
        operation: &'static str,
        subject: &Subject,
        envelope: &Envelope,
    ) -> Result<(), Error> {
        if envelope.size_bytes() > MAX_ENVELOPE_BYTES {
            return Err(Error::new(ErrorKind::TooLarge, operation, subject));
        }
        if envelope.remaining(&self.now).is_none() {
            return Err(Error::new(ErrorKind::DeadlineExceeded, operation, subject));
        }
        Ok(())
    }

    /// Removes a member for good.
    fn leave(table: &RwLock<Table>, member: &Arc<Admission>) {
        table
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(member);
    }
}

impl Table {
    /// The groups that serve a subject, the literal ones first.
    fn groups<'a>(&'a self, subject: &'a Subject) -> impl Iterator<Item = &'a Group> {
        let literal = self.literal.get(subject.as_str()).into_iter().flatten();
        literal.chain(self.wild.iter().filter(move |group| group.matches(subject)))
    }

    /// A place with one member of one group.
    fn admit(&self, subject: &Subject) -> Result<Admitted, ErrorKind> {
        if self.closed {
            return Err(ErrorKind::Closed);
        }
        self.groups(subject)
            .next()
            .map_or(Err(ErrorKind::NoResponders), Group::admit)
    }

    /// A place with one member of each group. A group may serve the subject by several patterns
    /// and is still asked once.
    fn admit_each(&self, subject: &Subject) -> Vec<Result<Admitted, ErrorKind>> {
        let mut names: Vec<&str> = Vec::new();
        let mut admitted = Vec::new();
        for group in self.groups(subject) {
            let name = group.name();
            if !names.contains(&name) {
                names.push(name);
                admitted.push(group.admit());
            }
        }
        admitted
    }

    fn insert(&mut self, member: &Arc<Admission>) {
        let groups = if member.pattern().is_literal() {
            self.literal
                .entry(member.pattern().as_str().to_owned())
                .or_default()
        } else {
            &mut self.wild
        };
        match groups.iter_mut().find(|group| group.is_for(member)) {
            Some(group) => group.members.push(Arc::clone(member)),
            None => groups.push(Group {
                members: vec![Arc::clone(member)],
                turn: AtomicUsize::new(0),
            }),
        }
    }

    fn remove(&mut self, member: &Arc<Admission>) {
        let keep = |groups: &mut Vec<Group>| {
            groups.retain_mut(|group| {
                group.members.retain(|other| !Arc::ptr_eq(other, member));
                !group.members.is_empty()
            });
            !groups.is_empty()
        };
        keep(&mut self.wild);
        self.literal.retain(|_, groups| keep(groups));
    }

    /// Forgets and returns everybody.
    fn close(&mut self) -> Vec<Arc<Admission>> {
        self.closed = true;
        let literal = std::mem::take(&mut self.literal).into_values().flatten();
        let wild = std::mem::take(&mut self.wild);
        literal
            .chain(wild)
            .flat_map(|group| group.members)
            .collect()
    }
}

impl Group {
    fn name(&self) -> &str {
        self.members.first().map_or("", |member| member.group())
    }

    fn matches(&self, subject: &Subject) -> bool {
        self.members
            .first()
            .is_some_and(|member| member.pattern().matches(subject))
    }

    fn is_for(&self, member: &Admission) -> bool {
        let same = |other: &Arc<Admission>| {
            other.group() == member.group() && other.pattern() == member.pattern()
        };
        self.members.first().is_some_and(same)
    }

    /// A place with the member whose turn it is, or the next that has one.
    fn admit(&self) -> Result<Admitted, ErrorKind> {
        let first = self.turn.fetch_add(1, Ordering::Relaxed) % self.members.len().max(1);
        let (before, from) = self.members.split_at_checked(first).unwrap_or_default();
        let mut refusal = ErrorKind::NoResponders;
        for member in from.iter().chain(before) {
            match member.admit() {
                Ok(admitted) => return Ok(admitted),
                // A member that just left has no say, as if its departure had been seen.
                Err(ErrorKind::Closed) => {}
                Err(kind) => refusal = kind,
            }
        }
        Err(refusal)
    }
}

impl Bus for MemoryBus {
    fn request(
        &self,
        subject: Subject,
        envelope: Envelope,
    ) -> BoxFuture<'_, Result<Envelope, Error>> {
        Box::pin(async move {
            self.check("request", &subject, &envelope)?;
            match self.with_table(|table| table.admit(&subject)) {
                Ok(admitted) => admitted.answer(subject, envelope).await,
                Err(kind) => Err(Error::new(kind, "request", &subject)),
            }
        })
    }

    /// Each handler runs in a task of its own; the places of the subscriptions bound them. Where
    /// there is none, the envelope is dropped with a log line, as on any bus.
    fn publish(&self, subject: Subject, envelope: Envelope) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            self.check("publish", &subject, &envelope)?;
            if self.with_table(|table| table.closed) {
                return Err(Error::new(ErrorKind::Closed, "publish", &subject));
            }
            for place in self.with_table(|table| table.admit_each(&subject)) {
                let (subject, envelope) = (subject.clone(), envelope.clone());
                match place {
                    Ok(admitted) => spawn(async move {
                        if let Err(error) = admitted.answer(subject, envelope).await {
                            tracing::warn!(
                                error = &error as &dyn std::error::Error,
                                "A published envelope failed."
                            );
                        }
                    }),
                    Err(kind) => {
                        tracing::warn!(%subject, bus.error = kind.as_str(), "A published envelope was dropped.")
                    }
                }
            }
            Ok(())
        })
    }

    fn serve(&self, service: Service) -> BoxFuture<'_, Result<Subscription, Error>> {
        Box::pin(async move {
            let member = Admission::new(service, Arc::clone(&self.now));
            {
                let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
                if table.closed {
                    return Err(Error::new(ErrorKind::Closed, "serve", member.pattern()));
                }
                table.insert(&member);
            }
            let table = Arc::clone(&self.table);
            Ok(Subscription::new(move |end| {
                Self::leave(&table, &member);
                if end == End::Drop {
                    member.close();
                }
                Box::pin(async move { member.drained().await })
            }))
        })
    }

    fn serves(&self, subject: &Subject) -> bool {
        self.with_table(|table| table.groups(subject).next().is_some())
    }

    fn health(&self) -> BoxFuture<'_, Result<(), Error>> {
        let closed = self.with_table(|table| table.closed);
        Box::pin(async move {
            if closed {
                Err(Error::new(
                    ErrorKind::Closed,
                    "check the health of",
                    "memory",
                ))
            } else {
                Ok(())
            }
        })
    }

    fn drain(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let members = self
                .table
                .write()
                .unwrap_or_else(PoisonError::into_inner)
                .close();
            join_all(members.iter().map(|member| member.drained())).await;
        })
    }
}

/// Tasks are `kit`'s to start, but `kit` stands on this room; these end by their deadline, and
/// their panics are caught inside.
#[expect(
    clippy::disallowed_methods,
    reason = "kit, which names tasks, is above this room"
)]
fn spawn(task: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(task);
}

impl fmt::Debug for MemoryBus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (literal, wild) = self.with_table(|table| (table.literal.len(), table.wild.len()));
        f.debug_struct("MemoryBus")
            .field("literal", &literal)
            .field("wild", &wild)
            .finish_non_exhaustive()
    }
}
