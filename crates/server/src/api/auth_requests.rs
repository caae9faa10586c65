use std::time::Duration;

use astralform_domain::{
    AuthFailure, AuthReason, AuthRequestId, AuthStatus, ConnectionId, ConnectorSlug, EndUserId,
    Owner, ScopeSet, Timestamp,
};
use astralform_engine::{Confirmation, Prompt, Wanted, WantedAccount};
use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};

use crate::{
    App, Problem,
    auth::{Acting, Backend},
    body::{Body, Path, Query},
    finish::to_the_end,
};

/// The longest anybody can wait for an end user in one request, in seconds: most proxies give up
/// on a silent answer after 60.
pub(crate) const LONGEST_WAIT: u64 = 55;

/// A prompt to an end user, the same in every interface.
#[derive(Serialize)]
pub(crate) struct AuthRequestView {
    id: AuthRequestId,
    connector: String,
    status: AuthStatus,
    url: String,
    reason: AuthReason,
    required_scopes: ScopeSet,
    granted_scopes: ScopeSet,
    missing_scopes: ScopeSet,
    message: String,
    account_hint: Option<String>,
    connection_id: Option<ConnectionId>,
    failure: Option<&'static str>,
    expires_at: Timestamp,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wait {
    /// Seconds to wait for the request to be no longer pending; 55 at most.
    #[serde(default)]
    wait: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateRequest {
    /// The connector to connect an account to.
    connector: ConnectorSlug,
    /// Scopes to ask for besides the usual ones.
    #[serde(default)]
    scopes: ScopeSet,
    /// Which account: `default`, `new`, or the id of a connection to renew.
    #[serde(default)]
    account: Account,
    /// Where the browser goes afterwards; one of the environment's return URLs.
    return_url: Option<String>,
    /// Seconds until the link must be clicked: 60 to 604800 with an API key, to 600 with a session.
    expires_in: Option<u64>,
}

/// Which of an end user's accounts.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Account(WantedAccount);

impl Default for Account {
    fn default() -> Self {
        Self(WantedAccount::Default)
    }
}

impl TryFrom<String> for Account {
    type Error = astralform_domain::InvalidId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Ok(Self(match text.as_str() {
            "default" => WantedAccount::Default,
            "new" => WantedAccount::New,
            id => WantedAccount::Named(id.parse()?),
        }))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConfirmRequest {
    /// Who is signed in to the developer's application, in the browser that came back.
    end_user_id: EndUserId,
    /// The `confirmation` that the browser brought.
    confirmation: String,
}

/// Prompts an end user without a tool call. The same prompt again is the same request, so that
/// asking twice is like asking once.
pub(crate) async fn create(
    State(app): State<App>,
    Acting(caller): Acting,
    Body(request): Body<CreateRequest>,
) -> Result<Json<AuthRequestView>, Problem> {
    let wanted = Wanted {
        connector: request.connector,
        scopes: request.scopes,
        account: request.account.0,
        return_url: request.return_url,
        life: request.expires_in.map(Duration::from_secs),
    };
    Ok(Json(app.engine().request_auth(&caller, wanted).await?.into()))
}

/// Shows an auth request, as soon as it is no longer pending or when the wait is over.
pub(crate) async fn show(
    State(app): State<App>,
    Acting(caller): Acting,
    Path(id): Path<AuthRequestId>,
    Query(Wait { wait }): Query<Wait>,
) -> Result<Json<AuthRequestView>, Problem> {
    let tenant = caller.principal.tenant;
    let missing = || Problem::not_found("this project has no such auth request");
    let now = app.engine().prompt(tenant, id).await?.ok_or_else(missing)?;
    let named = caller.end_user.as_ref();
    if named.is_some_and(|end_user| now.request.owner.end_user() != Some(end_user)) {
        return Err(missing());
    }
    let wait = Duration::from_secs(wait.min(LONGEST_WAIT));
    let moved = |status| status != AuthStatus::Pending;
    let found = app.engine().wait(tenant, id, wait, moved).await?;
    Ok(Json(found.ok_or_else(missing)?.into()))
}

/// The developer's backend vouches for who finished in the browser.
pub(crate) async fn confirm(
    State(app): State<App>,
    Backend(principal): Backend,
    Path(id): Path<AuthRequestId>,
    Body(ConfirmRequest { end_user_id, confirmation }): Body<ConfirmRequest>,
) -> Result<Json<AuthRequestView>, Problem> {
    let confirmed = to_the_end(async move {
        let owner = Owner::EndUser(end_user_id);
        let said = Confirmation { owner: &owner, proof: &confirmation };
        app.engine().confirm(principal.tenant, id, &said).await
    });
    Ok(Json(confirmed.await?.into()))
}

impl From<Prompt> for AuthRequestView {
    fn from(prompt: Prompt) -> Self {
        let Prompt { request, status, url, message } = prompt;
        Self {
            id: request.id,
            connector: request.connector.to_string(),
            status,
            url,
            reason: request.reason,
            missing_scopes: request.missing_scopes(),
            required_scopes: request.required_scopes,
            granted_scopes: request.granted_scopes,
            message,
            account_hint: request.account_hint,
            connection_id: request.connection.filter(|_| status == AuthStatus::Completed),
            failure: request.failure.map(AuthFailure::as_str),
            expires_at: request.expires_at,
        }
    }
}
