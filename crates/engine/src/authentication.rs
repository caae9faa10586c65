//! Who sends a request: from its bearer token to a caller or an administrator.

mod refusal;

use std::sync::Arc;

use astralform_domain::{
    Administrator, AgentId, Caller, EndUserId, Environment, Principal, ProjectId, Role,
    RuntimeCredential, TeamId, Tenant, texts::cut,
};
use astralform_storage::{
    admin_tokens,
    agents::Agent,
    api_keys::{Access, ApiKey},
    members,
    sessions::Session,
};
pub use refusal::{AuthenticationError, TokenKind, TokenKinds};

use crate::{Fault, base::Base, bearer, cache::Cache, row_tags::RowTags, uses::Uses};

/// What a runtime request says of itself.
pub struct RequestClaims<'a> {
    /// Its bearer token: an API key or a session's.
    pub token: &'a str,
    /// The agent it names, by name or id.
    pub agent: Option<&'a str>,
    /// The end user it names.
    pub end_user: Option<EndUserId>,
}

/// How much of an agent's name is repeated.
const LONGEST_NAME: usize = 64;

/// Authenticates callers and administrators.
#[derive(Clone)]
pub struct Authentication {
    base: Arc<Base>,
    row_tags: Arc<RowTags>,
    cache: Arc<Cache>,
    uses: Arc<Uses>,
}

impl Authentication {
    pub(crate) fn new(
        base: &Arc<Base>,
        row_tags: &Arc<RowTags>,
        cache: &Arc<Cache>,
        uses: &Arc<Uses>,
    ) -> Self {
        Self {
            base: Arc::clone(base),
            row_tags: Arc::clone(row_tags),
            cache: Arc::clone(cache),
            uses: Arc::clone(uses),
        }
    }

    /// Returns whom a runtime request comes from, and for whom.
    ///
    /// # Errors
    /// An unknown id, a wrong secret and a revoked token are one and the same error.
    pub async fn authenticate(
        &self,
        said: RequestClaims<'_>,
    ) -> Result<Caller, AuthenticationError> {
        let wanted = TokenKinds::Runtime;
        match TokenKind::of(said.token) {
            Some(TokenKind::Session) => self.authenticate_session(said).await,
            Some(TokenKind::ApiKey) => self.authenticate_key(said).await,
            Some(sent) => Err(AuthenticationError::WrongKind { sent, wanted }),
            None => Err(AuthenticationError::ForeignToken { wanted }),
        }
    }

    /// Returns the administrator that an admin token stands for.
    ///
    /// # Errors
    /// An unknown id, a wrong secret and a revoked token are one and the same error.
    pub async fn administrator(&self, token: &str) -> Result<Administrator, AuthenticationError> {
        let kind = TokenKind::AdminToken;
        let wanted = TokenKinds::Management;
        match TokenKind::of(token) {
            Some(TokenKind::AdminToken) => {}
            Some(sent) => return Err(AuthenticationError::WrongKind { sent, wanted }),
            None => return Err(AuthenticationError::ForeignToken { wanted }),
        }
        let brought = bearer::parse(token, "pat", "admt");
        let brought = brought.ok_or(AuthenticationError::InvalidToken(kind))?;
        let id = brought.id.parse().map_err(|_| AuthenticationError::InvalidToken(kind))?;
        let found = admin_tokens::find(&self.base.db, id).await.map_err(Fault::from)?;
        let found = self.row_tags.vouched(found).await?;
        let found = found.ok_or(AuthenticationError::InvalidToken(kind))?;
        let now = self.base.now();
        if !brought.proves(&found.secret_hash) || !found.is_live(now) {
            return Err(AuthenticationError::InvalidToken(kind));
        }
        self.uses.admin_tokens.note(found.id, now);
        Ok(Administrator { member: found.member, token: found.id, access: found.access })
    }

    /// Returns the role of an administrator in a project; `None` where it is none of theirs.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn role_in(
        &self,
        administrator: Administrator,
        project: ProjectId,
    ) -> Result<Option<Role>, Fault> {
        Ok(members::role_in(&self.base.db, administrator.member, project).await?)
    }

    /// Returns the role of an administrator in a team; `None` where they do not belong to it.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn role_in_team(
        &self,
        administrator: Administrator,
        team: TeamId,
    ) -> Result<Option<Role>, Fault> {
        Ok(members::role_in_team(&self.base.db, administrator.member, team).await?)
    }

    /// Returns the role even in a project that was deleted.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn role_in_past(
        &self,
        administrator: Administrator,
        project: ProjectId,
    ) -> Result<Option<Role>, Fault> {
        Ok(members::role_in_past(&self.base.db, administrator.member, project).await?)
    }

    async fn authenticate_key(
        &self,
        said: RequestClaims<'_>,
    ) -> Result<Caller, AuthenticationError> {
        let invalid = AuthenticationError::InvalidToken(TokenKind::ApiKey);
        let key = self.find_key(said.token).await?.ok_or(invalid)?;
        let Access { tenant, agent: bound, connectors, .. } = &key.access;
        self.cache.ensure_not_frozen(tenant.project).await??;
        let agent = self.agent_of(*tenant, *bound, said.agent).await?;
        let connectors = connectors.clone();
        let credential = RuntimeCredential::ApiKey { id: key.id, agent: *bound, connectors };
        let principal = Principal { tenant: *tenant, agent: agent.id, credential };
        Ok(Caller { principal, end_user: said.end_user })
    }

    async fn authenticate_session(
        &self,
        said: RequestClaims<'_>,
    ) -> Result<Caller, AuthenticationError> {
        let found = self.find_session(said.token).await?;
        let session = found.ok_or(AuthenticationError::InvalidToken(TokenKind::Session))?;
        if said.end_user.is_some_and(|named| named != session.end_user) {
            return Err(AuthenticationError::OtherEndUser);
        }
        self.cache.ensure_not_frozen(session.tenant.project).await??;
        let agent = self.agent_of(session.tenant, Some(session.agent), said.agent).await?;
        let credential = RuntimeCredential::Session {
            id: session.id,
            connectors: session.connectors.clone(),
            tools: session.tools.clone(),
        };
        let principal = Principal { tenant: session.tenant, agent: agent.id, credential };
        Ok(Caller { principal, end_user: Some(session.end_user.clone()) })
    }

    async fn find_key(&self, text: &str) -> Result<Option<Arc<ApiKey>>, Fault> {
        let both = [("sk_live", Environment::Live), ("sk_test", Environment::Test)];
        let Some((prefix, environment)) =
            both.into_iter().find(|(prefix, _)| text.starts_with(prefix))
        else {
            return Ok(None);
        };
        let Some(brought) = bearer::parse(text, prefix, "key") else { return Ok(None) };
        let Ok(id) = brought.id.parse() else { return Ok(None) };
        let now = self.base.now();
        let found = self.cache.api_key(id).await?.filter(|key| {
            brought.proves(&key.secret_hash)
                && key.access.tenant.environment == environment
                && key.is_live(now)
        });
        if found.is_some() {
            self.uses.api_keys.note(id, now);
        }
        Ok(found)
    }

    async fn find_session(&self, text: &str) -> Result<Option<Arc<Session>>, Fault> {
        let Some(brought) = bearer::parse(text, "ut", "sess") else { return Ok(None) };
        let Ok(id) = brought.id.parse() else { return Ok(None) };
        let found = self.cache.session(id).await?;
        let now = self.base.now();
        Ok(found.filter(|session| brought.proves(&session.secret_hash) && session.expires_at > now))
    }

    /// Returns the agent that a token is bound to, or that a request names, or else the default
    /// one.
    ///
    /// # Errors
    /// When there is none, it is disabled, or the token is bound to another one.
    pub async fn agent_of(
        &self,
        tenant: Tenant,
        bound: Option<AgentId>,
        named: Option<&str>,
    ) -> Result<Arc<Agent>, AuthenticationError> {
        let found = match (bound, named) {
            (Some(bound), None) => self.cache.agent(tenant.project, bound).await?,
            (_, named) => self.cache.named_agent(tenant.project, named).await?,
        };
        let Some(agent) = found else {
            let name = named.map(|named| cut(named, LONGEST_NAME).into_owned());
            let name = name.or_else(|| bound.map(|bound| bound.to_string()));
            return Err(AuthenticationError::UnknownAgent(name.unwrap_or_default()));
        };
        match bound {
            Some(bound) if bound != agent.id => Err(AuthenticationError::OtherAgent),
            _ if !agent.is_enabled => {
                Err(AuthenticationError::DisabledAgent(agent.name.to_string()))
            }
            _ => Ok(agent),
        }
    }
}
