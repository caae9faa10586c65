//! What calls need again and again, kept in memory until it changes.

mod weight;

use std::sync::Arc;

use astralform_domain::{
    AgentId, ApiKeyId, Connection, ConnectorSlug, EndUserId, Owner, ProjectConnectorId, ProjectId,
    SessionId, Tenant, Timestamp, limits,
};
use astralform_storage::{
    Topic,
    agents::{self, Agent},
    api_keys::{self, ApiKey},
    freezes, project_connectors,
    serving::{self, ConnectionWithTokens},
    sessions::{self, Session},
    tokens::Token,
};

use crate::{
    Fault, Frozen,
    base::Base,
    bearer,
    cache_map::{CacheMap, DROPPED_AFTER},
    connectors::{Assembled, Connectors},
    row_tags::RowTags,
};

/// Everything that is cached. Secrets stay sealed.
pub(crate) struct Entries {
    keys: CacheMap<ApiKeyId, ApiKey>,
    sessions: CacheMap<SessionId, Session>,
    /// Whether each is frozen.
    projects: CacheMap<ProjectId, bool>,
    agents: CacheMap<(ProjectId, AgentId), Agent>,
    /// By the name that requests call them; `None` stands for the default one.
    named_agents: CacheMap<(ProjectId, Option<String>), Agent>,
    origins: CacheMap<Tenant, AllowedOrigins>,
    connectors: CacheMap<(Tenant, ConnectorSlug), Assembled>,
    serving: CacheMap<(ProjectConnectorId, Owner), ServingConnections>,
}

/// The origins that an environment allows.
pub(crate) struct AllowedOrigins(pub(crate) Vec<String>);

/// The connections that could serve an end user, in the order of preference, with their tokens.
pub(crate) struct ServingConnections {
    pub(crate) connections: Vec<Connection>,
    /// Those of the connection at the same place.
    tokens: Vec<Vec<Token>>,
}

impl Default for Entries {
    fn default() -> Self {
        Self {
            keys: CacheMap::new(limits::CACHED_API_KEYS),
            sessions: CacheMap::new(limits::CACHED_SESSIONS),
            projects: CacheMap::new(limits::CACHED_PROJECTS),
            agents: CacheMap::new(limits::CACHED_AGENTS),
            named_agents: CacheMap::new(limits::CACHED_AGENTS),
            origins: CacheMap::new(limits::CACHED_ORIGINS),
            connectors: CacheMap::new(limits::CACHED_CONNECTORS),
            serving: CacheMap::new(limits::CACHED_CONNECTIONS),
        }
    }
}

impl Entries {
    /// Forgets what no call asks for any more, and sessions that are over.
    pub(crate) fn drop_old(&self, now: Timestamp) {
        self.keys.drop_older_than(DROPPED_AFTER);
        self.sessions.drop_older_than(DROPPED_AFTER);
        self.sessions.retain(|session| session.expires_at > now);
        self.projects.drop_older_than(DROPPED_AFTER);
        self.agents.drop_older_than(DROPPED_AFTER);
        self.named_agents.drop_older_than(DROPPED_AFTER);
        self.origins.drop_older_than(DROPPED_AFTER);
        self.connectors.drop_older_than(DROPPED_AFTER);
        self.serving.drop_older_than(DROPPED_AFTER);
    }
}

impl From<Vec<ConnectionWithTokens>> for ServingConnections {
    fn from(all: Vec<ConnectionWithTokens>) -> Self {
        let (connections, tokens) =
            all.into_iter().map(|held| (held.connection, held.tokens)).unzip();
        Self { connections, tokens }
    }
}

impl ServingConnections {
    /// Returns the sealed token of a kind of one of the connections.
    pub(crate) fn token(&self, connection: &Connection, kind: &str) -> Option<&Token> {
        let at = self.connections.iter().position(|known| known.id == connection.id)?;
        self.tokens[at].iter().find(|token| token.kind == kind)
    }
}

/// What calls need again and again, kept in memory until it changes.
#[derive(Clone)]
pub struct Cache {
    pub(crate) base: Arc<Base>,
    pub(crate) entries: Arc<Entries>,
    pub(crate) row_tags: Arc<RowTags>,
    pub(crate) connectors: Arc<Connectors>,
}

impl Cache {
    pub(crate) fn new(
        base: &Arc<Base>,
        row_tags: &Arc<RowTags>,
        connectors: &Arc<Connectors>,
    ) -> Self {
        Self {
            base: Arc::clone(base),
            entries: Arc::default(),
            row_tags: Arc::clone(row_tags),
            connectors: Arc::clone(connectors),
        }
    }

    /// Returns whether an API key or a session of a token's id is kept. The rest of the token is
    /// not looked at.
    pub fn remembers(&self, token: &str) -> bool {
        if let Some(session) = bearer::parse(token, "ut", "sess") {
            return session.id.parse().is_ok_and(|id| self.entries.sessions.has(&id));
        }
        let mut prefixes = ["sk_live", "sk_test"].into_iter();
        let key = prefixes.find_map(|prefix| bearer::parse(token, prefix, "key"));
        key.is_some_and(|key| key.id.parse().is_ok_and(|id| self.entries.keys.has(&id)))
    }

    /// Returns the API key of that id; `None` where it was revoked, or the tag of its row does not
    /// fit.
    pub(crate) async fn api_key(&self, id: ApiKeyId) -> Result<Option<Arc<ApiKey>>, Fault> {
        let read = async { self.row_tags.vouched(api_keys::find(&self.base.db, id).await?).await };
        self.entries.keys.get(&self.base.db, id, &[Topic::ApiKey(id)], read).await
    }

    /// Returns the session of that id, one that is over included; `None` where the tag of its row
    /// does not fit.
    pub(crate) async fn session(&self, id: SessionId) -> Result<Option<Arc<Session>>, Fault> {
        let read = async { self.row_tags.vouched(sessions::find(&self.base.db, id).await?).await };
        self.entries.sessions.get(&self.base.db, id, &[Topic::Session(id)], read).await
    }

    /// Returns whether a project is frozen: then nothing is called, asked, confirmed or refreshed
    /// in it.
    pub(crate) async fn is_frozen(&self, project: ProjectId) -> Result<bool, Fault> {
        let read = async { Ok(Some(freezes::is_frozen(&self.base.db, project).await?)) };
        let topics = [Topic::Project(project)];
        let found = self.entries.projects.get(&self.base.db, project, &topics, read).await?;
        Ok(found.is_some_and(|is_frozen| *is_frozen))
    }

    /// Checks that a project is not frozen; a change is known on every node within a second.
    pub(crate) async fn ensure_not_frozen(
        &self,
        project: ProjectId,
    ) -> Result<Result<(), Frozen>, Fault> {
        Ok(if self.is_frozen(project).await? { Err(Frozen) } else { Ok(()) })
    }

    /// Returns the agent of that id.
    pub(crate) async fn agent(
        &self,
        project: ProjectId,
        id: AgentId,
    ) -> Result<Option<Arc<Agent>>, Fault> {
        let read = async { Ok(agents::named(&self.base.db, project, &id.to_string()).await?) };
        self.entries
            .agents
            .get(&self.base.db, (project, id), &[Topic::Project(project)], read)
            .await
    }

    /// Returns the agent of that name or id, or the default one.
    pub(crate) async fn named_agent(
        &self,
        project: ProjectId,
        named: Option<&str>,
    ) -> Result<Option<Arc<Agent>>, Fault> {
        let read = async {
            Ok(match named {
                Some(name) => agents::named(&self.base.db, project, name).await?,
                None => agents::default_of(&self.base.db, project).await?,
            })
        };
        let key = (project, named.map(ToOwned::to_owned));
        self.entries.named_agents.get(&self.base.db, key, &[Topic::Project(project)], read).await
    }

    /// Returns the origins that an environment allows.
    pub(crate) async fn allowed_origins(
        &self,
        tenant: Tenant,
    ) -> Result<Arc<AllowedOrigins>, Fault> {
        let read = async {
            let settings = self.row_tags.environment_settings(tenant).await?;
            Ok(Some(AllowedOrigins(settings.allowed_origins)))
        };
        let topics = [Topic::Project(tenant.project)];
        let found = self.entries.origins.get(&self.base.db, tenant, &topics, read).await?;
        found.ok_or(Fault::Inconsistent("a list is never nothing"))
    }

    /// Returns the project connector of that name, put together with its catalogue entry.
    pub(crate) async fn assembled(
        &self,
        tenant: Tenant,
        slug: &ConnectorSlug,
    ) -> Result<Option<Arc<Assembled>>, Fault> {
        let read = async {
            let found = project_connectors::by_slug(&self.base.db, tenant, slug).await?;
            Ok(found.map(|settings| self.connectors.assemble(settings)))
        };
        let topics = [Topic::Project(tenant.project)];
        self.entries.connectors.get(&self.base.db, (tenant, slug.clone()), &topics, read).await
    }

    /// Returns the connections that could serve an end user at a project connector.
    pub(crate) async fn serving_connections(
        &self,
        tenant: Tenant,
        at: ProjectConnectorId,
        end_user: Option<&EndUserId>,
    ) -> Result<Arc<ServingConnections>, Fault> {
        let owner = Owner::of(end_user);
        let read = async {
            let held = serving::with_tokens(&self.base.db, tenant, at, &owner).await?;
            Ok(Some(ServingConnections::from(held)))
        };
        let topics = [
            Topic::Project(tenant.project),
            Topic::Owner(at, &Owner::Project),
            Topic::Owner(at, &owner),
        ];
        let key = (at, owner.clone());
        let found = self.entries.serving.get(&self.base.db, key, &topics, read).await?;
        found.ok_or(Fault::Inconsistent("a list is never nothing"))
    }

    /// Forgets what no call asks for any more. Does nothing while the database is late: nothing is
    /// read again then, so that everything would seem to be unused.
    pub(crate) fn drop_old(&self) {
        if self.base.db.is_late() {
            return;
        }
        self.entries.drop_old(self.base.now());
        self.base.keys.drop_old();
    }

    /// Forgets what is kept of an end user's connections: it has turned out to be old.
    pub(crate) fn forget_serving_connections(
        &self,
        at: ProjectConnectorId,
        end_user: Option<&EndUserId>,
    ) {
        self.base.db.forget(Topic::Owner(at, &Owner::of(end_user)));
    }

    /// Learns what other nodes have changed. To be called several times a second: without it,
    /// nothing is kept.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn follow(&self) -> Result<(), Fault> {
        let heard = self.base.db.follow().await;
        self.base.metrics.database(heard.is_ok());
        Ok(heard?)
    }
}

#[cfg(test)]
mod tests;
