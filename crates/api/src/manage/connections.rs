use astralform_domain::{
    ConnectionId, ConnectionStatus, ConnectorSlug, EndUserId, MemberId, RevocationStatus, ScopeSet,
    StatusReason, Timestamp,
};
use astralform_engine::ChangeError;
use astralform_management::connections::{ConnectionFilter, Extent, Managed, Page, Selection};
use astralform_surface::{
    App, Problem,
    auth::InEnvironment,
    body::{Body, Path, Query},
    run_detached,
};
use axum::{Json, extract::State, response::NoContent};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    connections::{AccountView, ConnectionPath},
    page::{PageQuery, PageView},
};
/// Which connections are looked for; each that is named has to fit.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct ConnectionsQuery {
    /// Those of this connector.
    connector: Option<ConnectorSlug>,
    /// Those of this status.
    status: Option<ConnectionStatus>,
    /// Those of this end user, by your own id of them.
    end_user_id: Option<EndUserId>,
    /// Those that were used since then.
    used_since: Option<Timestamp>,
}

/// A connection of any end user, or of the project.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ProjectConnectionView {
    /// Its id.
    id: ConnectionId,
    /// What it is connected to.
    connector: ConnectorSlug,
    /// Whose it is, by your own id of them; null for those that the project shares and those of
    /// members.
    end_user_id: Option<EndUserId>,
    /// The member whose own it is; null for all others.
    member_id: Option<MemberId>,
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
    /// When it was last used, to within some seconds.
    last_used_at: Option<Timestamp>,
    /// What became of its tokens at the provider; null as long as it has not ended.
    revocation: Option<RevocationStatus>,
}

/// Which connections are to be revoked; each that is named has to fit.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RevokeConnections")]
pub(crate) struct RevokeRequest {
    /// Those of this connector.
    connector: Option<ConnectorSlug>,
    /// Those of this end user.
    end_user_id: Option<EndUserId>,
    /// Those that were used since then.
    used_since: Option<Timestamp>,
    /// Every connection of the environment.
    #[serde(default)]
    all: bool,
    /// `true` only says how many it would be, and how long it would take.
    #[serde(default)]
    dry_run: bool,
}

/// What revoking connections amounts to.
#[derive(Serialize, JsonSchema)]
pub(crate) struct RevokedView {
    /// Whether it was done; `false` after a dry run.
    revoked: bool,
    /// How many connections.
    connections: u64,
    /// How long the providers take at least to confirm it, by the pace that each allows.
    estimated_seconds: u64,
    /// How many and how long by connector.
    connectors: Vec<ExtentView>,
}

/// What revoking connections amounts to, at one connector.
#[derive(Serialize, JsonSchema)]
struct ExtentView {
    /// The connector.
    connector: ConnectorSlug,
    /// How many connections.
    connections: u64,
    /// How long its provider takes at least.
    estimated_seconds: u64,
}

pub(crate) async fn list(
    State(app): State<App>,
    InEnvironment { by, environment, .. }: InEnvironment,
    Query(search): Query<ConnectionsQuery>,
    Query(page): Query<PageQuery<ConnectionId>>,
) -> Result<Json<PageView<ProjectConnectionView>>, Problem> {
    let filter = ConnectionFilter {
        connector: search.connector.as_ref(),
        status: search.status,
        end_user: search.end_user_id.as_ref(),
        used_since: search.used_since,
    };
    let wanted = Page { after: page.cursor, limit: page.one_more() };
    let found = app.management().connections.list(&by, environment, filter, wanted).await?;
    Ok(Json(page.view(found, |managed| managed.connection.id.to_string())))
}

pub(crate) async fn show(
    State(app): State<App>,
    InEnvironment { by, environment, .. }: InEnvironment,
    Path(ConnectionPath { id }): Path<ConnectionPath>,
) -> Result<Json<ProjectConnectionView>, Problem> {
    let found = app.management().connections.find(&by, environment, id).await?;
    Ok(Json(found.ok_or(ChangeError::Unknown)?.into()))
}

pub(crate) async fn revoke(
    State(app): State<App>,
    InEnvironment { by, environment, .. }: InEnvironment,
    Path(ConnectionPath { id }): Path<ConnectionPath>,
) -> Result<NoContent, Problem> {
    run_detached(async move { app.management().connections.revoke(&by, environment, id).await })
        .await?;
    Ok(NoContent)
}

pub(crate) async fn revoke_many(
    State(app): State<App>,
    InEnvironment { by, environment, .. }: InEnvironment,
    Body(request): Body<RevokeRequest>,
) -> Result<Json<RevokedView>, Problem> {
    let RevokeRequest { connector, end_user_id, used_since, all, dry_run } = request;
    let selection = Selection { connector, end_user: end_user_id, used_since, all };
    let extents = if dry_run {
        app.management().connections.extent_of(&by, environment, &selection).await?
    } else {
        app.management().connections.revoke_many(&by, environment, &selection).await?
    };
    Ok(Json(RevokedView {
        revoked: !dry_run,
        connections: extents.iter().map(|extent| extent.connections).sum(),
        estimated_seconds: extents.iter().map(Extent::seconds).max().unwrap_or(0),
        connectors: extents.into_iter().map(Into::into).collect(),
    }))
}

impl From<Extent> for ExtentView {
    fn from(extent: Extent) -> Self {
        let estimated_seconds = extent.seconds();
        let Extent { connector, connections, .. } = extent;
        Self { connector, connections, estimated_seconds }
    }
}

impl From<Managed> for ProjectConnectionView {
    fn from(managed: Managed) -> Self {
        let Managed { connection, connector, used_at, revocation } = managed;
        let account = AccountView { id: connection.account.id, label: connection.account.label };
        Self {
            id: connection.id,
            connector,
            end_user_id: connection.owner.end_user().cloned(),
            member_id: connection.owner.member(),
            account,
            label: connection.label,
            is_default: connection.is_default,
            status: connection.state.status(),
            reason: connection.state.reason(),
            scopes: connection.scopes,
            created_at: connection.created_at,
            last_used_at: used_at,
            revocation,
        }
    }
}
