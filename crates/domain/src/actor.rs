use std::fmt;

use crate::{Administrator, ApiKeyId, AuthRequestId, MemberId, Principal, Role, SessionId};

/// Who makes a change: every write transaction names one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A member who administers.
    Member {
        /// Who, and how that was proven.
        administrator: Administrator,
        /// What they may do in the team that the change is about.
        role: Role,
    },
    /// A developer's backend.
    ApiKey(ApiKeyId),
    /// An end user's session.
    Session(SessionId),
    /// An end user on a page that this auth request led to.
    EndUser(AuthRequestId),
    /// The operator, at the command line of the machine.
    Operator,
    /// The product itself: a background job, or what has to follow from what others did.
    Product,
}

impl Actor {
    /// Returns the member, where it is one.
    pub fn member(&self) -> Option<MemberId> {
        match self {
            Self::Member { administrator, .. } => Some(administrator.member),
            _ => None,
        }
    }
}

impl From<&Principal> for Actor {
    fn from(principal: &Principal) -> Self {
        (&principal.credential).into()
    }
}

/// As it is stored: an id, whose prefix says of what, or a word.
impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Member { administrator, .. } => administrator.member.fmt(f),
            Self::ApiKey(id) => id.fmt(f),
            Self::Session(id) => id.fmt(f),
            Self::EndUser(id) => id.fmt(f),
            Self::Operator => f.write_str("operator"),
            Self::Product => f.write_str("product"),
        }
    }
}
