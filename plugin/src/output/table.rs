//! Tables as kubectl prints them: upper-case headers, three spaces between columns, no lines.

use std::fmt::Write as _;

use anstyle::Style;

/// What stands between two columns, and where there is little room.
const GAP: usize = 3;
const NARROW_GAP: usize = 2;

/// A table, column by column.
#[derive(Debug)]
pub(crate) struct Table {
    columns: Vec<Column>,
    gap: usize,
}

impl Default for Table {
    fn default() -> Self {
        Self { columns: Vec::new(), gap: GAP }
    }
}

/// A column: its header, a cell for each row, and how much it would be missed.
#[derive(Debug)]
pub(crate) struct Column {
    header: &'static str,
    cells: Vec<Cell>,
    /// On a terminal that is too narrow the column with the least number stays longest; 0 always.
    dispensable: u8,
}

/// Something short, with the style that it has on a terminal.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cell {
    text: String,
    style: Style,
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self { text, style: Style::new() }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl Cell {
    /// The same in a style.
    pub(crate) fn styled(self, style: Style) -> Self {
        Self { style, ..self }
    }
}

impl Column {
    pub(crate) fn new(header: &'static str, cells: Vec<Cell>) -> Self {
        Self { header, cells, dispensable: 0 }
    }

    /// The same, left out on narrow terminals.
    pub(crate) fn dispensable(self, rank: u8) -> Self {
        Self { dispensable: rank, ..self }
    }

    fn width(&self, headers: bool) -> usize {
        let cells = self.cells.iter().map(|cell| width(&cell.text)).max().unwrap_or_default();
        if headers { cells.max(self.header.len()) } else { cells }
    }
}

impl Table {
    pub(crate) fn push(&mut self, column: Column) {
        self.columns.push(column);
    }

    /// Makes the table fit into a terminal of this width: with narrower gaps, and without what has
    /// no room. Returns the headers of that.
    pub(crate) fn fit(&mut self, room: usize, headers: bool) -> Vec<&'static str> {
        if self.width(headers) <= room {
            return Vec::new();
        }
        self.gap = NARROW_GAP;
        let needed = self.columns.iter().filter(|column| column.dispensable == 0);
        let mut used: usize = needed.map(|column| column.width(headers) + self.gap).sum();
        let mut others: Vec<usize> =
            (0..).zip(&self.columns).filter(|(_, it)| it.dispensable > 0).map(|(i, _)| i).collect();
        others.sort_by_key(|index| self.columns.get(*index).map(|column| column.dispensable));
        let mut kept = std::collections::BTreeSet::new();
        for index in others {
            let width = self.columns.get(index).map_or(0, |column| column.width(headers));
            // The last gap is none.
            if used + width <= room {
                used += width + self.gap;
                kept.insert(index);
            }
        }
        let mut left_out = Vec::new();
        let mut index = 0;
        self.columns.retain(|column| {
            let keep = column.dispensable == 0 || kept.contains(&index);
            if !keep {
                left_out.push(column.header);
            }
            index += 1;
            keep
        });
        left_out
    }

    /// How wide it is.
    pub(crate) fn width(&self, headers: bool) -> usize {
        let gaps = self.gap * self.columns.len().saturating_sub(1);
        self.columns.iter().map(|column| column.width(headers)).sum::<usize>() + gaps
    }

    /// The text, a line for each row; the last column is not filled up.
    pub(crate) fn text(&self, headers: bool) -> String {
        let widths: Vec<usize> = self.columns.iter().map(|column| column.width(headers)).collect();
        let rows = self.columns.iter().map(|column| column.cells.len()).max().unwrap_or_default();
        let mut text = String::with_capacity((rows + 1) * (self.width(headers) + 1));
        if headers {
            let header = self.columns.iter().map(|column| (column.header, Style::new()));
            line(&mut text, header, &widths, self.gap);
        }
        let none = Cell::default();
        for row in 0..rows {
            let cells = self.columns.iter().map(|column| {
                let cell = column.cells.get(row).unwrap_or(&none);
                (cell.text.as_str(), cell.style)
            });
            line(&mut text, cells, &widths, self.gap);
        }
        text
    }
}

fn line<'a>(
    to: &mut String,
    cells: impl Iterator<Item = (&'a str, Style)>,
    widths: &[usize],
    gap: usize,
) {
    let mut pending = 0;
    for ((text, style), wanted) in cells.zip(widths) {
        // Spaces are owed until there is something to the right of them.
        let filled = width(text);
        if filled > 0 {
            let _ = write!(to, "{:pending$}", "");
            pending = 0;
            if style == Style::new() {
                to.push_str(&printable(text));
            } else {
                let _ = write!(to, "{style}{}{style:#}", printable(text));
            }
        }
        pending += wanted.saturating_sub(filled) + gap;
    }
    to.push('\n');
}

/// Characters, as a terminal counts nearly all that names and reasons are made of.
fn width(text: &str) -> usize {
    text.chars().count()
}

/// Text from a cluster may hold what a terminal obeys.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use anstyle::AnsiColor;

    use super::*;

    fn table() -> Table {
        let column = |header, cells: &[&str]| {
            Column::new(header, cells.iter().map(|cell| Cell::from(*cell)).collect())
        };
        let mut table = Table::default();
        table.push(column("NAME", &["a", "a-long-name"]));
        table.push(column("STORE", &["", "main"]).dispensable(1));
        table.push(column("AGE", &["5m", ""]).dispensable(2));
        table
    }

    #[test]
    fn columns_are_aligned_and_lines_have_no_tail() {
        assert_eq!(
            table().text(true),
            "NAME          STORE   AGE\na                     5m\na-long-name   main\n"
        );
        assert_eq!(table().text(false), "a                    5m\na-long-name   main\n");
    }

    #[test]
    fn a_narrow_terminal_loses_the_least_first() {
        let mut table = table();
        assert!(table.fit(25, true).is_empty());
        assert_eq!(table.fit(24, true), [] as [&str; 0]);
        assert_eq!(
            table.text(true),
            "NAME         STORE  AGE\na                   5m\na-long-name  main\n"
        );
        assert_eq!(table.fit(22, true), ["AGE"]);
        assert_eq!(table.fit(3, true), ["STORE"]);
        assert_eq!(table.text(true), "NAME\na\na-long-name\n");
    }

    #[test]
    fn styles_take_no_room_and_control_characters_are_shown() {
        let mut table = Table::default();
        let red = Cell::from("no").styled(AnsiColor::Red.on_default());
        table.push(Column::new("A", vec![red, "\u{1b}[2J".into()]));
        table.push(Column::new("B", vec!["x".into(), "y".into()]));
        let plain = anstream::adapter::strip_str(&table.text(true)).to_string();
        assert_eq!(plain, "A      B\nno     x\n\u{fffd}[2J   y\n");
    }
}
