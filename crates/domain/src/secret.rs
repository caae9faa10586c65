use zeroize::{Zeroize, Zeroizing};

/// A secret text: a token, a client secret, an API key.
///
/// It is wiped when dropped, and read by a visible call only, [`Secret::expose`]:
///
/// ```
/// # let token = astralform_domain::Secret::new("xoxp".to_owned());
/// println!("{:?} {}", token.expose(), token.expose());
/// serde_json::to_string(token.expose()).unwrap();
/// ```
/// It cannot be logged, printed or serialised by accident:
/// ```compile_fail,E0277
/// # let token = astralform_domain::Secret::new("xoxp".to_owned());
/// println!("{token:?}");
/// ```
/// ```compile_fail,E0277
/// # let token = astralform_domain::Secret::new("xoxp".to_owned());
/// println!("{token}");
/// ```
/// ```compile_fail,E0277
/// # let token = astralform_domain::Secret::new("xoxp".to_owned());
/// serde_json::to_string(&token).unwrap();
/// ```
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

/// 32 secret bytes that make a key, kept like a [`Secret`]:
///
/// ```
/// # let key = astralform_domain::SecretKey::new([0; 32]);
/// println!("{:?}", key.expose());
/// serde_json::to_string(key.expose()).unwrap();
/// ```
/// ```compile_fail,E0277
/// # let key = astralform_domain::SecretKey::new([0; 32]);
/// println!("{key:?}");
/// ```
/// ```compile_fail,E0277
/// # let key = astralform_domain::SecretKey::new([0; 32]);
/// println!("{key}");
/// ```
/// ```compile_fail,E0277
/// # let key = astralform_domain::SecretKey::new([0; 32]);
/// serde_json::to_string(&key).unwrap();
/// ```
#[derive(Clone)]
pub struct SecretKey(Zeroizing<[u8; 32]>);

impl Secret {
    /// Wraps a text, which is wiped when it is dropped.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// Returns the text itself. The caller answers for where it goes.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Returns the last four characters after an ellipsis, or the ellipsis alone where the secret
    /// is too short for four of them to stay meaningless.
    pub fn hint(&self) -> String {
        const SHOWN: usize = 4;
        let length = self.0.chars().count();
        let tail = if length < 3 * SHOWN { "" } else { tail(&self.0, length - SHOWN) };
        format!("…{tail}")
    }
}

fn tail(text: &str, skipped: usize) -> &str {
    text.char_indices().nth(skipped).map_or("", |(at, _)| &text[at..])
}

impl SecretKey {
    /// Wraps key bytes, and wipes the copy that was passed.
    pub fn new(mut bytes: [u8; 32]) -> Self {
        let key = Self(Zeroizing::new(bytes));
        bytes.zeroize();
        key
    }

    /// Returns the key's bytes.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_shows_four_characters_of_a_long_secret_and_none_of_a_short_one() {
        assert_eq!(Secret::new("0123456789abcdef".to_owned()).hint(), "…cdef");
        assert_eq!(Secret::new("hunter2".to_owned()).hint(), "…");
    }
}
