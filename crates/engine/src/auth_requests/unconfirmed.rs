//! Connections that await confirmation.

use astralform_domain::{AuthFailure, AuthRequest, AuthStatus, Connection, StatusReason};
use astralform_storage::{
    Tx,
    auth_requests::{self, StatusAdvance},
    connections,
};

use crate::{Fault, auth_requests::Prompts};

impl Prompts {
    /// Erases what was not confirmed in time; the outbox has it ended at the provider.
    pub(crate) async fn forget_unconfirmed(&self, request: &AuthRequest) -> Result<(), Fault> {
        let Some(connection) = self.waiting_connection(request).await? else { return Ok(()) };
        let expired = (AuthStatus::Expired, None);
        self.give_up(request, &connection, expired, StatusReason::NotConfirmed).await.map(drop)
    }

    /// Returns the connection that awaits confirmation; none when another confirmation was faster.
    pub(super) async fn waiting_connection(
        &self,
        request: &AuthRequest,
    ) -> Result<Option<Connection>, Fault> {
        match request.connection {
            Some(id) => Ok(connections::find(&self.base.db, request.tenant, id).await?),
            None => Ok(None),
        }
    }

    /// Erases a connection that was not confirmed, and leaves its end at the provider to the
    /// outbox; returns whether it was still there.
    pub(super) async fn give_up(
        &self,
        request: &AuthRequest,
        connection: &Connection,
        (status, failure): (AuthStatus, Option<AuthFailure>),
        why: StatusReason,
    ) -> Result<bool, Fault> {
        let mut tx = self.base.begin().await?;
        if !advance(&mut tx, request, status, failure).await? {
            return Ok(false);
        }
        self.connections.end(&mut tx, connection, why).await?;
        tx.commit().await?;
        tracing::warn!(auth_request.id = %request.id, reason = %why, "connection erased");
        self.base.metrics.auth_requests(status, 1);
        self.state.changes.announce(request.id);
        Ok(true)
    }
}

/// Moves a request on that awaits confirmation; returns whether it still did.
pub(super) async fn advance(
    tx: &mut Tx,
    request: &AuthRequest,
    status: AuthStatus,
    failure: Option<AuthFailure>,
) -> Result<bool, Fault> {
    let step = StatusAdvance { status, failure, connection: None, expires_at: request.expires_at };
    Ok(auth_requests::advance(tx, request.id, AuthStatus::AwaitingConfirmation, step).await?)
}
