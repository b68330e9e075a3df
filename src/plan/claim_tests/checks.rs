//! What holds a purchase back, and what then wakes its claim.

use super::*;

#[test]
fn between_clocks_that_disagree_nothing_is_attempted() {
    for (clocks, waits) in [
        (Clocks::default(), false),
        (clocks(0, 0), false),
        (clocks(10, -10), false),
        (clocks(15, 0), true),
        (clocks(-15, 0), true),
        (clocks(0, 15), true),
        (Clocks { vobiz: None, ..clocks(0, -15) }, true),
    ] {
        let failed = record(attempt(AttemptState::Failed, Some(Outcome::NotSent)));
        let owned = Evidence { search: listed(at(1)), ..clear(at(1)) };
        for given in [
            Given { clocks, ..Given::default() },
            Given { clocks, evidence: owned, ..Given::default() },
            Given { clocks, evidence: Evidence::default(), ..Given::default() },
            Given { clocks, record: Some(failed), ..Given::default() },
        ] {
            let step = given.step();
            assert_eq!(step == ClaimStep::Await(Wake::ClocksAgree), waits, "{clocks:?}: {step:?}");
        }
        let bound = of("a", "x", AttemptState::Bound);
        let inherits =
            Given { clocks, record: Some(bound), liveness: ClaimLiveness::Gone, ..Given::default() };
        assert_eq!(inherits.step(), ClaimStep::Bind, "{clocks:?}");
    }
}

#[test]
fn a_wait_within_this_process_is_as_long_however_the_wall_clock_is_set() {
    for hours in [-3, 0, 3] {
        let set =
            |moment: Moment| Moment { wall: moment.wall + jiff::SignedDuration::from_hours(hours), ..moment };
        let waits = |now: Moment, hold: bool| {
            Given::default().with(|observed| {
                (observed.hold_until, observed.not_before) =
                    (hold.then_some(at(60)), (!hold).then_some(at(60)));
                match step(observed, now) {
                    ClaimStep::Await(Wake::At(until)) => Some(now.until(until).as_secs()),
                    _ => None,
                }
            })
        };
        for hold in [true, false] {
            assert_eq!(waits(set(at(2)), hold), Some(58), "{hours}");
            assert_eq!(waits(set(at(60)), hold), None, "{hours}");
        }
    }
}

#[test]
fn while_purchases_are_limited_a_claim_looks_and_adopts_and_sends_nothing() {
    let held = |cause| Gate::Closed(cause, "429".into());
    let owned = || Evidence { search: listed(at(1)), ..clear(at(1)) };
    for (cause, looks) in [
        (GateCause::PurchasesLimited, true),
        (GateCause::RateLimited, false),
        (GateCause::Credentials, false),
        (GateCause::Unavailable, false),
    ] {
        let step = |evidence| Given { gate: held(cause), evidence, ..Given::default() }.step();
        assert_eq!(step(clear(at(1))), ClaimStep::Await(Wake::GateOpens), "{cause:?}");
        assert_eq!(
            matches!(step(Evidence::default()), ClaimStep::Await(Wake::Evidence(_))),
            looks,
            "{cause:?}"
        );
        assert_eq!(matches!(step(owned()), ClaimStep::OpenUnsent(_)), looks, "{cause:?}");
    }
}

#[test]
fn a_held_account_and_a_hold_keep_a_purchase_back() {
    let gate = Gate::Closed(GateCause::Unavailable, "500".into());
    assert_eq!(Given { gate, ..Given::default() }.step(), ClaimStep::Await(Wake::GateOpens));
    let held = Given::default().with(|observed| {
        observed.hold_until = Some(at(9));
        step(observed, at(2))
    });
    assert_eq!(held, ClaimStep::Await(Wake::At(at(9))));
}

#[test]
fn what_was_read_during_a_wait_is_read_again_afterwards() {
    let waited = |look: &dyn Fn(&mut ClaimObserved<'_>)| {
        Given { evidence: clear(at(3)), ..Given::default() }.with(|observed| {
            look(observed);
            step(observed, at(5))
        })
    };
    for until in [at(3), at(4)] {
        let held = waited(&|observed| observed.hold_until = Some(until));
        let vanished = waited(&|observed| observed.not_before = Some(until));
        for step in [held, vanished] {
            let expected = if until == at(3) {
                ClaimStep::Purchase(intent())
            } else {
                // A day, and what the clocks may differ.
                let from = at(1).wall.saturating_sub(Duration::from_mins(24 * 60 + 10)).unwrap();
                let since = Moment { mono: until.mono, ..at(1) };
                let search = Source::Search(NUMBER.parse().unwrap());
                let request = EvidenceRequest::new(since, [search, Source::LedgerSoFar { from }]);
                ClaimStep::Await(Wake::Evidence(request))
            };
            assert_eq!(step, expected);
        }
    }
}

#[test]
fn a_claim_that_is_told_of_a_held_account_is_woken_when_it_opens() {
    use GateCause::{Credentials, PurchasesLimited, RateLimited, Unavailable};
    for cause in [Credentials, RateLimited, Unavailable, PurchasesLimited] {
        for (hold, back_off) in [(None, None), (Some(at(9)), None), (None, Some(at(9)))] {
            let gate = Gate::Closed(cause, "500".into());
            let decision = Given { gate, ..Given::default() }.with(|observed| {
                (observed.hold_until, observed.not_before) = (hold, back_off);
                decide(observed, at(2))
            });
            let told = decision.told.is_some_and(|told| told.reason.holds_the_account());
            let woken = matches!(decision.step, ClaimStep::Await(Wake::GateOpens | Wake::GateOpensOr(_)));
            assert!(told && woken, "{cause:?}, hold {hold:?}, back-off {back_off:?}");
        }
    }
}

#[test]
fn refused_credentials_are_put_right_where_they_stand() {
    for (declared, parts, never) in [
        (None, ["VOBIZ_AUTH_TOKEN", "of the account ("], "VobizAccount"),
        (Some("blue"), ["VobizAccount blue", "tokenSecretRef"], "VOBIZ_AUTH"),
    ] {
        let gate = Gate::Closed(GateCause::Credentials, "401".into());
        let told = Given { gate, ..Given::default() }.with(|observed| {
            observed.served.declared = declared.map(str::to_owned);
            decide(observed, at(2)).told.unwrap()
        });
        assert!(parts.iter().all(|part| told.message.contains(part)), "{}", told.message);
        assert!(!told.message.contains(never), "{}", told.message);
    }
}
