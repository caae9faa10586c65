//! Answers of token endpoints as they come: JSON, as RFC 6749 §5 has it, or a form, as some
//! providers have answered since before that.

use astralform_catalog::OAuth;
use astralform_domain::{ProviderError, ScopeSet};
use astralform_jq::Document;
use serde_json::{Map, Value};
use url::form_urlencoded;

/// Reads an answer of any content type: as JSON, or else as a form whose members are texts.
pub(super) fn read_answer(body: &[u8]) -> Option<Value> {
    const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
    let body = body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body);
    match Document::parse(body) {
        Ok(document) => Some(document.to_json()),
        Err(_) => read_form(std::str::from_utf8(body).ok()?.trim()),
    }
}

/// Reads a form. Web pages and sentences are none: they have spaces, or names that no member has.
fn read_form(text: &str) -> Option<Value> {
    let is_form = !text.is_empty()
        && !text.contains(|c: char| c.is_whitespace() || c.is_control())
        && text.split('&').all(is_member);
    let members = form_urlencoded::parse(text.as_bytes()).into_owned();
    is_form.then(|| members.map(|(name, text)| (name, text.into())).collect::<Map<_, _>>().into())
}

fn is_member(part: &str) -> bool {
    part.is_empty() || part.split_once('=').is_some_and(|(name, _)| is_name(name))
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
}

/// Returns what a refusal says (RFC 6749 §5.2), by its code.
pub(super) fn provider_error(answer: &Value, code: &str) -> ProviderError {
    let said = answer.get("error_description").and_then(Value::as_str);
    let said = said.or_else(|| answer.get("error")?.get("message")?.as_str());
    ProviderError::new(code, said)
}

/// Returns the `error` of RFC 6749 §5.2.
pub(super) fn standard_error(answer: &Value) -> Option<String> {
    answer.get("error")?.as_str().filter(|code| !code.is_empty()).map(str::to_owned)
}

/// Returns the word, or else the number, in an `error` that is an object: some providers have one
/// form of errors for all their interfaces.
pub(super) fn error_in_object(answer: &Value) -> Option<String> {
    let error = answer.get("error")?;
    let mut texts =
        ["code", "type", "status"].into_iter().filter_map(|name| error.get(name)?.as_str());
    let text = texts.find(|code| !code.is_empty()).map(str::to_owned);
    text.or_else(|| Some(error.get("code")?.as_i64()?.to_string()))
}

/// Divides what a provider lists as granted into scopes: at white space, at the connector's
/// separator, and at commas between scopes that the connector declares.
pub(super) fn divided(oauth: &OAuth, listed: &[String]) -> ScopeSet {
    let separator = oauth.scope_separator.trim();
    let words = listed.iter().flat_map(|text| text.split_whitespace());
    let parts = words.flat_map(|word| match separator {
        "" => vec![word],
        separator => word.split(separator).collect(),
    });
    let parts = parts.flat_map(|part| {
        let pieces: Vec<_> = part.split(',').collect();
        let is_list = !is_declared(oauth, part) && pieces.iter().any(|it| is_declared(oauth, it));
        if is_list { pieces } else { vec![part] }
    });
    parts.filter(|part| !part.is_empty()).collect()
}

fn is_declared(oauth: &OAuth, spelled: &str) -> bool {
    let mut kinds = oauth.scope_parameters.keys();
    oauth.scopes.iter().any(|scope| scope.is_like(spelled))
        || kinds.any(|kind| {
            let named = format!("{kind}:{spelled}");
            oauth.scopes.iter().any(|scope| scope.is_like(&named))
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_form_is_told_from_a_page_and_a_sentence() {
        for (body, expected) in [
            ("access_token=a%26b&scope=x+y&", json!({"access_token": "a&b", "scope": "x y"})),
            ("\u{feff}error=invalid_grant\r\n", json!({"error": "invalid_grant"})),
            ("a=1&a=2", json!({"a": "2"})),
            ("\u{feff}{\"a\":1}", json!({"a": 1})),
        ] {
            assert_eq!(read_answer(body.as_bytes()), Some(expected), "{body}");
        }
        for none in [
            "",
            "access denied",
            "<a href=\"?a=b\">",
            "<html>a=b</html>",
            "error=1 2",
            "=a",
            "a",
            "a[]=1",
            "{\"access_token\":",
        ] {
            assert_eq!(read_answer(none.as_bytes()), None, "{none}");
        }
        assert_eq!(read_answer(b"a=\xff"), None);
    }
}
