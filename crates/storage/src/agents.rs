//! The agents of a project.

use astralform_domain::{AgentId, ConnectorSlug, ProjectId, Timestamp};

use crate::{
    Db, Result, Topic, Tx,
    bind::{binds, json},
    db::{Row, Run as _},
    row::Record,
};

/// An agent, and what it may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    /// Its id.
    pub id: AgentId,
    /// The name that requests give.
    pub name: String,
    /// Whether it is the one meant by requests that name none.
    pub is_default: bool,
    /// Whether it may act at all.
    pub is_enabled: bool,
    /// The connectors assigned to it; `None` means all.
    pub connectors: Option<Vec<ConnectorSlug>>,
}

impl Agent {
    /// Returns whether the connector is assigned to it.
    pub fn may_use(&self, connector: &ConnectorSlug) -> bool {
        self.connectors.as_ref().is_none_or(|assigned| assigned.contains(connector))
    }
}

impl Record for Agent {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.parse("id")?,
            name: row.text("name")?,
            is_default: row.flag("is_default")?,
            is_enabled: row.flag("is_enabled")?,
            connectors: row.optional_json("connectors")?,
        })
    }
}

/// Creates an agent.
pub async fn create(tx: &mut Tx, project: ProjectId, agent: &Agent, now: Timestamp) -> Result<()> {
    const SQL: &str = "
        INSERT INTO agents (id, project_id, name, is_default, is_enabled, connectors, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let connectors = agent.connectors.as_ref().map(json);
    let binds = binds![
        agent.id,
        project,
        agent.name.as_str(),
        agent.is_default,
        agent.is_enabled,
        connectors,
        now,
    ];
    tx.change(Topic::Project(project), SQL, binds).await?;
    Ok(())
}

/// Returns the agent of that name or id.
pub async fn named(db: &Db, project: ProjectId, name_or_id: &str) -> Result<Option<Agent>> {
    const SQL: &str = "
        SELECT id, name, is_default, is_enabled, connectors FROM agents
        WHERE project_id = $1 AND (name = $2 OR id = $2)
        ORDER BY id = $2 DESC LIMIT 1";
    db.optional(SQL, binds![project, name_or_id]).await
}

/// Returns the agents of a project, the oldest first.
pub async fn list(db: &Db, project: ProjectId) -> Result<Vec<Agent>> {
    const SQL: &str = "
        SELECT id, name, is_default, is_enabled, connectors FROM agents
        WHERE project_id = $1 ORDER BY id";
    db.all(SQL, binds![project]).await
}

/// Returns the agent meant by requests that name none.
pub async fn default_of(db: &Db, project: ProjectId) -> Result<Option<Agent>> {
    const SQL: &str = "
        SELECT id, name, is_default, is_enabled, connectors FROM agents
        WHERE project_id = $1 AND is_default";
    db.optional(SQL, binds![project]).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{id, on_both, world};

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
            let mail: ConnectorSlug = "mail".parse().unwrap();
            let narrow = Agent {
                id: id(),
                name: "narrow".to_owned(),
                is_default: false,
                is_enabled: true,
                connectors: Some(vec![mail.clone()]),
            };
            let mut tx = db.begin().await.unwrap();
            create(&mut tx, project, &narrow, Timestamp::from_secs(1)).await.unwrap();
            tx.commit().await.unwrap();
            let found = named(&db, project, "narrow").await.unwrap().unwrap();
            assert!(found.may_use(&mail));
            assert!(!found.may_use(&"chat".parse().unwrap()));
            assert!(default_of(&db, project).await.unwrap().unwrap().may_use(&mail));
        })
        .await;
    }
}
