use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{limits, schema::in_json, text_enum::text_enum};

/// A member's address, in lower case: how people are told apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Email(String);

/// A text that is no email address.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("an email address was expected, such as ada@example.com")]
pub struct InvalidEmail;

text_enum! {
    /// What a member may do in a team.
    Role("role") {
        /// Everything, and cannot be removed by others.
        Owner = "owner",
        /// Everything but deciding who owns the team.
        Admin = "admin",
        /// Work on its projects.
        Member = "member",
    }
}

impl Email {
    /// Returns the address itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Email {
    type Err = InvalidEmail;

    /// Parses an address. Refuses only what cannot be one: whether mail arrives there is not known.
    fn from_str(text: &str) -> Result<Self, InvalidEmail> {
        let (local, domain) = text.rsplit_once('@').ok_or(InvalidEmail)?;
        if !limits::EMAIL.is_exceeded_by(text.len())
            && is_sound_part(local)
            && is_sound_part(domain)
            && !local.contains('@')
        {
            Ok(Self(text.to_lowercase()))
        } else {
            Err(InvalidEmail)
        }
    }
}

fn is_sound_part(text: &str) -> bool {
    !text.is_empty() && !text.chars().any(|c| c.is_whitespace() || c.is_control())
}

impl TryFrom<String> for Email {
    type Error = InvalidEmail;
    fn try_from(text: String) -> Result<Self, InvalidEmail> {
        text.parse()
    }
}

impl From<Email> for String {
    fn from(email: Email) -> String {
        email.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

in_json!(Email, true, {"type": "string", "format": "email"});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_two_sound_parts_and_is_kept_in_lower_case() {
        assert_eq!("Ada@Example.com".parse::<Email>().unwrap().as_str(), "ada@example.com");
        for bad in ["", "ada", "@example.com", "ada@", "a da@example.com", "a@b@example.com"] {
            assert_eq!(bad.parse::<Email>(), Err(InvalidEmail), "{bad}");
        }
    }
}
