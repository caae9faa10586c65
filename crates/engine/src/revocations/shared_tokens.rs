//! What of an ended connection other connections still use.

use astralform_catalog::Connector;
use astralform_domain::Connection;
use astralform_storage::connections;
use astralform_vault::OpenError;

use super::{RevocationRequests, ending::Ending};
use crate::{Fault, connections::OpenToken, connectors::Ready};

impl RevocationRequests {
    /// Returns what of the tokens of an ended connection is to be ended at the provider: not what
    /// other connections still use.
    pub(super) async fn unshared(
        &self,
        ready: &Ready,
        ended: &Connection,
        tokens: Vec<OpenToken>,
    ) -> Result<Vec<Ending>, Fault> {
        let mut ending: Vec<_> =
            tokens.into_iter().map(|token| Ending::new(&ready.connector, token)).collect();
        self.keep_shared(&ready.connector, ended, &mut ending).await?;
        ending.retain(Ending::has_any);
        let is_last = self.is_last_of_app(ready, ended).await?;
        for token in &mut ending {
            token.ends_grant = is_last && token.token.refresh_token.is_some();
        }
        Ok(ending)
    }

    /// Leaves out what other connections still use: the tokens of the app, which all have, and
    /// those that the provider has given to another connection too. That is one of the same
    /// account, whose owner may be another; where the account is not known, it may be any.
    pub(super) async fn keep_shared(
        &self,
        connector: &Connector,
        ended: &Connection,
        ending: &mut Vec<Ending>,
    ) -> Result<(), Fault> {
        const AT_ONCE: i64 = 200;
        let tenant = ended.tenant;
        let pcon = ended.project_connector;
        let shared: Vec<_> = connector.oauth.iter().flat_map(|oauth| &oauth.app_tokens).collect();
        let is_shared = |ending: &Ending| shared.contains(&&ending.token.kind);
        if ending.iter().any(is_shared)
            && connections::any_left(&self.base.db, tenant, pcon).await?
        {
            ending.retain(|ending| !is_shared(ending));
        }
        if !ended.account.id.is_empty() {
            let account = &ended.account.id;
            let others = connections::of_account(&self.base.db, tenant, pcon, account).await?;
            return self.keep_held(&others, ending).await;
        }
        let mut after = None;
        while ending.iter().any(Ending::has_any) {
            let others =
                connections::left_after(&self.base.db, tenant, pcon, after, AT_ONCE).await?;
            let Some(last) = others.last() else { break };
            after = Some(last.id);
            self.keep_held(&others, ending).await?;
        }
        Ok(())
    }

    pub(super) async fn keep_held(
        &self,
        others: &[Connection],
        ending: &mut [Ending],
    ) -> Result<(), Fault> {
        for other in others {
            match self.connections.open_tokens(other).await {
                Ok(held) => ending.iter_mut().for_each(|ending| ending.keep(&held)),
                Err(Fault::Integrity(error)) if error != OpenError::OtherKey => {}
                Err(fault) => return Err(fault),
            }
        }
        Ok(())
    }

    /// Returns whether no connection of an account through the same app is left, in any project,
    /// where the provider can end all that the account has granted that app.
    pub(super) async fn is_last_of_app(
        &self,
        ready: &Ready,
        ended: &Connection,
    ) -> Result<bool, Fault> {
        let account = &ended.account.id;
        if ready.addresses.grant_revocation.is_none() || account.is_empty() {
            return Ok(false);
        }
        let app = (&ready.settings.connector, ready.client_id());
        Ok(!connections::any_with_app(&self.base.db, app, account).await?)
    }
}
