//! Tables for people, in columns of even width.

use astralform_domain::texts::with_hidden_shown;

/// Returns rows as lines, under their headings; nothing of a cell moves a terminal's cursor.
pub(crate) fn table<const N: usize>(headings: [&str; N], rows: &[[String; N]]) -> String {
    let headings = headings.map(str::to_owned);
    let rows: Vec<[String; N]> = std::iter::once(&headings)
        .chain(rows)
        .map(|row| row.each_ref().map(|cell| plain(cell)))
        .collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: [usize; N] = std::array::from_fn(|column| width(column).unwrap_or(0));
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Returns a text in which whatever would move a terminal's cursor, hide or turn a text is written
/// as `\u{…}`.
pub(crate) fn plain(text: &str) -> String {
    with_hidden_shown(text).replace('\n', "\\u{a}").replace('\t', "\\u{9}")
}

#[cfg(test)]
mod tests {
    use super::*;

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
