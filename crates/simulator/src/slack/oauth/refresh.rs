use serde_json::json;

use super::client::Client;
use super::exchange::{installation, token};
use crate::outside::Outside;
use crate::slack::answer::{Members, Refusal};
use crate::slack::api::Arguments;
use crate::slack::state::State;
use crate::slack::tokens::{Terms, TokenKind};

/// Trades a refresh token; the new values stand at the top for both kinds of token.
pub(super) fn run(
    client: &Client,
    arguments: &Arguments,
    state: &mut State,
    outside: &Outside,
) -> Result<Members, Refusal> {
    let app = &client.app;
    let given = arguments.filled("refresh_token")?.unwrap_or_default();
    let issued = state.tokens.rotate(&app.client_id, given, Terms::of(app), outside);
    let issued = issued.ok_or(Refusal::new("invalid_refresh_token"))?;
    let mut answer = token(&issued);
    if issued.grant.kind == TokenKind::Bot {
        answer.insert("bot_user_id".to_owned(), json!(app.bot_user_id));
    }
    let team = json!({ "id": state.workspace.id, "name": state.workspace.name });
    answer.extend(installation(app, &team));
    Ok(answer)
}
