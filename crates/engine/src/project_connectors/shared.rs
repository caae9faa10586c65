use astralform_catalog::Auth;
use astralform_domain::{Actor, AuthReason, ConnectorSlug, Owner, Tenant};
use astralform_storage::{agents, connections};
use thiserror::Error;

use crate::{
    Fault, Prompt, SettingsError, Unusable,
    auth_requests::{OpenPromptError, Question, Wishes},
    credentials::Ask,
    project_connectors::ProjectConnectors,
};

/// Why no account can be shared.
#[derive(Debug, Error)]
pub enum ShareError {
    /// The connector is not enabled, or not there at all.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// A key serves the project, and it is not connected but entered.
    #[error(
        "this connector takes API keys, so that there is no account to share: enter the project's \
         key as `credentials.api_key` with PATCH /v1/projects/{{project}}/connectors/{{slug}}?environment=…"
    )]
    ByKey,
    /// It cannot be used at present.
    #[error(transparent)]
    Unusable(#[from] Unusable),
    /// Something is broken.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl ProjectConnectors {
    /// Asks a member to connect the account that a project shares with all its end users, or to
    /// renew it.
    ///
    /// # Errors
    /// When the connector is not enabled, or cannot be used.
    pub async fn share(
        &self,
        by: Actor,
        tenant: Tenant,
        slug: &ConnectorSlug,
    ) -> Result<Prompt, ShareError> {
        let settings = self.offers.enabled(tenant, slug).await?;
        let ready = self.connectors.ready(settings)?;
        if matches!(ready.connector.auth(), Auth::ApiKey(_)) {
            return Err(ShareError::ByKey);
        }
        let id = ready.settings.id;
        let shared = connections::serving(&self.base.db, tenant, id, &Owner::Project)
            .await
            .map_err(Fault::from)?;
        let ask = match shared.first() {
            Some(shared) => Ask::renewing(AuthReason::NeedsReauth, shared, &ready.requested_scopes),
            None => Ask::connecting(ready.requested_scopes.as_ref().clone()),
        };
        let agent = agents::default_of(&self.base.db, tenant.project).await.map_err(Fault::from)?;
        let agent = agent.ok_or(Fault::Inconsistent("a project has no default agent"))?.id;
        let owner = Owner::Project;
        let wishes = Wishes::default();
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
}
