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
    a_key_makes_a_retry_safe,
    a_refusal_is_an_answer_too,
    concurrent_duplicates_have_one_effect,
    a_client_that_leaves_is_answered_later,
    every_answer_carries_its_headers,
    a_task_is_created_read_changed_and_deleted,
    a_task_has_defaults,
    every_invalid_field_of_a_task_is_named,
    names_of_tasks_are_unique_in_their_project,
    a_task_with_time_stays,
    assignees_are_in_the_project,
    changes_of_a_task_have_their_events,
    tasks_are_filtered,
    roles_reach_their_tasks,
    foreign_ids_around_tasks_never_existed,
    a_task_has_conditions_and_safe_retries,
    an_expense_is_created_read_changed_and_deleted,
    an_expense_has_defaults,
    every_invalid_field_of_an_expense_is_named,
    an_amount_is_said_in_one_way,
    amounts_are_exact,
    expenses_are_filtered,
    locked_expenses_do_not_change,
    changes_of_an_expense_have_their_events,
    roles_reach_their_expenses,
    foreign_ids_around_expenses_never_existed,
    an_expense_has_conditions_and_safe_retries,
}
