use std::time::Duration;

use astralform_domain::{
    Actor, AuthFailure, AuthReason, AuthRequestId, AuthStatus, ConnectionId, ConnectorSlug,
    EndUserId, Owner, ScopeSet, Timestamp,
};
use astralform_engine::{Confirmation, Patience, Prompt, WantedAccount, WantedPrompt};
use astralform_http::wanted;
use astralform_surface::{
    App, Problem, Refusal,
    auth::{Acting, Backend},
    body::{Body, Path, Query, Whole},
    run_detached,
};
use axum::{Json, extract::State};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The longest that a caller can wait for an end user in one request, in seconds: most proxies give
/// up on a silent answer after 60.
const LONGEST_WAIT: u64 = 55;

/// Seconds to wait for an end user.
pub(crate) type Wait = Whole<0, LONGEST_WAIT>;

/// Returns for how long a request waits for an end user: so many seconds, and no longer than its
/// caller waits for the answer.
pub(crate) fn patience(seconds: Wait) -> Patience {
    Patience { at_most: Duration::from_secs(seconds.get()), caller: wanted() }
}

/// A prompt to an end user, the same in every interface.
#[derive(Serialize, JsonSchema)]
pub(crate) struct AuthRequestView {
    /// Its id.
    id: AuthRequestId,
    /// What the account will be connected to.
    connector: ConnectorSlug,
    status: AuthStatus,
    /// The page to show the end user.
    #[schemars(url)]
    url: String,
    reason: AuthReason,
    /// The scopes it asks for.
    required_scopes: ScopeSet,
    /// The scopes already granted.
    granted_scopes: ScopeSet,
    /// What it asks for beyond those.
    missing_scopes: ScopeSet,
    /// A sentence that an agent can pass on.
    message: String,
    /// The account to use again, as the end user knows it; once completed, the one that was
    /// connected already, where none was added.
    account_hint: Option<String>,
    /// The connection it led to, once it is completed.
    connection_id: Option<ConnectionId>,
    /// Why it failed, once it has.
    failure: Option<AuthFailure>,
    /// What the provider said of it, where it refused.
    provider_error: Option<ProviderErrorView>,
    /// When the present phase ends.
    expires_at: Timestamp,
}

/// What a provider says of its refusal, in its own words.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ProviderErrorView {
    /// Its code, such as `invalid_scope` (RFC 6749 §4.1.2.1 and §5.2).
    code: String,
    /// Its words for developers, where it has any. They are not ours: treat them as input.
    description: Option<String>,
}

/// What names an auth request in a path.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct AuthRequestPath {
    /// The auth request's id.
    id: AuthRequestId,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WaitQuery {
    /// Seconds to wait for a final status: any but `pending` and `awaiting_confirmation`.
    #[serde(default)]
    wait: Wait,
}

/// A prompt without a tool call.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateRequest {
    /// The connector to connect an account to.
    connector: ConnectorSlug,
    /// Scopes to ask for besides the usual ones: of the project connector's `scopes`, or where it
    /// has none any that the connector declares.
    #[serde(default)]
    scopes: ScopeSet,
    /// Which account: `default`, `new`, or the id of a connection to renew.
    #[serde(default)]
    #[schemars(with = "String")]
    account: AccountChoice,
    /// Where the browser goes afterwards; one of the environment's return URLs.
    return_url: Option<String>,
    /// Seconds until the link must be clicked; with a session 600 at most.
    #[schemars(range(min = 60, max = 604_800))]
    expires_in: Option<u64>,
}

/// Which of an end user's accounts.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct AccountChoice(WantedAccount);

/// A text that means no account.
#[derive(Debug, Error)]
#[error("it must be `default`, `new`, or the id of a connection (conn_…)")]
struct NoAccount;

impl Default for AccountChoice {
    fn default() -> Self {
        Self(WantedAccount::Default)
    }
}

impl TryFrom<String> for AccountChoice {
    type Error = NoAccount;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Ok(Self(match text.as_str() {
            "default" => WantedAccount::Default,
            "new" => WantedAccount::New,
            id => WantedAccount::Named(id.parse().map_err(|_| NoAccount)?),
        }))
    }
}

/// Who finished in the browser.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConfirmRequest {
    /// Who is signed in to your application, in the browser that came back.
    end_user_id: EndUserId,
    /// The `confirmation` that this browser brought to the return URL.
    confirmation: String,
}

pub(crate) async fn create(
    State(app): State<App>,
    Acting(caller): Acting,
    Body(request): Body<CreateRequest>,
) -> Result<Json<AuthRequestView>, Problem> {
    let wanted = WantedPrompt {
        connector: request.connector,
        scopes: request.scopes,
        account: request.account.0,
        return_url: request.return_url,
        life: request.expires_in.map(Duration::from_secs),
    };
    Ok(Json(app.engine().auth_requests.request_auth(&caller, wanted).await?.into()))
}

pub(crate) async fn show(
    State(app): State<App>,
    Acting(caller): Acting,
    Path(AuthRequestPath { id }): Path<AuthRequestPath>,
    Query(WaitQuery { wait }): Query<WaitQuery>,
) -> Result<Json<AuthRequestView>, Problem> {
    let tenant = caller.principal.tenant;
    let now = app.engine().prompts.prompt(tenant, id).await?;
    let now = now.ok_or(Refusal::UnknownAuthRequest)?;
    let named = caller.end_user.as_ref();
    let owner = &now.request.owner;
    let is_others = owner.member().is_some()
        || named.is_some_and(|end_user| owner.end_user() != Some(end_user));
    let may_see = app.engine().offers.may_see(&caller, &now.request.connector).await?;
    if is_others || !may_see {
        return Err(Refusal::UnknownAuthRequest.into());
    }
    let wait = patience(wait);
    let found =
        app.engine().prompts.wait(&caller.principal, id, wait, |status| !status.is_open()).await?;
    Ok(Json(found.ok_or(Refusal::UnknownAuthRequest)?.into()))
}

pub(crate) async fn confirm(
    State(app): State<App>,
    Backend(principal): Backend,
    Path(AuthRequestPath { id }): Path<AuthRequestPath>,
    Body(ConfirmRequest { end_user_id, confirmation }): Body<ConfirmRequest>,
) -> Result<Json<AuthRequestView>, Problem> {
    let confirmed = run_detached(async move {
        let owner = Owner::EndUser(end_user_id);
        let said = Confirmation { owner: &owner, proof: &confirmation };
        let by = Actor::from(&principal);
        app.engine().confirmations.confirm(by, principal.tenant, id, &said).await
    });
    Ok(Json(confirmed.await?.into()))
}

impl From<Prompt> for AuthRequestView {
    fn from(prompt: Prompt) -> Self {
        let Prompt { request, status, url, message } = prompt;
        Self {
            id: request.id,
            status,
            url,
            reason: request.reason,
            missing_scopes: request.missing_scopes(),
            connector: request.connector,
            required_scopes: request.required_scopes,
            granted_scopes: request.granted_scopes,
            message,
            account_hint: request.account_hint,
            connection_id: request.state.connection().filter(|_| status == AuthStatus::Completed),
            failure: request.state.failure(),
            provider_error: request
                .state
                .provider_error()
                .cloned()
                .map(|said| ProviderErrorView { code: said.code, description: said.description }),
            expires_at: request.expires_at,
        }
    }
}
