use astralform_domain::{
    ConnectionStatus, ConnectorSlug, Endpoints, Environment, OauthClient, ProjectConnectorId,
    ScopeSet, Timestamp, ToolName,
};
use astralform_engine::project_connectors::{KeyShown, Overview};
use schemars::JsonSchema;
use serde::Serialize;

/// A connector enabled in one environment of a project.
#[derive(Serialize, JsonSchema)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own in the settings")]
pub(crate) struct ProjectConnectorView {
    /// Its id.
    id: ProjectConnectorId,
    /// Its name in the catalogue.
    connector: ConnectorSlug,
    /// The service's name.
    name: String,
    /// The environment it is enabled in.
    environment: Environment,
    /// `ready`, `needs_credentials`, `misconfigured` or `paused`.
    status: &'static str,
    /// Why it is not ready, and what to do.
    status_reason: Option<String>,
    /// `false` pauses it: calls are refused, connections stay.
    is_enabled: bool,
    /// Whether end users must connect accounts of their own, where they may.
    require_auth: bool,
    /// Whether end users may connect accounts of their own.
    allow_end_user_auth: bool,
    /// What is asked for instead of the connector's minimum.
    scopes: Option<ScopeSet>,
    /// The tools it offers.
    tools: Vec<ToolName>,
    /// Addresses that replace the catalogue's.
    endpoints: Endpoints,
    /// Whether it talks to the simulator.
    sandbox: bool,
    /// What is shown of your OAuth app, or API key; null while there is none.
    credentials: Option<CredentialsView>,
    /// What to register at the provider, to the letter.
    redirect_uri: String,
    /// How many connections it has of each status.
    connections: CountsView,
    /// When it was enabled.
    created_at: Timestamp,
    /// How often it was changed, and once more; what `If-Match` takes.
    version: i64,
}

/// How many connections there are of each status.
#[derive(Default, Serialize, JsonSchema)]
struct CountsView {
    /// In use.
    active: i64,
    /// To be renewed by their owners.
    needs_reauth: i64,
    /// Finished by somebody whom nobody has confirmed yet.
    awaiting_confirmation: i64,
    /// Ended for good.
    revoked: i64,
}

/// What is shown of credentials. Secrets are not shown again.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
enum CredentialsView {
    /// The developer's OAuth app.
    App {
        /// Its client id.
        client_id: String,
        /// The end of the secret.
        client_secret_hint: String,
        /// When the secret was entered.
        client_secret_set_at: Timestamp,
    },
    /// The API key that serves the project.
    Key {
        /// The end of the key.
        api_key_hint: String,
        /// When it was entered.
        api_key_set_at: Timestamp,
    },
}

impl From<Overview> for ProjectConnectorView {
    fn from(overview: Overview) -> Self {
        let settings = overview.settings;
        Self {
            id: settings.id,
            connector: settings.connector,
            name: overview.name,
            environment: settings.tenant.environment,
            status: overview.status.as_str(),
            status_reason: overview.reason,
            is_enabled: settings.state.is_enabled(),
            require_auth: settings.require_auth,
            allow_end_user_auth: settings.allow_end_user_auth,
            scopes: settings.scopes,
            tools: overview.tools,
            endpoints: settings.endpoints,
            sandbox: settings.sandbox,
            credentials: settings.client.map(Into::into).or(overview.key.map(Into::into)),
            redirect_uri: overview.redirect_uri,
            connections: overview.connections.into(),
            created_at: settings.created_at,
            version: settings.version,
        }
    }
}

impl From<Vec<(ConnectionStatus, i64)>> for CountsView {
    fn from(counts: Vec<(ConnectionStatus, i64)>) -> Self {
        let mut view = Self::default();
        for (status, number) in counts {
            match status {
                ConnectionStatus::Active => view.active = number,
                ConnectionStatus::NeedsReauth => view.needs_reauth = number,
                ConnectionStatus::AwaitingConfirmation => view.awaiting_confirmation = number,
                ConnectionStatus::Revoked => view.revoked = number,
            }
        }
        view
    }
}

impl From<OauthClient> for CredentialsView {
    fn from(client: OauthClient) -> Self {
        Self::App {
            client_id: client.id,
            client_secret_hint: client.hint,
            client_secret_set_at: client.set_at,
        }
    }
}

impl From<KeyShown> for CredentialsView {
    fn from(key: KeyShown) -> Self {
        Self::Key { api_key_hint: key.hint, api_key_set_at: key.set_at }
    }
}
