//! Copying settings, never secrets, from one environment of a project to the other.
//!
//! What would be copied is shown first, with a digest; the digest has to come back for it to be done.
//! Addresses are added, none is taken away. How end users are verified, the sandbox, addresses on
//! loopback and everything secret stay where they are.

mod plan;

use std::sync::Arc;

use astralform_domain::{Actor, ConnectorSlug, Environment, SettingsPatch, Tenant};
use astralform_engine::{
    Engine, Fault, SettingsError,
    project_connectors::{ConnectorChange, Enable},
};
use astralform_storage::project_connectors;
use thiserror::Error;

use crate::{
    Denied, Forbidden, ProjectActor,
    environments::{EnvironmentChange, EnvironmentError, Environments},
    policy::Right,
};
pub use plan::{ConnectorCopy, CopyAction, CopyPlan, CopySetting};
use plan::{Side, plan};

/// What became of copying.
pub struct Copied {
    /// What was to be copied.
    pub plan: CopyPlan,
    /// The connectors that were not, and why.
    pub refused: Vec<(ConnectorSlug, SettingsError)>,
}

/// Why nothing is copied.
#[derive(Debug, Error)]
pub enum CopyError {
    /// From an environment to itself.
    #[error("`from` is the environment that is copied to: name the other one")]
    SameEnvironment,
    /// What would be copied is not what was shown.
    #[error(
        "what would be copied has changed since it was looked at, and nothing was copied: look \
         again, and send the new `digest`"
    )]
    Changed,
    /// The settings of the environment are refused.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// The policy forbids it.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// Something is broken.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Copies settings between the environments of a project.
#[derive(Clone)]
pub struct Copies {
    engine: Arc<Engine>,
    environments: Environments,
}

impl Copies {
    pub(crate) fn new(engine: &Arc<Engine>, environments: &Environments) -> Self {
        Self { engine: Arc::clone(engine), environments: environments.clone() }
    }

    /// Returns what copying would change.
    ///
    /// # Errors
    /// When both environments are the same.
    pub async fn plan(
        &self,
        by: &ProjectActor,
        from: Environment,
        to: Environment,
    ) -> Result<CopyPlan, CopyError> {
        if from == to {
            return Err(CopyError::SameEnvironment);
        }
        let source = self.side(by, from).await?;
        let target = self.side(by, to).await?;
        Ok(plan(&source, &target, self.engine.catalog()))
    }

    /// Copies what the plan of that digest says. Each setting is changed under its own row of the
    /// policy. A connector that cannot be enabled or changed so is left as it is, and told of.
    ///
    /// # Errors
    /// When the plan is another one now, or the policy forbids a part of it; then nothing is copied.
    pub async fn copy(
        &self,
        by: &ProjectActor,
        from: Environment,
        to: Environment,
        digest: &str,
    ) -> Result<Copied, CopyError> {
        let permit = by.may(Right::CopyEnvironment)?;
        let plan = self.plan(by, from, to).await?;
        if plan.digest() != digest {
            return Err(CopyError::Changed);
        }
        if !plan.connectors.is_empty() {
            by.may(Right::Connectors)?;
        }
        if plan.changes_addresses() {
            let change = EnvironmentChange {
                verify_end_user: None,
                return_urls: Some(plan.return_urls_after.clone()),
                allowed_origins: Some(plan.allowed_origins_after.clone()),
            };
            self.environments.change(by, to, change, Some(plan.version)).await?;
        }
        let mut refused = Vec::new();
        for copy in &plan.connectors {
            let done = self.copy_connector(permit.actor, permit.tenant(to), copy).await;
            match done {
                Ok(()) => {}
                Err(SettingsError::Fault(fault)) => return Err(fault.into()),
                Err(why) => refused.push((copy.connector.clone(), why)),
            }
        }
        tracing::info!(project.id = %permit.project, %from, %to, "environment copied");
        Ok(Copied { plan, refused })
    }

    async fn copy_connector(
        &self,
        actor: Actor,
        to: Tenant,
        copy: &ConnectorCopy,
    ) -> Result<(), SettingsError> {
        let connectors = &self.engine.project_connectors;
        let settings: SettingsPatch = copy.settings.clone();
        match copy.action {
            CopyAction::Enable => {
                let connector = copy.connector.clone();
                let new = Enable { connector, credentials: None, settings };
                connectors.enable(actor, to, new).await.map(|_| ())
            }
            CopyAction::Change => {
                let change = ConnectorChange::from(settings);
                connectors.change_connector(actor, to, &copy.connector, &change).await
            }
        }
    }

    async fn side(&self, by: &ProjectActor, environment: Environment) -> Result<Side, CopyError> {
        let settings = self.environments.settings(by, environment).await;
        let settings = settings.map_err(|denied| match denied {
            Denied::Forbidden(forbidden) => CopyError::from(forbidden),
            Denied::Refused(fault) => fault.into(),
        })?;
        let tenant = by.may(Right::Look)?.tenant(environment);
        let connectors = project_connectors::list(self.engine.base().db(), tenant).await;
        Ok(Side { settings, connectors: connectors.map_err(Fault::from)? })
    }
}
