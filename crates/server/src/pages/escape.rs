//! Texts on pages, with all that is in them to be seen.

use std::{borrow::Cow, fmt::Write as _};

use astralform_domain::texts::is_hidden;

/// Returns a page on which characters that are not to be seen, or that turn the text around them,
/// are shown as `\u{…}`. Our own templates have none, so each comes from a text on the page.
pub(super) fn with_hidden_shown(html: &str) -> Cow<'_, str> {
    if !html.contains(is_hidden) {
        return Cow::Borrowed(html);
    }
    let mut shown = String::with_capacity(html.len());
    for character in html.chars() {
        if is_hidden(character) {
            let _ = write!(shown, "\\u{{{:x}}}", u32::from(character));
        } else {
            shown.push(character);
        }
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f26_d1_characters_that_hide_or_turn_a_text_are_shown() {
        assert_eq!(with_hidden_shown("a\u{202e}b\u{2066}c"), "a\\u{202e}b\\u{2066}c");
        assert_eq!(with_hidden_shown("admin\u{200b}\u{fe0f}"), "admin\\u{200b}\\u{fe0f}");
        assert_eq!(with_hidden_shown("\u{1b}[31m\u{0}"), "\\u{1b}[31m\\u{0}");
    }

    #[test]
    fn texts_of_any_script_are_shown_as_they_are() {
        for text in ["Zoë O'Neil", "山田 太郎", "דנה", "محمد", "👍 ok", "two\nlines"]
        {
            assert_eq!(with_hidden_shown(text), text);
        }
    }
}
