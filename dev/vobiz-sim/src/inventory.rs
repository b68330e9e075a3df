//! `GET …/inventory/numbers`: the numbers for sale.

use crate::{
    kept::Number,
    owned::Listing,
    paging::Page,
    params::Params,
    reply::Reply,
    shapes::Item,
    world::{View, World},
};

pub(crate) fn answer(world: &World, params: &Params, view: View) -> Reply {
    let country = params.get("country");
    let search = params.get("search").unwrap_or_default();
    let excluded: Vec<&str> = params.all("exclude").flat_map(|list| list.split(',')).collect();
    let wanted = |number: &&Number| {
        (number.is_for_sale() || (number.owner.is_some() && view.owner(number).is_none()))
            && country.is_none_or(|country| number.listed.country.eq_ignore_ascii_case(country))
            && number.listed.e164.contains(search)
            && !excluded.iter().any(|prefix| has_prefix(number, prefix))
    };
    let offers = world
        .numbers
        .values()
        .filter(wanted)
        .flat_map(|number| number.prices().map(move |price| (number, price)))
        .collect();
    let listing =
        Listing::of(offers, Page::of_numbers(params), |(number, price)| Item::for_sale(number, &price));
    Reply::json(200, &listing)
}

/// Whether the number starts with a prefix, which has the country's code and perhaps a `+`.
fn has_prefix(number: &Number, prefix: &str) -> bool {
    let digits = prefix.trim().trim_start_matches('+');
    !digits.is_empty() && number.listed.e164.trim_start_matches('+').starts_with(digits)
}
