/// What a token with this scope may do, in the words of the consent page.
pub(crate) struct Scope {
    pub(crate) name: &'static str,
    pub(crate) words: &'static str,
    holders: Holders,
}

/// Which kinds of token a scope exists for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Holders {
    Bot,
    User,
    Both,
}

/// Which kind of token a list of scopes is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    ForBot,
    ForUser,
}

const fn scope(name: &'static str, holders: Holders, words: &'static str) -> Scope {
    Scope { name, words, holders }
}

const SCOPES: &[Scope] = &[
    scope("app_mentions:read", Holders::Bot, "Read messages that mention the app"),
    scope("bookmarks:read", Holders::Both, "See bookmarks of channels"),
    scope("canvases:read", Holders::Both, "See canvases"),
    scope("canvases:write", Holders::Both, "Create and change canvases"),
    scope("channels:history", Holders::Both, "Read messages in public channels"),
    scope("channels:join", Holders::Bot, "Join public channels"),
    scope("channels:manage", Holders::Bot, "Create and manage public channels"),
    scope("channels:read", Holders::Both, "See which public channels exist"),
    scope("channels:write", Holders::User, "Create and manage public channels"),
    scope("chat:write", Holders::Both, "Send messages"),
    scope("chat:write.customize", Holders::Bot, "Send messages under another name and picture"),
    scope("chat:write.public", Holders::Bot, "Send messages to public channels it has not joined"),
    scope("commands", Holders::Bot, "Add slash commands"),
    scope("emoji:read", Holders::Both, "See custom emoji"),
    scope("files:read", Holders::Both, "See files"),
    scope("files:write", Holders::Both, "Upload, change and delete files"),
    scope("groups:history", Holders::Both, "Read messages in private channels"),
    scope("groups:read", Holders::Both, "See private channels"),
    scope("groups:write", Holders::Both, "Create and manage private channels"),
    scope("im:history", Holders::Both, "Read direct messages"),
    scope("im:read", Holders::Both, "See which direct messages exist"),
    scope("im:write", Holders::Both, "Start direct messages"),
    scope("mpim:history", Holders::Both, "Read group direct messages"),
    scope("mpim:read", Holders::Both, "See which group direct messages exist"),
    scope("mpim:write", Holders::Both, "Start group direct messages"),
    scope("pins:read", Holders::Both, "See pinned messages"),
    scope("pins:write", Holders::Both, "Pin and unpin messages"),
    scope("reactions:read", Holders::Both, "See reactions"),
    scope("reactions:write", Holders::Both, "Add and remove reactions"),
    scope("reminders:read", Holders::User, "See reminders"),
    scope("reminders:write", Holders::User, "Create and change reminders"),
    scope("search:read", Holders::User, "Search messages and files"),
    scope("search:read.files", Holders::Both, "Search files"),
    scope("search:read.im", Holders::User, "Search direct messages"),
    scope("search:read.mpim", Holders::User, "Search group direct messages"),
    scope("search:read.private", Holders::User, "Search private channels"),
    scope("search:read.public", Holders::Both, "Search public channels"),
    scope("search:read.users", Holders::Both, "Search people"),
    scope("team:read", Holders::Both, "See the workspace's name and icon"),
    scope("usergroups:read", Holders::Both, "See user groups"),
    scope("users.profile:read", Holders::Both, "See people's profiles"),
    scope("users:read", Holders::Both, "See the people of the workspace"),
    scope("users:read.email", Holders::Both, "See people's email addresses"),
];

/// Reads a list separated by commas or spaces; a scope Slack does not give out is an error.
pub(crate) fn parse(list: &str, asked: Asked) -> Result<Vec<&'static Scope>, String> {
    let mut scopes: Vec<&'static Scope> = Vec::new();
    for name in list.split([',', ' ']).filter(|name| !name.is_empty()) {
        let scope = find(name, asked).ok_or_else(|| name.to_owned())?;
        if !scopes.iter().any(|known| known.name == scope.name) {
            scopes.push(scope);
        }
    }
    Ok(scopes)
}

fn find(name: &str, asked: Asked) -> Option<&'static Scope> {
    let other = match asked {
        Asked::ForBot => Holders::User,
        Asked::ForUser => Holders::Bot,
    };
    SCOPES.iter().find(|scope| scope.name == name && scope.holders != other)
}
