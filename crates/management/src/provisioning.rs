//! Making what a project stands on: members, team, project, agent, keys, settings.

mod bootstrap;

use std::sync::Arc;

use astralform_domain::{
    Actor, AgentId, Email, EnvironmentSettings, MemberId, ProjectId, ProjectName, Role, Secret,
    TeamId, Tenant, Timestamp,
};
use astralform_engine::{
    Base, Engine, Fault,
    audit::{AuditChain, Event},
    row_tags::{RowTags, tagged_settings},
};
use astralform_storage::{
    Tx,
    agents::{self, Agent},
    api_keys::{self, EndedAccess},
    members::{self, Member},
    projects::{self, NewProject},
};
use astralform_vault::TagKey;

use crate::{
    admin_tokens::{AdminTokens, NewAdminToken, WantedToken},
    api_keys::{Access, ApiKeys, NewApiKey},
    environments::recorded,
};
pub use bootstrap::{BootstrapError, Bootstrapped};

/// What keys and tokens are called that nobody named.
const FIRST_NAME: &str = "First";

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

/// Makes the first project, its members and its keys.
#[derive(Clone)]
pub struct Provisioning {
    base: Arc<Base>,
    row_tags: Arc<RowTags>,
    api_keys: ApiKeys,
    admin_tokens: AdminTokens,
}

/// What takes the place of keys and tokens that were all revoked.
pub struct Reopened {
    /// An API key for each that there was.
    pub api_keys: Vec<NewApiKey>,
    /// Whether there were more than get another one.
    pub is_cut_short: bool,
    /// An admin token for an owner of each team that has a project.
    pub admin_tokens: Vec<NewAdminToken>,
}

/// The most API keys that are made at once: as many as an operator can look through.
const AT_ONCE: i64 = 100;

impl Provisioning {
    pub(crate) fn new(engine: &Engine, api_keys: &ApiKeys, admin_tokens: &AdminTokens) -> Self {
        Self {
            base: Arc::clone(engine.base()),
            row_tags: Arc::clone(&engine.row_tags),
            api_keys: api_keys.clone(),
            admin_tokens: admin_tokens.clone(),
        }
    }

    /// Makes API keys and admin tokens in place of those that were all revoked at a moment. Keys end
    /// by themselves when the old ones would have.
    ///
    /// # Errors
    /// When the database does not store them; then none is made.
    pub async fn reopen(&self, revoked_at: Timestamp) -> Result<Reopened, Fault> {
        let key = self.row_tags.installation_key().await?;
        let chain = self.base.installation_chain().await?;
        let mut tx = self.base.begin(Actor::Operator).await?;
        let mut ended = api_keys::ended_at(&mut tx, revoked_at, AT_ONCE + 1).await?;
        let most = usize::try_from(AT_ONCE).unwrap_or_default();
        let is_cut_short = ended.len() > most;
        ended.truncate(most);
        let mut reopened =
            Reopened { api_keys: Vec::new(), is_cut_short, admin_tokens: Vec::new() };
        for EndedAccess { access, expires_at } in ended {
            let made = self.api_keys.add(&mut tx, access, expires_at, &key).await?;
            reopened.api_keys.push(made);
        }
        for member in members::owners(&mut tx).await? {
            let wanted = WantedToken::unlimited("Restored");
            let made = self.admin_tokens.add(&mut tx, &member, wanted, &key).await?;
            reopened.admin_tokens.push(made);
        }
        let event = Event::new("keys.made_anew", "installation");
        let event = event.with("api_keys", reopened.api_keys.len());
        let event = event.with("admin_tokens", reopened.admin_tokens.len());
        chain.record(&mut tx, &event).await?;
        tx.commit().await?;
        Ok(reopened)
    }

    async fn add_member(
        &self,
        tx: &mut Tx,
        email: &Email,
        key: &TagKey,
    ) -> Result<(MemberId, NewAdminToken), Fault> {
        let now = self.base.now();
        let member = Member {
            id: MemberId::new(self.base.clock(), self.base.entropy()),
            email: email.clone(),
        };
        members::create(tx, &member, now).await?;
        let wanted = WantedToken::unlimited(FIRST_NAME);
        let token = self.admin_tokens.add(tx, &member, wanted, key).await?;
        Ok((member.id, token))
    }

    /// Creates a team with one project and its default agent.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn provision(&self, team: &str, project: &str) -> Result<Provisioned, Fault> {
        let project = project.parse().map_err(|_| Fault::Inconsistent("no name of a project"))?;
        let chain = self.base.installation_chain().await?;
        let mut tx = self.base.begin(Actor::Operator).await?;
        let team = self.add_team(&mut tx, team, &chain).await?;
        let made = self.add_project(&mut tx, team, &project).await?;
        let event = Event::new("team.created", team);
        let event = event.with("project", made.project.to_string());
        chain.record(&mut tx, &event).await?;
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
        let chain = self.base.team_chain(team).await?;
        let mut tx = self.base.begin(Actor::Operator).await?;
        let (member, token) = self.add_member(&mut tx, email, &key).await?;
        members::join(&mut tx, team, member, role, self.base.now()).await?;
        let event = Event::new("member.joined", member).with("role", role.as_str());
        chain.record(&mut tx, &event).await?;
        tx.commit().await?;
        Ok(token.secret)
    }

    async fn add_team(
        &self,
        tx: &mut Tx,
        name: &str,
        installation: &AuditChain,
    ) -> Result<TeamId, Fault> {
        let team = TeamId::new(self.base.clock(), self.base.entropy());
        projects::create_team(tx, team, name, self.base.now()).await?;
        let chain = installation.for_team(team);
        chain.begin(tx).await?;
        chain.record(tx, &Event::new("team.created", team).with("name", name)).await?;
        Ok(team)
    }

    pub(crate) async fn add_project(
        &self,
        tx: &mut Tx,
        team: TeamId,
        name: &ProjectName,
    ) -> Result<Provisioned, Fault> {
        let now = self.base.now();
        let made = Provisioned {
            team,
            project: ProjectId::new(self.base.clock(), self.base.entropy()),
            agent: AgentId::new(self.base.clock(), self.base.entropy()),
        };
        projects::create(tx, &NewProject { id: made.project, team, name }, now).await?;
        let chain = self.base.begin_project(tx, made.project).await?;
        let event = Event::new("project.created", made.project).with("name", name.as_str());
        chain.record(tx, &event).await?;
        let name = "default".parse();
        let agent = Agent {
            id: made.agent,
            name: name.map_err(|_| Fault::Inconsistent("`default` is no name"))?,
            is_default: true,
            is_enabled: true,
            connectors: None,
            version: 1,
            created_at: now,
        };
        agents::create(tx, made.project, &agent).await?;
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
        let key = self.row_tags.installation_key().await?;
        let chain = self.base.project_chain(tenant.project).await?;
        let mut tx = self.base.begin(Actor::Operator).await?;
        let made = self.api_keys.add(&mut tx, open_access(tenant, agent), None, &key).await?;
        let event = Event::new("api_key.created", made.id).within(tenant.environment);
        chain.record(&mut tx, &event).await?;
        tx.commit().await?;
        Ok(made.secret)
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
        let stored = tagged_settings(&key, tenant, settings.clone(), 1);
        let chain = self.base.project_chain(tenant.project).await?;
        let mut tx = self.base.begin(Actor::Operator).await?;
        projects::set_environment(&mut tx, tenant, &stored).await?;
        let event = Event::new("environment.changed", tenant.environment);
        let event = event.within(tenant.environment).with("after", recorded(settings));
        chain.record(&mut tx, &event).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// Returns access to all connectors of an environment.
fn open_access(tenant: Tenant, agent: Option<AgentId>) -> Access {
    Access { tenant, name: FIRST_NAME.to_owned(), agent, connectors: None }
}
