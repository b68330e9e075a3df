//! When a claim is told what it waits for.

use super::*;

fn is_told_after(given: &Given, seconds: u64) {
    let told = |millis| given.tell(moment(0).plus(Duration::from_millis(millis))).is_some();
    assert_eq!([told(seconds * 1000 - 1), told(seconds * 1000)], [false, true], "{seconds}");
}

#[test]
fn a_first_turn_is_told_the_later_the_more_claims_are_in_line() {
    for (line_length, seconds) in [(0, 60), (600, 120), (2_390, 299), (100_000, 300), (usize::MAX, 300)] {
        is_told_after(&Given { line_length, ..Given::default() }, seconds);
        is_told_after(&Given { line_length, evidence: Evidence::default(), ..Given::default() }, seconds);
    }
}

#[test]
fn all_else_is_worth_a_write_after_five_seconds_however_many_are_in_line() {
    let told_before = of(&bound(NumberStatus::Active, Ownership::Owned)).tell(moment(0)).unwrap().0;
    let again = PhoneNumberClaim { status: Some(told_before), ..wish() };
    for given in [
        Given { claim: again, ..Given::default() },
        Given { refused: Some("no"), ..Given::default() },
        Given { hold_until: Some(moment(900)), ..Given::default() },
        Given { handled: Some("a look that was asked for"), ..Given::default() },
    ] {
        is_told_after(&Given { line_length: 600, ..given }, 5);
    }
}
