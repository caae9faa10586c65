//! The agents of a project.

use astralform_domain::{
    AgentId, AgentName, AssignedTools, Assignment, ConnectorSlug, ProjectId, Timestamp,
};

use crate::{
    Db, Result, Topic, Tx,
    bind::{binds, json},
    db::{Row, Run},
    row::{Count, Record},
};

/// An agent, and what it may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    /// Its id.
    pub id: AgentId,
    /// The name that requests give.
    pub name: AgentName,
    /// Whether it is the one meant by requests that name none.
    pub is_default: bool,
    /// Whether it may act at all.
    pub is_enabled: bool,
    /// The connectors assigned to it; `None` means all.
    pub connectors: Option<Vec<Assignment>>,
    /// How often it was changed, and once more.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
}

/// What depends on an agent: it would end with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dependents {
    /// How many API keys are bound to it and not over.
    pub api_keys: i64,
    /// How many sessions it has that are not over.
    pub sessions: i64,
}

impl Agent {
    /// Returns the tools of a connector that are assigned to it; nothing where the connector is
    /// not.
    pub fn assigned(&self, connector: &ConnectorSlug) -> Option<&AssignedTools> {
        let Some(assigned) = &self.connectors else { return Some(&AssignedTools::All) };
        assigned.iter().find(|assigned| assigned.connector == *connector).map(|found| &found.tools)
    }
}

impl Record for Agent {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.parse("id")?,
            name: row.parse("name")?,
            is_default: row.flag("is_default")?,
            is_enabled: row.flag("is_enabled")?,
            connectors: row.optional_json("connectors")?,
            version: row.int("version")?,
            created_at: row.time("created_at")?,
        })
    }
}

/// Creates an agent.
///
/// # Errors
/// A conflict when the project has one of that name.
pub async fn create(tx: &mut Tx, project: ProjectId, agent: &Agent) -> Result<()> {
    const SQL: &str = "
        INSERT INTO agents
            (id, project_id, name, is_default, is_enabled, connectors, created_at, version)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let connectors = agent.connectors.as_ref().map(json);
    let binds = binds![
        agent.id,
        project,
        agent.name.as_str(),
        agent.is_default,
        agent.is_enabled,
        connectors,
        agent.created_at,
        agent.version,
    ];
    tx.change(Topic::Project(project), SQL, binds).await?;
    Ok(())
}

/// Returns the agent of that name or id.
pub async fn named(db: impl Run, project: ProjectId, name_or_id: &str) -> Result<Option<Agent>> {
    const SQL: &str = "
        SELECT * FROM agents
        WHERE project_id = $1 AND (name = $2 OR id = $2) AND deleted_at IS NULL
        ORDER BY id = $2 DESC LIMIT 1";
    db.optional(SQL, binds![project, name_or_id]).await
}

/// Returns the agents of a project, the oldest first.
pub async fn list(db: impl Run, project: ProjectId) -> Result<Vec<Agent>> {
    const SQL: &str = "
        SELECT * FROM agents WHERE project_id = $1 AND deleted_at IS NULL ORDER BY id";
    db.all(SQL, binds![project]).await
}

/// Returns the agent meant by requests that name none.
pub async fn default_of(db: &Db, project: ProjectId) -> Result<Option<Agent>> {
    const SQL: &str = "SELECT * FROM agents WHERE project_id = $1 AND is_default";
    db.optional(SQL, binds![project]).await
}

/// Returns the agents of a project and locks them until the transaction ends, so that changes are
/// made one after another.
pub async fn lock_all(tx: &mut Tx, project: ProjectId) -> Result<Vec<Agent>> {
    const SQL: &str = "
        UPDATE agents SET version = version
        WHERE project_id = $1 AND deleted_at IS NULL RETURNING *";
    let mut agents: Vec<Agent> = tx.returning_all(SQL, binds![project]).await?;
    agents.sort_by_key(|agent| agent.id.to_bytes());
    Ok(agents)
}

/// Stores an agent as it has become.
///
/// # Errors
/// A conflict when the project has another one of its name.
pub async fn update(tx: &mut Tx, project: ProjectId, agent: &Agent) -> Result<()> {
    const SQL: &str = "
        UPDATE agents SET name = $3, is_enabled = $4, connectors = $5, version = $6
        WHERE project_id = $1 AND id = $2";
    let connectors = agent.connectors.as_ref().map(json);
    let name = agent.name.as_str();
    let binds = binds![project, agent.id, name, agent.is_enabled, connectors, agent.version];
    tx.change(Topic::Project(project), SQL, binds).await?;
    Ok(())
}

/// Deletes an agent: no look-up finds it any more.
pub async fn delete(tx: &mut Tx, project: ProjectId, id: AgentId, now: Timestamp) -> Result<()> {
    const SQL: &str = "
        UPDATE agents SET deleted_at = $3, is_enabled = FALSE
        WHERE project_id = $1 AND id = $2 AND deleted_at IS NULL";
    tx.change(Topic::Project(project), SQL, binds![project, id, now]).await?;
    Ok(())
}

/// Returns what depends on an agent.
pub async fn dependents(tx: &mut Tx, id: AgentId, now: Timestamp) -> Result<Dependents> {
    const KEYS: &str = "
        SELECT COUNT(*) AS number FROM api_keys
        WHERE agent_id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)";
    const SESSIONS: &str = "
        SELECT COUNT(*) AS number FROM sessions WHERE agent_id = $1 AND expires_at > $2";
    let api_keys: Option<Count> = tx.optional(KEYS, binds![id, now]).await?;
    let sessions: Option<Count> = tx.optional(SESSIONS, binds![id, now]).await?;
    Ok(Dependents {
        api_keys: api_keys.map_or(0, |Count(number)| number),
        sessions: sessions.map_or(0, |Count(number)| number),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{ACTOR, agent, id, on_both, pruned, world};

    #[tokio::test]
    async fn an_agent_is_found_by_name_and_by_id_within_its_project_only() {
        on_both(async |db| {
            let world = world(&db).await;
            let project = world.tenant.project;
            let agent = default_of(&db, project).await.unwrap().unwrap();
            assert_eq!(named(&db, project, "default").await.unwrap(), Some(agent.clone()));
            let by_id = named(&db, project, &agent.id.to_string()).await.unwrap();
            assert_eq!(by_id, Some(agent.clone()));
            assert_eq!(list(&db, project).await.unwrap(), [agent]);
            assert_eq!(list(&db, id()).await.unwrap(), []);
            assert_eq!(named(&db, id(), "default").await.unwrap(), None);
        })
        .await;
    }

    #[tokio::test]
    async fn an_assigned_list_is_all_that_an_agent_may_use() {
        on_both(async |db| {
            let project = world(&db).await.tenant.project;
            let [mail, chat]: [ConnectorSlug; 2] = ["mail", "chat"].map(|s| s.parse().unwrap());
            let assignment = Assignment { connector: mail.clone(), tools: AssignedTools::ReadOnly };
            let narrow = Agent { connectors: Some(vec![assignment]), ..agent("narrow") };
            let mut tx = db.begin(ACTOR).await.unwrap();
            create(&mut tx, project, &narrow).await.unwrap();
            tx.commit().await.unwrap();
            let found = named(&db, project, "narrow").await.unwrap().unwrap();
            assert_eq!(found, narrow);
            assert_eq!(found.assigned(&mail), Some(&AssignedTools::ReadOnly));
            assert_eq!(found.assigned(&chat), None);
            let default = default_of(&db, project).await.unwrap().unwrap();
            assert_eq!(default.assigned(&mail), Some(&AssignedTools::All));
        })
        .await;
    }

    #[tokio::test]
    async fn the_name_of_an_agent_is_free_once_it_is_deleted_and_its_row_goes_with_its_keys() {
        on_both(async |db| {
            let project = world(&db).await.tenant.project;
            let now = Timestamp::from_secs(9);
            let [first, second] = [agent("writer"), agent("writer")];
            let mut tx = db.begin(ACTOR).await.unwrap();
            create(&mut tx, project, &first).await.unwrap();
            tx.commit().await.unwrap();
            let mut tx = db.begin(ACTOR).await.unwrap();
            assert!(create(&mut tx, project, &second).await.unwrap_err().is_conflict());
            drop(tx);
            let mut tx = db.begin(ACTOR).await.unwrap();
            let none = dependents(&mut tx, first.id, now).await.unwrap();
            assert_eq!(none, Dependents::default());
            delete(&mut tx, project, first.id, now).await.unwrap();
            create(&mut tx, project, &second).await.unwrap();
            let renamed = Agent { name: "editor".parse().unwrap(), version: 2, ..second.clone() };
            update(&mut tx, project, &renamed).await.unwrap();
            assert_eq!(lock_all(&mut tx, project).await.unwrap().len(), 2);
            tx.commit().await.unwrap();
            assert_eq!(named(&db, project, "writer").await.unwrap(), None);
            assert_eq!(named(&db, project, "editor").await.unwrap(), Some(renamed));
            assert_eq!(pruned(&db, "agents", now).await, 0);
            let later = Timestamp::from_secs(9 + 91 * 24 * 60 * 60);
            assert_eq!(pruned(&db, "agents", later).await, 1);
        })
        .await;
    }
}
