//! Traces: a job runs on a thread or a task of the store, and yet in its caller's span.

use hoursmith_store::Error;
use hoursmith_store::testing::TestDb;
use tracing::{Instrument, Span};

#[tokio::test]
async fn a_job_runs_in_its_callers_span() {
    // For the whole process, because jobs run on threads of the store; no other test looks at it.
    tracing::subscriber::set_global_default(tracing_subscriber::registry()).unwrap();
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
