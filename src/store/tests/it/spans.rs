//! Traces: a job runs on a task of the store, and yet in its caller's span.

use hoursmith_store::Error;
use hoursmith_store::testing::TestDb;
use tracing::{Instrument, Span};

// One thread, because the subscriber is set for this thread alone.
#[tokio::test(flavor = "current_thread")]
async fn a_job_runs_in_its_callers_span() {
    let _set = tracing::subscriber::set_default(tracing_subscriber::registry());
    for db in [TestDb::sqlite().await, TestDb::postgres().await] {
        let caller = tracing::info_span!("caller");
        let within: Result<_, Error> = db
            .write(|_| Box::pin(async { Ok(Span::current().id()) }))
            .instrument(caller.clone())
            .await;
        assert!(caller.id().is_some());
        assert_eq!(within.unwrap(), caller.id());
    }
}
