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
    pub(crate) fn of(items: Vec<Item<'a>>, page: Page) -> Self {
        let total = items.len();
        Self { items: page.cut(items), page: page.page, per_page: page.per_page, total }
    }
}

pub(crate) fn answer(world: &World, account: &str, params: &Params, view: View) -> Reply {
    let search = params.get("search").unwrap_or_default();
    let items = world
        .numbers
        .values()
        .filter(|number| number.listed.e164.contains(search))
        .filter_map(|number| {
            let owner = view.owner(number).filter(|owner| world.lists(account, owner))?;
            Some(Item::owned(number, owner))
        })
        .collect();
    Reply::json(200, &Listing::of(items, Page::of_numbers(params)))
}
