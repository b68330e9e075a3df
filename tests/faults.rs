//! A sample of what `make faults` does: the operator is killed at calls of every kind, before a Vobiz that misbehaves
//! in most ways that it knows; and everything that needs more than one call to be caught. All of it runs at the same
//! time against one control plane, and mostly waits.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::Arc;

use faults::{
    Bench,
    behaviour::Behaviour,
    call::Call,
    campaign::{self, Done},
    choice::{Choice, Deed},
    report, scenarios,
    trap::{Moment, Sickness, Trap},
};
use tokio::sync::OnceCell;

const SEED: u64 = 1;

/// Never dropped: the control plane's watchdog ends it with this process.
static BENCH: OnceCell<Arc<Bench>> = OnceCell::const_new();

async fn bench() -> &'static Arc<Bench> {
    let start = async || Arc::new(Bench::start(env!("CARGO_BIN_EXE_vobiz-operator").into()).await);
    BENCH.get_or_init(start).await
}

/// Runs at the same time: more, and the API server of a busy machine answers too late for anything to be sent.
const PARALLEL: usize = 22;

/// Performs runs; each must keep every promise, and nearly all must come to the call that they are about.
fn perform(places: &[usize]) {
    let done: Vec<Done> =
        testbed::run(async { campaign::perform(bench().await, SEED, places, PARALLEL, |_, _| {}).await });
    let failures: Vec<String> = done.iter().filter_map(|done| report::failure(SEED, done)).collect();
    println!("{}", report::figures(&done));
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert_eq!(report::missed(&done), None);
}

#[test]
fn killed_at_any_call_it_pays_once_at_most_and_forgets_nothing() {
    perform(&campaign::first(44, 0));
}

#[test]
fn whatever_else_a_call_meets_it_pays_once_and_forgets_nothing() {
    perform(&campaign::first(0, 20));
}

/// One run that is not left to the seed.
fn perform_exactly(choice: Choice) {
    let place = campaign::all(SEED).iter().position(|one| *one == choice).unwrap();
    perform(&[place]);
}

#[test]
fn an_intent_is_verified_though_its_reply_and_next_read_were_lost() {
    let trap = Trap { call: Call::CreateRecord, nth: 1, moment: Moment::Before };
    let deed = Deed::Sicken(Sickness::DoesAndSays(503));
    perform_exactly(Choice { deed, trap, behaviour: Behaviour::SuccessA });
}

#[test]
fn a_vobiz_that_closes_each_connection_in_silence_sells_through_a_kill() {
    let trap = Trap { call: Call::Purchase, nth: 1, moment: Moment::After };
    perform_exactly(Choice { deed: Deed::Kill, trap, behaviour: Behaviour::ClosesAfterAnswers });
}

fn play(name: &str) {
    let scenario = scenarios::ALL.iter().find(|scenario| scenario.name == name).unwrap();
    let played = testbed::run(async { scenario.perform(bench().await).await });
    assert!(played.is_ok(), "{}", played.unwrap_err());
}

#[test]
fn two_operators_buy_each_number_once_and_one_of_many_claims_has_it() {
    play("two-operators");
}

#[test]
fn purchases_on_their_way_survive_a_restart_of_etcd_and_the_api_server() {
    play("etcd-and-api-server-restart");
}

#[test]
fn purchases_on_their_way_survive_a_restart_of_etcd() {
    play("etcd-restart");
}

#[test]
fn a_record_that_is_deleted_stays_while_money_may_be_at_stake() {
    play("record-deleted");
}

#[test]
fn a_lost_record_is_found_again_at_no_cost() {
    play("record-lost");
}

#[test]
fn a_record_lost_during_its_purchase_is_found_again_at_no_cost() {
    play("record-lost-in-flight");
}

#[test]
fn a_debit_that_is_all_that_is_left_needs_a_decision() {
    play("record-lost-after-a-debit-alone");
}

#[test]
fn a_record_restored_from_before_the_purchase_is_verified_and_not_sent() {
    play("record-restored-open");
}

#[test]
fn a_record_restored_from_a_failure_buys_nothing_with_its_unspent_token() {
    play("record-restored-failed");
}

#[test]
fn a_restored_record_buys_nothing_while_the_purchase_is_on_its_way() {
    play("record-restored-in-flight");
}

#[test]
fn a_debit_that_grew_old_during_an_outage_needs_a_decision_all_the_same() {
    play("debit-older-than-an-outage");
}

#[test]
fn a_debit_that_grew_old_during_a_hold_needs_a_decision_all_the_same() {
    play("debit-older-than-a-hold");
}

#[test]
fn a_refund_of_an_older_debit_acquits_no_newer_one() {
    play("refund-of-an-older-debit");
}

#[test]
fn a_named_purchase_explains_no_debit_without_a_number() {
    play("debit-beside-a-named-purchase");
}

#[test]
fn a_claim_that_is_changed_before_it_is_read_live_is_bought_as_it_is_then() {
    for call in [Call::CreateRecord, Call::ReadClaim] {
        let trap = Trap { call, nth: 1, moment: Moment::Before };
        perform_exactly(Choice { deed: Deed::ChangeClaim, trap, behaviour: Behaviour::SuccessA });
    }
}

#[test]
fn a_claim_paused_before_it_is_read_live_is_bought_after_the_pause() {
    for call in [Call::CreateRecord, Call::ReadClaim] {
        let trap = Trap { call, nth: 1, moment: Moment::Before };
        perform_exactly(Choice { deed: Deed::HoldClaim, trap, behaviour: Behaviour::SuccessA });
    }
}

#[test]
fn an_unnamed_debit_added_up_as_fractions_needs_a_decision() {
    let trap = Trap { call: Call::Purchase, nth: 1, moment: Moment::Withheld };
    let behaviour = Behaviour::DebitWithoutAssignmentUnnamedFractions;
    perform_exactly(Choice { deed: Deed::Kill, trap, behaviour });
}

#[test]
fn an_outcome_that_cannot_be_stored_is_told_and_tried_again_without_haste() {
    play("outcome-cannot-be-stored");
}

#[test]
fn an_intent_that_cannot_be_stored_is_told_and_tried_again_without_haste() {
    play("intent-cannot-be-stored");
}

#[test]
fn tokens_that_no_record_could_hold_are_ignored_and_said_to_be() {
    play("long-retry-tokens");
}

#[test]
fn an_outcome_that_cannot_be_stored_outlives_the_term_of_its_process() {
    play("outcome-outlives-its-term");
}

#[test]
fn a_settlement_that_cannot_be_stored_is_tried_again_without_haste() {
    play("settlement-cannot-be-stored");
}

#[test]
fn an_account_that_is_limited_costs_another_no_purchase() {
    play("one-account-is-limited");
}

#[test]
fn an_account_that_is_silent_costs_another_no_purchase() {
    play("one-account-is-silent");
}
