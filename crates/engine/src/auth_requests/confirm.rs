use astralform_domain::{
    AuthFailure, AuthRequest, AuthRequestId, AuthStatus, Connection, ConnectionStatus, EndUserId,
    EndUserKey, StatusReason, Tenant,
};
use astralform_storage::{
    Tx,
    auth_requests::{self, Step},
    connections, end_users,
};
use thiserror::Error;

use super::Prompt;
use crate::{Engine, Fault};

/// Why a confirmation confirms nothing.
#[derive(Debug, Error)]
pub enum ConfirmError {
    /// This project has no such request.
    #[error("there is no such auth request")]
    Unknown,
    /// There is nothing to confirm, or nothing any more.
    #[error("the auth request is {0}, not awaiting confirmation")]
    NotAwaiting(AuthStatus),
    /// The end user named is not the one the request was made for. The connection is gone.
    #[error("the auth request was made for another end user; the connection has been erased")]
    EndUserMismatch,
    /// Something is broken.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Engine {
    /// The developer's backend says who finished in the browser. If that is who was asked, the
    /// connection becomes usable; if not, it is erased, and revoked at the provider.
    ///
    /// # Errors
    /// When there is nothing to confirm, or another end user is named.
    pub async fn confirm(
        &self,
        tenant: Tenant,
        id: AuthRequestId,
        finished_by: &EndUserId,
    ) -> Result<Prompt, ConfirmError> {
        let found = auth_requests::find(&self.db, tenant, id).await.map_err(Fault::from)?;
        let request = found.ok_or(ConfirmError::Unknown)?;
        let status = request.status_at(self.clock.now());
        if status != AuthStatus::AwaitingConfirmation {
            return Err(ConfirmError::NotAwaiting(status));
        }
        let connection = self.waiting_connection(&request).await?;
        if request.end_user != *finished_by {
            let why = (AuthStatus::Failed, Some(AuthFailure::EndUserMismatch));
            self.give_up(&request, &connection, why, StatusReason::EndUserMismatch).await?;
            return Err(ConfirmError::EndUserMismatch);
        }
        if !self.activate(&request, connection).await? {
            return Err(ConfirmError::NotAwaiting(AuthStatus::Completed));
        }
        let confirmed = self.prompt(tenant, id).await?;
        confirmed.ok_or(ConfirmError::Unknown)
    }

    pub(super) async fn waiting_connection(
        &self,
        request: &AuthRequest,
    ) -> Result<Connection, Fault> {
        let missing = Fault::Inconsistent("an auth request awaits confirmation of nothing");
        let Some(id) = request.connection else {
            return Err(missing);
        };
        connections::find(&self.db, request.tenant, id).await?.ok_or(missing)
    }

    async fn activate(&self, request: &AuthRequest, waiting: Connection) -> Result<bool, Fault> {
        let tokens = self.open_tokens(&waiting).await?;
        let key = self.keys.of(&self.db, request.tenant.project).await?;
        let fresh = EndUserKey::new(&self.clock, &self.entropy);
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        let owner =
            end_users::ensure(&mut tx, request.tenant, &request.end_user, fresh, now).await?;
        if !advance(&mut tx, request, AuthStatus::Completed, None).await? {
            return Ok(false);
        }
        connections::remove(&mut tx, request.tenant, waiting.id).await?;
        let active = Connection { status: ConnectionStatus::Active, ..waiting };
        let settled = self.settle(&mut tx, active, &tokens, owner, &key).await?;
        auth_requests::point_to(&mut tx, request.id, settled).await?;
        tx.commit().await?;
        tracing::info!(auth_request.id = %request.id, connection.id = %settled, "confirmed");
        self.changes.announce(request.id);
        Ok(true)
    }

    /// Erases a connection that nobody vouched for, here first and then at the provider.
    pub(super) async fn give_up(
        &self,
        request: &AuthRequest,
        connection: &Connection,
        (status, failure): (AuthStatus, Option<AuthFailure>),
        why: StatusReason,
    ) -> Result<(), Fault> {
        let tokens = self.open_tokens(connection).await?;
        let mut tx = self.db.begin().await?;
        if !advance(&mut tx, request, status, failure).await? {
            return Ok(());
        }
        self.erase(&mut tx, connection, why).await?;
        tx.commit().await?;
        tracing::warn!(auth_request.id = %request.id, reason = %why, "connection erased");
        self.changes.announce(request.id);
        if let Ok(ready) = self.load_ready(request.tenant, request.project_connector).await? {
            self.revoke_at_provider(&ready, &tokens).await;
        }
        Ok(())
    }
}

async fn advance(
    tx: &mut Tx,
    request: &AuthRequest,
    status: AuthStatus,
    failure: Option<AuthFailure>,
) -> Result<bool, Fault> {
    let step = Step { status, failure, connection: None, expires_at: request.expires_at };
    Ok(auth_requests::advance(tx, request.id, AuthStatus::AwaitingConfirmation, step).await?)
}
