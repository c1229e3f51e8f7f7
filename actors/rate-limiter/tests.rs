//! The limiter as the gateway meets it: over the bus.

use std::sync::Arc;
use std::time::Duration;

use hoursmith_bus::{Envelope, Handler, Head, Pattern, Service, Subject, Verdict, Visitor};
use hoursmith_domain::{Code, Plan};
use hoursmith_kit::testing::{Rig, Who};
use hoursmith_kit::{Clock as _, RunningPlugin};
use hoursmith_store::testing::TestDb;
use tokio::sync::mpsc;

use crate::plugin;

struct Bench {
    rig: Rig,
    running: RunningPlugin,
    _db: TestDb,
}

impl Bench {
    async fn start() -> Self {
        let db = TestDb::sqlite().await;
        let rig = Rig::new(db.db().clone());
        let running = plugin().start(rig.host.clone()).await.unwrap();
        Self {
            rig,
            running,
            _db: db,
        }
    }

    async fn ask(&self, head: Head, who: Option<Who>) -> Verdict {
        let subject = format!(
            "hoursmith.v1.rate-limiter.{}.check",
            self.rig.host.instance.simple()
        );
        self.rig.ask(&subject, head, who).await.unwrap()
    }

    async fn token(&self, who: Who) -> Verdict {
        self.ask(
            Head {
                visitor: Some(Visitor::Caller),
                ..self.rig.head("/")
            },
            Some(who),
        )
        .await
    }

    async fn address(&self, address: &str) -> Verdict {
        let visitor = Some(Visitor::Address(address.to_owned()));
        self.ask(
            Head {
                visitor,
                ..self.rig.head("/")
            },
            None,
        )
        .await
    }

    async fn peek(&self, address: &str) -> Verdict {
        let visitor = Some(Visitor::Address(address.to_owned()));
        self.ask(
            Head {
                visitor,
                peek: true,
                ..self.rig.head("/")
            },
            None,
        )
        .await
    }
}

fn header<'a>(verdict: &'a Verdict, name: &str) -> &'a str {
    let headers = match verdict {
        Verdict::Continue(additions) => &additions.headers,
        Verdict::Refuse(problem) => &problem.headers,
        Verdict::Respond(_) => panic!("a gate that answers"),
    };
    &headers.iter().find(|(given, _)| given == name).unwrap().1
}

fn remaining(verdict: &Verdict) -> u32 {
    header(verdict, "x-ratelimit-remaining").parse().unwrap()
}

fn admitted(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Continue(_))
}

#[tokio::test]
async fn a_token_is_admitted_up_to_its_plan_and_again_after_the_window() {
    let bench = Bench::start().await;
    let who = Who::owner(1);
    for left in (0..30).rev() {
        let verdict = bench.token(who).await;
        assert!(admitted(&verdict));
        assert_eq!(remaining(&verdict), left);
        assert_eq!(
            header(&verdict, "ratelimit-policy"),
            r#""burst";q=30;w=10, "sustained";q=600;w=60"#
        );
    }
    for _ in 0..100 {
        let Verdict::Refuse(problem) = bench.token(who).await else {
            panic!("admitted")
        };
        assert_eq!(problem.code, Code::RateLimited);
    }
    // Another token has a budget of its own, and refusals have cost nothing.
    assert_eq!(remaining(&bench.token(Who::owner(2)).await), 29);
    bench.rig.clock.advance(Duration::from_secs(10));
    let verdict = bench.token(who).await;
    assert!(admitted(&verdict));
    assert!(header(&verdict, "ratelimit").contains(r#""sustained";r=569;"#));
}

#[tokio::test]
async fn what_a_refusal_promises_is_kept() {
    let bench = Bench::start().await;
    while admitted(&bench.address("192.0.2.1").await) {}
    let refused = bench.address("192.0.2.1").await;
    let seconds: u64 = header(&refused, "retry-after").parse().unwrap();
    let reset: i64 = header(&refused, "x-ratelimit-reset").parse().unwrap();
    assert!((1..=10).contains(&seconds));
    let now = bench.rig.clock.now();
    assert!((0..=11).contains(&(reset - now.unix_seconds())));
    bench.rig.clock.advance(Duration::from_secs(seconds));
    assert!(admitted(&bench.address("192.0.2.1").await));
}

#[tokio::test]
async fn a_change_of_plan_keeps_what_was_used() {
    let bench = Bench::start().await;
    let studio = Who::owner(1);
    let agency = Who {
        plan: Plan::Agency,
        ..studio
    };
    for _ in 0..30 {
        assert!(admitted(&bench.token(studio).await));
    }
    assert!(!admitted(&bench.token(studio).await));
    assert_eq!(remaining(&bench.token(agency).await), 29);
    assert!(!admitted(&bench.token(studio).await));
    assert!(!admitted(
        &bench
            .token(Who {
                plan: Plan::Free,
                ..studio
            })
            .await
    ));
}

#[tokio::test]
async fn addresses_have_the_anonymous_limits() {
    let bench = Bench::start().await;
    for left in (0..10).rev() {
        assert_eq!(remaining(&bench.address("192.0.2.1").await), left);
    }
    let refused = bench.address("192.0.2.1").await;
    assert!(!admitted(&refused));
    let policy = r#""anonymous-burst";q=10;w=10, "anonymous-sustained";q=60;w=60"#;
    assert_eq!(header(&refused, "ratelimit-policy"), policy);
    assert!(admitted(&bench.address("192.0.2.2").await));
}

#[tokio::test]
async fn the_app_has_a_budget_of_its_own_for_each_address() {
    let bench = Bench::start().await;
    while admitted(&bench.address("192.0.2.1").await) {}
    let visit = async || {
        let visitor = Some(Visitor::App("192.0.2.1".to_owned()));
        let head = Head {
            visitor,
            ..bench.rig.head("/app")
        };
        bench.ask(head, None).await
    };
    for left in (0..600).rev() {
        assert_eq!(remaining(&visit().await), left);
    }
    let refused = visit().await;
    assert!(!admitted(&refused));
    let policy = r#""app-burst";q=600;w=10, "app-sustained";q=1200;w=60"#;
    assert_eq!(header(&refused, "ratelimit-policy"), policy);
}

#[tokio::test]
async fn looking_costs_nothing_and_is_never_refused() {
    let bench = Bench::start().await;
    for _ in 0..100 {
        assert_eq!(remaining(&bench.peek("192.0.2.1").await), 10);
    }
    while admitted(&bench.address("192.0.2.1").await) {}
    let verdict = bench.peek("192.0.2.1").await;
    assert!(admitted(&verdict));
    assert_eq!(remaining(&verdict), 0);
}

#[tokio::test]
async fn a_visitor_that_is_not_proven_is_our_mistake() {
    let bench = Bench::start().await;
    let caller = Head {
        visitor: Some(Visitor::Caller),
        ..bench.rig.head("/")
    };
    for head in [caller, bench.rig.head("/")] {
        let Verdict::Refuse(problem) = bench.ask(head, None).await else {
            panic!("admitted")
        };
        assert_eq!(problem.code, Code::InternalError);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_get_exactly_the_limit() {
    let bench = Bench::start().await;
    let asked = futures::future::join_all((0..200).map(|_| bench.token(Who::owner(1)))).await;
    assert_eq!(asked.iter().filter(|verdict| admitted(verdict)).count(), 30);
}

#[tokio::test]
async fn it_is_heard_at_the_start_when_asked_and_at_the_end() {
    let db = TestDb::sqlite().await;
    let rig = Rig::new(db.db().clone());
    let (said, mut heard) = mpsc::unbounded_channel();
    let keys = rig.host.keys.clone();
    let handler: Handler = Arc::new(move |subject, envelope: Envelope| {
        envelope.verify(&subject, &keys).unwrap();
        said.send(String::from_utf8(envelope.body.to_vec()).unwrap())
            .unwrap();
        Box::pin(std::future::ready(Ok(envelope)))
    });
    let service = Service {
        pattern: Pattern::new("hoursmith.v1.rate-limiter.alive").unwrap(),
        group: "gateway".to_owned(),
        capacity: std::num::NonZeroUsize::new(100).unwrap(),
        handler,
    };
    let _listening = rig.host.bus.serve(service).await.unwrap();
    let running = plugin().start(rig.host.clone()).await.unwrap();
    let bench = Bench {
        rig,
        running,
        _db: db,
    };
    let instance = bench.rig.host.instance.simple().to_string();
    let mut next = async || {
        tokio::time::timeout(Duration::from_secs(10), heard.recv())
            .await
            .unwrap()
    };
    assert_eq!(next().await, Some(instance.clone()));

    let who = Subject::new("hoursmith.v1.rate-limiter.who").unwrap();
    let question = Envelope::new(bench.rig.clock.now().plus(Duration::from_secs(5)), "", "");
    let sealed = question.clone().sealed(&who, &bench.rig.host.keys);
    bench
        .rig
        .host
        .bus
        .publish(who.clone(), sealed)
        .await
        .unwrap();
    assert_eq!(next().await, Some(instance.clone()));
    // By the clock, without being asked.
    assert_eq!(next().await, Some(instance.clone()));
    let refused = bench.rig.host.bus.request(who, question).await.unwrap_err();
    assert_eq!(refused.kind(), hoursmith_bus::ErrorKind::Refused);

    bench.running.stop().await;
    let mut last = next().await.unwrap();
    while last == instance {
        last = next().await.unwrap();
    }
    assert_eq!(last, format!("-{instance}"));
}
