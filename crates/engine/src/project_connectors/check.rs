use std::{sync::Arc, time::Duration};

use astralform_catalog::{Auth, Connector};
use astralform_domain::{ConnectorSlug, ProjectConnector, Secret, Tenant};

use super::{Client, Ready, SettingsError, VerifyError, enable::NewClient, reach};
use crate::{
    Engine, Fault, Unusable, chain,
    egress::Allowance,
    oauth::{Grant, TokenError, read_tokens, token_request},
};

/// What a provider makes of an app's credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It took the key, or refused a made-up code, and not the app that brought it.
    Accepted(String),
    /// It refused the app, or the key.
    Rejected(String),
    /// It was not asked, did not answer, or not in a form that tells.
    Unknown(String),
}

const ALLOWANCE_TIME: Duration = Duration::from_secs(10);

impl Engine {
    /// Asks the provider whether it takes a project connector's credentials. They go where they are
    /// bound to go, and nowhere else.
    ///
    /// # Errors
    /// When the connector is not enabled, or its settings do not fit its catalogue entry.
    pub async fn check_connector(
        &self,
        tenant: Tenant,
        slug: &ConnectorSlug,
    ) -> Result<Verdict, SettingsError> {
        let settings = self.enabled(tenant, slug).await?;
        let ready = match self.assemble(settings) {
            Err(why @ Unusable::NeedsCredentials) => return Ok(Verdict::Rejected(why.to_string())),
            other => other?,
        };
        if let Err(why) = self.check_addresses(&ready.settings, &ready.addresses).await {
            return Ok(Verdict::Unknown(why.to_string()));
        }
        if matches!(ready.connector.auth(), Auth::ApiKey(_)) {
            return Ok(self.verdict_on_key(&ready).await?);
        }
        if let Err(error) = self.introduce(&ready).await {
            tracing::error!(error = chain(&error), "the simulator does not know our app");
        }
        let client = self.client(&ready.settings).await?;
        Ok(self.verdict(&ready, &client).await)
    }

    /// Asks the provider about the key that serves the project.
    async fn verdict_on_key(&self, ready: &Ready<'_>) -> Result<Verdict, Fault> {
        let Some(parts) = self.project_key(ready).await? else {
            return Ok(Verdict::Rejected("the project has no key of its own".to_owned()));
        };
        match self.verify_key(ready, parts).await {
            Ok(_) => Ok(Verdict::Accepted("the provider takes the key".to_owned())),
            Err(VerifyError::Refused(why)) => Ok(Verdict::Rejected(why)),
            Err(VerifyError::Unanswered(why) | VerifyError::NotSent(why)) => {
                Ok(Verdict::Unknown(why))
            }
            Err(VerifyError::Fault(fault)) => Err(fault),
        }
    }

    /// Refuses an app that is about to be stored and that the provider does not know. What the
    /// provider does not tell is no reason to refuse it, nor is anything in the sandbox.
    pub(super) async fn check_client(
        &self,
        settings: &ProjectConnector,
        connector: &Connector,
        new: &NewClient,
    ) -> Result<(), SettingsError> {
        if settings.sandbox {
            return Ok(());
        }
        match self.verdict_on(settings, connector, new).await {
            Verdict::Rejected(said) => Err(SettingsError::CredentialsRejected(said)),
            Verdict::Accepted(_) | Verdict::Unknown(_) => Ok(()),
        }
    }

    async fn verdict_on(
        &self,
        settings: &ProjectConnector,
        connector: &Connector,
        new: &NewClient,
    ) -> Verdict {
        let Some(addresses) = self.addresses(settings, connector) else {
            return Verdict::Unknown(SettingsError::BadAddresses.to_string());
        };
        let settings = Arc::new(settings.clone());
        let addresses = Arc::new(addresses);
        let ready = Ready::new(settings, connector, addresses);
        let client = Client { id: new.id.clone(), secret: new.secret.clone() };
        self.verdict(&ready, &client).await
    }

    /// Tries to exchange a code that cannot exist: a provider authenticates the app first
    /// (RFC 6749 §4.1.3).
    async fn verdict(&self, ready: &Ready<'_>, client: &Client) -> Verdict {
        let settings = &ready.settings;
        let (oauth, at) = match ready.oauth() {
            Ok(described) => described,
            Err(why) => return Verdict::Unknown(why.to_string()),
        };
        let redirect_uri = self.redirect_uri(settings);
        let code = Secret::new("astralform-check".to_owned());
        let grant = Grant { code: &code, redirect_uri: &redirect_uri, verifier: None };
        let Some(request) = token_request(oauth, &at.token, client, &grant) else {
            return Verdict::Rejected("they cannot stand in a request".to_owned());
        };
        let allowance =
            Allowance { reach: reach(settings), within: ALLOWANCE_TIME, at_most: 256 * 1024 };
        let answer = match self.egress.send(request, allowance).await {
            Ok(answer) => answer,
            Err(error) => {
                tracing::info!(error = chain(&error), "credentials could not be checked");
                return Verdict::Unknown(error.explain());
            }
        };
        match read_tokens(oauth, answer.status, &answer.body) {
            Err(TokenError::ClientRejected(said)) => Verdict::Rejected(said.to_string()),
            Err(TokenError::Refused(said)) => Verdict::Accepted(format!(
                "the provider knows the app: it refused a made-up code ({said}), and not the app"
            )),
            Ok(_) => Verdict::Unknown(
                "the provider gave a token for a made-up code, so it shows nothing of the app"
                    .to_owned(),
            ),
            Err(TokenError::Unreadable) => Verdict::Unknown(answer.explain()),
        }
    }
}
