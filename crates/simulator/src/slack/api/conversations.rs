use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::Call;
use super::arguments::must_be;
use crate::slack::answer::{Members, Refusal, members};
use crate::slack::workspace::{Conversation, ConversationKind};

const DEFAULT_LIMIT: usize = 100;
const LARGEST_LIMIT: usize = 999;

/// Serves `conversations.list`: the conversations the caller can see, page by page.
pub(super) fn list(call: &mut Call<'_>) -> Result<Members, Refusal> {
    let kinds = kinds(call)?;
    let limit = limit(call)?;
    call.check_team()?;
    let without_archived = call.arguments.flag("exclude_archived")?.unwrap_or(false);
    let listed: Vec<&Conversation> = call
        .state
        .workspace
        .conversations
        .iter()
        .filter(|known| kinds.contains(&known.kind) && !(without_archived && known.archived))
        .filter(|known| call.state.can_see(&call.caller.grant.user, known))
        .collect();
    let start = start(call, &listed)?;
    let page = listed[start..].iter().take(limit).map(|known| call.object(known));
    let next = listed.get(start + limit).map(|known| cursor(known)).unwrap_or_default();
    Ok(members(json!({
        "channels": page.collect::<Vec<_>>(),
        "response_metadata": { "next_cursor": next },
    })))
}

/// Returns the requested types, each of which the token needs a scope for.
fn kinds(call: &Call<'_>) -> Result<Vec<ConversationKind>, Refusal> {
    let types = call.arguments.filled("types")?.unwrap_or("public_channel");
    let kinds: Option<Vec<_>> =
        types.split(',').map(|name| ConversationKind::from_name(name.trim())).collect();
    let kinds = kinds.ok_or(Refusal::new("invalid_types"))?;
    let missing: Vec<_> =
        kinds.iter().map(|kind| kind.scope()).filter(|scope| !call.caller.has(scope)).collect();
    if missing.is_empty() { Ok(kinds) } else { Err(call.caller.misses(&missing)) }
}

fn limit(call: &Call<'_>) -> Result<usize, Refusal> {
    match call.arguments.number("limit") {
        Ok(None) => Ok(DEFAULT_LIMIT),
        Ok(Some(limit)) if (1..=LARGEST_LIMIT).contains(&limit) => Ok(limit),
        _ => Err(Refusal::new("invalid_limit")),
    }
}

fn start(call: &Call<'_>, listed: &[&Conversation]) -> Result<usize, Refusal> {
    let Some(given) = call.arguments.filled("cursor")? else {
        return Ok(0);
    };
    let position = listed.iter().position(|known| cursor(known) == given);
    position.ok_or(Refusal::new("invalid_cursor"))
}

fn cursor(conversation: &Conversation) -> String {
    STANDARD.encode(format!("team:{}", conversation.id))
}

// === impl Call ===

impl Call<'_> {
    /// Refuses another workspace than the token's.
    pub(super) fn check_team(&self) -> Result<(), Refusal> {
        let other = |team: &&str| *team != self.state.workspace.id;
        match self.arguments.filled("team_id")?.filter(other) {
            Some(_) => Err(must_be("team_id", "the workspace of the token")),
            None => Ok(()),
        }
    }

    fn object(&self, known: &Conversation) -> Value {
        if known.kind == ConversationKind::Im {
            return self.direct_message(known);
        }
        let mut object = self.channel(known);
        if known.kind == ConversationKind::Mpim {
            object["is_open"] = json!(true);
            object["priority"] = json!(0);
        } else {
            object["previous_names"] = json!(known.previous_names);
            object["num_members"] = json!(known.members.len());
        }
        object
    }

    fn channel(&self, known: &Conversation) -> Value {
        let team = &self.state.workspace.id;
        let creator = known.members.first();
        let public = known.kind == ConversationKind::PublicChannel;
        json!({
            "id": known.id,
            "name": known.name,
            "is_channel": known.kind != ConversationKind::Mpim,
            "is_group": known.kind == ConversationKind::Mpim,
            "is_im": false,
            "is_mpim": known.kind == ConversationKind::Mpim,
            "is_private": !public,
            "created": known.created,
            "is_archived": known.archived,
            "is_general": known.general,
            "unlinked": 0,
            "name_normalized": known.name,
            "is_shared": false,
            "is_org_shared": false,
            "is_pending_ext_shared": false,
            "pending_shared": [],
            "context_team_id": team,
            "updated": known.created * 1_000,
            "parent_conversation": null,
            "creator": creator,
            "is_ext_shared": false,
            "shared_team_ids": [team],
            "pending_connected_team_ids": [],
            "is_member": self.state.is_in(&self.caller.grant.user, known),
            "topic": note(&known.topic, known),
            "purpose": note(&known.purpose, known),
        })
    }

    /// Returns a conversation as a search result mentions it.
    pub(super) fn mentioned(&self, known: &Conversation) -> Value {
        let user = &self.caller.grant.user;
        let im = known.kind == ConversationKind::Im;
        json!({
            "id": known.id,
            "is_channel": matches!(
                known.kind,
                ConversationKind::PublicChannel | ConversationKind::PrivateChannel
            ),
            "is_group": false,
            "is_im": im,
            "is_mpim": known.kind == ConversationKind::Mpim,
            "is_private": known.kind != ConversationKind::PublicChannel,
            "is_shared": false,
            "is_org_shared": false,
            "is_ext_shared": false,
            "is_pending_ext_shared": false,
            "pending_shared": [],
            // Slack calls a direct message by the id of the other person.
            "name": if im { known.counterpart(user) } else { &known.name },
        })
    }

    fn direct_message(&self, known: &Conversation) -> Value {
        json!({
            "id": known.id,
            "created": known.created,
            "is_archived": known.archived,
            "is_im": true,
            "is_org_shared": false,
            "context_team_id": self.state.workspace.id,
            "updated": known.created * 1_000,
            "user": known.counterpart(&self.caller.grant.user),
            "is_user_deleted": false,
            "priority": 0,
        })
    }
}

/// Returns a topic or purpose; nobody set an empty one.
fn note(value: &str, known: &Conversation) -> Value {
    if value.is_empty() {
        return json!({ "value": "", "creator": "", "last_set": 0 });
    }
    json!({
        "value": super::escaping::escape_all(value),
        "creator": known.members.first(),
        "last_set": known.created,
    })
}
