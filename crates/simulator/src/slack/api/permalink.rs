use serde_json::json;

use super::Call;
use crate::slack::answer::{Members, Refusal, members};

/// Serves `chat.getPermalink`: the address of one message.
pub(super) fn get(call: &mut Call<'_>) -> Result<Members, Refusal> {
    let channel = call.arguments.filled("channel")?.unwrap_or_default();
    let ts = call.arguments.filled("message_ts")?.unwrap_or_default();
    let known = call.state.workspace.conversation(channel);
    let known = known.filter(|known| call.state.can_see(&call.caller.grant.user, known));
    let known = known.ok_or(Refusal::new("channel_not_found"))?;
    let message = call.state.messages.find(&known.id, ts);
    let message = message.ok_or(Refusal::new("message_not_found"))?;
    Ok(members(json!({
        "channel": known.id,
        "permalink": message.permalink(call.outside.public_url()),
    })))
}
