use astralform_domain::{ConnectionId, ConnectionStatus, Patch, ScopeSet, StatusReason, Timestamp};
use astralform_engine::{ConnectionChanges, OwnConnection};
use astralform_surface::{
    App, Problem,
    auth::ActingFor,
    body::{Body, Path, Query},
    run_detached,
};
use axum::{Json, extract::State, response::NoContent};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::page::{PageQuery, PageView};

/// An account that an end user has connected.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ConnectionView {
    /// Its id; the same account reconnecting keeps it.
    id: ConnectionId,
    /// What it is connected to.
    connector: String,
    /// The account at the provider.
    account: AccountView,
    /// What its owner calls it.
    label: Option<String>,
    /// Whether it is the one meant by calls that name none.
    is_default: bool,
    /// Whether it can be used.
    status: ConnectionStatus,
    /// Why it is not active.
    reason: Option<StatusReason>,
    /// What the provider said it granted.
    scopes: ScopeSet,
    /// When it was made.
    created_at: Timestamp,
}

/// The account at the provider.
#[derive(Serialize, JsonSchema)]
pub(super) struct AccountView {
    /// The provider's id of it.
    pub(super) id: String,
    /// As a person recognises it.
    pub(super) label: String,
}

/// What names a connection in a path.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct ConnectionPath {
    /// The connection's id.
    pub(super) id: ConnectionId,
}

/// What is to change of a connection; what is left out stays.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ConnectionChange")]
pub(crate) struct ConnectionChangeRequest {
    /// What to call it; null for no name.
    #[serde(default)]
    #[schemars(with = "Option<String>", length(min = 1, max = 100))]
    label: Patch<String>,
    /// `true` makes it the one meant by calls that name none.
    is_default: Option<bool>,
}

pub(crate) async fn list(
    State(app): State<App>,
    ActingFor(caller, end_user): ActingFor,
    Query(page): Query<PageQuery<ConnectionId>>,
) -> Result<Json<PageView<ConnectionView>>, Problem> {
    let engine = app.engine();
    let found = engine
        .own_connections
        .own_connections(&caller, &end_user, page.cursor, page.one_more())
        .await?;
    Ok(Json(page.view(found, |listed| listed.connection.id.to_string())))
}

pub(crate) async fn show(
    State(app): State<App>,
    ActingFor(caller, end_user): ActingFor,
    Path(ConnectionPath { id }): Path<ConnectionPath>,
) -> Result<Json<ConnectionView>, Problem> {
    let found = app.engine().own_connections.own_connection(&caller, &end_user, id).await?;
    let missing = astralform_engine::ChangeError::Unknown;
    Ok(Json(found.ok_or(missing)?.into()))
}

pub(crate) async fn change(
    State(app): State<App>,
    ActingFor(caller, end_user): ActingFor,
    Path(ConnectionPath { id }): Path<ConnectionPath>,
    Body(ConnectionChangeRequest { label, is_default }): Body<ConnectionChangeRequest>,
) -> Result<Json<ConnectionView>, Problem> {
    let changes = ConnectionChanges { label, is_default };
    Ok(Json(app.engine().own_connections.change_own(&caller, &end_user, id, changes).await?.into()))
}

pub(crate) async fn disconnect(
    State(app): State<App>,
    ActingFor(caller, end_user): ActingFor,
    Path(ConnectionPath { id }): Path<ConnectionPath>,
) -> Result<NoContent, Problem> {
    let done = run_detached(async move {
        app.engine().own_connections.disconnect_own(&caller, &end_user, id).await
    });
    done.await?;
    Ok(NoContent)
}

impl From<OwnConnection> for ConnectionView {
    fn from(listed: OwnConnection) -> Self {
        let OwnConnection { connection, connector } = listed;
        let account = AccountView { id: connection.account.id, label: connection.account.label };
        Self {
            id: connection.id,
            connector,
            account,
            label: connection.label,
            is_default: connection.is_default,
            status: connection.state.status(),
            reason: connection.state.reason(),
            scopes: connection.scopes,
            created_at: connection.created_at,
        }
    }
}
