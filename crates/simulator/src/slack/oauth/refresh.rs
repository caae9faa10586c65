use serde_json::json;

use super::client::Client;
use super::exchange::{installation, token};
use crate::outside::Outside;
use crate::slack::answer::{Members, Refusal};
use crate::slack::api::Arguments;
use crate::slack::rotation::Presented;
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
    let presented = Presented {
        client_id: &app.client_id,
        proven: client.proven,
        refresh_token: arguments.filled("refresh_token")?.unwrap_or_default(),
    };
    let issued = state.tokens.rotate(&presented, Terms::of(app), outside)?;
    let mut answer = token(&issued);
    if issued.grant.kind == TokenKind::Bot {
        answer.insert("bot_user_id".to_owned(), json!(app.bot_user_id));
    }
    let team = json!({ "id": state.workspace.id, "name": state.workspace.name });
    answer.extend(installation(app, &team));
    Ok(answer)
}
