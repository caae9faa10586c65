use std::sync::Arc;

use astralform_domain::{
    Actor, AuthReason, AuthRequest, AuthRequestState, Caller, Connection, ConnectionState,
    ConnectionStatus, Owner, ScopeSet, StatusReason, Timestamp,
};
use astralform_storage::{agents, auth_requests, connections, project_connectors, tokens};

use super::{
    OpenPromptError, Prompt, Question, Wishes,
    wanted::{WantedAccount, WantedError, WantedPrompt, check_declared, check_life},
};
use crate::{
    CredentialRefusal, Fault,
    auth_requests::Prompts,
    base::Base,
    connections::Connections,
    connectors::{Connectors, Ready},
    credentials::{Ask, CredentialResolver, NoCredential},
    may_use::may_use_connector,
    reach::Offers,
    row_tags::RowTags,
    settings::check_scopes,
};

/// Auth requests that a developer's backend or an agent asks for.
#[derive(Clone)]
pub struct AuthRequests {
    base: Arc<Base>,
    credentials: Arc<CredentialResolver>,
    prompts: Arc<Prompts>,
    connections: Arc<Connections>,
    offers: Arc<Offers>,
    connectors: Arc<Connectors>,
    row_tags: Arc<RowTags>,
}

impl AuthRequests {
    pub(crate) fn new(
        prompts: &Arc<Prompts>,
        credentials: &Arc<CredentialResolver>,
        offers: &Arc<Offers>,
    ) -> Self {
        Self {
            base: Arc::clone(&prompts.base),
            credentials: Arc::clone(credentials),
            prompts: Arc::clone(prompts),
            connections: Arc::clone(&prompts.connections),
            offers: Arc::clone(offers),
            connectors: Arc::clone(&prompts.connectors),
            row_tags: Arc::clone(&prompts.row_tags),
        }
    }

    /// Prompts an end user without a tool call. What is granted already is answered with a request
    /// that is completed from the start.
    ///
    /// # Errors
    /// When the prompt cannot be as it is wanted.
    pub async fn request_auth(
        &self,
        caller: &Caller,
        wanted: WantedPrompt,
    ) -> Result<Prompt, WantedError> {
        let end_user = caller.end_user.as_ref().ok_or(CredentialRefusal::EndUserRequired)?;
        check_life(wanted.life, &caller.principal.credential)?;
        let ready = self.connector_of(caller, &wanted).await?;
        self.check_return_url(&ready, wanted.return_url.as_deref()).await?;
        let tenant = ready.settings.tenant;
        let owner = Owner::EndUser(end_user.clone());
        let found = connections::serving(&self.base.db, tenant, ready.settings.id, &owner).await;
        let mut own = found.map_err(Fault::from)?;
        own.retain(|connection| connection.owner == owner);
        let required = ready.requested_scopes.union(&wanted.scopes);
        check_scopes(&required, &ready.connector)?;
        check_declared(&wanted.scopes, &ready).map_err(WantedError::UndeclaredScope)?;
        let chosen = match chosen(&own, wanted.account) {
            Ok(chosen) => chosen,
            Err(refusal) => {
                let named = wanted.account.named();
                return Err(self
                    .credentials
                    .refusal_of(refusal, &ready, Some(end_user), named)
                    .await?
                    .into());
            }
        };
        let ask = match chosen {
            None => Ask::connecting(required),
            Some(known) => {
                let known = self.as_usable(&ready, known, &required).await?;
                match lacks(&known, &ready, &required) {
                    Some(reason) => Ask::renewing(reason, &known, &required),
                    None => return self.granted(caller, &ready, &known, required).await,
                }
            }
        };
        let wishes = Wishes { return_url: wanted.return_url, life: wanted.life };
        let agent = caller.principal.agent;
        let by = Actor::from(&caller.principal);
        match self
            .prompts
            .prompt_user(Question { by, ready: &ready, owner, agent, ask, wishes, seen: None })
            .await
        {
            Ok(prompt) => Ok(prompt),
            Err(OpenPromptError::Unusable(why)) => Err(why.into()),
            Err(OpenPromptError::Outdated) => Err(Fault::Inconsistent("nothing was seen").into()),
            Err(OpenPromptError::Fault(fault)) => Err(fault.into()),
        }
    }

    /// Refreshes the tokens of a connection that have ended, and returns it as it is then; one that
    /// cannot be used even then has to be connected again.
    async fn as_usable(
        &self,
        ready: &Ready,
        known: &Connection,
        required: &ScopeSet,
    ) -> Result<Connection, Fault> {
        if lacks(known, ready, required).is_some() {
            return Ok(known.clone());
        }
        let mut is_usable = true;
        for token in tokens::of(&self.base.db, known.id).await? {
            match self.credentials.credential(ready, known, Some(&token), None).await? {
                Ok(_) | Err(NoCredential::Changed) => {}
                Err(NoCredential::Dead { generation, why }) => {
                    self.connections.mark_dead(known, (&token.kind, generation), why).await?;
                }
                Err(NoCredential::Later(_)) => is_usable = false,
            }
        }
        let found = connections::find(&self.base.db, known.tenant, known.id).await?;
        let mut found = found.unwrap_or_else(|| known.clone());
        if !is_usable && found.status() == ConnectionStatus::Active {
            found.state = ConnectionState::NeedsReauth(StatusReason::TokenRejected);
        }
        Ok(found)
    }

    async fn connector_of(
        &self,
        caller: &Caller,
        wanted: &WantedPrompt,
    ) -> Result<Ready, WantedError> {
        let principal = &caller.principal;
        let found = project_connectors::by_slug(&self.base.db, principal.tenant, &wanted.connector);
        let settings = found.await.map_err(Fault::from)?;
        let agent = principal.agent.to_string();
        let agent = agents::named(&self.base.db, principal.tenant.project, &agent).await;
        let agent = agent.map_err(Fault::from)?;
        let catalog = &self.base.catalog;
        let credential = &principal.credential;
        let may_use = agent
            .is_some_and(|agent| may_use_connector(credential, &agent, catalog, &wanted.connector));
        let Some(settings) = settings.filter(|_| may_use) else {
            return Err(self.offers.no_connector(caller, &wanted.connector).await?.into());
        };
        if !settings.allow_end_user_auth {
            return Err(WantedError::NotAllowed(wanted.connector.clone()));
        }
        let ready = self.connectors.ready(settings)?;
        Ok(ready)
    }

    async fn check_return_url(
        &self,
        ready: &Ready,
        wished: Option<&str>,
    ) -> Result<(), WantedError> {
        let Some(wished) = wished else { return Ok(()) };
        let settings = self.row_tags.environment_settings(ready.settings.tenant).await?;
        if settings.return_urls.iter().any(|url| url == wished) {
            Ok(())
        } else {
            Err(WantedError::UnregisteredReturnUrl)
        }
    }

    /// Returns a request that was answered before it was made.
    async fn granted(
        &self,
        caller: &Caller,
        ready: &Ready,
        known: &Connection,
        required: ScopeSet,
    ) -> Result<Prompt, WantedError> {
        let now: Timestamp = self.base.now();
        let request = AuthRequest {
            id: astralform_domain::AuthRequestId::new(&self.base.clock, &self.base.entropy),
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
            state: AuthRequestState::Completed { connection: known.id },
            expires_at: now,
        };
        let actor = Actor::from(&caller.principal);
        let mut tx = self.base.begin(actor).await.map_err(Fault::from)?;
        let owner = self.connections.lock_owner(&mut tx, known.tenant, &known.owner).await?;
        auth_requests::insert(&mut tx, &request, owner, "granted", now)
            .await
            .map_err(Fault::from)?;
        self.prompts.make_room(&mut tx, owner, true).await??;
        tx.commit_unrecorded().await.map_err(Fault::from)?;
        Ok(self.prompts.prompt_of(request).await?)
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

/// Returns why a connection is not enough.
fn lacks(known: &Connection, ready: &Ready, required: &ScopeSet) -> Option<AuthReason> {
    let is_usable =
        known.status() == ConnectionStatus::Active && known.hosts.are(&ready.settings.hosts);
    if !is_usable {
        Some(AuthReason::NeedsReauth)
    } else if !required.is_within(&known.scopes) {
        Some(AuthReason::MissingScopes)
    } else {
        None
    }
}
