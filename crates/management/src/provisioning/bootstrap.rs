//! Setting an empty installation up.

use astralform_domain::{Actor, Email, Environment, MemberId, ProjectName, Role, Tenant};
use astralform_engine::{Fault, audit::Event};
use astralform_storage::members;
use thiserror::Error;

use super::{Provisioned, Provisioning, open_access};
use crate::{admin_tokens::NewAdminToken, api_keys::NewApiKey};

/// What the first set-up of an installation made. The secrets cannot be had again.
pub struct Bootstrapped {
    /// The first member, who owns the team.
    pub member: MemberId,
    /// Their team, project and default agent.
    pub made: Provisioned,
    /// A key for `test`.
    pub test_api_key: NewApiKey,
    /// A key for `live`.
    pub live_api_key: NewApiKey,
    /// The member's admin token.
    pub admin_token: NewAdminToken,
}

/// Why an installation is not set up.
#[derive(Debug, Error)]
pub enum BootstrapError {
    /// It is set up already.
    #[error(
        "this installation is set up already: {0} is a member; `astralform api-keys create` and \
         `astralform admin-tokens create` make new keys"
    )]
    AlreadySetUp(Email),
    /// What was made could not be handed over.
    #[error("nothing is set up, since what was made cannot be handed over")]
    NotHandedOver(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Something is broken.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Provisioning {
    /// Sets up an empty installation: its first member with a team, a project, and a key for each
    /// environment. Nothing is set up unless `hand_over` has handed the secrets over: they cannot
    /// be had later.
    ///
    /// # Errors
    /// When there is a member already, or the secrets are not handed over.
    pub async fn bootstrap<E: std::error::Error + Send + Sync + 'static>(
        &self,
        email: &Email,
        project: &ProjectName,
        hand_over: impl FnOnce(&Bootstrapped) -> Result<(), E>,
    ) -> Result<(), BootstrapError> {
        let key = self.row_tags.installation_key().await?;
        let chain = self.base.installation_chain().await?;
        let mut tx = self.base.begin(Actor::Operator).await.map_err(Fault::from)?;
        if let Some(member) = members::any(&mut tx).await.map_err(Fault::from)? {
            return Err(BootstrapError::AlreadySetUp(member.email));
        }
        let (member, admin_token) = self.add_member(&mut tx, email, &key).await?;
        let team = self.add_team(&mut tx, "My team", &chain).await?;
        let made = self.add_project(&mut tx, team, project).await?;
        let now = self.base.now();
        members::join(&mut tx, made.team, member, Role::Owner, now).await.map_err(Fault::from)?;
        let [test, live] = [Environment::Test, Environment::Live]
            .map(|environment| open_access(Tenant { project: made.project, environment }, None));
        let test_api_key = self.api_keys.add(&mut tx, test, None, &key).await?;
        let live_api_key = self.api_keys.add(&mut tx, live, None, &key).await?;
        let event = Event::new("installation.set_up", made.team);
        let event = event.with("member", member.to_string());
        let event = event.with("project", made.project.to_string());
        chain.record(&mut tx, &event).await?;
        let done = Bootstrapped { member, made, test_api_key, live_api_key, admin_token };
        hand_over(&done).map_err(|error| BootstrapError::NotHandedOver(error.into()))?;
        Ok(tx.commit().await.map_err(Fault::from)?)
    }

    /// Returns whether this installation has a member yet.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn has_members(&self) -> Result<bool, Fault> {
        Ok(members::any(self.base.db()).await?.is_some())
    }
}
