//! Connections that await confirmation.

use astralform_domain::{
    Actor, AuthRequest, AuthRequestState, AuthStatus, Connection, StatusReason,
};
use astralform_storage::{auth_requests, connections};

use crate::{Fault, auth_requests::Prompts};

impl Prompts {
    /// Erases what was not confirmed in time; the outbox has it ended at the provider.
    pub(crate) async fn forget_unconfirmed(&self, request: &AuthRequest) -> Result<(), Fault> {
        let Some(connection) = self.waiting_connection(request).await? else { return Ok(()) };
        let expired = request.state.expired();
        self.give_up(request, &connection, expired, StatusReason::NotConfirmed).await.map(drop)
    }

    /// Returns the connection that awaits confirmation; none when another confirmation was faster.
    pub(super) async fn waiting_connection(
        &self,
        request: &AuthRequest,
    ) -> Result<Option<Connection>, Fault> {
        match request.state.connection() {
            Some(id) => Ok(connections::find(&self.base.db, request.tenant, id).await?),
            None => Ok(None),
        }
    }

    /// Erases a connection that was not confirmed, and leaves its end at the provider to the
    /// outbox; returns whether its request still waited and has that end now.
    pub(super) async fn give_up(
        &self,
        request: &AuthRequest,
        connection: &Connection,
        end: Option<AuthRequestState>,
        why: StatusReason,
    ) -> Result<bool, Fault> {
        let end = end.filter(|_| request.status() == AuthStatus::AwaitingConfirmation);
        let Some(end) = end else { return Ok(false) };
        let mut tx = self.base.begin(Actor::Product).await?;
        if !auth_requests::advance(&mut tx, request, &end, request.expires_at).await? {
            return Ok(false);
        }
        self.connections.end(&mut tx, connection, why).await?;
        tx.commit().await?;
        tracing::warn!(auth_request.id = %request.id, reason = %why, "connection erased");
        self.base.count_prompt(request, end.status());
        self.state.changes.announce(request.id);
        Ok(true)
    }
}
