//! What the inventory says of one number.

use super::{
    error::ReadError,
    reader::{Read, Reader, first_pages},
};
use crate::domain::{E164, ListedNumber};

/// A price is looked for on so many pages of numbers that contain its number's digits: without it nothing is bought, and no
/// other list has it.
const PAGES: usize = 20;

impl Reader {
    /// The inventory's row for this number, if it is in stock.
    ///
    /// # Errors
    /// If a page cannot be had or read, or too many numbers in stock contain this one's digits.
    pub async fn search_inventory(&self, e164: E164) -> Result<Option<ListedNumber>, ReadError> {
        let rows = self.search(Read::Inventory, e164).await?;
        let rows = rows.ok_or_else(too_many)?;
        Ok(rows.into_iter().find(|row| row.e164 == e164).map(|row| *row))
    }

    /// The inventory's rows of exactly this number: one for each currency in which it is offered, none if it is not in
    /// stock.
    ///
    /// # Errors
    /// If a page cannot be had or read, or there are too many for the number's absence to be proven.
    pub async fn offers(&self, e164: E164) -> Result<Vec<ListedNumber>, ReadError> {
        let page = |page| self.numbers_page(Read::Inventory, page, Some(e164));
        let listed = first_pages(PAGES, page).await?.ok_or_else(too_many)?;
        let is_whole = listed.is_whole();
        let rows: Vec<_> = listed.rows().into_iter().filter(|row| row.e164 == e164).map(|row| *row).collect();
        if rows.is_empty() && !is_whole {
            return Err(ReadError::unreadable("list shorter than its total"));
        }
        Ok(rows)
    }
}

fn too_many() -> ReadError {
    ReadError::Failed("half of the stock contains these digits".into())
}
