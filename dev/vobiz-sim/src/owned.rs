//! `GET …/numbers`: the numbers of an account, and those of its sub-accounts.

use serde::Serialize;

use crate::{
    paging::Page,
    params::Params,
    reply::Reply,
    shapes::Item,
    world::{View, World},
};

/// A page of numbers, of either list.
#[derive(Serialize)]
pub(crate) struct Listing<'a> {
    pub(crate) items: Vec<Item<'a>>,
    pub(crate) page: usize,
    pub(crate) per_page: usize,
    pub(crate) total: usize,
}

impl<'a> Listing<'a> {
    /// Makes only the items of the page: an account may have a thousand pages.
    pub(crate) fn of<T>(rows: Vec<T>, page: Page, item: impl Fn(T) -> Item<'a>) -> Self {
        let total = rows.len();
        let items = page.cut(rows).into_iter().map(item).collect();
        Self { items, page: page.page, per_page: page.per_page, total }
    }
}

pub(crate) fn answer(world: &World, account: &str, params: &Params, view: View) -> Reply {
    let search = params.get("search").unwrap_or_default();
    let owned = world
        .numbers
        .values()
        .filter(|number| has(&number.listed.e164, search))
        .filter_map(|number| {
            let owner = view.owner(number).filter(|owner| world.lists(account, owner))?;
            Some((number, owner))
        })
        .collect();
    let listing = Listing::of(owned, Page::of_numbers(params), |(number, owner)| Item::owned(number, owner));
    Reply::json(200, &listing)
}

/// Whether a number contains what is searched for. A whole number is compared at once: a look for each claim of a burst goes through all
/// that the account has.
fn has(e164: &str, search: &str) -> bool {
    if e164.len() > search.len() { e164.contains(search) } else { e164 == search }
}
