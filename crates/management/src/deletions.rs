//! Deleting end users and projects: what belongs to them ends at once, here and, by the outbox, at
//! their providers.

use astralform_domain::{AuthFailure, EndUserId, Environment, StatusReason, Tenant, Timestamp};
use astralform_engine::{Fault, audit::Event};
use astralform_storage::{
    Tx, api_keys, auth_requests, call_erasures,
    connections::{self, ConnectionSelection},
    end_users, project_connectors, project_logos, projects, sessions,
};
use thiserror::Error;

use crate::{
    Forbidden, ProjectActor,
    connections::{ManagedConnections, Selection},
    policy::Right,
};

/// What ended with an end user or a project.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deleted {
    /// How many connections.
    pub connections: u64,
    /// How many sessions.
    pub sessions: usize,
    /// How many API keys.
    pub api_keys: usize,
}

/// Why nothing is deleted.
#[derive(Debug, Error)]
pub enum DeleteError {
    /// There is no end user of that id.
    #[error(
        "this environment has no end user of that id: it has to be the one that X-End-User-ID \
         named, percent-encoded in the address"
    )]
    UnknownEndUser,
    /// The confirmation does not name this project.
    #[error(
        "`confirm` is neither the name nor the id of the project in the address, and nothing was \
         deleted: GET /v1/projects says both"
    )]
    NotConfirmed,
    /// The policy forbids it.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// It is deleted already.
    #[error("the project in the address is none of yours: GET /v1/projects lists those that are")]
    UnknownProject,
    /// Something is broken.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl ManagedConnections {
    /// Deletes an end user: their connections, sessions and prompts end, and what is known of their
    /// accounts is forgotten.
    ///
    /// # Errors
    /// When there is none of that id.
    pub async fn delete_end_user(
        &self,
        by: &ProjectActor,
        environment: Environment,
        end_user: &EndUserId,
    ) -> Result<Deleted, DeleteError> {
        let permit = by.may(Right::EndUsers)?;
        let tenant = permit.tenant(environment);
        let chain = self.base.project_chain(permit.project).await?;
        let is_logged = self.base.calls().store().knows(tenant, end_user).await;
        let mut tx = self.base.db().begin_long(permit.actor).await.map_err(Fault::from)?;
        let deleted = self.end_of_user(&mut tx, tenant, end_user).await?;
        let only_logged = is_logged.unwrap_or_default().then(Deleted::default);
        let deleted = deleted.or(only_logged).ok_or(DeleteError::UnknownEndUser)?;
        call_erasures::note(&mut tx, tenant, Some(end_user)).await.map_err(Fault::from)?;
        let event = Event::new("end_user.deleted", "end user").within(environment).about(end_user);
        let event = event.with("connections", deleted.connections);
        let event = event.with("ended_sessions", deleted.sessions);
        chain.record_if_possible(&self.base, &mut tx, &event).await?;
        chain.forget(&mut tx, &event).await?;
        tx.commit().await.map_err(Fault::from)?;
        let project = tenant.project;
        let connections = deleted.connections;
        tracing::info!(project.id = %project, connections, "end user deleted");
        Ok(deleted)
    }

    async fn end_of_user(
        &self,
        tx: &mut Tx,
        tenant: Tenant,
        end_user: &EndUserId,
    ) -> Result<Option<Deleted>, Fault> {
        let selection = Selection { end_user: Some(end_user.clone()), ..Selection::default() };
        let why = StatusReason::EndUserDeleted;
        let extents = self.revoke_selected(tx, tenant, &selection, why).await?;
        let sessions = sessions::end_of(tx, tenant, end_user).await?;
        let Some(key) = end_users::lock(tx, tenant, end_user).await? else {
            // An end user whose backend opened sessions for them, and who never connected an
            // account.
            let ended = Deleted { sessions, ..Deleted::default() };
            return Ok((sessions > 0).then_some(ended));
        };
        auth_requests::decline_all(tx, key).await?;
        end_users::forget_accounts(tx, key).await?;
        let connections = extents.iter().map(|extent| extent.connections).sum();
        Ok(Some(Deleted { connections, sessions, api_keys: 0 }))
    }

    /// Deletes a project: its keys and sessions open nothing any more, its connectors are disabled
    /// and its connections ended, all in one transaction.
    ///
    /// # Errors
    /// When it is not confirmed by the project's name or id.
    pub async fn delete_project(
        &self,
        by: &ProjectActor,
        confirmed: &str,
    ) -> Result<Deleted, DeleteError> {
        let permit = by.may(Right::DeleteProject)?;
        let project = permit.project;
        let name = projects::name(self.base.db(), project).await.map_err(Fault::from)?;
        let name = name.ok_or(DeleteError::UnknownProject)?.0;
        if confirmed != name && confirmed != project.to_string() {
            return Err(DeleteError::NotConfirmed);
        }
        let team = projects::team_of(self.base.db(), project).await.map_err(Fault::from)?;
        let team = team.ok_or(DeleteError::UnknownProject)?;
        let chains = [self.base.project_chain(project).await?, self.base.team_chain(team).await?];
        let mut tx = self.base.db().begin_long(permit.actor).await.map_err(Fault::from)?;
        let now = self.base.now();
        if !projects::delete(&mut tx, project, now).await.map_err(Fault::from)? {
            return Err(DeleteError::UnknownProject);
        }
        project_logos::remove(&mut tx, project).await.map_err(Fault::from)?;
        let mut deleted = Deleted {
            api_keys: api_keys::revoke_all(&mut tx, project, now).await.map_err(Fault::from)?,
            sessions: sessions::end_all(&mut tx, project).await.map_err(Fault::from)?,
            connections: 0,
        };
        for environment in [Environment::Live, Environment::Test] {
            let tenant = Tenant { project, environment };
            deleted.connections += end_of_environment(&mut tx, tenant, now).await?;
            call_erasures::note(&mut tx, tenant, None).await.map_err(Fault::from)?;
        }
        let event = Event::new("project.deleted", project).with("name", name);
        let event = event.with("connections", deleted.connections);
        for chain in &chains {
            chain.record_if_possible(&self.base, &mut tx, &event).await?;
        }
        tx.commit().await.map_err(Fault::from)?;
        tracing::warn!(project.id = %project, ?deleted, "project deleted");
        Ok(deleted)
    }
}

async fn end_of_environment(tx: &mut Tx, tenant: Tenant, now: Timestamp) -> Result<u64, Fault> {
    let mut ended = 0;
    for at in project_connectors::lock_all(tx, tenant).await? {
        project_connectors::disable(tx, tenant, at.id, now).await?;
        auth_requests::fail_all(tx, tenant, at.id, AuthFailure::SettingsChanged).await?;
        let all = ConnectionSelection::default();
        let why = StatusReason::ProjectDeleted;
        ended += connections::revoke_all(tx, tenant, at.id, all, why, now).await?;
    }
    Ok(ended)
}
