use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{limits, texts::plain};

/// What a provider says of its refusal (RFC 6749 §4.1.2.1 and §5.2), fit to be shown: of bounded
/// length, without characters that hide or turn a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderError {
    /// Its code.
    pub code: String,
    /// Its words for developers, where it has any.
    pub description: Option<String>,
}

impl ProviderError {
    /// Takes what a provider says; its words are cleaned and cut.
    pub fn new(code: &str, description: Option<&str>) -> Self {
        let description = description.map(|text| plain(text, limits::PROVIDER_WORDS.count()));
        Self {
            code: plain(code, limits::PROVIDER_CODE.count()),
            description: description.filter(|text| !text.is_empty()),
        }
    }
}

impl fmt::Display for ProviderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.code)?;
        match &self.description {
            Some(description) => write!(f, ": {description}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_provider_says_is_cleaned_and_cut() {
        let said = ProviderError::new("in\u{202e}valid\n", Some(" a\u{1b}[31m\u{200b}b "));
        assert_eq!(said.to_string(), "invalid: a[31mb");
        let long = ProviderError::new(&"é".repeat(1_000), Some(&"d".repeat(1_000_000)));
        assert_eq!(long.code.chars().count(), 80);
        assert_eq!(long.description.unwrap().len(), 500);
        assert_eq!(ProviderError::new("x", Some(" \n")).to_string(), "x");
    }
}
