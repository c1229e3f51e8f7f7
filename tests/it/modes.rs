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
    a_newcomer_gets_paid,
    a_cookie_and_a_token_open_one_door_each,
    a_session_is_new_at_each_log_in,
    forms_of_others_change_nothing,
    nothing_leads_elsewhere,
    every_answer_of_the_app_is_closed,
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
    a_change_is_refused_in_one_order,
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
    a_fee_is_billed_in_minor_units,
    a_draft_takes_the_oldest_that_fit,
    invoices_are_listed,
    invoices_are_for_owners_and_admins,
    writes_say_why_they_are_refused,
    a_sent_invoice_never_changes,
    operations_are_kept_by_access,
    what_cannot_be_sent_is_said,
    payments_add_up,
    nothing_to_pay_is_paid_when_it_is_sent,
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
    a_project_has_so_many_members_and_no_more,
    a_projects_members_are_listed,
    managers_staff_their_projects,
    who_is_removed_leaves_its_projects,
    members_come_and_go_at_once,
    time_is_tracked_in_three_ways,
    every_invalid_field_of_time_is_named,
    time_that_contradicts_itself_is_refused,
    a_change_of_time_merges,
    tags_are_exact_and_replaced_whole,
    every_change_of_time_has_its_event,
    versions_of_time_are_checked,
    a_member_has_one_timer,
    a_running_timer_out_of_sight_is_not_named,
    ones_own_timer_makes_way_wherever_it_runs,
    a_stop_is_repeated_safely,
    a_new_timer_stops_the_one_before,
    timers_started_at_once_are_one,
    timers_that_make_way_at_once_end_as_one,
    time_does_not_overlap_where_it_may_not,
    overlapping_time_made_at_once_is_one,
    time_counts_for_the_members_day,
    hours_that_the_clocks_skip_or_repeat_last_what_they_last,
    a_day_next_to_the_local_one_may_be_chosen,
    a_day_follows_the_beginning_after_a_change_of_zone,
    a_duration_counts_for_today_unless_it_says_otherwise,
    the_most_specific_rate_applies_and_stays,
    a_rate_is_looked_up_again_only_when_what_it_hangs_on_changes,
    only_billable_time_of_hourly_projects_has_a_rate,
    amounts_are_in_the_clients_currency,
    what_cannot_be_written_as_an_amount_is_refused,
    time_is_rounded_as_the_organization_says,
    a_locked_period_keeps_its_time,
    an_archived_project_keeps_its_time,
    an_invoice_keeps_its_time,
    time_is_seen_as_the_role_says,
    members_see_and_set_no_rates,
    what_a_body_names_must_be_in_reach,
    member_project_and_task_belong_together,
    time_is_found_by_every_filter_alone_and_with_others,
    changed_time_is_synced,
    wrong_filters_of_time_are_refused,
    totals_follow_whatever_happens,
    only_time_that_is_billed_changes_the_draft,
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
    an_endpoint_is_created_read_changed_and_deleted,
    every_invalid_field_of_an_endpoint_is_named,
    where_nothing_may_be_sent_is_refused_in_one_sentence,
    an_endpoint_is_disabled_and_enabled,
    endpoints_are_fifty_at_most,
    endpoints_are_listed,
    endpoints_have_conditions_and_safe_retries,
    webhooks_need_agency,
    webhooks_are_for_owners_and_admins,
    a_test_is_a_ping,
    foreign_ids_around_webhooks_never_existed,
    a_secret_is_shown_once,
    secrets_are_not_in_the_database,
    deliveries_are_listed_and_read,
    deliveries_are_filtered,
    a_page_of_long_attempts_ends_early,
    a_delivery_is_replayed,
    what_waits_is_skipped_with_its_endpoint,
    what_was_missed_is_replayed,
    an_event_goes_all_the_way,
    a_replay_says_what_it_takes,
}
