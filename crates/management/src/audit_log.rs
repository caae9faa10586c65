//! What was done in a project or a team, and by whom.

use std::sync::Arc;

use astralform_domain::{EndUserId, Environment, Timestamp};
use astralform_engine::{
    Base, Engine, Fault,
    audit::{AuditChain, Event},
};
pub use astralform_storage::audit::ListedEntry;
use astralform_storage::audit::{self, EntryFilter};
use thiserror::Error;

use crate::{Forbidden, ProjectActor, TeamActor, policy::Right};

/// Which entries are looked for: those that match every field that is set.
#[derive(Clone, Debug, Default)]
pub struct AuditSearch {
    /// Of this environment.
    pub environment: Option<Environment>,
    /// Of this action.
    pub action: Option<String>,
    /// By this actor: an id, or `operator`.
    pub actor: Option<String>,
    /// About this subject.
    pub subject: Option<String>,
    /// About this end user; needs the environment.
    pub end_user: Option<EndUserId>,
    /// Written then or later.
    pub since: Option<Timestamp>,
    /// Written before then.
    pub until: Option<Timestamp>,
}

/// Why entries are not shown.
#[derive(Debug, Error)]
pub enum AuditError {
    /// An end user is one of an environment.
    #[error("an end user is one of an environment: name `environment` beside `end_user`")]
    EnvironmentRequired,
    /// The policy forbids it.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// Something is broken.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Reads the audit log.
#[derive(Clone)]
pub struct AuditLog {
    base: Arc<Base>,
}

impl AuditLog {
    pub(crate) fn new(engine: &Engine) -> Self {
        Self { base: Arc::clone(engine.base()) }
    }

    /// Returns entries of a project, the newest first: those with a number below `before`, and
    /// `limit` at most.
    ///
    /// # Errors
    /// When the search cannot be, or the actor may not see them.
    pub async fn of_project(
        &self,
        by: &ProjectActor,
        search: &AuditSearch,
        before: Option<i64>,
        limit: i64,
    ) -> Result<Vec<ListedEntry>, AuditError> {
        let chain = self.base.project_chain(by.may(Right::Audit)?.project).await?;
        self.found(&chain, search, before, limit).await
    }

    /// Returns entries of a team, likewise.
    ///
    /// # Errors
    /// When the search cannot be, or the actor may not see them.
    pub async fn of_team(
        &self,
        by: &TeamActor,
        search: &AuditSearch,
        before: Option<i64>,
        limit: i64,
    ) -> Result<Vec<ListedEntry>, AuditError> {
        let chain = self.base.team_chain(by.may(Right::Audit)?.team).await?;
        self.found(&chain, search, before, limit).await
    }

    /// Notes that receipts of an environment were exported.
    ///
    /// # Errors
    /// When the actor may not export, or the database does not take it.
    pub async fn note_export(
        &self,
        by: &ProjectActor,
        environment: Environment,
        rows: usize,
    ) -> Result<(), AuditError> {
        let permit = by.may(Right::Export)?;
        let chain = self.base.project_chain(permit.project).await?;
        let mut tx = self.base.begin(permit.actor).await.map_err(Fault::from)?;
        let event = Event::new("receipts.exported", "receipts").within(environment);
        chain.record(&mut tx, &event.with("rows", rows)).await?;
        Ok(tx.commit().await.map_err(Fault::from)?)
    }

    async fn found(
        &self,
        chain: &AuditChain,
        search: &AuditSearch,
        before: Option<i64>,
        limit: i64,
    ) -> Result<Vec<ListedEntry>, AuditError> {
        let hidden = match (&search.end_user, search.environment) {
            (None, _) => None,
            (Some(_), None) => return Err(AuditError::EnvironmentRequired),
            (Some(end_user), Some(environment)) => Some(chain.pseudonym_of(environment, end_user)),
        };
        let filter = EntryFilter {
            environment: search.environment,
            action: search.action.as_deref(),
            actor: search.actor.as_deref(),
            subject: search.subject.as_deref(),
            end_user: hidden.as_deref(),
            since: search.since,
            until: search.until,
            before,
            limit,
        };
        let found = audit::list(self.base.db(), chain.name(), filter).await;
        Ok(found.map_err(Fault::from)?)
    }
}
