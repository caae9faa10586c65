use serde::Serialize;

/// The one workspace there is, with its people and conversations.
#[derive(Debug, Clone, Serialize)]
pub struct Workspace {
    /// Slack's identifier of the workspace.
    pub id: String,
    /// The name people see.
    pub name: String,
    /// The first label of the workspace's host name.
    pub domain: String,
    /// The people one can sign in as; the consent page offers the first by default.
    pub people: Vec<Person>,
    /// Channels and direct messages in the order the API lists them.
    pub conversations: Vec<Conversation>,
}

/// Somebody who works there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Person {
    /// Slack's identifier of the person.
    pub id: String,
    /// The short name.
    pub handle: String,
    /// The name people see.
    pub real_name: String,
}

/// A channel or a direct message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Conversation {
    /// Slack's identifier of the conversation.
    pub id: String,
    /// What kind of conversation it is.
    pub kind: ConversationKind,
    /// The name without `#`; empty for a direct message.
    pub name: String,
    /// What people are talking about right now.
    pub topic: String,
    /// What the conversation is for.
    pub purpose: String,
    /// Whether nobody can post any more.
    pub archived: bool,
    /// Whether everyone is in it.
    pub general: bool,
    /// The people in it; the first created it.
    pub members: Vec<String>,
    /// Names it had before.
    pub previous_names: Vec<String>,
    /// When it was created, in seconds since 1970.
    pub created: i64,
}

/// The conversation types of Slack's API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ConversationKind {
    /// Everyone can see and join it.
    PublicChannel,
    /// Only its members know of it.
    PrivateChannel,
    /// A direct message between several people.
    Mpim,
    /// A direct message between two people.
    Im,
}

// === impl Workspace ===

impl Workspace {
    pub(crate) fn person(&self, id: &str) -> Option<&Person> {
        self.people.iter().find(|person| person.id == id)
    }

    pub(crate) fn conversation(&self, id: &str) -> Option<&Conversation> {
        self.conversations.iter().find(|conversation| conversation.id == id)
    }

    /// Finds a channel by id or by name, as `chat.postMessage` takes both.
    pub(crate) fn addressed(&self, channel: &str) -> Option<&Conversation> {
        let name = channel.strip_prefix('#').unwrap_or(channel);
        self.conversation(channel).or_else(|| {
            self.conversations.iter().find(|known| !known.name.is_empty() && known.name == name)
        })
    }
}

// === impl Conversation ===

impl Conversation {
    pub(crate) fn has_member(&self, user: &str) -> bool {
        self.members.iter().any(|member| member == user)
    }

    /// Returns the other side of a direct message.
    pub(crate) fn counterpart(&self, user: &str) -> &str {
        let other = self.members.iter().find(|member| *member != user);
        other.map_or("", String::as_str)
    }
}

// === impl ConversationKind ===

impl ConversationKind {
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        match name {
            "public_channel" => Some(Self::PublicChannel),
            "private_channel" => Some(Self::PrivateChannel),
            "mpim" => Some(Self::Mpim),
            "im" => Some(Self::Im),
            _ => None,
        }
    }

    /// Returns the scope a token needs to see conversations of this kind.
    pub(crate) fn scope(self) -> &'static str {
        match self {
            Self::PublicChannel => "channels:read",
            Self::PrivateChannel => "groups:read",
            Self::Mpim => "mpim:read",
            Self::Im => "im:read",
        }
    }
}
