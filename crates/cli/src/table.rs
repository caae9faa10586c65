//! Tables for people, in columns of even width.

use astralform_domain::texts::with_hidden_shown;

/// A table whose rows come a page at a time: columns only grow.
pub(crate) struct Pages<const N: usize> {
    /// Nothing once they are shown.
    headings: Option<[String; N]>,
    widths: [usize; N],
}

impl<const N: usize> Pages<N> {
    pub(crate) fn new(headings: [&str; N]) -> Self {
        Self { headings: Some(headings.map(str::to_owned)), widths: [0; N] }
    }

    /// Returns rows as lines, the first ones under the headings; nothing of a cell moves a
    /// terminal's cursor.
    pub(crate) fn page(&mut self, rows: &[[String; N]]) -> String {
        let headings = self.headings.take();
        let rows = headings.iter().chain(rows);
        let rows: Vec<_> = rows.map(|row| row.each_ref().map(|cell| plain(cell))).collect();
        for row in &rows {
            for (width, cell) in self.widths.iter_mut().zip(row) {
                *width = cell.chars().count().max(*width);
            }
        }
        let mut lines = Vec::new();
        for row in &rows {
            let cells = row.iter().zip(self.widths);
            let cells = cells.map(|(cell, width)| format!("{cell:width$}"));
            lines.push(cells.collect::<Vec<_>>().join("  ").trim_end().to_owned());
        }
        lines.join("\n")
    }

    /// Returns whether no row has come yet.
    pub(crate) fn is_empty(&self) -> bool {
        self.headings.is_some()
    }
}

/// Returns rows as lines, under their headings; nothing of a cell moves a terminal's cursor.
pub(crate) fn table<const N: usize>(headings: [&str; N], rows: &[[String; N]]) -> String {
    Pages::new(headings).page(rows)
}

/// Returns what is known of one thing as lines, the name of each before it.
pub(crate) fn facts(facts: &[(&str, String)]) -> String {
    let rows = facts.iter().map(|(name, value)| [(*name).to_owned(), value.clone()]);
    Pages { headings: None, widths: [0; 2] }.page(&rows.collect::<Vec<_>>())
}

/// Returns a text in which the characters that would move a terminal's cursor, or hide or turn a
/// text, are written as `\u{…}`.
pub(crate) fn plain(text: &str) -> String {
    with_hidden_shown(text).replace('\n', "\\u{a}").replace('\t', "\\u{9}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pages_of_a_table_have_one_head_and_their_columns_do_not_shrink() {
        let mut pages = Pages::new(["ID", "NAME"]);
        assert!(pages.is_empty());
        assert_eq!(pages.page(&[["long".to_owned(), "x".to_owned()]]), "ID    NAME\nlong  x");
        assert_eq!(pages.page(&[["a".to_owned(), "y".to_owned()]]), "a     y");
        assert!(!pages.is_empty());
    }

    #[test]
    fn facts_have_no_head() {
        let all = [("id", "a".to_owned()), ("name", "b\n".to_owned())];
        assert_eq!(facts(&all), "id    a\nname  b\\u{a}");
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell_and_show_what_hides_or_turns_a_text() {
        let rows = [
            ["a".to_owned(), "long\u{1b}[2J".to_owned()],
            ["bcd".to_owned(), "é".to_owned()],
            ["e\n".to_owned(), "moc.live\u{202e}\u{200b}".to_owned()],
        ];
        let expected = "ID      NAME\na       long\\u{1b}[2J\nbcd     é\n\
                        e\\u{a}  moc.live\\u{202e}\\u{200b}";
        assert_eq!(table(["ID", "NAME"], &rows), expected);
    }
}
