//! Searches for so few digits that they find half of the account.

use super::*;

#[tokio::test]
async fn searches_that_find_too_much_become_one_listing_for_all() {
    let mut reader = Reader::start(&[], Duration::from_hours(1), &BTreeSet::new()).await;
    for index in 150..1000 {
        reader.sim.admin().put_owned(OwnedNumber::new(format!("+4930{index:07}"), ACCOUNT)).unwrap();
    }
    let ask = |key: &str, source| {
        let since = reader.clock.now();
        reader.account.request(ObjectKey::Record(key.into()), EvidenceRequest::new(since, [source]));
        since
    };
    ask("all", Source::Listing);
    while reader.woken.recv().await != Some(Woken::Object(ObjectKey::Record("all".into()))) {}
    let before = reader.calls(Operation::List, "");
    let short = ["+49", "+493", "+4930", "+49300", "+493000"];
    let asked = short.map(|number| (number, ask(number, Source::Search(number.parse().unwrap()))));
    for (number, since) in asked {
        reader.woken.recv().await;
        let listing = reader.account.evidence(number.parse().unwrap()).listing;
        assert!(matches!(listing.since(since), Fresh::Value(..)), "{number}");
    }
    // Two pages of each search, and the ten of one listing.
    assert_eq!(reader.calls(Operation::List, "") - before, 5 * 2 + 10);
}
