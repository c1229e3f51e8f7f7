//! How an actor asks another: the envelope is sealed, and so must the answer be.

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

    /// Asks, and waits for the verdict until the deadline. An answer that is not sealed for this
    /// very question is an error.
    pub async fn ask(
        &self,
        subject: &Subject,
        head: Head,
        body: Bytes,
        deadline: Timestamp,
    ) -> Result<Verdict, Error> {
        let mut envelope = Envelope::asking(deadline, Arc::new(head), body);
        envelope.trace = hoursmith_telemetry::current_trace_parent();
        let envelope = envelope.sealed(subject, &self.keys);
        let answer = self.bus.request(subject.clone(), envelope.clone()).await?;
        if let Err(error) = answer.verify_answer(subject, &envelope, &self.keys) {
            tracing::error!(
                bus.subject = %subject,
                security.event = "forged_answer",
                "An answer with a wrong seal was refused."
            );
            return Err(error);
        }
        Verdict::from_envelope(answer, subject)
    }
}
