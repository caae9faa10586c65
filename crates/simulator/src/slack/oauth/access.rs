use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;

use super::client::Credentials;
use super::{exchange, refresh};
use crate::requests::Noted;
use crate::slack::Slack;
use crate::slack::answer::{Members, Refusal, respond};
use crate::slack::api::{Arguments, Bodies};

/// Serves `oauth.v2.access`: codes and refresh tokens become tokens.
///
/// Everything has to stand in the body, so a GET always lacks the client id.
pub(crate) async fn run(State(slack): State<Slack>, headers: HeaderMap, body: Bytes) -> Response {
    let mut noted = Noted::default();
    let arguments = match Arguments::from_body(&headers, &body, Bodies::FormOrJson) {
        Ok(arguments) => arguments,
        Err(refusal) => return respond(Err(refusal), &[], noted),
    };
    let outcome = grant(&slack, &headers, &arguments, &mut noted);
    respond(outcome, &arguments.warnings, noted)
}

fn grant(
    slack: &Slack,
    headers: &HeaderMap,
    arguments: &Arguments,
    noted: &mut Noted,
) -> Result<Members, Refusal> {
    let grant_type = arguments.filled("grant_type")?.unwrap_or("authorization_code");
    noted.grant_type = Some(grant_type.to_owned());
    let credentials = Credentials::read(headers, arguments)?;
    noted.client_id.clone_from(&credentials.client_id);
    let mut state = slack.state();
    let client = credentials.authenticate(&state)?;
    match grant_type {
        "authorization_code" => exchange::run(&client, arguments, &mut state, &slack.outside),
        "refresh_token" => refresh::run(&client, arguments, &mut state, &slack.outside),
        _ => Err(Refusal::new("invalid_grant_type")),
    }
}
