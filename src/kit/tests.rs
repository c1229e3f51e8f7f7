//! Pools under failure, load and shutdown, as a caller on the bus sees them.

use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::poll;
use hoursmith_bus::{Additions, Ask, Envelope, Error, ErrorKind, Pattern, Subject, Verdict};
use hoursmith_domain::{Code, Keys, SecretKey};
use hoursmith_store::testing::TestDb;
use tokio::sync::Semaphore;

use crate::testing::{Rig, Who};
use crate::{
    Clock as _, Failure, Pool, PoolSpec, RestartPolicy, Routing, RunningPlugin, Task, Worker,
};

const SUBJECT: &str = "hoursmith.v1.test.check";

/// Far above what anything here takes, far below the deadline of a request.
const AT_ONCE: Duration = Duration::from_secs(10);

/// What the workers of a pool share with the test.
#[derive(Default)]
struct Shared {
    /// Workers made.
    made: AtomicUsize,
    /// Jobs that were begun.
    begun: AtomicUsize,
    /// Jobs that were finished.
    done: AtomicUsize,
}

/// Does what the path says.
struct Obedient {
    index: usize,
    jobs: usize,
    shared: Arc<Shared>,
    /// `/wait` takes a permit.
    gate: Arc<Semaphore>,
}

impl Worker for Obedient {
    async fn handle(&mut self, ask: Ask) -> Result<Verdict, Failure> {
        self.shared.begun.fetch_add(1, Ordering::SeqCst);
        match ask.head.path.as_str() {
            "/panic" => panic!("as asked"),
            "/fail" => return Err(Failure::internal("do as asked", "the reason stays inside")),
            "/wait" => self.gate.acquire().await.unwrap().forget(),
            _ => {}
        }
        self.jobs += 1;
        self.shared.done.fetch_add(1, Ordering::SeqCst);
        let headers = vec![
            ("worker".to_owned(), self.index.to_string()),
            ("jobs".to_owned(), self.jobs.to_string()),
        ];
        Ok(Verdict::Continue(Additions {
            headers,
            ..Additions::default()
        }))
    }
}

struct Bench {
    rig: Rig,
    running: RunningPlugin,
    shared: Arc<Shared>,
    gate: Arc<Semaphore>,
    _db: TestDb,
}

/// A pool of workers; `broken` of those made first panic in the making.
struct Plan {
    workers: usize,
    queue: usize,
    routing: Routing,
    restart: RestartPolicy,
    broken: usize,
}

impl Default for Plan {
    fn default() -> Self {
        // A second restart in a row would not come within any test.
        let hour = Duration::from_secs(3_600);
        Self {
            workers: 1,
            queue: 8,
            routing: Routing::Any,
            restart: RestartPolicy {
                first: hour,
                max: hour,
            },
            broken: 0,
        }
    }
}

impl Plan {
    async fn start(self) -> Bench {
        let db = TestDb::sqlite().await;
        let rig = Rig::new(db.db().clone());
        let (shared, gate) = (Arc::new(Shared::default()), Arc::new(Semaphore::new(0)));
        let spec = PoolSpec {
            plugin: "test",
            workers: NonZeroUsize::new(self.workers).unwrap(),
            queue: self.queue,
            routing: self.routing,
            restart: self.restart,
        };
        let (of_workers, waiting) = (Arc::clone(&shared), Arc::clone(&gate));
        let pool = Pool::start(&rig.host, spec, move |index| {
            let made = of_workers.made.fetch_add(1, Ordering::SeqCst);
            assert!(made >= self.broken, "one of the first");
            Obedient {
                index,
                jobs: 0,
                shared: Arc::clone(&of_workers),
                gate: Arc::clone(&waiting),
            }
        })
        .await
        .unwrap();
        let subscription = pool
            .serve(&*rig.host.bus, Pattern::new(SUBJECT).unwrap())
            .await
            .unwrap();
        let running = RunningPlugin::new("test").with_pool(pool, subscription);
        Bench {
            rig,
            running,
            shared,
            gate,
            _db: db,
        }
    }
}

impl Bench {
    async fn ask(&self, path: &str) -> Result<Verdict, Error> {
        at_once(self.ask_later(path)).await
    }

    async fn ask_later(&self, path: &str) -> Result<Verdict, Error> {
        self.rig.ask(SUBJECT, self.rig.head(path), None).await
    }

    async fn kind(&self, path: &str) -> Option<ErrorKind> {
        self.ask(path).await.err().map(|error| error.kind())
    }

    async fn send(&self, envelope: Envelope) -> Result<Envelope, Error> {
        at_once(self.rig.host.bus.request(subject(), envelope)).await
    }

    /// Asks until the answer is an error of this kind, or none.
    async fn until(&self, wanted: Option<ErrorKind>) {
        at_once(async {
            while self.kind("/").await != wanted {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }

    async fn until_begun(&self, count: usize) {
        at_once(async {
            while self.shared.begun.load(Ordering::SeqCst) < count {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
}

fn subject() -> Subject {
    Subject::new(SUBJECT).unwrap()
}

async fn at_once<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(AT_ONCE, future).await.unwrap()
}

/// The number in the path.
fn by_path(ask: &Ask) -> u64 {
    ask.head
        .path
        .trim_start_matches('/')
        .parse()
        .unwrap_or_default()
}

fn header(verdict: &Verdict, name: &str) -> usize {
    let Verdict::Continue(additions) = verdict else {
        panic!("{verdict:?}")
    };
    let (_, value) = additions
        .headers
        .iter()
        .find(|(given, _)| given == name)
        .unwrap();
    value.parse().unwrap()
}

#[tokio::test]
async fn a_panic_answers_its_caller_and_the_pool_goes_on() {
    let bench = Plan::default().start().await;
    // With a policy whose second restart would take an hour: a worker that answers in between
    // starts from nothing again, so that single bad requests never add up.
    for _ in 0..3 {
        assert_eq!(bench.kind("/panic").await, Some(ErrorKind::HandlerFailed));
        assert_eq!(bench.kind("/").await, None);
    }
    assert_eq!(bench.shared.made.load(Ordering::SeqCst), 4);
}

#[tokio::test]
async fn a_failure_of_ours_is_a_problem_that_tells_nothing() {
    let bench = Plan::default().start().await;
    let Ok(Verdict::Refuse(problem)) = bench.ask("/fail").await else {
        panic!("not refused")
    };
    assert_eq!(problem.code, Code::InternalError);
    assert!(!format!("{problem:?}").contains("reason"));
    assert_eq!(bench.shared.made.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn with_every_worker_down_requests_are_refused_at_once() {
    let bench = Plan::default().start().await;
    assert_eq!(bench.kind("/panic").await, Some(ErrorKind::HandlerFailed));
    // The second one goes down in the job; the other waits for it, and hears of it.
    let (second, waiting) = tokio::join!(bench.kind("/panic"), bench.kind("/"));
    assert_eq!(
        (second, waiting),
        (Some(ErrorKind::HandlerFailed), Some(ErrorKind::Overloaded))
    );
    assert_eq!(bench.kind("/").await, Some(ErrorKind::Overloaded));
    assert_eq!(bench.shared.made.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn one_worker_down_leaves_the_others() {
    let bench = Plan {
        workers: 2,
        ..Plan::default()
    }
    .start()
    .await;
    for _ in 0..3 {
        assert_eq!(bench.kind("/panic").await, Some(ErrorKind::HandlerFailed));
    }
    // Three failures of two workers: one of them has failed twice in a row and rests.
    for _ in 0..10 {
        assert_eq!(bench.kind("/").await, None);
    }
    assert_eq!(bench.shared.made.load(Ordering::SeqCst), 4);
}

#[tokio::test]
async fn a_keys_worker_that_is_down_refuses_its_keys_alone() {
    let bench = Plan {
        workers: 2,
        routing: Routing::ByKey(by_path),
        ..Plan::default()
    }
    .start()
    .await;
    assert_eq!(bench.kind("/panic").await, Some(ErrorKind::HandlerFailed));
    bench.until(None).await;
    for _ in 0..2 {
        at_once(async {
            // Refused while the worker is being started again.
            while bench.kind("/panic").await != Some(ErrorKind::HandlerFailed) {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
    assert_eq!(bench.kind("/0").await, Some(ErrorKind::Overloaded));
    assert_eq!(bench.kind("/1").await, None);
}

#[tokio::test]
async fn a_panic_fails_its_own_request_and_not_those_behind_it() {
    let bench = Plan {
        routing: Routing::ByKey(by_path),
        ..Plan::default()
    }
    .start()
    .await;
    let kinds =
        at_once(async { tokio::join!(bench.kind("/panic"), bench.kind("/"), bench.kind("/")) })
            .await;
    let failed = Some(ErrorKind::HandlerFailed);
    let refused = Some(ErrorKind::Overloaded);
    assert_eq!(kinds, (failed, refused, refused));
    bench.until(None).await;
}

#[tokio::test]
async fn a_backoff_ends() {
    let short = Duration::from_millis(1);
    let restart = RestartPolicy {
        first: short,
        max: short,
    };
    let bench = Plan {
        restart,
        broken: 5,
        ..Plan::default()
    }
    .start()
    .await;
    bench.until(None).await;
    assert_eq!(bench.shared.made.load(Ordering::SeqCst), 6);
}

#[tokio::test]
async fn a_constructor_that_panics_is_tried_again_and_then_rested() {
    let bench = Plan {
        broken: 1,
        ..Plan::default()
    }
    .start()
    .await;
    assert_eq!(bench.kind("/").await, None);
    let bench = Plan {
        broken: 2,
        ..Plan::default()
    }
    .start()
    .await;
    assert_eq!(bench.kind("/").await, Some(ErrorKind::Overloaded));
    assert_eq!(bench.shared.made.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn beyond_the_bound_requests_are_refused_at_once() {
    for routing in [Routing::Any, Routing::ByKey(by_path)] {
        let bench = Plan {
            queue: 2,
            routing,
            ..Plan::default()
        }
        .start()
        .await;
        let mut admitted = pin!(futures::future::join_all(
            (0..3).map(|_| bench.ask_later("/wait"))
        ));
        assert!(poll!(&mut admitted).is_pending());
        assert_eq!(bench.kind("/").await, Some(ErrorKind::Overloaded));
        bench.gate.add_permits(3);
        assert!(at_once(admitted).await.iter().all(Result::is_ok));
        assert_eq!(bench.kind("/").await, None);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_key_has_one_owner() {
    let bench = Plan {
        workers: 4,
        queue: 100,
        routing: Routing::ByKey(by_path),
        ..Plan::default()
    }
    .start()
    .await;
    let paths: Vec<String> = (0..100).map(|n| format!("/{}", n % 10)).collect();
    let answers = futures::future::join_all(paths.iter().map(|path| bench.ask(path))).await;
    let mut jobs = [0; 4];
    for (path, answer) in paths.iter().zip(answers) {
        let worker = header(&answer.unwrap(), "worker");
        assert_eq!(worker, path[1..].parse::<usize>().unwrap() % 4);
        jobs[worker] += 1;
    }
    // Each worker counted its own, without a lock and without a loss.
    for (worker, expected) in jobs.into_iter().enumerate() {
        let answer = bench.ask(&format!("/{worker}")).await.unwrap();
        assert_eq!(header(&answer, "jobs"), expected + 1);
    }
}

#[tokio::test]
async fn what_is_late_in_the_queue_is_not_done() {
    let bench = Plan::default().start().await;
    let mut first = pin!(bench.ask_later("/wait"));
    let mut late = pin!(bench.ask_later("/"));
    assert!(poll!(&mut first).is_pending());
    bench.until_begun(1).await;
    assert!(poll!(&mut late).is_pending());
    bench.rig.clock.advance(Duration::from_secs(3_600));
    bench.gate.add_permits(1);
    assert!(at_once(first).await.is_ok());
    assert_eq!(
        at_once(late).await.unwrap_err().kind(),
        ErrorKind::DeadlineExceeded
    );
    assert_eq!(bench.shared.begun.load(Ordering::SeqCst), 1);
    assert_eq!(bench.kind("/").await, None);
}

#[tokio::test]
async fn a_worker_is_free_again_at_the_deadline() {
    for routing in [Routing::Any, Routing::ByKey(by_path)] {
        let bench = Plan {
            routing,
            ..Plan::default()
        }
        .start()
        .await;
        let rig = &bench.rig;
        let soon = rig.clock.now().plus(Duration::from_millis(200));
        let hanging = Envelope::new(soon, rig.head("/wait").encode(), "");
        let hanging = hanging.sealed(&subject(), &rig.host.keys);
        let error = bench.send(hanging).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::DeadlineExceeded);
        // The pool's only worker, whose job never ended.
        bench.until(None).await;
        assert_eq!(bench.shared.done.load(Ordering::SeqCst), 1);
        assert_eq!(bench.shared.made.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test]
async fn answers_are_sealed_for_their_questions() {
    let bench = Plan::default().start().await;
    let rig = &bench.rig;
    let ask = || rig.envelope(&subject(), rig.head("/"), None);
    let (question, another) = (ask(), ask());
    let answer = bench.send(question.clone()).await.unwrap();
    let verify = |question| answer.verify_answer(&subject(), question, &rig.host.keys);
    assert!(verify(&question).is_ok());
    assert!(verify(&another).is_err());
}

#[tokio::test]
async fn work_goes_on_when_its_caller_leaves() {
    let bench = Plan::default().start().await;
    {
        let mut left = pin!(bench.ask_later("/wait"));
        assert!(poll!(&mut left).is_pending());
        bench.until_begun(1).await;
    }
    bench.gate.add_permits(1);
    assert_eq!(bench.kind("/").await, None);
    assert_eq!(bench.shared.done.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn what_is_forged_reaches_no_worker() {
    let bench = Plan::default().start().await;
    let rig = &bench.rig;
    let who = Some(Who::owner(1));
    let sealed = || rig.envelope(&subject(), rig.head("/"), who);
    let foreign = Keys::derive(&SecretKey::from_bytes([8; 32]));
    let resealed = |envelope: Envelope| envelope.sealed(&subject(), &rig.host.keys);
    let deadline = sealed().deadline;
    let forged = [
        (
            "without a seal",
            Envelope {
                seal: None,
                ..sealed()
            },
        ),
        (
            "another head",
            Envelope {
                head: rig.head("/x").encode().into(),
                ..sealed()
            },
        ),
        (
            "another body",
            Envelope {
                body: "x".into(),
                ..sealed()
            },
        ),
        (
            "a later deadline",
            Envelope {
                deadline: deadline.plus(Duration::from_secs(1)),
                ..sealed()
            },
        ),
        (
            "another subject",
            rig.envelope(
                &Subject::new("hoursmith.v1.other").unwrap(),
                rig.head("/"),
                who,
            ),
        ),
        ("other keys", sealed().sealed(&subject(), &foreign)),
        (
            "no head",
            resealed(Envelope {
                head: "{}".into(),
                ..sealed()
            }),
        ),
        // The seal of the caller does not pass to another request, even under a good envelope.
        ("a borrowed caller", {
            let mut head = rig.head("/");
            head.caller = sealed().question().unwrap().caller.clone();
            resealed(Envelope {
                head: head.encode().into(),
                ..sealed()
            })
        }),
    ];
    for (what, envelope) in forged {
        assert_eq!(
            bench.send(envelope).await.unwrap_err().kind(),
            ErrorKind::Refused,
            "{what}"
        );
    }
    assert_eq!(bench.shared.begun.load(Ordering::SeqCst), 0);
    assert!(bench.send(sealed()).await.is_ok());
}

#[tokio::test]
async fn stopping_says_goodbye_first_and_lets_the_admitted_finish() {
    let Bench {
        rig,
        running,
        shared,
        gate,
        _db,
    } = Plan::default().start().await;
    let (said, heard) = tokio::sync::oneshot::channel();
    let (bus, envelope) = (
        Arc::clone(&rig.host.bus),
        rig.envelope(&subject(), rig.head("/"), None),
    );
    let running = running.with_farewell(move || async move {
        said.send(bus.request(subject(), envelope).await.is_ok())
            .unwrap();
    });
    let mut admitted = pin!(rig.ask(SUBJECT, rig.head("/wait"), None));
    assert!(poll!(&mut admitted).is_pending());
    let mut stopping = pin!(running.stop());
    gate.add_permits(1);
    let (answer, ()) = at_once(async { tokio::join!(admitted, &mut stopping) }).await;
    assert!(answer.is_ok());
    assert!(heard.await.unwrap(), "still served at the goodbye");
    assert_eq!(shared.done.load(Ordering::SeqCst), 2);
    let after = rig.ask(SUBJECT, rig.head("/"), None).await.unwrap_err();
    assert_eq!(after.kind(), ErrorKind::NoResponders);
}

#[tokio::test]
async fn work_that_is_kept_goes_on_after_a_panic_until_it_ends_or_is_ended() {
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&runs);
    let task = Task::kept("kept", Duration::from_millis(1), move || {
        let run = counted.fetch_add(1, Ordering::SeqCst);
        async move { assert!(run >= 2, "run {run} fails") }
    });
    task.join().await;
    assert_eq!(runs.load(Ordering::SeqCst), 3);

    let (alive, ended) = (Arc::new(()), Duration::from_secs(1));
    let held = Arc::downgrade(&alive);
    let task = Task::kept("kept", ended, move || {
        let alive = Arc::clone(&alive);
        async move {
            std::future::pending::<()>().await;
            drop(alive);
        }
    });
    task.end().await;
    let gone = async {
        while held.strong_count() > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(AT_ONCE, gone).await.unwrap();
}
