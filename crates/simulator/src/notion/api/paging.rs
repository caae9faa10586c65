use serde_json::{Value, json};

use crate::notion::answer::Refusal;
use crate::notion::ids;

const LARGEST_PAGE: usize = 100;

/// Which part of a list is wanted.
pub(super) struct Wanted {
    size: usize,
    cursor: Option<String>,
}

// === impl Wanted ===

impl Wanted {
    pub(super) fn read(
        place: &str,
        size: Option<&Value>,
        cursor: Option<&Value>,
    ) -> Result<Self, Refusal> {
        let wrong = |name: &str, should: &str, given: &Value| {
            let message = format!(
                "{place} failed validation: {place}.{name} should be {should}, instead was \
                 `{given}`."
            );
            Refusal::invalid(message)
        };
        let size = match size {
            None => LARGEST_PAGE,
            Some(given) => {
                let size = given.as_u64().and_then(|size| usize::try_from(size).ok());
                let size = size.filter(|size| (1..=LARGEST_PAGE).contains(size));
                size.ok_or_else(|| wrong("page_size", "an integer from 1 to 100", given))?
            }
        };
        let cursor = match cursor {
            None | Some(Value::Null) => None,
            Some(given) => {
                let cursor = given.as_str().and_then(ids::read);
                Some(cursor.ok_or_else(|| wrong("start_cursor", "a valid uuid", given))?)
            }
        };
        Ok(Self { size, cursor })
    }

    /// Returns the page of a list whose items have an `id`; the cursor is the first one's of the
    /// next page.
    pub(super) fn of(&self, items: Vec<Value>) -> Result<Value, Refusal> {
        let start = match &self.cursor {
            None => 0,
            Some(cursor) => {
                let found = items.iter().position(|item| item["id"] == *cursor);
                let gone = || Refusal::invalid("The start_cursor provided is invalid.");
                found.ok_or_else(gone)?
            }
        };
        let next = items.get(start + self.size).map(|item| item["id"].clone());
        let results: Vec<_> = items.into_iter().skip(start).take(self.size).collect();
        Ok(json!({
            "object": "list",
            "results": results,
            "has_more": next.is_some(),
            "next_cursor": next,
        }))
    }
}
