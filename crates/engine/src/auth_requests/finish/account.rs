use astralform_domain::{AuthRequest, ConnectionStatus};
use astralform_storage::connections;

use crate::{
    Fault,
    auth_requests::Consents,
    connections::{OpenAccount, replaced},
    connectors::Ready,
};

impl Consents {
    /// Returns whether an account is the one that was asked for: a connection is
    /// renewed with the very same account only, so that none is replaced unseen.
    pub(super) async fn is_wanted(
        &self,
        request: &AuthRequest,
        ready: &Ready,
        opened: &OpenAccount,
    ) -> Result<bool, Fault> {
        let Some(renewed) = request.renews else { return Ok(true) };
        if replaced(request, &ready.connector).is_some() {
            return Ok(true);
        }
        let renewed = connections::find(&self.base.db, request.tenant, renewed).await?;
        Ok(renewed.is_none_or(|renewed| {
            renewed.status() == ConnectionStatus::Revoked || renewed.account.id == opened.account.id
        }))
    }

    /// Discards the tokens of another account, but not those of an account that its owner has
    /// connected besides, nor those that a connection of theirs has too: some providers give one
    /// and the same token again, and every account of an app the app's own.
    pub(super) async fn decline_other(
        &self,
        request: &AuthRequest,
        ready: &Ready,
        opened: OpenAccount,
    ) -> Result<(), Fault> {
        let OpenAccount { account, mut tokens, .. } = opened;
        let pcon = request.project_connector;
        let known =
            connections::serving(&self.base.db, request.tenant, pcon, &request.owner).await?;
        for other in known.iter().filter(|other| other.owner == request.owner) {
            if other.account.id == account.id {
                return Ok(());
            }
            let held = self.connections.open_tokens(other).await?;
            tokens.retain(|token| !held.iter().any(|held| held.shares_secret(token)));
        }
        self.discards.discard(request, ready, Some(&account), tokens).await;
        Ok(())
    }
}
