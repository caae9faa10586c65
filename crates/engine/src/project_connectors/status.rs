use astralform_catalog::ConnectorType;
use astralform_domain::{
    Connection, ConnectionStatus, ConnectorSlug, Environment, Owner, ProjectConnector, ProjectId,
    Tenant, Timestamp, ToolName, VerifyEndUser,
};
use astralform_storage::{connections, project_connectors};

use crate::{Fault, Unusable, project_connectors::ProjectConnectors};

/// Whether a project connector can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProjectConnectorStatus {
    /// It can.
    Ready,
    /// Something that pays for calls is still to be entered or connected.
    NeedsCredentials,
    /// Its settings do not go together.
    Misconfigured,
    /// It is switched off.
    Paused,
}

/// A project connector with what there is to know about it.
pub struct Overview {
    /// Its settings.
    pub settings: ProjectConnector,
    /// The service's name.
    pub name: String,
    /// Whether it can be used.
    pub status: ProjectConnectorStatus,
    /// Why not, and what to do.
    pub reason: Option<String>,
    /// What to register at the provider.
    pub redirect_uri: String,
    /// What is shown of the project's API key, where it has one.
    pub key: Option<KeyShown>,
    /// The tools it offers.
    pub tools: Vec<ToolName>,
    /// How many connections it has of each status.
    pub connections: Vec<(ConnectionStatus, i64)>,
}

/// What is shown of an API key.
pub struct KeyShown {
    /// Its end.
    pub hint: String,
    /// When it was entered.
    pub set_at: Timestamp,
}

impl ProjectConnectorStatus {
    /// Returns the word it travels as.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::NeedsCredentials => "needs_credentials",
            Self::Misconfigured => "misconfigured",
            Self::Paused => "paused",
        }
    }
}

impl ProjectConnectors {
    /// Returns the project connector of that name.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn connector_overview(
        &self,
        tenant: Tenant,
        slug: &ConnectorSlug,
    ) -> Result<Option<Overview>, Fault> {
        match project_connectors::by_slug(&self.base.db, tenant, slug).await? {
            Some(settings) => Ok(Some(self.overview(settings).await?)),
            None => Ok(None),
        }
    }

    /// Returns every project connector, by environment and name.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn connector_overviews(
        &self,
        project: ProjectId,
        environment: Option<Environment>,
    ) -> Result<Vec<Overview>, Fault> {
        let mut overviews = Vec::new();
        for named in [Environment::Live, Environment::Test] {
            if environment.is_some_and(|wanted| wanted != named) {
                continue;
            }
            let tenant = Tenant { project, environment: named };
            for settings in project_connectors::list(&self.base.db, tenant).await? {
                overviews.push(self.overview(settings).await?);
            }
        }
        Ok(overviews)
    }

    async fn overview(&self, settings: ProjectConnector) -> Result<Overview, Fault> {
        let tenant = settings.tenant;
        let id = settings.id;
        let connector = self.base.catalog.connector(&settings.connector);
        let tools = connector.map_or(&[][..], |connector| &connector.tools).iter();
        let tools = tools.map(|tool| &tool.name).filter(|name| settings.offers(name));
        let (status, reason) = self.status_of(&settings).await?;
        let key = self.project_key.key_shown(&settings).await?;
        Ok(Overview {
            key,
            name: connector.map_or_else(|| settings.connector.to_string(), |c| c.name.clone()),
            status,
            reason,
            redirect_uri: self.connectors.redirect_uri(&settings),
            tools: tools.cloned().collect(),
            connections: connections::counts(&self.base.db, tenant, id).await?,
            settings,
        })
    }

    async fn status_of(
        &self,
        settings: &ProjectConnector,
    ) -> Result<(ProjectConnectorStatus, Option<String>), Fault> {
        let tenant = settings.tenant;
        let shared =
            connections::serving(&self.base.db, tenant, settings.id, &Owner::Project).await?;
        let environment = self.row_tags.environment_settings(tenant).await?;
        let is_unreachable = environment.verify_end_user == VerifyEndUser::Confirm
            && environment.return_urls.is_empty();
        let usable = self.connectors.ready(settings.clone()).map(|ready| ready.connector.kind);
        Ok(status(settings, usable, &shared, is_unreachable))
    }
}

/// Decides the status in one place, as a pure function.
fn status(
    settings: &ProjectConnector,
    usable: Result<ConnectorType, Unusable>,
    shared: &[Connection],
    lacks_return_url: bool,
) -> (ProjectConnectorStatus, Option<String>) {
    let kind = match usable {
        Err(why @ Unusable::Paused) => {
            return (ProjectConnectorStatus::Paused, Some(why.to_string()));
        }
        Err(why @ Unusable::NeedsCredentials) => {
            return (ProjectConnectorStatus::NeedsCredentials, Some(why.to_string()));
        }
        Err(why) => return (ProjectConnectorStatus::Misconfigured, Some(why.to_string())),
        Ok(kind) => kind,
    };
    let is_any_active = shared.iter().any(|connection| {
        connection.owner == Owner::Project && connection.status() == ConnectionStatus::Active
    });
    let shared_pays = !(settings.require_auth && settings.allow_end_user_auth);
    let is_dead = !shared.is_empty() && !is_any_active;
    if shared_pays && is_dead && settings.allow_end_user_auth {
        let why = match kind {
            ConnectorType::Oauth => {
                "the account that the project shares has stopped working, for end users without one of their own: a member has to share it again"
            }
            ConnectorType::ApiKey => {
                "the provider refused the project's key, which pays for end users without one of their own: enter a new one"
            }
        };
        return (ProjectConnectorStatus::NeedsCredentials, Some(why.to_owned()));
    }
    if !settings.allow_end_user_auth && !is_any_active {
        let why = match kind {
            ConnectorType::Oauth => {
                "end users may not connect accounts of their own, so a member has to share one"
            }
            ConnectorType::ApiKey => {
                "end users may not enter keys of their own, and the provider refused the project's: enter a new one"
            }
        };
        return (ProjectConnectorStatus::NeedsCredentials, Some(why.to_owned()));
    }
    let client = settings.client.as_ref();
    if let Some(since) = client.and_then(|client| client.rejected_at) {
        let why = format!(
            "the provider refuses the app's credentials since {since}: check that it still exists, and enter its client secret again"
        );
        return (ProjectConnectorStatus::Misconfigured, Some(why));
    }
    if settings.allow_end_user_auth && lacks_return_url {
        return (ProjectConnectorStatus::Misconfigured, Some(Unusable::NoReturnUrl.to_string()));
    }
    (ProjectConnectorStatus::Ready, None)
}

#[cfg(test)]
mod tests;
