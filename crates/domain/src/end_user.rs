use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{limits, schema::in_json};

/// The developer's own id of one of their users: 1 to 255 printable characters, not beginning
/// `member:`, which would read like one of those who administer.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct EndUserId(String);

/// A text that cannot be an end-user id.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("an end-user id has 1 to 255 printable characters, and does not begin `member:`")]
pub struct InvalidEndUserId;

/// What ids of end users never begin with.
pub(crate) const MEMBER: &str = "member:";

impl EndUserId {
    /// Returns the id as the developer wrote it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for EndUserId {
    type Err = InvalidEndUserId;
    fn from_str(text: &str) -> Result<Self, InvalidEndUserId> {
        let length = text.chars().count();
        let printable = text.chars().all(|c| !c.is_control());
        if length > 0
            && !limits::END_USER.is_exceeded_by(length)
            && printable
            && text.trim() == text
            && !is_of_member(text)
        {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidEndUserId)
        }
    }
}

fn is_of_member(text: &str) -> bool {
    let start = text.get(..MEMBER.len());
    start.is_some_and(|start| start.eq_ignore_ascii_case(MEMBER))
}

impl TryFrom<String> for EndUserId {
    type Error = InvalidEndUserId;
    fn try_from(text: String) -> Result<Self, InvalidEndUserId> {
        text.parse()
    }
}

impl From<EndUserId> for String {
    fn from(id: EndUserId) -> String {
        id.0
    }
}

impl fmt::Display for EndUserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

in_json!(EndUserId, true, {"type": "string", "minLength": 1, "maxLength": 255});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_user_id_is_printable_and_not_too_long() {
        for good in
            ["u", "alice@example.com", &"x".repeat(255), "ünï 1", "member", "members:1", "memberé"]
        {
            assert!(good.parse::<EndUserId>().is_ok(), "{good}");
        }
        for bad in
            ["", " alice", "a\nb", "a\0", &"x".repeat(256), "member:", "member:memb_1", "Member:1"]
        {
            assert_eq!(bad.parse::<EndUserId>(), Err(InvalidEndUserId), "{bad:?}");
        }
    }
}
