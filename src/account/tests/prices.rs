//! Prices, for the claims that have a ceiling, read from a simulated Vobiz.

use vobiz_sim::{HoldAt, InventoryNumber, Price};

use super::*;

#[tokio::test]
async fn an_inventory_that_hangs_keeps_only_those_waiting_that_need_a_price() {
    let mut reader = Reader::start(&[], Duration::from_hours(1), &BTreeSet::new()).await;
    reader.sim.admin().arm(FaultRule::new(Target::Inventory, Fault::NeverReply { commit: false }).forever());
    let request = EvidenceRequest::new(reader.clock.now(), [Source::Quote(NUMBER.parse().unwrap())]);
    let key = ObjectKey::claim("a", "b");
    reader.account.request(key, request);
    reader.until("the price is asked for", || reader.calls(Operation::Inventory, "search=") == 1).await;
    reader.look_up().await;
    reader.look_up().await;
    assert_eq!(reader.calls(Operation::Inventory, ""), 1);
}

#[tokio::test]
async fn an_inventory_that_fails_says_so_of_one_price_and_holds_nothing() {
    for fault in
        [Fault::status(500, "no"), Fault::MissingEndpoint, Fault::status(401, ""), Fault::status(403, "")]
    {
        let mut reader = Reader::start(&[], Duration::from_hours(1), &BTreeSet::new()).await;
        reader.sim.admin().arm(FaultRule::new(Target::Inventory, fault.clone()).forever());
        let quote = reader.quote().await;
        let QuoteRead::Unreadable(why) = quote else { panic!("{quote:?}") };
        assert!(why.contains("Vobiz"), "{fault:?}: {why}");
        assert_eq!(reader.account.gate(), Gate::Open, "{fault:?}");
    }
}

fn held(reader: &Reader) -> usize {
    let journal = reader.sim.admin().journal(&JournalFilter::default());
    journal.requests.iter().filter(|request| request.finished_at.is_none()).count()
}

/// Has the prices of numbers hang that a claim of each of these namespaces waits for.
fn hang(reader: &Reader, namespaces: &[&str]) {
    let since = reader.clock.now();
    for (index, namespace) in namespaces.iter().enumerate() {
        let other = format!("+91998877{index:04}");
        let hold = Fault::Hold { at: HoldAt::Before };
        reader.sim.admin().arm(FaultRule::new(Target::Inventory, hold).e164(&other));
        let source = Source::Quote(other.parse().unwrap());
        reader.account.request(ObjectKey::claim(namespace, &other), EvidenceRequest::new(since, [source]));
    }
}

#[tokio::test]
async fn a_price_whose_turn_has_come_waits_for_no_other() {
    let reader = Reader::start(&[], Duration::from_hours(1), &BTreeSet::new()).await;
    let since = reader.clock.now();
    hang(&reader, &["hung"; 3]);
    reader.until("two are read", || held(&reader) == 2).await;
    reader.sim.admin().put_number(InventoryNumber::new(NUMBER, "INR", 50, 2)).unwrap();
    let e164 = NUMBER.parse().unwrap();
    timeout(PATIENCE, reader.account.read_price(e164)).await.expect("it waits for the others");
    let read = reader.account.evidence(e164).quote;
    assert!(matches!(read.since(since), Fresh::Value(_, QuoteRead::Offers(offers)) if offers.len() == 1));
}

#[tokio::test]
async fn prices_that_hang_in_one_namespace_keep_no_other_waiting() {
    let mut reader = Reader::start(&[], Duration::from_hours(1), &BTreeSet::new()).await;
    hang(&reader, &["hung"; 3]);
    reader.until("two are read", || held(&reader) == 2).await;
    for _ in 0..2 {
        reader.quote().await;
    }
    assert_eq!(held(&reader), 2);
}

#[tokio::test]
async fn prices_that_hang_in_three_namespaces_keep_a_fourth_waiting_for_seconds() {
    let mut reader = Reader::start(&[], Duration::from_hours(1), &BTreeSet::new()).await;
    // All come before any is read: of none is it known yet that it hangs.
    hang(&reader, &["one", "two", "three"]);
    let key = ObjectKey::claim("fourth", "x");
    let source = Source::Quote(NUMBER.parse().unwrap());
    reader.account.request(key.clone(), EvidenceRequest::new(reader.clock.now(), [source]));
    // A call that hangs is given up after 15 s, and its claim woken.
    let first = loop {
        match reader.woken.recv().await {
            Some(Woken::Object(woken)) if woken.namespace().is_some() => break woken,
            _ => {}
        }
    };
    assert_eq!(first, key);
}

#[tokio::test]
async fn a_price_is_that_of_exactly_this_number_in_each_currency() {
    let mut reader = Reader::start(&[], Duration::from_hours(1), &BTreeSet::new()).await;
    let in_dollars = Price { currency: "USD".into(), setup_fee: 1.into(), monthly_fee: 3.into() };
    let listed =
        InventoryNumber { also_listed: vec![in_dollars], ..InventoryNumber::new(NUMBER, "INR", 50, 2) };
    reader.sim.admin().put_number(listed).unwrap();
    // Longer ones that contain its digits, and that come before it.
    for digit in 0..3 {
        let longer = format!("{NUMBER}{digit}");
        reader.sim.admin().put_number(InventoryNumber::new(longer, "INR", 1, 1)).unwrap();
    }
    let quote = reader.quote().await;
    let QuoteRead::Offers(offers) = quote else { panic!("{quote:?}") };
    let mut fees: Vec<_> = offers.iter().map(|offer| offer.monthly_fee.unwrap().to_string()).collect();
    fees.sort();
    assert_eq!(fees, ["2", "3"]);
}
