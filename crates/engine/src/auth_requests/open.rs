use std::{sync::Arc, time::Duration};

use astralform_domain::{
    Actor, AgentId, AuthRequest, AuthRequestId, AuthRequestState, AuthStatus, Connection, Owner,
    VerifyEndUser,
};
use astralform_storage::{auth_requests, connections};
use thiserror::Error;

use super::{Prompt, begin::digest};
use crate::{
    Fault, Unusable, auth_requests::Prompts, connectors::Ready, credentials::Ask,
    places::digest_row,
};

/// What is asked of whom.
pub(crate) struct Question<'a> {
    /// Who asks.
    pub(crate) by: Actor,
    /// Where the account will be connected.
    pub(crate) ready: &'a Ready,
    /// Whose it will be.
    pub(crate) owner: Owner,
    /// The agent that needs it.
    pub(crate) agent: AgentId,
    /// What is asked for.
    pub(crate) ask: Ask,
    /// What the caller wants otherwise than usual.
    pub(crate) wishes: Wishes,
    /// The connections that it was decided on, where the question is void without them: meanwhile
    /// its owner may have answered it.
    pub(crate) seen: Option<&'a [Connection]>,
}

/// How a prompt is to differ from one that a tool call makes.
#[derive(Default)]
pub(crate) struct Wishes {
    /// Where the browser goes afterwards; one of the registered addresses.
    pub(crate) return_url: Option<String>,
    /// How long the link waits for its click.
    pub(crate) life: Option<Duration>,
}

/// Why no owner can be asked.
#[derive(Debug, Error)]
pub(crate) enum OpenPromptError {
    #[error(transparent)]
    Unusable(#[from] Unusable),
    #[error("the owner's connections have changed")]
    Outdated,
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Prompts {
    /// Asks; the same question again is the same request.
    pub(crate) async fn prompt_user(
        &self,
        mut question: Question<'_>,
    ) -> Result<Prompt, OpenPromptError> {
        let connector = Arc::clone(&question.ready.connector);
        let project = question.ready.settings.tenant.project;
        self.cache.ensure_not_frozen(project).await?.map_err(Unusable::from)?;
        question.ask.required = connector.without_implied(&question.ask.required);
        let asks_for = asks_for(&question.ask);
        let prolong = question.wishes.life.is_some() || question.wishes.return_url.is_some();
        let seen = question.seen;
        let by = question.by;
        let new = self.auth_request(question).await?;
        let mut request = self.open(by, &new, &asks_for, prolong, seen).await?;
        if request.status_at(self.base.now()) == AuthStatus::Expired {
            self.forget_unconfirmed(&request).await?;
            request = self.open(by, &new, &asks_for, prolong, seen).await?;
        }
        Ok(self.prompt_of(request).await?)
    }

    pub(super) async fn auth_request(
        &self,
        question: Question<'_>,
    ) -> Result<AuthRequest, OpenPromptError> {
        let Question { ready, owner, agent, ask, wishes, .. } = question;
        let return_url = self.return_url(ready, &owner, wishes.return_url).await?;
        let life = wishes.life.unwrap_or(AuthRequest::PHASE);
        let renews = ask.renews.as_ref().map(|(id, _)| *id);
        Ok(AuthRequest {
            id: AuthRequestId::new(&self.base.clock, &self.base.entropy),
            tenant: ready.settings.tenant,
            project_connector: ready.settings.id,
            connector: ready.settings.connector.clone(),
            owner,
            agent,
            reason: ask.reason,
            required_scopes: ask.required,
            granted_scopes: ask.granted,
            renews,
            account_hint: ask.renews.map(|(_, label)| label),
            return_url,
            state: AuthRequestState::Pending,
            expires_at: self.base.now().after(life),
        })
    }

    async fn open(
        &self,
        by: Actor,
        new: &AuthRequest,
        asks_for: &str,
        prolong: bool,
        seen: Option<&[Connection]>,
    ) -> Result<AuthRequest, OpenPromptError> {
        let now = self.base.now();
        let has_room = self.has_room(new.tenant).await?;
        let mut tx = self.base.begin(by).await.map_err(Fault::from)?;
        let owner = self.connections.lock_owner(&mut tx, new.tenant, &new.owner).await?;
        if let Some(seen) = seen {
            let pcon = new.project_connector;
            let there = connections::serving(&mut tx, new.tenant, pcon, &new.owner).await;
            if there.map_err(Fault::from)? != seen {
                return Err(OpenPromptError::Outdated);
            }
        }
        let open = auth_requests::open(&mut tx, new, owner, asks_for, now).await;
        let mut open = open.map_err(Fault::from)?;
        if open.id == new.id {
            self.make_room(&mut tx, owner, has_room).await??;
        }
        if prolong && open.id != new.id {
            open.expires_at = open.expires_at.max(new.expires_at);
            open.return_url.clone_from(&new.return_url);
            auth_requests::prolong(&mut tx, &open).await.map_err(Fault::from)?;
        }
        tx.commit_unrecorded().await.map_err(Fault::from)?;
        if open.id == new.id {
            self.state.open_prompts.add(new.tenant);
            self.base.count_prompt(&open, AuthStatus::Pending);
            tracing::info!(auth_request.id = %new.id, reason = %new.reason, "auth request opened");
        }
        Ok(open)
    }

    /// Returns where the browser goes afterwards. Where the developer's backend has to vouch for an
    /// end user, there must be such a place: an error now is better than one after they consented.
    /// A member stays on our page.
    async fn return_url(
        &self,
        ready: &Ready,
        owner: &Owner,
        wished: Option<String>,
    ) -> Result<Option<String>, OpenPromptError> {
        if owner.end_user().is_none() {
            return Ok(None);
        }
        let settings = self.row_tags.environment_settings(ready.settings.tenant).await?;
        let chosen = wished.or_else(|| settings.return_urls.into_iter().next());
        match (settings.verify_end_user, chosen) {
            (VerifyEndUser::Confirm, None) => Err(Unusable::NoReturnUrl.into()),
            (_, chosen) => Ok(chosen),
        }
    }
}

/// Returns what makes two questions to one owner the same: the account and the scopes. A digest,
/// since it stands in an index and providers name scopes too.
fn asks_for(ask: &Ask) -> String {
    let account = ask.renews.as_ref().map_or_else(|| "new".to_owned(), |(id, _)| id.to_string());
    digest_row(&digest(&format!("{account} {}", ask.required.join(" "))))
}
