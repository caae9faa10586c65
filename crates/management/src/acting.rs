//! Somebody who acts in a project or team. What they act on is had by naming the right that it takes.

use astralform_domain::{Actor, Environment, ProjectId, TeamId, Tenant};
use thiserror::Error;

use crate::policy::{self, Forbidden, Right};

/// Somebody who acts in a project: a member of its team, or the operator.
///
/// The project is had from [`ProjectActor::may`] alone: nothing is done there without asking the
/// policy.
///
/// ```compile_fail,E0616
/// # fn change(by: astralform_management::ProjectActor) {
/// let project = by.project;
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ProjectActor {
    actor: Actor,
    project: ProjectId,
}

/// Somebody who acts in a team: a member of it, or the operator.
#[derive(Clone, Copy, Debug)]
pub struct TeamActor {
    actor: Actor,
    team: TeamId,
}

/// That an actor may do something in a project.
#[derive(Clone, Copy, Debug)]
pub struct Permit {
    /// Who.
    pub actor: Actor,
    /// Where.
    pub project: ProjectId,
}

/// That an actor may do something in a team.
#[derive(Clone, Copy, Debug)]
pub struct TeamPermit {
    /// Who.
    pub actor: Actor,
    /// Where.
    pub team: TeamId,
}

/// Why something that the policy guards is not done.
#[derive(Debug, Error)]
pub enum Denied<E> {
    /// The policy forbids it.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// It cannot be done.
    #[error(transparent)]
    Refused(E),
}

impl ProjectActor {
    pub(crate) const fn new(actor: Actor, project: ProjectId) -> Self {
        Self { actor, project }
    }

    /// Returns the operator, who may everything, in a project.
    pub const fn operator(project: ProjectId) -> Self {
        Self { actor: Actor::Operator, project }
    }

    /// Returns who acts.
    pub const fn actor(&self) -> Actor {
        self.actor
    }

    /// Returns the project, for an actor who has a right in it.
    ///
    /// # Errors
    /// When they do not have it.
    pub fn may(&self, right: Right) -> Result<Permit, Forbidden> {
        policy::check(self.actor, right)?;
        Ok(Permit { actor: self.actor, project: self.project })
    }
}

impl TeamActor {
    pub(crate) const fn new(actor: Actor, team: TeamId) -> Self {
        Self { actor, team }
    }

    /// Returns the operator, who may everything, in a team.
    pub const fn operator(team: TeamId) -> Self {
        Self { actor: Actor::Operator, team }
    }

    /// Returns the team, for an actor who has a right in it.
    ///
    /// # Errors
    /// When they do not have it.
    pub fn may(&self, right: Right) -> Result<TeamPermit, Forbidden> {
        policy::check(self.actor, right)?;
        Ok(TeamPermit { actor: self.actor, team: self.team })
    }
}

impl Permit {
    /// Returns the environment of the project that is meant.
    pub const fn tenant(&self, environment: Environment) -> Tenant {
        Tenant { project: self.project, environment }
    }
}
