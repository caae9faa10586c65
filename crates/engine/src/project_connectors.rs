use astralform_catalog::{Addresses, Connector};
use astralform_domain::{Endpoints, ProjectConnector, ProjectConnectorId, Secret, Tenant};
use astralform_storage::project_connectors;
use astralform_vault::{Binding, Owner};
use thiserror::Error;
use url::Url;

use crate::{Engine, Fault, egress::Reach};

/// A project connector with what the catalogue and the settings make of it.
pub(crate) struct Ready<'a> {
    pub(crate) settings: ProjectConnector,
    pub(crate) connector: &'a Connector,
    pub(crate) addresses: Addresses,
}

/// The developer's OAuth app.
pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) secret: Secret,
}

/// Why a project connector cannot be used by anybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Unusable {
    /// It is switched off.
    #[error("the connector is paused: set `is_enabled` to resume it")]
    Paused,
    /// The developer's app is not entered yet.
    #[error("the connector has no client id and secret yet: enter them in its settings")]
    NeedsCredentials,
    /// Its settings do not go together any more.
    #[error("the connector's settings do not fit its catalogue entry: enter them again")]
    Misconfigured,
    /// Nobody could vouch for the end user.
    #[error(
        "this environment confirms who finishes in the browser, but no return URL is registered: \
         register one, or switch `verify_end_user` off"
    )]
    NoReturnUrl,
}

impl Engine {
    /// Puts a project connector together with its catalogue entry, unless it is paused.
    pub(crate) fn ready(&self, settings: ProjectConnector) -> Result<Ready<'_>, Unusable> {
        if !settings.is_enabled {
            return Err(Unusable::Paused);
        }
        self.assemble(settings)
    }

    /// The same even when it is paused: for cleaning up.
    pub(crate) fn assemble(&self, settings: ProjectConnector) -> Result<Ready<'_>, Unusable> {
        let connector =
            self.catalog.connector(&settings.connector).ok_or(Unusable::Misconfigured)?;
        if settings.client_id.is_none() || settings.client_secret.is_none() {
            return Err(Unusable::NeedsCredentials);
        }
        let addresses = self.addresses(&settings, connector).ok_or(Unusable::Misconfigured)?;
        if addresses.hosts() != settings.hosts {
            return Err(Unusable::Misconfigured);
        }
        Ok(Ready { settings, connector, addresses })
    }

    /// Where a project connector's servers are.
    pub(crate) fn addresses(
        &self,
        settings: &ProjectConnector,
        connector: &Connector,
    ) -> Option<Addresses> {
        let endpoints = if settings.sandbox {
            simulated(self.site.simulator()?, connector)?
        } else {
            settings.endpoints.clone()
        };
        connector.addresses(&endpoints).ok()
    }

    /// The redirect URI of a project connector. Whoever sets the endpoints gets one of their own:
    /// at a shared one, their server could be handed another's code.
    pub(crate) fn redirect_uri(&self, settings: &ProjectConnector) -> String {
        if settings.endpoints.is_empty() {
            self.site.shared_redirect_uri()
        } else {
            self.site.own_redirect_uri(settings.id)
        }
    }

    /// The project connector of that id, with its catalogue entry.
    pub(crate) async fn load_ready(
        &self,
        tenant: Tenant,
        id: ProjectConnectorId,
    ) -> Result<Result<Ready<'_>, Unusable>, Fault> {
        Ok(self.ready(self.project_connector(tenant, id).await?))
    }

    /// The project connector that something stored refers to.
    pub(crate) async fn project_connector(
        &self,
        tenant: Tenant,
        id: ProjectConnectorId,
    ) -> Result<ProjectConnector, Fault> {
        let found = project_connectors::find(&self.db, tenant, id).await?;
        found.ok_or(Fault::Inconsistent("a project connector that is referred to is gone"))
    }

    /// The developer's app of a project connector, its secret opened.
    pub(crate) async fn client(&self, settings: &ProjectConnector) -> Result<Client, Fault> {
        let missing = Fault::Inconsistent("a project connector in use has no credentials");
        let (Some(id), Some(sealed)) = (&settings.client_id, &settings.client_secret) else {
            return Err(missing);
        };
        let key = self.keys.of(&self.db, settings.tenant.project).await?;
        let row = settings.id.to_string();
        let binding = secret_binding(&row, settings);
        Ok(Client { id: id.clone(), secret: key.open(binding, sealed)? })
    }
}

/// The place of an app's secret.
pub(crate) fn secret_binding<'a>(row: &'a str, settings: &'a ProjectConnector) -> Binding<'a> {
    Binding {
        tenant: settings.tenant,
        owner: Owner::Project,
        table: project_connectors::TABLE,
        row,
        column: "client_secret",
        generation: settings.generation,
        hosts: &settings.hosts,
    }
}

/// What a project connector's requests may reach.
pub(crate) fn reach(settings: &ProjectConnector) -> Reach {
    if settings.sandbox { Reach::Simulator } else { Reach::Network }
}

/// The connector's own addresses, below the simulator's: `https://host/path` becomes
/// `{simulator}/{slug}/path`.
fn simulated(simulator: &Url, connector: &Connector) -> Option<Endpoints> {
    let real = connector.addresses(&Endpoints::default()).ok()?;
    let base = simulator.as_str().trim_end_matches('/');
    let below = |url: &Url| Some(format!("{base}/{}{}", connector.slug, url.path()));
    Some(Endpoints {
        authorize_url: below(&real.authorize),
        token_url: below(&real.token),
        revoke_url: real.revocation.as_ref().and_then(below),
        api_base_url: below(&real.api_base),
    })
}
