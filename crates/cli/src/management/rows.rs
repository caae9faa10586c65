//! Lists of the server, and how their rows are printed.

use serde_json::Value;

use super::Management;
use crate::out::Unprinted;

/// Calls `show` with the rows of each page of a list that has some.
pub(crate) async fn each_page(
    server: &Management,
    path: &str,
    query: &[(&str, &str)],
    mut show: impl FnMut(&[Value]) -> Result<(), Unprinted>,
) -> anyhow::Result<()> {
    let mut cursor = None::<String>;
    loop {
        let mut query = query.to_vec();
        query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let page = server.get(path, &query).await?;
        if let Some(rows) = page["data"].as_array().filter(|rows| !rows.is_empty()) {
            show(rows)?;
        }
        let Some(next) = page["next_cursor"].as_str() else { return Ok(()) };
        cursor = Some(next.to_owned());
    }
}

/// Returns all the rows of a list.
pub(crate) async fn all_rows(
    server: &Management,
    path: &str,
    query: &[(&str, &str)],
) -> anyhow::Result<Vec<Value>> {
    let mut all = Vec::new();
    each_page(server, path, query, |rows| {
        all.extend_from_slice(rows);
        Ok(())
    })
    .await?;
    Ok(all)
}

/// Returns rows as the server writes them, one a line.
pub(crate) fn in_json(rows: &[Value]) -> String {
    rows.iter().map(Value::to_string).collect::<Vec<_>>().join("\n")
}

/// Returns a text of a row.
pub(crate) fn text(row: &Value, pointer: &str) -> String {
    row.pointer(pointer).and_then(Value::as_str).unwrap_or("-").to_owned()
}

/// Returns a list of texts of a row, or `default` where there is none.
pub(crate) fn texts(row: &Value, pointer: &str, default: &str) -> String {
    let Some(list) = row.pointer(pointer).and_then(Value::as_array) else {
        return default.to_owned();
    };
    let texts: Vec<_> = list.iter().filter_map(Value::as_str).collect();
    if texts.is_empty() { "none".to_owned() } else { texts.join(", ") }
}

/// Returns how many there are of something, in words.
pub(crate) fn counted(number: u64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// Returns how many a row says that there are of something, in words.
pub(crate) fn count(row: &Value, name: &str, what: &str) -> String {
    counted(row[name].as_u64().unwrap_or(0), what)
}

/// Returns a yes or no of a row.
pub(crate) fn yes(row: &Value, name: &str) -> String {
    if row[name] == true { "yes" } else { "no" }.to_owned()
}
