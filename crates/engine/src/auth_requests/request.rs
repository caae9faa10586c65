use std::time::Duration;

use astralform_domain::{
    AuthReason, AuthRequest, AuthStatus, Caller, Connection, ConnectionId, ConnectorSlug, Owner,
    RuntimeCredential, ScopeSet, Timestamp,
};
use astralform_storage::{agents, auth_requests, connections, project_connectors};
use thiserror::Error;

use super::{OpenError, Prompt, Question, Wishes};
use crate::{
    CredentialRefusal, Engine, Fault, SettingsError, Unusable,
    credentials::Ask,
    project_connectors::{Ready, check_scopes},
};

/// A prompt that is wanted without a tool call.
pub struct Wanted {
    /// What an account is to be connected to.
    pub connector: ConnectorSlug,
    /// What is to be granted besides the usual.
    pub scopes: ScopeSet,
    /// Which account.
    pub account: WantedAccount,
    /// Where the browser goes afterwards; the first registered address when not named.
    pub return_url: Option<String>,
    /// How long the link waits for its click.
    pub life: Option<Duration>,
}

/// Which of an end user's accounts a prompt is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WantedAccount {
    /// The one that calls use which name none; a first one where there is none.
    Default,
    /// One more.
    New,
    /// This one, again.
    Named(ConnectionId),
}

/// Why nobody is prompted.
#[derive(Debug, Error)]
pub enum WantedError {
    /// The agent has no such connector.
    #[error("this agent has no such connector")]
    UnknownConnector,
    /// End users may not connect accounts of their own.
    #[error("end users may not connect accounts of their own at this connector")]
    NotAllowed,
    /// The browser may not be sent there.
    #[error("`return_url` is not one of those registered for this environment")]
    UnregisteredReturnUrl,
    /// The life is too short, or too long for whoever asks.
    #[error("`expires_in` must be 60 to 604800 seconds for an API key, and to 600 for a session")]
    BadLife,
    /// A scope cannot stand in a request.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// No credential can be had.
    #[error(transparent)]
    Credential(#[from] CredentialRefusal),
    /// The connector cannot be used at present.
    #[error(transparent)]
    Unusable(#[from] Unusable),
    /// Something is broken.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Engine {
    /// Prompts an end user without a tool call. What is granted already is answered with a request
    /// that is completed from the start.
    ///
    /// # Errors
    /// When the prompt cannot be as it is wanted.
    pub async fn request_auth(
        &self,
        caller: &Caller,
        wanted: Wanted,
    ) -> Result<Prompt, WantedError> {
        let end_user = caller.end_user.as_ref().ok_or(CredentialRefusal::EndUserRequired)?;
        check_life(wanted.life, &caller.principal.credential)?;
        let ready = self.connector_of(caller, &wanted).await?;
        self.check_return_url(&ready, wanted.return_url.as_deref()).await?;
        let tenant = ready.settings.tenant;
        let found = connections::serving(&self.db, tenant, ready.settings.id, Some(end_user)).await;
        let mut own = found.map_err(Fault::from)?;
        own.retain(|connection| connection.owner.end_user() == Some(end_user));
        let required = ready.asked.union(&wanted.scopes);
        check_scopes(&required, ready.connector)?;
        let ask = match chosen(&own, wanted.account)? {
            None => Ask::connecting(required),
            Some(known) => match lacks(known, &ready, &required) {
                Some(reason) => Ask::renewing(reason, known, &required),
                None => return self.granted(caller, &ready, known, required).await,
            },
        };
        let wishes = Wishes { return_url: wanted.return_url, life: wanted.life };
        let owner = Owner::EndUser(end_user.clone());
        let agent = caller.principal.agent;
        match self.ask(Question { ready: &ready, owner, agent, ask, wishes, seen: None }).await {
            Ok(prompt) => Ok(prompt),
            Err(OpenError::Unusable(why)) => Err(why.into()),
            Err(OpenError::Outdated) => Err(Fault::Inconsistent("nothing was seen").into()),
            Err(OpenError::Fault(fault)) => Err(fault.into()),
        }
    }

    async fn connector_of(
        &self,
        caller: &Caller,
        wanted: &Wanted,
    ) -> Result<Ready<'_>, WantedError> {
        let principal = &caller.principal;
        let found = project_connectors::by_slug(&self.db, principal.tenant, &wanted.connector);
        let settings = found.await.map_err(Fault::from)?.ok_or(WantedError::UnknownConnector)?;
        let agent = principal.agent.to_string();
        let agent = agents::named(&self.db, principal.tenant.project, &agent).await;
        let agent = agent.map_err(Fault::from)?.ok_or(WantedError::UnknownConnector)?;
        if !agent.may_use(&wanted.connector) || !self.may_use(caller, &wanted.connector) {
            return Err(WantedError::UnknownConnector);
        }
        if !settings.allow_end_user_auth {
            return Err(WantedError::NotAllowed);
        }
        let ready = self.ready(settings)?;
        Ok(ready)
    }

    async fn check_return_url(
        &self,
        ready: &Ready<'_>,
        wished: Option<&str>,
    ) -> Result<(), WantedError> {
        let Some(wished) = wished else { return Ok(()) };
        let settings = self.environment_settings(ready.settings.tenant).await?;
        if settings.return_urls.iter().any(|url| url == wished) {
            Ok(())
        } else {
            Err(WantedError::UnregisteredReturnUrl)
        }
    }

    /// A request that was answered before it was made.
    async fn granted(
        &self,
        caller: &Caller,
        ready: &Ready<'_>,
        known: &Connection,
        required: ScopeSet,
    ) -> Result<Prompt, WantedError> {
        let now: Timestamp = self.clock.now();
        let request = AuthRequest {
            id: astralform_domain::AuthRequestId::new(&self.clock, &self.entropy),
            tenant: known.tenant,
            project_connector: known.project_connector,
            connector: ready.settings.connector.clone(),
            owner: known.owner.clone(),
            agent: caller.principal.agent,
            reason: AuthReason::NotConnected,
            required_scopes: required,
            granted_scopes: known.scopes.clone(),
            renews: Some(known.id),
            account_hint: Some(known.account.label.clone()),
            return_url: None,
            status: AuthStatus::Completed,
            failure: None,
            expires_at: now,
            connection: Some(known.id),
        };
        let mut tx = self.db.begin().await.map_err(Fault::from)?;
        let owner = self.lock_owner(&mut tx, known.tenant, &known.owner).await?;
        auth_requests::insert(&mut tx, &request, owner, "granted", now)
            .await
            .map_err(Fault::from)?;
        self.make_room(&mut tx, owner, true).await??;
        tx.commit().await.map_err(Fault::from)?;
        Ok(self.prompt_of(request).await?)
    }
}

fn chosen(
    own: &[Connection],
    account: WantedAccount,
) -> Result<Option<&Connection>, CredentialRefusal> {
    match account {
        WantedAccount::Default => Ok(own.first()),
        WantedAccount::New => Ok(None),
        WantedAccount::Named(id) => match own.iter().find(|connection| connection.id == id) {
            None => Err(CredentialRefusal::UnknownConnection),
            found => Ok(found),
        },
    }
}

/// Why a connection is not enough.
fn lacks(known: &Connection, ready: &Ready<'_>, required: &ScopeSet) -> Option<AuthReason> {
    let is_usable = known.status == astralform_domain::ConnectionStatus::Active
        && known.hosts.are(&ready.settings.hosts);
    if !is_usable {
        Some(AuthReason::NeedsReauth)
    } else if !required.is_within(&known.scopes) {
        Some(AuthReason::MissingScopes)
    } else {
        None
    }
}

fn check_life(life: Option<Duration>, by: &RuntimeCredential) -> Result<(), WantedError> {
    const SHORTEST: Duration = Duration::from_mins(1);
    let longest = match by {
        RuntimeCredential::ApiKey(_) => AuthRequest::LONGEST,
        RuntimeCredential::Session { .. } => AuthRequest::PHASE,
    };
    match life {
        Some(life) if !(SHORTEST..=longest).contains(&life) => Err(WantedError::BadLife),
        _ => Ok(()),
    }
}
