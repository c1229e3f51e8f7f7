//! How one part asks another, the gateway its stages and an actor another: the envelope is sealed, and
//! so must the answer be.

use std::sync::Arc;

use bytes::Bytes;
use hoursmith_bus::{Bus, Envelope, Error, Head, Subject, Verdict};
use hoursmith_domain::{Keys, Timestamp};

use crate::Host;

/// Asks on the bus, as the gateway asks its stages. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Asker {
    bus: Arc<dyn Bus>,
    keys: Keys,
}

impl Asker {
    /// One that asks on the host's bus.
    pub fn of(host: &Host) -> Self {
        Self {
            bus: Arc::clone(&host.bus),
            keys: host.keys.clone(),
        }
    }

    /// Asks as [`ask`] does.
    pub async fn ask(
        &self,
        subject: &Subject,
        head: Head,
        body: Bytes,
        deadline: Timestamp,
    ) -> Result<Verdict, Error> {
        let (bus, keys) = (self.bus.as_ref(), &self.keys);
        ask(bus, keys, subject, Arc::new(head), body, deadline).await
    }
}

/// Asks with a sealed question, and waits for the verdict until the deadline, which the bus keeps. An
/// answer that is not sealed for this very question is an error, and a security event: none of ours
/// answers so.
pub async fn ask(
    bus: &dyn Bus,
    keys: &Keys,
    subject: &Subject,
    head: Arc<Head>,
    body: Bytes,
    deadline: Timestamp,
) -> Result<Verdict, Error> {
    let request = head.request_id;
    let mut envelope = Envelope::asking(deadline, head, body);
    envelope.trace = hoursmith_telemetry::current_trace_parent();
    let envelope = envelope.sealed(subject, keys);
    let answer = bus.request(subject.clone(), envelope.clone()).await?;
    if let Err(error) = answer.verify_answer(subject, &envelope, keys) {
        tracing::error!(
            bus.subject = %subject,
            request.id = %request,
            security.event = "forged_answer",
            "An answer with a wrong seal was refused."
        );
        return Err(error);
    }
    Verdict::from_envelope(answer, subject)
}
