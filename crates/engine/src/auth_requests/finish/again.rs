//! A browser that comes back more often than once is sent to the same place each time.

use std::time::Duration;

use astralform_domain::{AuthRequest, ConnectionId};
use astralform_storage::oauth_states::{self, OauthState};
use astralform_vault::Purpose;
use subtle::ConstantTimeEq as _;
use tokio::time::Instant;

use crate::{Fault, auth_requests::Consents};

/// How long what a browser brought takes to have effect: a code is exchanged, an account asked for,
/// and what cannot be kept is ended.
const SETTLED_WITHIN: Duration = Duration::from_secs(45);

impl Consents {
    /// Returns the connection that a request led to in a browser, in any of its flows. What the row
    /// says is believed with its tag only: the proof that follows from it is that browser's alone.
    pub(super) async fn made_in(
        &self,
        request: &AuthRequest,
        browser: &[u8; 32],
    ) -> Result<Option<ConnectionId>, Fault> {
        let found = oauth_states::connection_in(&self.base.db, request.id, browser).await?;
        let Some((connection, tag)) = found else { return Ok(None) };
        let tagged = self.tagged(request, browser, Some(connection)).await?;
        let is_ours = tagged.is_some_and(|(_, own)| bool::from(own.ct_eq(&tag)));
        Ok(Some(connection).filter(|_| is_ours))
    }

    /// Returns a connection with the tag of its having been made for a request in a browser.
    pub(super) async fn tagged(
        &self,
        request: &AuthRequest,
        browser: &[u8; 32],
        made: Option<ConnectionId>,
    ) -> Result<Option<(ConnectionId, [u8; 32])>, Fault> {
        let Some(made) = made else { return Ok(None) };
        let key = self.base.keys_of(request.tenant.project).await?;
        let values: [&[u8]; 3] = [&request.id.to_bytes(), &made.to_bytes(), browser];
        Ok(Some((made, key.tag_of(Purpose::FlowOutcome, &values))))
    }

    /// Waits until what the same browser brought before has taken effect, as long as that can take.
    /// Where too many wait already, it goes on as things are.
    pub(super) async fn wait_until_settled(&self, state: &OauthState) -> Result<(), Fault> {
        let id = state.auth_request;
        let Some(mut waiting) = self.prompts.begin_waiting_for_flow(id) else { return Ok(()) };
        let until = state.used_at.unwrap_or(state.expires_at).after(SETTLED_WITHIN);
        let patience = Instant::now() + SETTLED_WITHIN;
        loop {
            let found = oauth_states::find(&self.base.db, &state.state_hash).await?;
            if found.is_none_or(|found| found.is_settled) {
                return Ok(());
            }
            if self.base.now() >= until || Instant::now() >= patience {
                tracing::warn!(auth_request.id = %id, "a callback was never settled");
                return Ok(());
            }
            waiting.for_a_change(patience).await;
        }
    }
}
