//! Texts that come from outside, made fit to be repeated.

use std::{borrow::Cow, fmt::Write as _};

/// Returns the text, cut at its end with `…` where it has more than `longest` bytes.
pub fn cut(text: &str, longest: usize) -> Cow<'_, str> {
    if text.len() <= longest {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("{}…", &text[..text.floor_char_boundary(longest)]))
}

/// Returns the text without characters that hide or turn it and without space around it, its first
/// `longest` characters.
pub fn plain(text: &str, longest: usize) -> String {
    let shown = text.chars().filter(|c| !is_hidden(*c));
    shown.take(longest).collect::<String>().trim().to_owned()
}

/// Returns the text with the characters that hide, or that turn what is around them, written as
/// `\u{…}`, so that a name is read as what it is. Line ends and tabs stay.
pub fn with_hidden_shown(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_hidden(character) {
            let _ = write!(shown, "\\u{{{:x}}}", u32::from(character));
        } else {
            shown.push(character);
        }
    }
    Cow::Owned(shown)
}

/// Returns whether a character hides or turns a text: control characters, those that set the
/// direction of writing (Unicode UAX #9), and those that show nothing
/// (`Default_Ignorable_Code_Point` of Unicode 17).
fn is_hidden(c: char) -> bool {
    c.is_control() && c != '\n' && c != '\t'
        || matches!(
            c,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{2800}'
                | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_its_characters() {
        assert_eq!(cut("héllo", 6), "héllo");
        assert_eq!(cut("héllo", 3), "hé…");
        assert_eq!(cut("héllo", 2), "h…");
    }

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
