use url::form_urlencoded::{self, Serializer};

use crate::github::refusal::Refusal;

/// A page of a list, as it is asked for.
#[derive(Clone, Copy)]
pub(super) struct Page {
    pub(super) number: usize,
    pub(super) size: usize,
}

const USUAL_SIZE: usize = 30;
const LARGEST: usize = 100;

// === impl Page ===

impl Page {
    /// Reads `page` and `per_page`; what is no number counts as not given.
    pub(super) fn read(query: &str) -> Self {
        let number = |name: &str| argument(query, name).and_then(|text| text.parse().ok());
        let size = number("per_page").filter(|size| *size > 0);
        Self {
            number: number("page").unwrap_or(1).max(1),
            size: size.unwrap_or(USUAL_SIZE).min(LARGEST),
        }
    }

    /// Returns the items on it.
    pub(super) fn of<T>(self, items: &[T]) -> &[T] {
        let from = (self.number - 1).saturating_mul(self.size).min(items.len());
        &items[from..items.len().min(from + self.size)]
    }

    /// Returns the `Link` header: how to get to the pages around it.
    pub(super) fn link(self, total: usize, address: &str, query: &str) -> Option<String> {
        let last = total.div_ceil(self.size).max(1);
        let to = |number: usize, rel: &str| {
            format!("<{address}?{}>; rel=\"{rel}\"", with_page(query, number))
        };
        let mut links = Vec::new();
        if self.number > 1 {
            links.push(to((self.number - 1).min(last), "prev"));
        }
        if self.number < last {
            links.push(to(self.number + 1, "next"));
            links.push(to(last, "last"));
        }
        if self.number > 1 {
            links.push(to(1, "first"));
        }
        (!links.is_empty()).then(|| links.join(", "))
    }
}

/// Returns the last argument of that name.
pub(super) fn argument(query: &str, name: &str) -> Option<String> {
    let found = form_urlencoded::parse(query.as_bytes()).filter(|(known, _)| known == name);
    found.last().map(|(_, value)| value.into_owned())
}

/// Returns an argument that has to be one of some words.
pub(super) fn word(
    query: &str,
    name: &'static str,
    words: &[&'static str],
) -> Result<Option<&'static str>, Refusal> {
    let Some(given) = argument(query, name) else { return Ok(None) };
    let known = words.iter().find(|word| **word == given);
    let error = serde_json::json!({
        "resource": "Search", "field": name, "code": "invalid",
        "message": format!("`{given}` is not one of {}", words.join(", ")),
    });
    known.copied().map(Some).ok_or_else(|| Refusal::validation(error))
}

fn with_page(query: &str, number: usize) -> String {
    let others = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name != "page");
    let mut written = Serializer::new(String::new());
    written.extend_pairs(others).append_pair("page", &number.to_string());
    written.finish()
}
