use astralform_domain::{AuthFailure, AuthRequest, AuthStatus, ProviderError};
use astralform_storage::auth_requests::{self, StatusAdvance};

use crate::{Fault, auth_requests::Prompts};

/// How a flow ended without a connection.
pub(super) enum FlowEnd {
    /// The person said no, or the provider for them.
    Declined(ProviderError),
    /// It failed here.
    Failed(AuthFailure),
    /// It failed, with the provider's own error.
    Refused(AuthFailure, ProviderError),
}

impl Prompts {
    /// Ends a pending request without a connection.
    pub(super) async fn close(&self, request: &AuthRequest, ended: FlowEnd) -> Result<(), Fault> {
        let (status, failure, said) = match ended {
            FlowEnd::Declined(said) => (AuthStatus::Declined, None, Some(said)),
            FlowEnd::Failed(failure) => (AuthStatus::Failed, Some(failure), None),
            FlowEnd::Refused(failure, said) => (AuthStatus::Failed, Some(failure), Some(said)),
        };
        let expires_at = self.base.now();
        let step = StatusAdvance { status, failure, connection: None, expires_at };
        let mut tx = self.base.begin().await?;
        let pending = AuthStatus::Pending;
        let moved = auth_requests::advance(&mut tx, request.id, pending, step).await?;
        if let (true, Some(said)) = (moved, &said) {
            auth_requests::note_provider_error(&mut tx, request.id, said).await?;
        }
        tx.commit().await?;
        if moved {
            self.base.metrics.auth_requests(status, 1);
            let why = failure.map(AuthFailure::as_str);
            let said = said.map(|said| said.to_string());
            tracing::info!(auth_request.id = %request.id, %status, why, provider_error = said, "auth request ended");
            self.state.changes.announce(request.id);
        }
        Ok(())
    }
}
