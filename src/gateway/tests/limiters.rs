//! How a gateway finds its limiters, and whose address it tells them.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use hoursmith_bus::{
    Additions, Bus, Envelope, Error, ErrorKind, LocalFirst, MemoryBus, Pattern, Placement, Service,
    Subject, Subscription, Verdict, Visitor, subjects,
};
use hoursmith_domain::{Keys, SecretKey};
use hoursmith_kit::{Clock as _, ManualClock, SystemRandom};
use uuid::Uuid;

use super::rig::{Rig, request, settings, until};
use super::wire::Wire;
use crate::{Gateway, GatewayHost, GatewaySettings};

#[tokio::test]
async fn a_gateway_asks_who_is_there() {
    let clock = Arc::new(ManualClock::new());
    let now = Arc::clone(&clock);
    let bus = MemoryBus::new(Arc::new(move || now.now()));
    let keys = Keys::derive(&SecretKey::from_bytes([9; 32]));
    let (answering, sealing) = (Arc::clone(&bus), keys.clone());
    let service = Service {
        pattern: Pattern::from(&subjects::limiter_who()),
        group: "limiter".to_owned(),
        capacity: NonZeroUsize::MIN,
        handler: Arc::new(move |subject, question: Envelope| {
            question.verify(&subject, &sealing).unwrap();
            let alive = subjects::limiter_alive();
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

/// The bus between processes, until it is cut.
#[derive(Debug)]
struct Cable {
    bus: Arc<MemoryBus>,
    cut: AtomicBool,
}

impl Cable {
    fn check(&self) -> Result<(), Error> {
        match self.cut.load(Ordering::SeqCst) {
            true => Err(Error::new(ErrorKind::Unavailable, "reach", "the others")),
            false => Ok(()),
        }
    }
}

impl Bus for Cable {
    fn request(&self, subject: Subject, question: Envelope) -> Answered<'_, Envelope> {
        Box::pin(async move {
            self.check()?;
            self.bus.request(subject, question).await
        })
    }

    fn publish(&self, subject: Subject, told: Envelope) -> Answered<'_, ()> {
        Box::pin(async move {
            self.check()?;
            self.bus.publish(subject, told).await
        })
    }

    fn serve(&self, service: Service) -> Answered<'_, Subscription> {
        self.bus.serve(service)
    }

    fn serves(&self, subject: &Subject) -> bool {
        self.bus.serves(subject)
    }

    fn health(&self) -> Answered<'_, ()> {
        Box::pin(async { self.check() })
    }

    fn drain(&self) -> BoxFuture<'_, ()> {
        self.bus.drain()
    }
}

type Answered<'a, T> = BoxFuture<'a, Result<T, Error>>;

/// A limiter that answers with a header.
async fn limiter(bus: &dyn Bus, instance: Uuid, keys: &Keys, name: &'static str) -> Subscription {
    let keys = keys.clone();
    bus.serve(Service {
        pattern: Pattern::from(&subjects::limiter_check(instance)),
        group: "limiter".to_owned(),
        capacity: NonZeroUsize::MIN,
        handler: Arc::new(move |subject, question: Envelope| {
            let additions = Additions {
                headers: vec![("limiter".to_owned(), name.to_owned())],
                ..Additions::default()
            };
            let answer = Verdict::Continue(additions).into_envelope(&question);
            let answer = answer.sealed_answer(&subject, &question, &keys);
            Box::pin(std::future::ready(Ok(answer)))
        }),
    })
    .await
    .unwrap()
}

#[tokio::test]
async fn the_limiter_in_the_process_stands_in_while_the_others_are_out_of_reach() {
    let clock = Arc::new(ManualClock::new());
    let bus = || {
        let now = Arc::clone(&clock);
        MemoryBus::new(Arc::new(move || now.now()))
    };
    let cable = Arc::new(Cable {
        bus: bus(),
        cut: AtomicBool::new(false),
    });
    let both = LocalFirst::new(bus(), Arc::clone(&cable) as Arc<dyn Bus>, Placement::new());
    let keys = Keys::derive(&SecretKey::from_bytes([9; 32]));
    let host = GatewayHost {
        bus: Arc::clone(&both) as Arc<dyn Bus>,
        clock: Arc::clone(&clock) as Arc<dyn hoursmith_kit::Clock>,
        random: Arc::new(SystemRandom),
        keys: keys.clone(),
    };
    let gateway = Gateway::start(settings(), host).await.unwrap();
    let here = Uuid::from_u128(1000);
    let mut serving = vec![limiter(&*both, here, &keys, "here").await];
    // So many elsewhere that one of them owns the budget of the address.
    let elsewhere: Vec<Uuid> = (0..50).map(Uuid::from_u128).collect();
    for instance in &elsewhere {
        serving.push(limiter(&*cable, *instance, &keys, "elsewhere").await);
    }
    for instance in elsewhere.iter().chain([&here]) {
        let alive = subjects::limiter_alive();
        let deadline = clock.now().plus(Duration::from_secs(60));
        let beat = Envelope::new(deadline, "", instance.simple().to_string());
        let beat = beat.sealed(&alive, &keys);
        both.publish(alive, beat).await.unwrap();
    }
    until(|| gateway.limiters_known() == 51).await;
    let answered_by = async || {
        let mut wire = Wire::open(gateway.local_addr()).await;
        wire.send(request("GET", "/nowhere", &[], "")).await;
        let reply = wire.reply().await.unwrap();
        reply.header("limiter").map(str::to_owned)
    };
    assert_eq!(answered_by().await.as_deref(), Some("elsewhere"));
    cable.cut.store(true, Ordering::SeqCst);
    assert_eq!(answered_by().await.as_deref(), Some("here"));
    // Without a heartbeat since.
    clock.advance(Duration::from_secs(60));
    assert_eq!(gateway.limiters_known(), 1);
    assert_eq!(answered_by().await.as_deref(), Some("here"));
    drop(serving);
    assert_eq!(gateway.limiters_known(), 0);
}
