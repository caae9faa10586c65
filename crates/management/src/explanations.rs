//! Why an agent of a project has a tool or not, for those who administer.

use std::sync::Arc;

use astralform_domain::{ApiKeyId, EndUserId, Environment, RuntimeCredential, Tenant};
use astralform_engine::{
    Engine, Fault,
    explain::{Explanation, Held, Question},
};
use astralform_storage::api_keys::{self, Access};

use crate::{ProjectActor, api_keys::ApiKeyError, policy::Right};

/// Which tool is asked about, and for whom.
#[derive(Clone, Debug)]
pub struct AskedTool {
    /// The environment.
    pub environment: Environment,
    /// The tool's name.
    pub tool: String,
    /// The agent, by name or id; the default one when left out.
    pub agent: Option<String>,
    /// The end user.
    pub end_user: Option<EndUserId>,
    /// The API key that calls, where its limits count too.
    pub api_key: Option<ApiKeyId>,
}

/// Explains why agents of a project have tools or not.
#[derive(Clone)]
pub struct Explanations {
    engine: Arc<Engine>,
}

impl Explanations {
    pub(crate) fn new(engine: &Arc<Engine>) -> Self {
        Self { engine: Arc::clone(engine) }
    }

    /// Returns the first thing that keeps an agent from calling a tool for an end user.
    ///
    /// # Errors
    /// When the project has no such API key in the environment.
    pub async fn explain(
        &self,
        by: &ProjectActor,
        asked: &AskedTool,
    ) -> Result<Explanation, ApiKeyError> {
        let tenant = by.may(Right::Explain)?.tenant(asked.environment);
        let held = match asked.api_key {
            Some(id) => Some(self.held(tenant, id).await?),
            None => None,
        };
        let question = Question {
            tenant,
            tool: &asked.tool,
            agent: asked.agent.as_deref(),
            end_user: asked.end_user.as_ref(),
            held,
        };
        Ok(self.engine.explain.explain(&question).await?)
    }

    async fn held(&self, tenant: Tenant, id: ApiKeyId) -> Result<Held, ApiKeyError> {
        let base = self.engine.base();
        let found = api_keys::find(base.db(), id).await.map_err(Fault::from)?;
        let key = found.filter(|key| key.access.tenant == tenant).ok_or(ApiKeyError::Unknown)?;
        let is_live = key.is_live(base.now());
        let Access { agent, connectors, .. } = key.access;
        let credential = RuntimeCredential::ApiKey { id, agent, connectors };
        Ok(Held { credential, agent, is_live })
    }
}
