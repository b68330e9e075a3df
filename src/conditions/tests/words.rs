//! The messages: what happened, Vobiz's own words, what to do next.

use super::*;

#[test]
fn what_became_of_a_number_is_told_with_the_way_out() {
    let forget = "kubectl annotate phonenumber/911234500000 telephony.vobiz.ai/forget=true";
    let mut adopted = bound(NumberStatus::PendingRelease, Ownership::Absent);
    adopted.spec.attempt.origin = Origin::Adoption;
    let mut failed =
        record(AttemptState::Failed, Origin::Purchase, Some(answer(Outcome::NotFound, 404, None)));
    failed.status = bound_under("SA_2").status;
    let mut undecided = record(AttemptState::NeedsDecision, Origin::Purchase, None);
    undecided.status = bound_under("SA_2").status;
    undecided.spec.attempt.unexplained_debits =
        vec![Debit { id: "t".into(), amount: None, currency: None, at: None }];
    for (record, parts, never) in [
        (bound_under("SA_2"), vec!["was bought", "under the account SA_2", "MA_1", forget], "no longer"),
        (bound(other("suspended"), Ownership::Undecided), vec!["\"suspended\"", "ask Vobiz"], "forget"),
        (bound(NumberStatus::PendingPurchase, Ownership::Owned), vec!["pending_purchase"], "forget"),
        (
            bound(NumberStatus::Active, Ownership::Absent),
            vec!["was bought", "Two full listings", forget],
            "released",
        ),
        (adopted, vec!["adopted, and not bought", "being released", "a new claim", forget], "was bought."),
        (failed, vec!["neither bought", "SA_2", "telephony.vobiz.ai/retry"], "kubectl delete"),
        (undecided, vec!["transaction t", "SA_2", "telephony.vobiz.ai/retry"], "kubectl delete"),
    ] {
        let message = message(&record);
        assert!(parts.iter().all(|part| message.contains(part)), "{parts:?}: {message}");
        assert!(!message.contains(never), "{never}: {message}");
    }
}

#[test]
fn a_claim_is_told_no_other_namespaces_claims_and_its_own_ones_by_name() {
    let mut claim = wish();
    claim.metadata.namespace = Some("ours".into());
    let mut record = bound(NumberStatus::Active, Ownership::Owned);
    let mut message = |namespace: &str, with| {
        let of = ClaimRef { namespace: namespace.into(), name: "secret".into(), uid: "u".into() };
        record.spec.claim_ref = Some(of);
        let relation = Some(Relation::Conflict(with));
        Given { relation, claim: claim.clone(), ..self::of(&record) }.message()
    };
    assert!(message("ours", ConflictWith::Claim).contains("ours/secret"));
    let failure = ConflictWith::Failure(Some(moment(60).wall));
    let told = message("ours", failure);
    assert!(told.contains("ours/secret") && told.contains("from 2026-01-02T03:05:05Z on"), "{told}");
    for with in [ConflictWith::Claim, failure, ConflictWith::Namespace, ConflictWith::Account] {
        let message = message("theirs", with);
        assert!(!message.contains("secret") && !message.contains("theirs"), "{message}");
    }
}

#[test]
fn a_claim_shows_the_balance_only_where_it_falls_short() {
    use AttemptState::{Failed, Open};
    let (short, enough) = (Some(Funds::Insufficient), Some(Funds::Sufficient));
    for (state, outcome, status, funds, required, shown) in [
        (Failed, Outcome::PaymentFailed, 402, short, Some("52"), true),
        (Failed, Outcome::PaymentFailed, 500, short, Some("52"), true),
        (Open, Outcome::PaymentFailed, 500, enough, Some("12"), false),
        (Failed, Outcome::PaymentFailed, 500, enough, Some("12"), false),
        (Failed, Outcome::PaymentFailed, 402, enough, Some("12"), false),
        (Failed, Outcome::PaymentFailed, 500, Some(Funds::Unknown), None, false),
        (Open, Outcome::Unknown, 502, None, Some("12"), false),
    ] {
        let required = required.map(|sum| sum.parse().unwrap());
        let mut record =
            record(state, Origin::Purchase, Some(Answer { required, ..answer(outcome, status, funds) }));
        assert_eq!(message(&record).contains("12.50"), shown, "{outcome:?} {status}: {}", message(&record));
        set_record_conditions(&mut record, None, TIMEOUTS, at(20));
        let conditions = record.status.unwrap().conditions;
        assert!(conditions[0].message.contains("12.50"), "{}", conditions[0].message);
    }
}

#[test]
fn a_short_balance_gives_both_sums_and_a_decision_the_command() {
    let short = answer(Outcome::PaymentFailed, 402, Some(Funds::Insufficient));
    let short = message(&record(AttemptState::Failed, Origin::Purchase, Some(short)));
    for part in ["52 INR", "12.50 INR", "\"words\"", "telephony.vobiz.ai/retry="] {
        assert!(short.contains(part), "{short}");
    }
    let undecided = record(AttemptState::NeedsDecision, Origin::Purchase, None);
    let command = format!("telephony.vobiz.ai/retry={}", undecided.spec.attempt.id);
    assert!(message(&undecided).contains(&command));
}

#[test]
fn what_is_waited_for_is_said() {
    let (hold, vanished) = (Some(moment(100)), Some(moment(100)));
    let refused = Some("the API server refused: no");
    let says = |given: Given, part| {
        let (status, reason) = given.tell(moment(61)).unwrap();
        let message = &status.conditions[0].message;
        assert!(reason == Reason::Purchasing && message.contains(part), "{message}");
    };
    says(Given { hold_until: hold, ..Given::default() }, "--hold-purchases");
    says(Given { evidence: Evidence::default(), ..Given::default() }, "whether the account owns the number");
    says(Given { not_before: vanished, ..Given::default() }, "2026-01-02T03:05:45Z");
    says(Given::default(), "rate limit");
    says(Given { refused, ..Given::default() }, "the API server refused: no");
    says(Given { refused, record: Some(handed_over()), ..Given::default() }, "cannot be bound to the record");
}

#[test]
fn a_decision_about_many_debits_has_a_message_that_can_be_stored() {
    let claim = wish();
    let mut record = record(AttemptState::NeedsDecision, Origin::Purchase, None);
    let debit =
        |id: usize| Debit { id: format!("t{id}"), amount: "52".parse().ok(), currency: None, at: None };
    record.spec.attempt.unexplained_debits = (0..10_000).map(debit).collect();
    let (status, _) = Given { claim: claim.clone(), ..of(&record) }.tell(moment(20)).unwrap();
    let message = &status.conditions[0].message;
    assert!(message.contains("transaction t4), and 9995 more") && message.len() < 2_000, "{message}");
    let debits = record.spec.attempt.unexplained_debits.clone();
    Change::AskForDecision { debits, ownership: Ownership::Absent, owner: None }.apply(&mut record, at(20));
    assert_eq!(record.spec.attempt.unexplained_debits.len(), 50);
    let (status, _) = Given { claim: claim.clone(), ..of(&record) }.tell(moment(20)).unwrap();
    assert!(status.conditions[0].message.contains("and 9995 more"), "{:?}", status.conditions[0]);
}

#[test]
fn a_purchase_that_could_not_be_looked_up_says_so() {
    let message = |ownership| message(&bound(NumberStatus::Active, ownership));
    assert!(message(Ownership::Unverifiable).contains("offers no list"));
    assert!(!message(Ownership::Owned).contains("offers no list"));
}

#[test]
fn no_message_outgrows_what_can_be_stored_many_times() {
    let words = Answer { message: Some("\u{1f4de}".repeat(10_000)), ..answer(Outcome::Rejected, 409, None) };
    let claim = wish();
    let record = record(AttemptState::Failed, Origin::Purchase, Some(words));
    let (status, _) = Given { claim: claim.clone(), ..of(&record) }.tell(moment(60)).unwrap();
    assert!(status.conditions.iter().all(|condition| condition.message.len() <= 4096));
}

#[test]
fn a_claim_is_told_that_its_token_is_too_long_and_what_to_type() {
    let mut claim = wish();
    let token = |length| Some([(crate::api::RETRY_ANNOTATION.to_owned(), "x".repeat(length))].into());
    for (state, command) in
        [(AttemptState::Failed, "retry=\"$(date +%s)\"."), (AttemptState::NeedsDecision, "retry=07070707")]
    {
        let record = record(state, Origin::Purchase, Some(answer(Outcome::NotFound, 404, None)));
        for (length, told) in [(253, false), (254, true)] {
            claim.metadata.annotations = token(length);
            let (status, _) = Given { claim: claim.clone(), ..of(&record) }.tell(moment(60)).unwrap();
            let message = &status.conditions[0].message;
            assert_eq!(message.contains("longer than 253 bytes and is ignored"), told, "{message}");
            assert!(message.contains(command) || !told, "{message}");
        }
    }
}

#[test]
fn what_was_bought_beside_the_record_of_another_account_is_told_with_both() {
    let sent = record(AttemptState::Open, Origin::Purchase, None);
    let forget =
        "(kubectl annotate phonenumber/911234500000 telephony.vobiz.ai/forget=true && kubectl delete";
    for (bought, state, parts) in [
        (
            true,
            AttemptState::Failed,
            ["is bought with the account MA_1", "(kubectl delete phonenumber/911234500000)"],
        ),
        (
            false,
            AttemptState::Failed,
            ["outcome is not certain", "(kubectl delete phonenumber/911234500000)"],
        ),
        // A deletion of these alone would wait for ever.
        (true, AttemptState::NeedsDecision, ["is bought", forget]),
        (true, AttemptState::Bound, ["is bought", forget]),
        (true, AttemptState::Open, ["wait until the purchase in that record is settled", forget]),
    ] {
        let mut found = record(state, Origin::Purchase, None);
        found.spec.account = "MA_2".parse().unwrap();
        let message = crate::conditions::recorded_elsewhere(&sent, bought, &found);
        for part in parts.into_iter().chain(["with the account MA_2"]) {
            assert!(message.contains(part), "{state:?} {part}: {message}");
        }
    }
}
