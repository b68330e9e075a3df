//! Tables for people: no wider than 100 columns.

use anstyle::Style;
use comfy_table::{CellAlignment, ContentArrangement, Table, presets::NOTHING};

const WIDEST: u16 = 100;

/// A heading, and whether what stands below it is a sum.
pub type Heading = (&'static str, bool);

/// A table with a heading that stands out on a terminal.
pub fn table<const N: usize>(headings: [Heading; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let mut table = Table::new();
    table.load_preset(NOTHING).set_content_arrangement(ContentArrangement::Dynamic).set_width(WIDEST);
    table.set_header(headings.map(|(name, _)| name));
    table.add_rows(rows);
    for (column, (_, is_sum)) in table.column_iter_mut().zip(headings) {
        column.set_padding((0, 2));
        if is_sum {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let text = table.trim_fmt();
    let (first, rest) = text.split_once('\n').unwrap_or((&text, ""));
    let bold = Style::new().bold();
    format!("{bold}{first}{bold:#}\n{rest}\n")
}

/// What is not known, or not there.
pub fn or_dash(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "-".into(), |value| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_no_wider_than_100_columns_and_loses_no_word() {
        let (long, short) = ("x".repeat(130), "+911234500000".to_owned());
        let text =
            table([("NUMBER", false), ("CLAIM", false), ("MONTHLY", true)], [[short, long, "2".into()]]);
        let text = anstream::adapter::strip_str(&text).to_string();
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
        assert_eq!(text.matches('x').count(), 130, "{text}");
    }

    #[test]
    fn a_table_is_written_like_kubectls() {
        let rows = [["+12", "2"], ["+919876543210", "500.00"]].map(|row| row.map(str::to_owned));
        let text = table([("NUMBER", false), ("MONTHLY", true)], rows);
        let text = anstream::adapter::strip_str(&text).to_string();
        assert_eq!(text, "NUMBER         MONTHLY\n+12                  2\n+919876543210   500.00\n");
    }
}
