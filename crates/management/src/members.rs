//! Members, and what they administer.

use std::sync::Arc;

use astralform_domain::{Actor, Administrator, ProjectId, TeamId};
use astralform_engine::{Base, Engine, Fault, authentication::Authentication};
use astralform_storage::members;
pub use astralform_storage::members::{Member, Membership, ProjectOfMember};

use crate::{Denied, ProjectActor, TeamActor, policy::Right};

/// What members see of themselves, and where they act.
#[derive(Clone)]
pub struct Members {
    base: Arc<Base>,
    authentication: Arc<Authentication>,
}

impl Members {
    pub(crate) fn new(engine: &Engine) -> Self {
        let base = Arc::clone(engine.base());
        Self { base, authentication: Arc::clone(&engine.authentication) }
    }

    /// Returns who an administrator is, and the teams they belong to.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn member(&self, of: Administrator) -> Result<(Member, Vec<Membership>), Fault> {
        let member = members::find(self.base.db(), of.member).await?;
        let member = member.ok_or(Fault::Inconsistent("a token's member is gone"))?;
        Ok((member, members::teams(self.base.db(), of.member).await?))
    }

    /// Returns the projects of an administrator's teams, the oldest first, those after `after` and
    /// `limit` at most.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn projects(
        &self,
        of: Administrator,
        after: Option<ProjectId>,
        limit: i64,
    ) -> Result<Vec<ProjectOfMember>, Fault> {
        Ok(members::projects(self.base.db(), of.member, after, limit).await?)
    }

    /// Returns a project as a member sees it; none where it is not theirs, or deleted.
    ///
    /// # Errors
    /// When they may not look at it.
    pub async fn project(
        &self,
        by: &ProjectActor,
    ) -> Result<Option<ProjectOfMember>, Denied<Fault>> {
        let permit = by.may(Right::Look)?;
        let Some(member) = permit.actor.member() else { return Ok(None) };
        let found = members::project(self.base.db(), member, permit.project).await;
        found.map_err(|error| Denied::Refused(error.into()))
    }

    /// Returns an administrator as one who acts in a project; none where it is not theirs, or
    /// deleted.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn in_project(
        &self,
        administrator: Administrator,
        project: ProjectId,
    ) -> Result<Option<ProjectActor>, Fault> {
        let role = self.authentication.role_in(administrator, project).await?;
        Ok(role.map(|role| ProjectActor::new(Actor::Member { administrator, role }, project)))
    }

    /// Returns an administrator as one who acts in a project that may have been deleted.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn in_past_project(
        &self,
        administrator: Administrator,
        project: ProjectId,
    ) -> Result<Option<ProjectActor>, Fault> {
        let role = self.authentication.role_in_past(administrator, project).await?;
        Ok(role.map(|role| ProjectActor::new(Actor::Member { administrator, role }, project)))
    }

    /// Returns an administrator as one who acts in a team; none where they do not belong to it.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn in_team(
        &self,
        administrator: Administrator,
        team: TeamId,
    ) -> Result<Option<TeamActor>, Fault> {
        let role = self.authentication.role_in_team(administrator, team).await?;
        Ok(role.map(|role| TeamActor::new(Actor::Member { administrator, role }, team)))
    }
}
