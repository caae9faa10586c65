use crate::EndUserId;

/// Whose account, prompt or secret something is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Owner {
    /// The project's own: shared by all its end users.
    Project,
    /// One end user's.
    EndUser(EndUserId),
}

impl Owner {
    /// Returns the end user, where it is one.
    pub fn end_user(&self) -> Option<&EndUserId> {
        match self {
            Self::Project => None,
            Self::EndUser(id) => Some(id),
        }
    }
}
