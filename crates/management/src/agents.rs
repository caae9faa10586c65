//! Agents of a project, and the connectors that are assigned to them.

mod assignments;
mod error;

use std::sync::Arc;

use crate::{Denied, Permit, ProjectActor, policy::Right};
pub use assignments::AssignmentError;
use assignments::check_assignments;
pub(crate) use assignments::check_connectors;
use astralform_domain::{AgentId, AgentName, Assignment, Patch, ProjectId, Stale, limits, texts};
use astralform_engine::{Base, Engine, Fault, Nearest, audit::Event};
pub use astralform_storage::agents::{Agent, Dependents};
use astralform_storage::{Tx, agents, api_keys, sessions};
pub use error::AgentError;
use serde_json::{Value, json};

/// An agent to be made.
#[derive(Clone, Debug)]
pub struct NewAgent {
    /// The name that requests give.
    pub name: AgentName,
    /// Whether it may act.
    pub is_enabled: bool,
    /// The connectors assigned to it; `None` means all.
    pub connectors: Option<Vec<Assignment>>,
}

/// What is to change of an agent; what is not named stays.
#[derive(Clone, Debug, Default)]
pub struct AgentChange {
    /// The name that requests give.
    pub name: Option<AgentName>,
    /// Whether it may act.
    pub is_enabled: Option<bool>,
    /// The connectors assigned to it; cleared, all are.
    pub connectors: Patch<Vec<Assignment>>,
}

/// What ended with an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeletedAgent {
    /// How many API keys.
    pub api_keys: usize,
    /// How many sessions.
    pub sessions: usize,
}

/// Shows, makes, changes and deletes agents.
#[derive(Clone)]
pub struct Agents {
    base: Arc<Base>,
}

impl Agents {
    pub(crate) fn new(engine: &Engine) -> Self {
        Self { base: Arc::clone(engine.base()) }
    }

    /// Returns the agents of a project, the oldest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn list(&self, by: &ProjectActor) -> Result<Vec<Agent>, Denied<Fault>> {
        let permit = by.may(Right::Look)?;
        let found = agents::list(self.base.db(), permit.project).await;
        found.map_err(|error| Denied::Refused(error.into()))
    }

    /// Returns the agent of a name or id.
    ///
    /// # Errors
    /// When there is none.
    pub async fn find(&self, by: &ProjectActor, named: &str) -> Result<Agent, AgentError> {
        let permit = by.may(Right::Look)?;
        let all = agents::list(self.base.db(), permit.project).await.map_err(Fault::from)?;
        picked(all, named)
    }

    /// Makes an agent.
    ///
    /// # Errors
    /// When the name is taken, or something cannot be assigned.
    pub async fn create(&self, by: &ProjectActor, new: NewAgent) -> Result<Agent, AgentError> {
        let permit = by.may(Right::Agents)?;
        check_assignments(new.connectors.as_deref(), self.base.catalog())?;
        let agent = Agent {
            id: AgentId::new(self.base.clock(), self.base.entropy()),
            name: new.name,
            is_default: false,
            is_enabled: new.is_enabled,
            connectors: new.connectors,
            version: 1,
            created_at: self.base.now(),
        };
        let chain = self.base.project_chain(permit.project).await?;
        let mut tx = self.base.begin(permit.actor).await.map_err(Fault::from)?;
        let known = agents::lock_all(&mut tx, permit.project).await.map_err(Fault::from)?;
        if limits::AGENTS.is_exceeded_by(known.len() + 1) {
            return Err(AgentError::TooMany);
        }
        check_name(&known, &agent)?;
        agents::create(&mut tx, permit.project, &agent).await.map_err(Fault::from)?;
        let event = Event::new("agent.created", agent.id).with("after", recorded(&agent));
        chain.record(&mut tx, &event).await?;
        tx.commit().await.map_err(Fault::from)?;
        tracing::info!(agent.id = %agent.id, "agent made");
        Ok(agent)
    }

    /// Changes an agent, where it has the `expected` version, if one is named. What it may no longer
    /// use is refused within a second.
    ///
    /// # Errors
    /// When something cannot be assigned, the name is taken, or it is the last that is enabled.
    pub async fn change(
        &self,
        by: &ProjectActor,
        named: &str,
        change: AgentChange,
        expected: Option<i64>,
    ) -> Result<Agent, AgentError> {
        let permit = by.may(Right::Agents)?;
        check_assignments(change.connectors.value().map(Vec::as_slice), self.base.catalog())?;
        let chain = self.base.project_chain(permit.project).await?;
        let mut tx = self.base.begin(permit.actor).await.map_err(Fault::from)?;
        let known = agents::lock_all(&mut tx, permit.project).await.map_err(Fault::from)?;
        let before = picked(known.clone(), named)?;
        Stale::check(expected, before.version)?;
        let mut after = change.applied_to(before.clone());
        if after == before {
            return Ok(before);
        }
        check_name(&known, &after)?;
        if after.is_default && after.name != before.name {
            return Err(AgentError::DefaultKeepsName(before.name));
        }
        if !after.is_enabled {
            check_others_enabled(&known, &after)?;
        }
        after.version += 1;
        agents::update(&mut tx, permit.project, &after).await.map_err(Fault::from)?;
        let event = Event::new("agent.changed", after.id);
        chain.record(&mut tx, &event.changing(&recorded(&before), &recorded(&after))).await?;
        tx.commit().await.map_err(Fault::from)?;
        Ok(after)
    }

    /// Deletes an agent. API keys and sessions that are bound to it end as well, which has to be
    /// wanted.
    ///
    /// # Errors
    /// When it is the default one or the last that is enabled, or something depends on it.
    pub async fn delete(
        &self,
        by: &ProjectActor,
        named: &str,
        ends_dependents: bool,
        expected: Option<i64>,
    ) -> Result<DeletedAgent, AgentError> {
        let permit = by.may(Right::Agents)?;
        let chain = self.base.project_chain(permit.project).await?;
        let mut tx = self.base.begin(permit.actor).await.map_err(Fault::from)?;
        let known = agents::lock_all(&mut tx, permit.project).await.map_err(Fault::from)?;
        let agent = picked(known.clone(), named)?;
        Stale::check(expected, agent.version)?;
        if agent.is_default {
            return Err(AgentError::IsDefault(agent.name));
        }
        check_others_enabled(&known, &agent)?;
        let dependents = agents::dependents(&mut tx, agent.id, self.base.now()).await;
        let dependents = dependents.map_err(Fault::from)?;
        if dependents != Dependents::default() && !ends_dependents {
            return Err(AgentError::HasDependents { name: agent.name, dependents });
        }
        let deleted = self.end(&mut tx, permit, agent.id).await?;
        let event = Event::new("agent.deleted", agent.id).with("before", recorded(&agent));
        let event = event.with("revoked_api_keys", deleted.api_keys);
        let event = event.with("ended_sessions", deleted.sessions);
        chain.record(&mut tx, &event).await?;
        tx.commit().await.map_err(Fault::from)?;
        tracing::info!(agent.id = %agent.id, ?deleted, "agent deleted");
        Ok(deleted)
    }

    async fn end(&self, tx: &mut Tx, permit: Permit, id: AgentId) -> Result<DeletedAgent, Fault> {
        let now = self.base.now();
        agents::delete(tx, permit.project, id, now).await?;
        Ok(DeletedAgent {
            api_keys: api_keys::revoke_of_agent(tx, id, now).await?,
            sessions: sessions::end_of_agent(tx, id).await?,
        })
    }

    /// Returns the id of an agent that a key is to be bound to.
    pub(crate) async fn id_of(
        base: &Base,
        project: ProjectId,
        named: &str,
    ) -> Result<AgentId, AgentError> {
        let all = agents::list(base.db(), project).await.map_err(Fault::from)?;
        Ok(picked(all, named)?.id)
    }
}

/// Returns an agent as the audit log has it.
fn recorded(agent: &Agent) -> Value {
    json!({
        "name": agent.name,
        "is_enabled": agent.is_enabled,
        "connectors": agent.connectors,
    })
}

impl AgentChange {
    fn applied_to(self, before: Agent) -> Agent {
        Agent {
            name: self.name.unwrap_or(before.name),
            is_enabled: self.is_enabled.unwrap_or(before.is_enabled),
            connectors: self.connectors.applied_to(before.connectors),
            ..before
        }
    }
}

fn picked(all: Vec<Agent>, named: &str) -> Result<Agent, AgentError> {
    let nearest = Nearest::to(named, all.iter().map(|agent| agent.name.as_str()));
    let found =
        all.into_iter().find(|agent| agent.name.as_str() == named || agent.id.to_string() == named);
    found.ok_or_else(|| AgentError::Unknown { name: texts::cut(named, 64).into_owned(), nearest })
}

fn check_name(known: &[Agent], new: &Agent) -> Result<(), AgentError> {
    let is_taken = known.iter().any(|other| other.id != new.id && other.name == new.name);
    if is_taken { Err(AgentError::NameTaken(new.name.clone())) } else { Ok(()) }
}

fn check_others_enabled(known: &[Agent], agent: &Agent) -> Result<(), AgentError> {
    let has_other = known.iter().any(|other| other.id != agent.id && other.is_enabled);
    if has_other { Ok(()) } else { Err(AgentError::IsLastEnabled(agent.name.clone())) }
}
