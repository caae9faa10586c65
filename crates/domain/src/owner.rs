use std::borrow::Cow;

use crate::{EndUserId, MemberId, end_user::MEMBER};

/// Whose account, prompt or secret something is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Owner {
    /// The project's own: shared by all its end users.
    Project,
    /// One end user's.
    EndUser(EndUserId),
    /// A member's, who tries a connector themselves: no end user and no API key ever uses it.
    Member(MemberId),
}

impl Owner {
    /// Returns the end user, where there is one, or else the project.
    pub fn of(end_user: Option<&EndUserId>) -> Self {
        end_user.map_or(Self::Project, |id| Self::EndUser(id.clone()))
    }

    /// Returns the owner that a text of [`Self::to_stored`] stands for; `None` where it stands for
    /// none.
    pub fn from_stored(text: Option<&str>) -> Option<Self> {
        let Some(text) = text else { return Some(Self::Project) };
        match text.strip_prefix(MEMBER) {
            Some(id) => id.parse().ok().map(Self::Member),
            None => text.parse().ok().map(Self::EndUser),
        }
    }

    /// Returns how a person is written where only one text stands for them: no id of an end user
    /// begins as a member's does. Nothing for the project.
    pub fn to_stored(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Project => None,
            Self::EndUser(id) => Some(Cow::Borrowed(id.as_str())),
            Self::Member(id) => Some(Cow::Owned(format!("{MEMBER}{id}"))),
        }
    }

    /// Returns the end user, where it is one.
    pub fn end_user(&self) -> Option<&EndUserId> {
        match self {
            Self::EndUser(id) => Some(id),
            Self::Project | Self::Member(_) => None,
        }
    }

    /// Returns the member, where it is one.
    pub fn member(&self) -> Option<MemberId> {
        match self {
            Self::Member(id) => Some(*id),
            Self::Project | Self::EndUser(_) => None,
        }
    }

    /// Returns whether the other is of the same kind: the project, an end user or a member.
    pub fn is_alike(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_owner_is_written_and_read_as_itself_and_none_as_another() {
        let member: MemberId = "member_00000000000000000000000001".parse().unwrap();
        let named_alike = Owner::EndUser(member.to_string().parse().unwrap());
        let owners = [Owner::Project, named_alike, Owner::Member(member)];
        for owner in &owners {
            let stored = owner.to_stored();
            assert_eq!(Owner::from_stored(stored.as_deref()).as_ref(), Some(owner));
            let alike = owners.iter().filter(|other| other.is_alike(owner)).count();
            assert_eq!(alike, 1);
        }
        for stored in ["member:", "member:alice", "Member:x", ""] {
            assert_eq!(Owner::from_stored(Some(stored)), None, "{stored:?}");
        }
    }
}
