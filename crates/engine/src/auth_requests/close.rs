use astralform_domain::{Actor, AuthFailure, AuthRequest, AuthStatus, ProviderError};
use astralform_storage::auth_requests;

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
        let end = match ended {
            FlowEnd::Declined(said) => request.state.declined(said),
            FlowEnd::Failed(why) => request.state.failed(why, None),
            FlowEnd::Refused(why, said) => request.state.failed(why, Some(said)),
        };
        let end = end.filter(|_| request.status() == AuthStatus::Pending);
        let Some(end) = end else { return Ok(()) };
        let mut tx = self.base.begin(Actor::Product).await?;
        let moved = auth_requests::advance(&mut tx, request, &end, self.base.now()).await?;
        tx.commit().await?;
        if moved {
            let status = end.status();
            self.base.count_prompt(request, status);
            let why = end.failure().map(AuthFailure::as_str);
            let said = end.provider_error().map(ToString::to_string);
            tracing::info!(auth_request.id = %request.id, %status, why, provider_error = said, "auth request ended");
            self.state.changes.announce(request.id);
        }
        Ok(())
    }
}
