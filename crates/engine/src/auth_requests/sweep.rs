use astralform_domain::{AuthRequest, AuthStatus, Outbox, StatusReason};
use astralform_storage::{auth_requests, revocations};

use crate::{Engine, Fault, error::chain};

impl Engine {
    /// Ends what nobody finished or confirmed in time. To be called every few seconds. It asks no
    /// provider: the outbox does.
    ///
    /// # Errors
    /// When the database does not answer; what was swept until then stays swept.
    pub async fn sweep(&self) -> Result<(), Fault> {
        const AT_ONCE: i64 = 100;
        self.drop_old();
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        let expired = auth_requests::expire_pending(&mut tx, now).await?;
        tx.commit().await?;
        self.metrics.auth_requests(AuthStatus::Expired, expired);
        self.metrics.left(Outbox::Revocations, revocations::pending(&self.db).await?);
        self.count_webhooks().await?;
        for request in auth_requests::unconfirmed(&self.db, now, AT_ONCE).await? {
            if let Err(fault) = self.forget_unconfirmed(&request).await {
                let error = chain(&fault);
                tracing::error!(auth_request.id = %request.id, error, "could not be swept");
            }
        }
        Ok(())
    }

    /// Erases what nobody confirmed in time; the outbox has it ended at the provider.
    pub(super) async fn forget_unconfirmed(&self, request: &AuthRequest) -> Result<(), Fault> {
        let Some(connection) = self.waiting_connection(request).await? else { return Ok(()) };
        let expired = (AuthStatus::Expired, None);
        self.give_up(request, &connection, expired, StatusReason::NotConfirmed).await.map(drop)
    }
}
