//! One suite, run on SQLite and on PostgreSQL. What only one engine has is in a file of
//! its own.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "cases fail by panicking; clippy sees that of functions marked as tests alone"
)]

mod cases;
mod killed;
mod only_postgres;
mod only_sqlite;
mod schema;
mod spans;
mod support;

use cases::{events, idempotency, leases, writes};
use hoursmith_store::testing::TestDb;

macro_rules! on_both {
    ($($module:ident => $($case:ident)+;)+) => {
        mod sqlite {
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    crate::$module::$case(crate::TestDb::sqlite().await).await;
                }
            )+)+
        }

        mod postgres {
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    crate::$module::$case(crate::TestDb::postgres().await).await;
                }
            )+)+
        }
    };
}

on_both! {
    writes =>
        a_job_is_kept_or_leaves_nothing
        a_job_that_fails_or_panics_harms_no_other
        many_writers_at_once_are_all_there_afterwards
        a_caller_that_goes_away_leaves_the_effect_whole
        a_job_that_takes_too_long_is_undone
        a_job_cannot_go_on_after_a_failed_statement
        errors_say_what_went_wrong
        a_read_guard_cannot_write
        text_with_a_nul_breaks_nothing
        closing_lets_what_was_taken_finish;
    idempotency =>
        an_answer_is_replayed_until_it_expires
        one_of_many_claims_wins
        a_claim_that_is_undone_frees_the_key
        an_expired_record_is_taken_over
        purging_takes_the_oldest_first
        completing_what_was_not_claimed_is_a_defect;
    events =>
        an_event_is_numbered_and_not_yet_public
        many_events_are_written_in_their_order
        each_organization_is_numbered_in_order_of_position
        batches_go_on_where_the_last_one_ended
        what_becomes_visible_late_is_numbered_then
        the_counter_outlives_the_events
        a_batch_that_is_undone_leaves_no_gap;
    leases =>
        a_lease_is_taken_by_one
        a_lease_that_is_over_is_anybodys_under_a_larger_token
        a_lease_that_nobody_took_is_held_on_to
        a_lease_that_is_given_back_is_free
        a_clock_that_was_set_back_waits_for_no_lease
        one_of_many_takers_wins;
    schema =>
        statements_prepare
        durability_holds
        migrating_again_does_nothing
        many_migrators_at_once_apply_each_step_once
        another_tenants_object_cannot_be_referred_to;
    killed =>
        a_migrator_that_is_killed_leaves_nothing;
}
