//! How a gateway finds its limiters, and whose address it tells them.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hoursmith_bus::{Bus as _, Envelope, MemoryBus, Pattern, Service, Subject, Visitor};
use hoursmith_domain::{Keys, SecretKey};
use hoursmith_kit::{Clock as _, ManualClock, SystemRandom};
use uuid::Uuid;

use super::rig::{Rig, request, settings, until};
use crate::owners::{ALIVE, WHO};
use crate::{Gateway, GatewayHost, GatewaySettings};

#[tokio::test]
async fn a_gateway_asks_who_is_there() {
    let clock = Arc::new(ManualClock::new());
    let now = Arc::clone(&clock);
    let bus = MemoryBus::new(Arc::new(move || now.now()));
    let keys = Keys::derive(&SecretKey::from_bytes([9; 32]));
    let (answering, sealing) = (Arc::clone(&bus), keys.clone());
    let service = Service {
        pattern: Pattern::new(WHO).unwrap(),
        group: "limiter".to_owned(),
        capacity: NonZeroUsize::MIN,
        handler: Arc::new(move |subject, question: Envelope| {
            question.verify(&subject, &sealing).unwrap();
            let alive = Subject::new(ALIVE).unwrap();
            let beat = Envelope::new(
                question.deadline,
                Bytes::new(),
                Uuid::nil().simple().to_string(),
            )
            .sealed(&alive, &sealing);
            let bus = Arc::clone(&answering);
            Box::pin(async move {
                bus.publish(alive, beat).await?;
                Ok(question)
            })
        }),
    };
    let _limiter = bus.serve(service).await.unwrap();
    let host = GatewayHost {
        bus: Arc::clone(&bus) as Arc<dyn hoursmith_bus::Bus>,
        clock: Arc::clone(&clock) as Arc<dyn hoursmith_kit::Clock>,
        random: Arc::new(SystemRandom),
        keys,
    };
    let gateway = Gateway::start(settings(), host).await.unwrap();
    until(|| gateway.limiters_known() == 1).await;
    clock.advance(Duration::from_secs(4));
    assert_eq!(gateway.limiters_known(), 0);
}

#[tokio::test]
async fn the_address_is_the_peers_unless_a_trusted_proxy_says_another() {
    let line = "X-Forwarded-For: 6.6.6.6, 2001:db8:1:2:3::4";
    for (trusted, expected) in [
        (vec![], "127.0.0.1"),
        (vec!["127.0.0.0/8".parse().unwrap()], "2001:db8:1:2::/64"),
    ] {
        let rig = Rig::with(GatewaySettings {
            trusted_proxies: trusted,
            ..settings()
        })
        .await;
        rig.send(request("GET", "/nowhere", &[line], "")).await;
        let visitor = rig.asked("rate-limiter")[0].head.visitor.clone();
        assert_eq!(visitor, Some(Visitor::Address(expected.to_owned())));
    }
}
