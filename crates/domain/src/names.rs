use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::schema::in_json;

/// A text that cannot be the name asked for.
#[derive(Debug, Error, PartialEq, Eq)]
#[error(
    "{kind} has 1 to {longest} characters: lower-case letters, digits and {marks}, a letter first"
)]
pub struct InvalidName {
    kind: &'static str,
    longest: usize,
    marks: &'static str,
}

macro_rules! names {
    ($($(#[$meta:meta])* $name:ident = $kind:literal, $longest:literal, $marks:literal;)+) => {$(
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(into = "String", try_from = "String")]
        pub struct $name(String);

        impl $name {
            /// Returns the name itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;
            fn from_str(text: &str) -> Result<Self, InvalidName> {
                if is_name(text, $longest, $marks) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(InvalidName { kind: $kind, longest: $longest, marks: $marks })
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidName;
            fn try_from(text: String) -> Result<Self, InvalidName> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        in_json!($name, true, {
            "type": "string",
            "pattern": concat!("^[a-z][a-z0-9", $marks, "]*$"),
            "maxLength": $longest,
        });
    )+};
}

names! {
    /// An agent's name, as requests give it.
    AgentName = "an agent's name", 40, "-";
    /// A connector's name in addresses and settings.
    ConnectorSlug = "a connector's slug", 40, "-";
    /// A tool's name, as an agent calls it.
    ToolName = "a tool's name", 64, "_";
}

fn is_name(text: &str, longest: usize, marks: &str) -> bool {
    text.len() <= longest
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || marks.contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain_words() {
        assert!("google-drive".parse::<ConnectorSlug>().is_ok());
        assert!("drive_list_files".parse::<ToolName>().is_ok());
        for bad in ["", "Drive", "9lives", "a b", "drive/list", "drivé", &"x".repeat(65)] {
            assert!(bad.parse::<ToolName>().is_err(), "{bad}");
            assert!(bad.parse::<ConnectorSlug>().is_err(), "{bad}");
        }
    }
}
