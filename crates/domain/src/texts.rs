//! Texts that come from outside, made fit to be repeated.

use std::borrow::Cow;

/// Returns the text, cut at its end with `…` where it has more than `longest` bytes.
pub fn cut(text: &str, longest: usize) -> Cow<'_, str> {
    if text.len() <= longest {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("{}…", &text[..text.floor_char_boundary(longest)]))
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
