use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{limits, schema::in_json};

/// What people call a project: it stands on the pages that end users see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct ProjectName(String);

/// A text that cannot be a project's name.
#[derive(Debug, Error, PartialEq, Eq)]
#[error(
    "a project's name has 1 to {} characters, no line breaks or other control characters, and one \
     that can be seen",
    limits::PROJECT_NAME.value
)]
pub struct InvalidProjectName;

impl ProjectName {
    /// Returns the name itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ProjectName {
    type Err = InvalidProjectName;

    fn from_str(text: &str) -> Result<Self, InvalidProjectName> {
        let name = text.trim();
        let is_fit = !limits::PROJECT_NAME.is_exceeded_by(name.chars().count())
            && !name.chars().any(char::is_control)
            && name.chars().any(char::is_alphanumeric);
        if is_fit { Ok(Self(name.to_owned())) } else { Err(InvalidProjectName) }
    }
}

impl TryFrom<String> for ProjectName {
    type Error = InvalidProjectName;

    fn try_from(text: String) -> Result<Self, InvalidProjectName> {
        text.parse()
    }
}

impl From<ProjectName> for String {
    fn from(name: ProjectName) -> String {
        name.0
    }
}

impl fmt::Display for ProjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

in_json!(ProjectName, true, {
    "type": "string",
    "minLength": 1,
    "maxLength": 100,
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_line_that_can_be_read() {
        for (text, expected) in [
            ("Acme Assistant", "Acme Assistant"),
            (" Acme ", "Acme"),
            ("Ünïcode 株式会社", "Ünïcode 株式会社"),
            ("7", "7"),
        ] {
            assert_eq!(text.parse::<ProjectName>().unwrap().as_str(), expected);
        }
        for text in ["", " ", "\u{200b}", "--", "a\nb", "a\u{1b}[2J", &"x".repeat(101)] {
            assert_eq!(text.parse::<ProjectName>(), Err(InvalidProjectName), "{text:?}");
        }
        assert!("ä".repeat(100).parse::<ProjectName>().is_ok());
    }
}
