use std::time::Duration;

use astralform_catalog::Connector;
use astralform_domain::{ConnectorSlug, ProjectConnector, Secret, Tenant};
use astralform_storage::project_connectors;

use super::{Client, NewClient, SettingsError, reach};
use crate::{
    Engine, Fault, chain,
    egress::Allowance,
    oauth::{Grant, TokenError, read_tokens, token_request},
};

/// What a provider makes of an app's credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It refused a made-up code, and not the app that brought it.
    Accepted,
    /// It refused the app.
    Rejected(String),
    /// It did not answer, or not in a form that tells.
    Unknown,
}

const ALLOWANCE_TIME: Duration = Duration::from_secs(10);

impl Engine {
    /// Asks the provider whether it takes a project connector's credentials.
    ///
    /// # Errors
    /// When the connector is not enabled.
    pub async fn check_connector(
        &self,
        tenant: Tenant,
        slug: &ConnectorSlug,
    ) -> Result<Verdict, SettingsError> {
        let found = project_connectors::by_slug(&self.db, tenant, slug).await;
        let settings = found.map_err(Fault::from)?.ok_or(SettingsError::NotEnabled)?;
        let connector = self.catalog.connector(slug).ok_or(SettingsError::UnknownConnector)?;
        if settings.client.is_none() {
            return Ok(Verdict::Rejected("there is no client id and secret yet".to_owned()));
        }
        if let Ok(ready) = self.assemble(settings.clone())
            && let Err(error) = self.introduce(&ready).await
        {
            tracing::warn!(error = chain(&error), "the simulator does not know our app");
        }
        let client = self.client(&settings).await?;
        Ok(self.verdict(&settings, connector, &client).await)
    }

    /// The same for credentials that are about to be stored.
    pub(super) async fn verdict_on(
        &self,
        settings: &ProjectConnector,
        connector: &Connector,
        new: &NewClient,
    ) -> Verdict {
        let client = Client { id: new.id.clone(), secret: new.secret.clone() };
        self.verdict(settings, connector, &client).await
    }

    /// Tries to exchange a code that cannot exist: a provider authenticates the app first
    /// (RFC 6749 §4.1.3).
    async fn verdict(
        &self,
        settings: &ProjectConnector,
        connector: &Connector,
        client: &Client,
    ) -> Verdict {
        let Some(addresses) = self.addresses(settings, connector) else { return Verdict::Unknown };
        let redirect_uri = self.redirect_uri(settings);
        let code = Secret::new("astralform-check".to_owned());
        let grant = Grant { code: &code, redirect_uri: &redirect_uri, verifier: None };
        let oauth = &connector.oauth;
        let Some(request) = token_request(oauth, &addresses.token, client, &grant) else {
            return Verdict::Rejected("they cannot stand in a request".to_owned());
        };
        let allowance =
            Allowance { reach: reach(settings), within: ALLOWANCE_TIME, at_most: 256 * 1024 };
        let answer = match self.egress.send(request, allowance).await {
            Ok(answer) => answer,
            Err(error) => {
                tracing::info!(error = chain(&error), "credentials could not be checked");
                return Verdict::Unknown;
            }
        };
        match read_tokens(oauth, answer.status, &answer.body) {
            Err(TokenError::ClientRejected(code)) => Verdict::Rejected(code),
            Err(TokenError::Refused(_)) => Verdict::Accepted,
            Ok(_) | Err(TokenError::Unreadable) => Verdict::Unknown,
        }
    }
}
