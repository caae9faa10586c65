use serde_json::{Value, json};

use super::Call;
use super::arguments::must_be;
use super::escaping::escape_message;
use crate::slack::answer::{Members, Refusal, members};
use crate::slack::messages::{Author, Message};
use crate::slack::tokens::TokenKind;
use crate::slack::workspace::{Conversation, ConversationKind};

const LONGEST_TEXT: usize = 40_000;
const LONGEST_MARKDOWN: usize = 12_000;
const MOST_BLOCKS: usize = 50;
const MOST_ATTACHMENTS: usize = 100;
const BLOCK_TYPES: &[&str] = &[
    "actions",
    "context",
    "divider",
    "file",
    "header",
    "image",
    "input",
    "markdown",
    "rich_text",
    "section",
    "table",
    "video",
];

/// Serves `chat.postMessage`: puts a message into a conversation.
pub(super) fn post(call: &mut Call<'_>) -> Result<Members, Refusal> {
    check_manners(call)?;
    let channel = channel(call)?.id.clone();
    let text = content(call)?;
    let thread_ts = thread(call, &channel)?;
    let author = author(call);
    let ts = call.state.messages.next_ts(call.outside.now());
    let message = Message { channel, ts, thread_ts, author, text };
    let answer = json!({
        "channel": message.channel,
        "ts": message.ts,
        "message": object(&message, &call.state.workspace.id),
    });
    call.state.messages.push(message);
    Ok(members(answer))
}

/// Checks arguments that change how a message looks: they have rules of their own.
fn check_manners(call: &Call<'_>) -> Result<(), Refusal> {
    let flags = ["mrkdwn", "unfurl_links", "unfurl_media", "reply_broadcast", "link_names"];
    flags.iter().try_for_each(|name| call.arguments.flag(name).map(drop))?;
    if call.arguments.flag("as_user")?.unwrap_or(false) {
        return Err(Refusal::new("as_user_not_supported"));
    }
    let custom = ["username", "icon_emoji", "icon_url"];
    if custom.iter().any(|name| call.arguments.has(name)) {
        call.caller.needs(&["chat:write.customize"])?;
    }
    Ok(())
}

fn channel<'a>(call: &'a Call<'_>) -> Result<&'a Conversation, Refusal> {
    let user = &call.caller.grant.user;
    let given = call.arguments.filled("channel")?.unwrap_or_default();
    let known = call.state.workspace.addressed(given);
    let known = known.filter(|known| call.state.can_see(user, known));
    let known = known.ok_or(Refusal::new("channel_not_found"))?;
    if known.archived {
        return Err(Refusal::new("is_archived"));
    }
    // `can_see` leaves only public channels to those who are not in.
    let stranger = call.caller.grant.kind == TokenKind::Bot && call.caller.has("chat:write.public");
    let public = known.kind == ConversationKind::PublicChannel;
    if call.state.is_in(user, known) || (public && stranger) {
        return Ok(known);
    }
    Err(Refusal::new("not_in_channel"))
}

/// Returns what the message says, as Slack will store it.
fn content(call: &Call<'_>) -> Result<String, Refusal> {
    let text = call.arguments.filled("text")?;
    let markdown = call.arguments.filled("markdown_text")?;
    let blocks = blocks(call)?;
    let attachments = attachments(call)?;
    if markdown.is_some() && (text.is_some() || blocks) {
        return Err(Refusal::new("markdown_text_conflict"));
    }
    let too_long = |text: Option<&str>, most| text.is_some_and(|text| text.chars().count() > most);
    if too_long(text, LONGEST_TEXT) || too_long(markdown, LONGEST_MARKDOWN) {
        return Err(Refusal::new("msg_too_long"));
    }
    let said = text.or(markdown).filter(|text| !text.trim().is_empty());
    match said {
        Some(text) => Ok(escape_message(text)),
        None if blocks || attachments => Ok(String::new()),
        None => Err(Refusal::new("no_text")),
    }
}

/// Returns whether there are blocks; wrong ones are refused.
fn blocks(call: &Call<'_>) -> Result<bool, Refusal> {
    let blocks =
        call.arguments.json("blocks").map_err(|_| Refusal::new("invalid_blocks_format"))?;
    let Some(blocks) = blocks else {
        return Ok(false);
    };
    let blocks = blocks.as_array().ok_or(Refusal::new("invalid_blocks_format"))?;
    if blocks.len() > MOST_BLOCKS || !blocks.iter().all(is_block) {
        return Err(Refusal::new("invalid_blocks"));
    }
    Ok(!blocks.is_empty())
}

fn is_block(block: &Value) -> bool {
    let kind = block["type"].as_str().unwrap_or_default();
    let text = |types: &[&str]| {
        let kind = block["text"]["type"].as_str().unwrap_or_default();
        types.contains(&kind) && block["text"]["text"].as_str().is_some_and(|text| !text.is_empty())
    };
    match kind {
        "section" => text(&["plain_text", "mrkdwn"]) || block["fields"].is_array(),
        "header" => text(&["plain_text"]),
        "markdown" => block["text"].is_string(),
        "context" | "actions" | "rich_text" => block["elements"].is_array(),
        _ => BLOCK_TYPES.contains(&kind),
    }
}

/// Returns whether there are attachments; too many are refused.
fn attachments(call: &Call<'_>) -> Result<bool, Refusal> {
    let wrong = || must_be("attachments", "an array of objects");
    let attachments = call.arguments.json("attachments").map_err(|_| wrong())?;
    let Some(attachments) = attachments else {
        return Ok(false);
    };
    let attachments = attachments.as_array().ok_or_else(wrong)?;
    if !attachments.iter().all(Value::is_object) {
        return Err(wrong());
    }
    if attachments.len() > MOST_ATTACHMENTS {
        return Err(Refusal::new("too_many_attachments"));
    }
    Ok(!attachments.is_empty())
}

/// Returns the thread a reply belongs to, which has to exist.
fn thread(call: &Call<'_>, channel: &str) -> Result<Option<String>, Refusal> {
    let Some(given) = call.arguments.filled("thread_ts")? else {
        return Ok(None);
    };
    let parent = call.state.messages.find(channel, given);
    let parent = parent.ok_or(Refusal::new("thread_not_found"))?;
    // A reply to a reply joins the thread of its parent.
    Ok(Some(parent.thread_ts.clone().unwrap_or_else(|| parent.ts.clone())))
}

fn author(call: &Call<'_>) -> Author {
    let app = call.state.apps.get(&call.caller.grant.client_id).map(|app| &app.public);
    Author {
        user: call.caller.grant.user.clone(),
        bot_id: app.map(|app| app.bot_id.clone()),
        app_id: app.map(|app| app.app_id.clone()),
    }
}

fn object(message: &Message, team: &str) -> Value {
    let mut object = json!({
        "user": message.author.user,
        "type": "message",
        "ts": message.ts,
        "bot_id": message.author.bot_id,
        "app_id": message.author.app_id,
        "text": message.text,
        "team": team,
    });
    if let Some(thread_ts) = &message.thread_ts {
        object["thread_ts"] = json!(thread_ts);
    }
    object
}
