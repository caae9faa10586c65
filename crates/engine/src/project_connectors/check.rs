use std::sync::Arc;

use astralform_catalog::{Auth, Connector};
use astralform_domain::{ProjectConnector, Secret, Timestamp, chain};
use astralform_egress::Egress;
use astralform_provider::{
    AppReply, Budget, ProviderApp, SendError,
    oauth::{Client, Grant, Granted, TokenError, read_tokens, token_request},
};

use crate::{
    Fault, Unusable,
    connectors::{Connectors, Ready, Sandbox, reach},
    key_checks::{KeyChecks, VerifyError},
    project_connectors::ProjectKey,
    reach::Offers,
    settings::SettingsError,
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

/// A verdict, and what came with it.
pub(super) struct Checked {
    pub(super) verdict: Verdict,
    /// The time by the provider's clock, where it answered.
    pub(super) provider_time: Option<Timestamp>,
}

/// Asks providers whether they take the credentials of an app.
#[derive(Clone)]
pub struct AppChecks {
    pub(super) egress: Egress,
    pub(super) offers: Arc<Offers>,
    pub(super) connectors: Arc<Connectors>,
    pub(super) sandbox: Arc<Sandbox>,
    pub(super) project_key: Arc<ProjectKey>,
    pub(super) key_checks: Arc<KeyChecks>,
}

impl AppChecks {
    pub(crate) fn new(
        egress: &Egress,
        offers: &Arc<Offers>,
        connectors: &Arc<Connectors>,
        sandbox: &Arc<Sandbox>,
        project_key: &Arc<ProjectKey>,
        key_checks: &Arc<KeyChecks>,
    ) -> Self {
        Self {
            egress: egress.clone(),
            offers: Arc::clone(offers),
            connectors: Arc::clone(connectors),
            sandbox: Arc::clone(sandbox),
            project_key: Arc::clone(project_key),
            key_checks: Arc::clone(key_checks),
        }
    }

    /// Asks the provider whether it takes a project connector's credentials. They go where they are
    /// bound to go, and nowhere else.
    pub(super) async fn check_credentials(
        &self,
        settings: ProjectConnector,
    ) -> Result<Checked, SettingsError> {
        let ready = match self.connectors.ready_even_if_paused(settings) {
            Err(why @ Unusable::NeedsCredentials) => {
                return Ok(Verdict::Rejected(why.to_string()).into());
            }
            other => other?,
        };
        if let Err(why) = self.connectors.check_addresses(&ready.settings, &ready.addresses).await {
            return Ok(Verdict::Unknown(why.to_string()).into());
        }
        if matches!(ready.connector.auth(), Auth::ApiKey(_)) {
            return Ok(self.verdict_on_key(&ready).await?.into());
        }
        if let Err(error) = self.sandbox.introduce(&ready).await {
            tracing::error!(error = chain(&error), "the simulator does not know our app");
        }
        let client = self.connectors.client(&ready.settings).await?;
        Ok(self.verdict(&ready, &client).await)
    }

    /// Asks the provider about the key that serves the project.
    async fn verdict_on_key(&self, ready: &Ready) -> Result<Verdict, Fault> {
        let Some(parts) = self.project_key.project_key(ready).await? else {
            return Ok(Verdict::Rejected("the project has no key of its own".to_owned()));
        };
        match self.key_checks.verify_key(ready, parts).await {
            Ok(_) => Ok(Verdict::Accepted("the provider takes the key".to_owned())),
            Err(VerifyError::Refused(why)) => Ok(Verdict::Rejected(why)),
            Err(VerifyError::Unanswered(why) | VerifyError::NotSent(why)) => {
                Ok(Verdict::Unknown(why))
            }
            Err(VerifyError::Fault(fault)) => Err(fault),
        }
    }

    /// Checks that this server may call what these settings lead to.
    pub(super) async fn check_reachable(
        &self,
        settings: &ProjectConnector,
        connector: &Arc<Connector>,
    ) -> Result<(), SettingsError> {
        let addresses = self.connectors.addresses(settings, connector);
        self.connectors
            .check_addresses(settings, &addresses.ok_or(SettingsError::BadAddresses)?)
            .await?;
        Ok(())
    }

    /// Refuses an app that is about to be stored and that the provider does not know. What the
    /// provider does not tell is no reason to refuse it, nor is anything in the sandbox.
    pub(super) async fn check_client(
        &self,
        settings: &ProjectConnector,
        connector: &Arc<Connector>,
        new: &Client,
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
        connector: &Arc<Connector>,
        new: &Client,
    ) -> Verdict {
        let Some(addresses) = self.connectors.addresses(settings, connector) else {
            return Verdict::Unknown(SettingsError::BadAddresses.to_string());
        };
        let settings = Arc::new(settings.clone());
        let addresses = Arc::new(addresses);
        let ready = Ready::new(settings, Arc::clone(connector), addresses);
        let client = Client { id: new.id.clone(), secret: new.secret.clone() };
        self.verdict(&ready, &client).await.verdict
    }

    /// Tries to exchange a code that cannot exist: a provider authenticates the app first
    /// (RFC 6749 §4.1.3).
    async fn verdict(&self, ready: &Ready, client: &Client) -> Checked {
        let settings = &ready.settings;
        let (oauth, at) = match ready.oauth() {
            Ok(described) => described,
            Err(why) => return Verdict::Unknown(why.to_string()).into(),
        };
        let redirect_uri = self.connectors.redirect_uri(settings);
        let code = Secret::new("astralform-check".to_owned());
        let grant = Grant { code: &code, redirect_uri: &redirect_uri, verifier: None };
        let app = ProviderApp::new(vec![client.clone()], reach(settings));
        let answer = app.send(
            &self.egress,
            Budget::CHECK,
            |client| token_request(oauth, &at.token, client, &grant),
            |answer| AppAnswer {
                tokens: read_tokens(oauth, answer.status, &answer.body),
                explained: answer.explain(),
                date: answer.date(),
            },
        );
        match answer.await {
            Ok(answer) => Checked { provider_time: answer.date, verdict: answer.verdict() },
            Err(SendError::Egress(error)) => {
                tracing::info!(error = chain(&error), "credentials could not be checked");
                Verdict::Unknown(error.explain()).into()
            }
            Err(SendError::Unsendable | SendError::NoSecret) => {
                Verdict::Rejected("they cannot stand in a request".to_owned()).into()
            }
        }
    }
}

/// What the provider says of a code that cannot exist.
struct AppAnswer {
    tokens: Result<Vec<Granted>, TokenError>,
    explained: String,
    date: Option<Timestamp>,
}

impl From<Verdict> for Checked {
    fn from(verdict: Verdict) -> Self {
        Self { verdict, provider_time: None }
    }
}

impl AppReply for AppAnswer {
    fn refuses_app(&self) -> bool {
        self.tokens.refuses_app()
    }
}

impl AppAnswer {
    fn verdict(self) -> Verdict {
        match self.tokens {
            Err(TokenError::ClientRejected(said)) => Verdict::Rejected(said.to_string()),
            Err(TokenError::Refused(said)) => Verdict::Accepted(format!(
                "the provider knows the app: it refused a made-up code ({said}), and not the app"
            )),
            Ok(_) => Verdict::Unknown(
                "the provider gave a token for a made-up code, so it shows nothing of the app"
                    .to_owned(),
            ),
            Err(TokenError::Unreadable) => Verdict::Unknown(self.explained),
        }
    }
}
