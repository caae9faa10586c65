//! What calls need again and again, kept in memory as long as nobody has changed it.

mod weight;

use std::{hash::Hash, sync::Arc, time::Duration};

use astralform_domain::{
    AgentId, ApiKeyId, Connection, ConnectorSlug, EndUserId, ProjectConnectorId, ProjectId,
    SessionId, Tenant, Timestamp,
    limits::{self, Limit},
};
use astralform_storage::{
    Db, LATE, Stamp, Topic,
    agents::{self, Agent},
    api_keys::{self, ApiKey},
    freezes, project_connectors,
    served::{self, Held},
    sessions::{self, Session},
    tokens::Token,
};
use quick_cache::{Weighter, sync::Cache};
use tokio::time::timeout;

use crate::{Engine, Fault, bearer, project_connectors::Assembled};
use weight::Weigh;

/// Everything that is kept. Secrets stay sealed.
pub(crate) struct Kept {
    keys: Shelf<ApiKeyId, ApiKey>,
    sessions: Shelf<SessionId, Session>,
    /// Whether each is frozen.
    projects: Shelf<ProjectId, bool>,
    agents: Shelf<(ProjectId, AgentId), Agent>,
    /// By what requests call them; nothing for the one that is meant when none is named.
    named_agents: Shelf<(ProjectId, Option<String>), Agent>,
    connectors: Shelf<(Tenant, ConnectorSlug), Assembled>,
    served: Shelf<(ProjectConnectorId, Option<EndUserId>), Served>,
}

/// The connections that could serve an end user, in the order of preference, with their tokens.
pub(crate) struct Served {
    pub(crate) connections: Vec<Connection>,
    /// Those of the connection at the same place.
    tokens: Vec<Vec<Token>>,
}

/// Things of one kind with a total weight; the ones least used make way.
pub(crate) struct Shelf<K, V>(Cache<K, Shelved<V>, ByWeight>);

/// A thing with the stamp it was read under.
struct Shelved<V> {
    stamp: Stamp,
    value: Arc<V>,
    weight: u64,
}

/// Weighs things as they were weighed when they came.
#[derive(Clone)]
struct ByWeight;

/// For how long a thing is kept that nobody asks for: those that are asked for are read again more
/// often.
pub(crate) const DROPPED_AFTER: Duration = Duration::from_mins(1);

/// What a thing takes besides itself: its key, its place in the cache and its allocation.
const OVERHEAD: usize = 192;

impl<K, V> Weighter<K, Shelved<V>> for ByWeight {
    fn weight(&self, _: &K, shelved: &Shelved<V>) -> u64 {
        shelved.weight
    }
}

impl<V> Clone for Shelved<V> {
    fn clone(&self) -> Self {
        Self { stamp: self.stamp, value: Arc::clone(&self.value), weight: self.weight }
    }
}

impl<V: Weigh> Shelved<V> {
    fn new(stamp: Stamp, value: &Arc<V>) -> Self {
        let weight = OVERHEAD + value.weight();
        Self { stamp, value: Arc::clone(value), weight: weight.try_into().unwrap_or(u64::MAX) }
    }
}

impl Default for Kept {
    fn default() -> Self {
        Self {
            keys: Shelf::new(limits::CACHED_API_KEYS),
            sessions: Shelf::new(limits::CACHED_SESSIONS),
            projects: Shelf::new(limits::CACHED_PROJECTS),
            agents: Shelf::new(limits::CACHED_AGENTS),
            named_agents: Shelf::new(limits::CACHED_AGENTS),
            connectors: Shelf::new(limits::CACHED_CONNECTORS),
            served: Shelf::new(limits::CACHED_CONNECTIONS),
        }
    }
}

impl Kept {
    /// Forgets what nobody asks for any more, and sessions that are over.
    pub(crate) fn drop_old(&self, now: Timestamp) {
        self.keys.drop_older_than(DROPPED_AFTER);
        self.sessions.drop_older_than(DROPPED_AFTER);
        self.sessions.0.retain(|_, session| session.value.expires_at > now);
        self.projects.drop_older_than(DROPPED_AFTER);
        self.agents.drop_older_than(DROPPED_AFTER);
        self.named_agents.drop_older_than(DROPPED_AFTER);
        self.connectors.drop_older_than(DROPPED_AFTER);
        self.served.drop_older_than(DROPPED_AFTER);
    }
}

impl<K: Hash + Eq + Clone, V: Weigh> Shelf<K, V> {
    /// Returns an empty one for things of so many bytes together.
    pub(crate) fn new(at_most: Limit) -> Self {
        const USUAL: usize = 512;
        Self(Cache::with_weighter(at_most.count() / USUAL, at_most.value, ByWeight))
    }

    /// Forgets what was read longer ago.
    pub(crate) fn drop_older_than(&self, age: Duration) {
        self.0.retain(|_, shelved| shelved.stamp.age() < age);
    }

    /// Returns whether something is kept of `key`.
    fn has(&self, key: &K) -> bool {
        self.0.peek(key).is_some()
    }

    /// Returns what is kept of `key`, or else what `read` finds; that nothing is there is not kept.
    /// What is only too old is used all the same while the database is away or late.
    pub(crate) async fn get(
        &self,
        db: &Db,
        key: K,
        topics: &[Topic<'_>],
        read: impl Future<Output = Result<Option<V>, Fault>>,
    ) -> Result<Option<Arc<V>>, Fault> {
        let known = self.0.get(&key);
        if let Some(shelved) = &known
            && db.holds(&shelved.stamp)
        {
            return Ok(Some(Arc::clone(&shelved.value)));
        }
        let stamp = db.stamp(topics);
        let found = match known.filter(|old| db.is_unchanged(&old.stamp)) {
            None => read.await?.map(Arc::new),
            Some(old) if db.is_late() => return Ok(Some(old.value)),
            Some(old) => match timeout(LATE, read).await {
                Ok(Err(fault)) if !fault.is_unavailable() => return Err(fault),
                Ok(Ok(found)) => found.map(Arc::new),
                Ok(Err(_)) | Err(_) if db.is_unchanged(&old.stamp) => return Ok(Some(old.value)),
                Ok(Err(fault)) => return Err(fault),
                Err(_) => return Err(astralform_storage::Error::TimedOut.into()),
            },
        };
        if let (Some(stamp), Some(found)) =
            (stamp, found.as_ref().filter(|it| it.is_worth_keeping()))
        {
            self.0.insert(key, Shelved::new(stamp, found));
        }
        Ok(found)
    }
}

impl From<Vec<Held>> for Served {
    fn from(all: Vec<Held>) -> Self {
        let (connections, tokens) =
            all.into_iter().map(|held| (held.connection, held.tokens)).unzip();
        Self { connections, tokens }
    }
}

impl Served {
    /// Returns the sealed token of a kind of one of the connections.
    pub(crate) fn token(&self, connection: &Connection, kind: &str) -> Option<&Token> {
        let at = self.connections.iter().position(|known| known.id == connection.id)?;
        self.tokens[at].iter().find(|token| token.kind == kind)
    }
}

impl Engine {
    /// Returns whether an API key or a session of a token's id is kept. It says nothing of the rest
    /// of the token.
    pub fn remembers(&self, token: &str) -> bool {
        let id_of = |prefix, kind| bearer::parse(token, prefix, kind).map(|brought| brought.id);
        let has_key = |id: String| id.parse().is_ok_and(|id| self.kept.keys.has(&id));
        let has_session = |id: String| id.parse().is_ok_and(|id| self.kept.sessions.has(&id));
        id_of("ut", "sess").is_some_and(has_session)
            || ["sk_live", "sk_test"].iter().any(|prefix| id_of(prefix, "key").is_some_and(has_key))
    }

    /// Returns the API key of that id; nothing where it was revoked, or nobody vouches for its row.
    pub(crate) async fn api_key(&self, id: ApiKeyId) -> Result<Option<Arc<ApiKey>>, Fault> {
        let read = async { self.vouched(api_keys::find(&self.db, id).await?).await };
        self.kept.keys.get(&self.db, id, &[Topic::ApiKey(id)], read).await
    }

    /// Returns the session of that id, one that is over included; nothing where nobody vouches for its
    /// row.
    pub(crate) async fn session(&self, id: SessionId) -> Result<Option<Arc<Session>>, Fault> {
        let read = async { self.vouched(sessions::find(&self.db, id).await?).await };
        self.kept.sessions.get(&self.db, id, &[Topic::Session(id)], read).await
    }

    /// Returns whether a project is frozen: then nothing is called, asked, confirmed or refreshed
    /// in it.
    pub(crate) async fn is_frozen(&self, project: ProjectId) -> Result<bool, Fault> {
        let read = async { Ok(Some(freezes::is_frozen(&self.db, project).await?)) };
        let topics = [Topic::Project(project)];
        let found = self.kept.projects.get(&self.db, project, &topics, read).await?;
        Ok(found.is_some_and(|is_frozen| *is_frozen))
    }

    /// Returns the agent of that id.
    pub(crate) async fn agent(
        &self,
        project: ProjectId,
        id: AgentId,
    ) -> Result<Option<Arc<Agent>>, Fault> {
        let read = async { Ok(agents::named(&self.db, project, &id.to_string()).await?) };
        self.kept.agents.get(&self.db, (project, id), &[Topic::Project(project)], read).await
    }

    /// Returns the agent of that name or id, or the default one.
    pub(crate) async fn named_agent(
        &self,
        project: ProjectId,
        named: Option<&str>,
    ) -> Result<Option<Arc<Agent>>, Fault> {
        let read = async {
            Ok(match named {
                Some(name) => agents::named(&self.db, project, name).await?,
                None => agents::default_of(&self.db, project).await?,
            })
        };
        let key = (project, named.map(ToOwned::to_owned));
        self.kept.named_agents.get(&self.db, key, &[Topic::Project(project)], read).await
    }

    /// Returns the project connector of that name, put together with its catalogue entry.
    pub(crate) async fn assembled(
        &self,
        tenant: Tenant,
        slug: &ConnectorSlug,
    ) -> Result<Option<Arc<Assembled>>, Fault> {
        let read = async {
            let found = project_connectors::by_slug(&self.db, tenant, slug).await?;
            Ok(found.map(|settings| self.put_together(settings)))
        };
        let topics = [Topic::Project(tenant.project)];
        self.kept.connectors.get(&self.db, (tenant, slug.clone()), &topics, read).await
    }

    /// Returns the connections that could serve an end user at a project connector.
    pub(crate) async fn served(
        &self,
        tenant: Tenant,
        at: ProjectConnectorId,
        end_user: Option<&EndUserId>,
    ) -> Result<Arc<Served>, Fault> {
        let read = async {
            let held = served::held(&self.db, tenant, at, end_user).await?;
            Ok(Some(Served::from(held)))
        };
        let topics =
            [Topic::Project(tenant.project), Topic::Owner(at, None), Topic::Owner(at, end_user)];
        let found = self.kept.served.get(&self.db, (at, end_user.cloned()), &topics, read).await?;
        found.ok_or(Fault::Inconsistent("a list is never nothing"))
    }

    /// Forgets what is remembered and nobody asks for any more. While the database is late nothing
    /// is read again, so that everything seems to be so.
    pub(crate) fn drop_old(&self) {
        if self.db.is_late() {
            return;
        }
        self.kept.drop_old(self.clock.now());
        self.keys.drop_old();
    }

    /// Forgets what is kept of an end user's connections: it has turned out to be old.
    pub(crate) fn forget_served(&self, at: ProjectConnectorId, end_user: Option<&EndUserId>) {
        self.db.forget(Topic::Owner(at, end_user));
    }

    /// Hears what other nodes have changed. To be called several times a second: without it,
    /// nothing is kept.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn follow(&self) -> Result<(), Fault> {
        let heard = self.db.follow().await;
        self.metrics.database(heard.is_ok());
        Ok(heard?)
    }
}

#[cfg(test)]
mod tests;
