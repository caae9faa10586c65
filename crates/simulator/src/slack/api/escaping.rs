const ENTITIES: &[&str] = &["&amp;", "&lt;", "&gt;"];

/// Escapes everything that could be markup, as in topics.
pub(super) fn escape_all(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Escapes a message as Slack stores it: entities and `<…>` references stay as they are.
pub(super) fn escape_message(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let kept = kept(rest).unwrap_or_default();
        let taken = if kept.is_empty() { &rest[..first.len_utf8()] } else { kept };
        match (kept.is_empty(), first) {
            (true, '&') => escaped.push_str("&amp;"),
            (true, '<') => escaped.push_str("&lt;"),
            (true, '>') => escaped.push_str("&gt;"),
            _ => escaped.push_str(taken),
        }
        rest = &rest[taken.len()..];
    }
    escaped
}

/// Returns the entity or reference the text starts with.
fn kept(text: &str) -> Option<&str> {
    if let Some(entity) = ENTITIES.iter().find(|entity| text.starts_with(**entity)) {
        return Some(&text[..entity.len()]);
    }
    let inside = text.strip_prefix('<')?;
    let end = inside.find('>')?;
    let target = &inside[..end];
    let schemes = ["http://", "https://", "mailto:", "@", "#", "!"];
    let refers = schemes.iter().any(|scheme| target.starts_with(scheme));
    (refers && !target.contains('<')).then(|| &text[..end + 2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_but_references_and_entities_are_kept() {
        let text = "a < b && <@U1> &lt; <https://example.com|x> é>";
        let escaped = "a &lt; b &amp;&amp; <@U1> &lt; <https://example.com|x> é&gt;";
        assert_eq!(escape_message(text), escaped);
    }
}
