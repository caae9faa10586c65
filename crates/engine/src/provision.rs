//! Making what a project stands on: members, team, project, agent, keys, settings.

use std::sync::Arc;

use astralform_domain::{
    AgentId, Email, Environment, EnvironmentSettings, MemberId, ProjectId, ProjectName, Role,
    Secret, TeamId, Tenant,
};
use astralform_storage::{
    Tx,
    agents::{self, Agent},
    members::{self, Member},
    projects::{self, NewProject},
};
use astralform_vault::TagKey;
use thiserror::Error;

use crate::{
    Fault,
    access::{Access, AccessKeys, NewAdminToken, NewApiKey},
    base::Base,
    row_tags::{RowTags, tagged_settings},
};

/// A new project and its default agent.
#[derive(Clone, Copy, Debug)]
pub struct Provisioned {
    /// The team that administers it.
    pub team: TeamId,
    /// The project.
    pub project: ProjectId,
    /// Its default agent.
    pub agent: AgentId,
}

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

/// Makes the first project, its members and its keys.
#[derive(Clone)]
pub struct Provisioning {
    base: Arc<Base>,
    row_tags: Arc<RowTags>,
    access_keys: Arc<AccessKeys>,
}

impl Provisioning {
    pub(crate) fn new(
        base: &Arc<Base>,
        row_tags: &Arc<RowTags>,
        access_keys: &Arc<AccessKeys>,
    ) -> Self {
        Self {
            base: Arc::clone(base),
            row_tags: Arc::clone(row_tags),
            access_keys: Arc::clone(access_keys),
        }
    }

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
        let mut tx = self.base.begin().await.map_err(Fault::from)?;
        if let Some(member) = members::any(&mut tx).await.map_err(Fault::from)? {
            return Err(BootstrapError::AlreadySetUp(member.email));
        }
        let (member, admin_token) = self.add_member(&mut tx, email, &key).await?;
        let made = self.add_project(&mut tx, "My team", project.as_str()).await?;
        let now = self.base.now();
        members::join(&mut tx, made.team, member, Role::Owner, now).await.map_err(Fault::from)?;
        let project = made.project;
        let tenant = Tenant { project, environment: Environment::Test };
        let test_api_key =
            self.access_keys.add_api_key(&mut tx, Access { tenant, agent: None }, &key).await?;
        let tenant = Tenant { project, environment: Environment::Live };
        let live_api_key =
            self.access_keys.add_api_key(&mut tx, Access { tenant, agent: None }, &key).await?;
        let done = Bootstrapped { member, made, test_api_key, live_api_key, admin_token };
        hand_over(&done).map_err(|error| BootstrapError::NotHandedOver(error.into()))?;
        Ok(tx.commit().await.map_err(Fault::from)?)
    }

    /// Returns whether this installation has a member yet.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn has_members(&self) -> Result<bool, Fault> {
        Ok(members::any(&self.base.db).await?.is_some())
    }

    async fn add_member(
        &self,
        tx: &mut Tx,
        email: &Email,
        key: &TagKey,
    ) -> Result<(MemberId, NewAdminToken), Fault> {
        let now = self.base.now();
        let member = Member {
            id: MemberId::new(&self.base.clock, &self.base.entropy),
            email: email.clone(),
        };
        members::create(tx, &member, now).await?;
        let token = self.access_keys.add_admin_token(tx, &member, key).await?;
        Ok((member.id, token))
    }

    /// Creates a team with one project and its default agent.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn provision(&self, team: &str, project: &str) -> Result<Provisioned, Fault> {
        let mut tx = self.base.begin().await?;
        let made = self.add_project(&mut tx, team, project).await?;
        tx.commit().await?;
        Ok(made)
    }

    /// Creates a member who owns a team, and returns their admin token.
    ///
    /// # Errors
    /// When the address is taken, or the database does not answer.
    pub async fn create_owner(&self, team: TeamId, email: &Email) -> Result<Secret, Fault> {
        self.create_member(team, email, Role::Owner).await
    }

    /// Creates a member of a team, and returns their admin token.
    ///
    /// # Errors
    /// When the address is taken, or the database does not answer.
    pub async fn create_member(
        &self,
        team: TeamId,
        email: &Email,
        role: Role,
    ) -> Result<Secret, Fault> {
        let key = self.row_tags.installation_key().await?;
        let mut tx = self.base.begin().await?;
        let (member, token) = self.add_member(&mut tx, email, &key).await?;
        members::join(&mut tx, team, member, role, self.base.now()).await?;
        tx.commit().await?;
        Ok(token.secret)
    }

    async fn add_project(
        &self,
        tx: &mut Tx,
        team: &str,
        project: &str,
    ) -> Result<Provisioned, Fault> {
        let now = self.base.now();
        let made = Provisioned {
            team: TeamId::new(&self.base.clock, &self.base.entropy),
            project: ProjectId::new(&self.base.clock, &self.base.entropy),
            agent: AgentId::new(&self.base.clock, &self.base.entropy),
        };
        let new = NewProject { id: made.project, team: made.team, name: project };
        projects::create_team(tx, made.team, team, now).await?;
        projects::create(tx, &new, now).await?;
        self.base.keys.create(tx, made.project, now, &self.base.entropy).await?;
        let agent = Agent {
            id: made.agent,
            name: "default".to_owned(),
            is_default: true,
            is_enabled: true,
            connectors: None,
        };
        agents::create(tx, made.project, &agent, now).await?;
        Ok(made)
    }

    /// Creates an API key; its text cannot be had again.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn create_api_key(
        &self,
        tenant: Tenant,
        agent: Option<AgentId>,
    ) -> Result<Secret, Fault> {
        Ok(self.access_keys.new_api_key(Access { tenant, agent }).await?.secret)
    }

    /// Sets who vouches for end users in an environment, and where browsers may return to.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn configure_environment(
        &self,
        tenant: Tenant,
        settings: &EnvironmentSettings,
    ) -> Result<(), Fault> {
        let key = self.row_tags.installation_key().await?;
        let stored = tagged_settings(&key, tenant, settings.clone());
        let mut tx = self.base.begin().await?;
        projects::set_environment(&mut tx, tenant, &stored).await?;
        tx.commit().await?;
        Ok(())
    }
}
