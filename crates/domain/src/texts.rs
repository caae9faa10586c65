//! Texts that come from outside, made fit to be repeated.

use std::borrow::Cow;

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

/// Returns whether a character is one of the control characters, of those that set the direction of
/// writing (Unicode UAX #9), or of those that show nothing (`Default_Ignorable_Code_Point` of Unicode 17).
pub fn is_hidden(c: char) -> bool {
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
}
