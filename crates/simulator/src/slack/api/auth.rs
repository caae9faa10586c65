use serde_json::json;

use super::Call;
use crate::slack::answer::{Members, Refusal, members};
use crate::slack::tokens::TokenKind;

/// Serves `auth.test`: who the token acts as.
#[expect(clippy::unnecessary_wraps, reason = "every method has this signature")]
pub(super) fn test(call: &mut Call<'_>) -> Result<Members, Refusal> {
    let grant = &call.caller.grant;
    let workspace = &call.state.workspace;
    let mut answer = members(json!({
        "url": format!("{}/slack/", call.outside.public_url()),
        "team": workspace.name,
        "user": call.handle(),
        "team_id": workspace.id,
        "user_id": grant.user,
    }));
    if let Some(app) = call.state.apps.get(&grant.client_id) {
        if grant.kind == TokenKind::Bot {
            answer.insert("bot_id".to_owned(), json!(app.public.bot_id));
        }
        answer.insert("app_id".to_owned(), json!(app.public.app_id));
    }
    if let Some(expires_at) = call.caller.expires_at {
        let left = (expires_at - call.outside.now()) / 1_000_000;
        answer.insert("expires_in".to_owned(), json!(left));
    }
    answer.insert("is_enterprise_install".to_owned(), json!(false));
    Ok(answer)
}

/// Serves `auth.revoke`: ends the token, unless it is only a test.
pub(super) fn revoke(call: &mut Call<'_>) -> Result<Members, Refusal> {
    let dry_run = call.arguments.flag("test")?.unwrap_or(false);
    if !dry_run {
        call.state.revoke(&call.caller.token, call.caller.grant_id);
    }
    Ok(members(json!({ "revoked": !dry_run })))
}

// === impl Call ===

impl Call<'_> {
    fn handle(&self) -> String {
        let grant = &self.caller.grant;
        let app =
            || self.state.apps.get(&grant.client_id).map(|app| app.public.name.to_lowercase());
        let person = self.state.workspace.person(&grant.user).map(|person| person.handle.clone());
        person.or_else(app).unwrap_or_default()
    }
}
