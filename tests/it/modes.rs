//! The suite in each mode.
//!
//! Each test starts its own deployment, but for the one with a process for each part, where all
//! cases share five processes one after the other.

use crate::cases;
use crate::world::{Bus, Store, World};

macro_rules! modes {
    ($($case:ident),+ $(,)?) => {
        modes!(@mode memory_sqlite, Bus::Memory, Store::Sqlite, $($case),+);
        modes!(@mode memory_postgres, Bus::Memory, Store::Postgres, $($case),+);
        modes!(@mode nats_sqlite, Bus::Nats, Store::Sqlite, $($case),+);
        modes!(@mode nats_postgres, Bus::Nats, Store::Postgres, $($case),+);

        #[tokio::test(flavor = "multi_thread")]
        async fn split_nats_postgres() {
            let world = World::start(Bus::Split, Store::Postgres).await;
            $(
                println!("case {}", stringify!($case));
                cases::$case(&world).await;
            )+
        }
    };
    (@mode $mode:ident, $bus:expr, $store:expr, $($case:ident),+) => {
        mod $mode {
            use super::*;
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $case() {
                    let world = World::start($bus, $store).await;
                    cases::$case(&world).await;
                    assert!(world.stop().await, "nothing was cut off");
                }
            )+
        }
    };
}

modes! {
    me_tells_whom_the_token_acts_as,
    the_organization_is_read,
    a_client_is_created_read_changed_and_deleted,
    a_patch_merges,
    conditions_are_checked,
    every_invalid_field_is_named,
    names_are_unique_whatever_their_case,
    a_client_with_projects_is_in_use,
    pages_show_every_client_once,
    rows_of_one_instant_are_paged_by_id,
    a_page_ends_before_it_is_too_large,
    filters_narrow,
    cursors_are_bound,
    foreign_ids_never_existed,
    roles_are_kept,
    plans_and_scopes_are_kept,
    tokens_end,
    who_comes_back_has_no_old_token,
    a_copy_is_current_for_its_role_alone,
    changes_of_the_caller_take_effect_at_once,
    every_change_has_its_event,
    every_change_of_a_member_has_its_event,
    events_are_shown_in_order_without_a_gap,
    an_event_never_changes,
    the_feed_is_walked,
    the_feed_is_filtered,
    the_feed_is_for_owners_and_admins,
    a_page_of_events_ends_before_it_is_too_large,
    a_key_makes_a_retry_safe,
    a_refusal_is_an_answer_too,
    concurrent_duplicates_have_one_effect,
    a_client_that_leaves_is_answered_later,
    every_answer_carries_its_headers,
    members_are_listed_and_read,
    member_filters_narrow,
    members_see_whom_they_work_with,
    what_the_operator_sets_is_an_event,
    a_currency_that_is_used_stays,
    a_project_is_created_read_changed_and_deleted,
    a_draft_builds_itself,
    a_draft_without_anything_is_empty,
    a_draft_takes_the_oldest_that_fit,
    invoices_are_listed,
    invoices_are_for_owners_and_admins,
    writes_say_why_they_are_refused,
    a_sent_invoice_never_changes,
    operations_are_kept_by_access,
    what_cannot_be_sent_is_said,
    payments_add_up,
    what_is_voided_is_billed_again,
    what_is_due_is_overdue_from_the_next_day,
    numbers_have_no_gap,
    a_draft_is_sent_once,
    totals_and_budgets_are_exact,
    a_project_says_nothing_against_itself,
    project_names_are_unique_for_a_client,
    a_project_is_for_its_client,
    project_filters_narrow,
    roles_see_their_projects_and_amounts,
    project_writes_are_conditional_and_safe_to_retry,
    members_are_put_into_a_project_and_removed,
    a_put_is_checked,
    a_projects_members_are_listed,
    managers_staff_their_projects,
    who_is_removed_leaves_its_projects,
    members_come_and_go_at_once,
}
