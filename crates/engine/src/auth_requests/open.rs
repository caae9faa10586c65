use astralform_domain::{
    AuthRequest, AuthRequestId, AuthStatus, Caller, EndUserId, EndUserKey, VerifyEndUser,
};
use astralform_storage::{auth_requests, end_users, projects};
use thiserror::Error;

use super::{
    Prompt,
    begin::{digest, state_row},
};
use crate::{Engine, Fault, Unusable, credentials::Ask, project_connectors::Ready};

/// Why nobody can be asked.
#[derive(Debug, Error)]
pub(crate) enum OpenError {
    #[error(transparent)]
    Unusable(#[from] Unusable),
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Engine {
    /// Asks an end user; the same question again is the same request.
    pub(crate) async fn ask(
        &self,
        caller: &Caller,
        end_user: &EndUserId,
        ready: &Ready<'_>,
        ask: Ask,
    ) -> Result<Prompt, OpenError> {
        let asks_for = asks_for(&ask);
        let return_url = self.return_url(ready).await?;
        let now = self.clock.now();
        let new = AuthRequest {
            id: AuthRequestId::new(&self.clock, &self.entropy),
            tenant: caller.principal.tenant,
            project_connector: ready.settings.id,
            connector: ready.settings.connector.clone(),
            end_user: end_user.clone(),
            agent: caller.principal.agent,
            reason: ask.reason,
            required_scopes: ask.required,
            granted_scopes: ask.granted,
            account_hint: ask.renews.map(|(_, label)| label),
            return_url,
            status: AuthStatus::Pending,
            failure: None,
            expires_at: now.after(AuthRequest::PHASE),
            connection: None,
        };
        let mut request = self.open(&new, &asks_for).await?;
        if request.status_at(now) == AuthStatus::Expired {
            self.forget_unconfirmed(&request).await?;
            request = self.open(&new, &asks_for).await?;
        }
        Ok(self.prompt_of(request).await?)
    }

    async fn open(&self, new: &AuthRequest, asks_for: &str) -> Result<AuthRequest, Fault> {
        let now = self.clock.now();
        let fresh = EndUserKey::new(&self.clock, &self.entropy);
        let mut tx = self.db.begin().await?;
        let key = end_users::ensure(&mut tx, new.tenant, &new.end_user, fresh, now).await?;
        let open = auth_requests::open(&mut tx, new, key, asks_for, now).await?;
        tx.commit().await?;
        if open.id == new.id {
            tracing::info!(auth_request.id = %new.id, reason = %new.reason, "auth request opened");
        }
        Ok(open)
    }

    /// Where the browser goes afterwards. Where somebody has to vouch for the person, there must
    /// be such a place: better to say so now than after they consented.
    async fn return_url(&self, ready: &Ready<'_>) -> Result<Option<String>, OpenError> {
        let settings = projects::environment(&self.db, ready.settings.tenant).await;
        let missing = Fault::Inconsistent("a project has no environment settings");
        let settings = settings.map_err(Fault::from)?.ok_or(missing)?;
        let first = settings.return_urls.into_iter().next();
        match (settings.verify_end_user, first) {
            (VerifyEndUser::Confirm, None) => Err(Unusable::NoReturnUrl.into()),
            (_, first) => Ok(first),
        }
    }
}

/// What makes two questions to one end user the same: the account and the scopes. A digest, since
/// it stands in an index and providers name scopes too.
fn asks_for(ask: &Ask) -> String {
    let account = ask.renews.as_ref().map_or_else(|| "new".to_owned(), |(id, _)| id.to_string());
    state_row(&digest(&format!("{account} {}", ask.required.join(" "))))
}
