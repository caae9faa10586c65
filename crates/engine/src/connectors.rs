//! Connectors of projects, put together with their catalogue entries.

mod addresses;
mod app;
mod sandbox;

use std::{borrow::Cow, sync::Arc};

use astralform_catalog::{Addresses, Auth, Connector, OAuth, OauthAddresses};
use astralform_domain::{
    Endpoints, ProjectConnector, ProjectConnectorId, ProjectConnectorState, ScopeSet, Sealed,
    Tenant, limits,
};
use astralform_egress::{Egress, Reach};
use astralform_provider::{oauth::Client, request::CredentialParts};
use astralform_storage::project_connectors;
use astralform_vault::ProjectKeys;
use thiserror::Error;
use url::Url;

use crate::{Fault, Frozen, Site, base::Base, places};

pub(crate) use addresses::ForbiddenAddress;
pub(crate) use sandbox::Sandbox;
pub(crate) use sandbox::made_up_client;

/// A project connector with what the catalogue and the settings make of it.
#[derive(Clone)]
pub(crate) struct Ready {
    pub(crate) settings: Arc<ProjectConnector>,
    pub(crate) connector: Arc<Connector>,
    pub(crate) addresses: Arc<Addresses>,
    /// The scopes that accounts are asked for, by the project's list or the connector's own.
    pub(crate) requested_scopes: Arc<ScopeSet>,
}

/// A project connector as the cache holds it, whether it can be used or not.
pub(crate) struct Assembled {
    pub(crate) settings: Arc<ProjectConnector>,
    addresses: Result<Arc<Addresses>, Unusable>,
    pub(crate) requested_scopes: Arc<ScopeSet>,
}

impl Ready {
    /// Puts a project connector, its catalogue entry and its addresses together.
    pub(crate) fn new(
        settings: Arc<ProjectConnector>,
        connector: Arc<Connector>,
        addresses: Arc<Addresses>,
    ) -> Self {
        let requested_scopes = Arc::new(requested_scopes(&settings, &connector));
        Self { settings, connector, addresses, requested_scopes }
    }

    /// Returns the client id of the developer's app.
    pub(crate) fn client_id(&self) -> &str {
        self.settings.client.as_ref().map_or("", |client| &client.id)
    }

    /// Returns the authorization server, where accounts are connected by OAuth.
    pub(crate) fn oauth(&self) -> Result<(&OAuth, &OauthAddresses), Unusable> {
        let described = self.connector.oauth.as_ref();
        described.zip(self.addresses.oauth.as_ref()).ok_or(Unusable::Misconfigured)
    }

    /// Returns the addresses for the account of a credential.
    pub(crate) fn addresses_for(
        &self,
        parts: &CredentialParts,
    ) -> Result<Cow<'_, Addresses>, Unusable> {
        let endpoints = &self.settings.endpoints;
        if self.settings.sandbox || !self.connector.names_hosts(endpoints) {
            return Ok(Cow::Borrowed(&self.addresses));
        }
        let own = self.connector.addresses_of(endpoints, |name| parts.get(name));
        own.map(Cow::Owned).map_err(|_| Unusable::Misconfigured)
    }
}

/// Returns the scopes that accounts are asked for, by the project's list or the connector's own.
pub(crate) fn requested_scopes(settings: &ProjectConnector, connector: &Connector) -> ScopeSet {
    settings.scopes.clone().unwrap_or_else(|| connector.default_scopes())
}

/// Why a project connector cannot be used for any end user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Unusable {
    /// It was disabled, and perhaps enabled anew since.
    #[error(
        "the connector has been disabled since: enable it with POST \
         /v1/projects/{{project}}/connectors, and begin anew"
    )]
    Disabled,
    /// It is switched off.
    #[error(
        "the connector is paused: to resume it, set `is_enabled` with PATCH \
         /v1/projects/{{project}}/connectors/{{slug}}?environment=…"
    )]
    Paused,
    /// The developer's app is not entered yet.
    #[error(
        "the connector has no credentials yet: enter `credentials` with PATCH \
         /v1/projects/{{project}}/connectors/{{slug}}?environment=…"
    )]
    NeedsCredentials,
    /// Its settings do not go together any more.
    #[error(
        "the connector's catalogue entry is gone, or has other addresses than when the credentials \
         were entered: enter `credentials`, and `endpoints` where it has any, again with PATCH \
         /v1/projects/{{project}}/connectors/{{slug}}?environment=…"
    )]
    Misconfigured,
    /// No return URL is registered, so that no end user could be confirmed.
    #[error(
        "this environment confirms who finishes in the browser, but has no return URL: register one \
         in `return_urls`, or switch `verify_end_user` off, with PATCH \
         /v1/projects/{{project}}/environments/{{environment}}"
    )]
    NoReturnUrl,
    /// Too many end users are asked already, or one of them too often.
    #[error(
        "too many auth requests are open, of this end user ({} at most) or of this environment ({} at \
         most): wait until some of them have been answered or have expired",
        limits::OPEN_PROMPTS_OF_END_USER.value,
        limits::OPEN_PROMPTS.value
    )]
    TooManyPrompts,
    /// Its project is frozen.
    #[error(transparent)]
    Frozen(#[from] Frozen),
}

/// Connectors of projects, put together with their catalogue entries.
#[derive(Clone)]
pub(crate) struct Connectors {
    base: Arc<Base>,
    egress: Egress,
    site: Arc<Site>,
}

impl Connectors {
    pub(crate) fn new(base: &Arc<Base>, egress: &Egress, site: &Arc<Site>) -> Self {
        Self { base: Arc::clone(base), egress: egress.clone(), site: Arc::clone(site) }
    }

    /// Puts a project connector together with its catalogue entry, unless it is paused or disabled.
    pub(crate) fn ready(&self, settings: ProjectConnector) -> Result<Ready, Unusable> {
        self.ready_unless_paused(&self.assemble(settings))
    }

    /// Returns it ready to be used, unless it is paused or disabled.
    pub(crate) fn ready_unless_paused(&self, assembled: &Assembled) -> Result<Ready, Unusable> {
        match assembled.settings.state {
            ProjectConnectorState::Enabled => self.usable(assembled),
            ProjectConnectorState::Paused => Err(Unusable::Paused),
            ProjectConnectorState::Disabled { .. } => Err(Unusable::Disabled),
        }
    }

    /// Puts one together even when it is paused or disabled, for cleaning up.
    pub(crate) fn ready_even_if_paused(
        &self,
        settings: ProjectConnector,
    ) -> Result<Ready, Unusable> {
        self.usable(&self.assemble(settings))
    }

    fn usable(&self, assembled: &Assembled) -> Result<Ready, Unusable> {
        let Assembled { settings, addresses, requested_scopes } = assembled;
        let connector = self.base.catalog.connector(&settings.connector);
        let connector = Arc::clone(connector.ok_or(Unusable::Misconfigured)?);
        let addresses = Arc::clone(addresses.as_ref().map_err(|why| *why)?);
        let settings = Arc::clone(settings);
        let requested_scopes = Arc::clone(requested_scopes);
        Ok(Ready { settings, connector, addresses, requested_scopes })
    }

    pub(crate) fn assemble(&self, settings: ProjectConnector) -> Assembled {
        let addresses = self.addresses_of(&settings).map(Arc::new);
        let connector = self.base.catalog.connector(&settings.connector);
        let requested_scopes =
            connector.map(|connector| requested_scopes(&settings, connector)).unwrap_or_default();
        Assembled {
            settings: Arc::new(settings),
            addresses,
            requested_scopes: Arc::new(requested_scopes),
        }
    }

    fn addresses_of(&self, settings: &ProjectConnector) -> Result<Addresses, Unusable> {
        let connector =
            self.base.catalog.connector(&settings.connector).ok_or(Unusable::Misconfigured)?;
        if settings.client.is_none() && matches!(connector.auth(), Auth::OAuth(_)) {
            return Err(Unusable::NeedsCredentials);
        }
        let addresses = self.addresses(settings, connector).ok_or(Unusable::Misconfigured)?;
        let is_as_entered = addresses.hosts() == settings.hosts;
        is_as_entered.then_some(addresses).ok_or(Unusable::Misconfigured)
    }

    /// Returns where a project connector's servers are.
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

    /// Returns the redirect URI of a project connector. A connector whose endpoints are set has one
    /// of its own: at a shared one, its server could be handed the code of another.
    pub(crate) fn redirect_uri(&self, settings: &ProjectConnector) -> String {
        if settings.endpoints.is_empty() {
            self.site.shared_redirect_uri()
        } else {
            self.site.own_redirect_uri(settings.id)
        }
    }

    /// Returns the project connector of that id, with its catalogue entry.
    pub(crate) async fn load_ready(
        &self,
        tenant: Tenant,
        id: ProjectConnectorId,
    ) -> Result<Result<Ready, Unusable>, Fault> {
        Ok(self.ready(self.project_connector(tenant, id).await?))
    }

    /// Returns the project connector that a stored row refers to.
    pub(crate) async fn project_connector(
        &self,
        tenant: Tenant,
        id: ProjectConnectorId,
    ) -> Result<ProjectConnector, Fault> {
        let found = project_connectors::find(&self.base.db, tenant, id).await?;
        found.ok_or(Fault::Inconsistent("a project connector that is referred to is gone"))
    }

    /// Returns the developer's app of a project connector, its secret opened.
    pub(crate) async fn client(&self, settings: &ProjectConnector) -> Result<Client, Fault> {
        let missing = Fault::Inconsistent("a project connector in use has no credentials");
        let client = settings.client.as_ref().ok_or(missing)?;
        let key = self.base.keys_of(settings.tenant.project).await?;
        open_client(settings, &client.id, (&client.secret, settings.generation), &key)
    }

    /// Opens the secret before the present one, as long as it is to be tried.
    pub(crate) async fn previous_client(
        &self,
        settings: &ProjectConnector,
    ) -> Result<Option<Client>, Fault> {
        let Some(client) = &settings.client else { return Ok(None) };
        let now = self.base.now();
        let previous = client.previous.as_ref().filter(|previous| previous.until > now);
        let Some(previous) = previous else { return Ok(None) };
        let key = self.base.keys_of(settings.tenant.project).await?;
        let sealed = (&previous.secret, settings.generation - 1);
        open_client(settings, &client.id, sealed, &key).map(Some)
    }
}

/// Opens the secret of a project connector's app, sealed for that generation of its credentials.
pub(crate) fn open_client(
    settings: &ProjectConnector,
    id: &str,
    (secret, generation): (&Sealed, i64),
    key: &ProjectKeys,
) -> Result<Client, Fault> {
    let row = settings.id.to_string();
    let place = places::client_secret(settings.tenant, &row, generation, &settings.hosts);
    Ok(Client { id: id.to_owned(), secret: key.open(place, secret)? })
}

/// Returns what a project connector's requests may reach.
pub(crate) fn reach(settings: &ProjectConnector) -> Reach {
    if settings.sandbox { Reach::Simulator } else { Reach::Network }
}

/// Returns the connector's own addresses, below the simulator's: `https://host/path` becomes
/// `{simulator}/{slug}/path`.
fn simulated(simulator: &Url, connector: &Connector) -> Option<Endpoints> {
    let real = connector.addresses(&Endpoints::default()).ok()?;
    let base = simulator.as_str().trim_end_matches('/');
    let below = |url: &Url| Some(format!("{base}/{}{}", connector.slug, url.path()));
    let oauth = real.oauth.as_ref();
    Some(Endpoints {
        authorize_url: oauth.and_then(|oauth| below(&oauth.authorize)),
        token_url: oauth.and_then(|oauth| below(&oauth.token)),
        revoke_url: real.revocation.as_ref().and_then(below),
        api_base_url: below(&real.api_base),
    })
}
