use std::time::Duration;

use astralform_catalog::{Connector, EndedTokens, RevocationStyle};
use astralform_domain::{Connection, ConnectionStatus, Secret, StatusReason};
use astralform_storage::{Tx, connections, tokens};

use super::OpenToken;
use crate::{
    Engine, Fault, chain,
    egress::Allowance,
    oauth::{Revoked, read_revocation, revocation_request},
    project_connectors::{Client, Ready, reach},
};

impl Engine {
    /// Marks a connection whose token of that kind and generation is dead, unless it was renewed or
    /// ended meanwhile; says whether it did.
    pub(crate) async fn mark_dead(
        &self,
        connection: &Connection,
        token: (&str, i64),
        why: StatusReason,
    ) -> Result<bool, Fault> {
        let id = connection.id;
        let mut tx = self.db.begin().await?;
        let marked = connections::mark_dead(&mut tx, connection, token, why).await?;
        tx.commit().await?;
        if marked {
            tracing::info!(connection.id = %id, reason = %why, "connection needs reauth");
        }
        Ok(marked)
    }

    /// Ends a connection, in the caller's transaction; says whether it still had the status that
    /// was seen. Its tokens are of no use any more, and wait to be withdrawn.
    pub(crate) async fn end(
        &self,
        tx: &mut Tx,
        connection: &Connection,
        why: StatusReason,
    ) -> Result<bool, Fault> {
        let to = (ConnectionStatus::Revoked, Some(why));
        Ok(connections::change_status(tx, connection, to).await?)
    }

    /// Asks the provider to end the tokens of an ended connection, then forgets them. They go to
    /// the hosts they are bound to, and to no others.
    pub(crate) async fn withdraw(&self, connection: &Connection) -> Result<(), Fault> {
        let Connection { id, tenant, project_connector, .. } = connection;
        let settings = self.project_connector(*tenant, *project_connector).await?;
        match (self.assemble(settings), self.open_tokens(connection).await) {
            (Ok(ready), Ok(_)) if ready.connector.revocation.is_none() => {
                tracing::info!(connection.id = %id, "erased; the provider has no way to revoke it");
            }
            (Ok(ready), Ok(mut tokens)) if ready.settings.hosts == connection.hosts => {
                if self.serves_others(connection).await? {
                    let shared = ready.connector.oauth.iter().flat_map(|oauth| &oauth.app_tokens);
                    let shared: Vec<_> = shared.collect();
                    tokens.retain(|token| !shared.contains(&&token.kind));
                }
                self.revoke_at_provider(&ready, &tokens).await;
            }
            (_, Err(fault)) => {
                tracing::error!(connection.id = %id, error = chain(&fault), "erased unrevoked");
            }
            _ => tracing::warn!(connection.id = %id, "erased, but not revoked at the provider"),
        }
        let mut tx = self.db.begin().await?;
        tokens::erase(&mut tx, connection).await?;
        Ok(tx.commit().await?)
    }

    /// Whether a connection that ended left others at its project connector.
    async fn serves_others(&self, ended: &Connection) -> Result<bool, Fault> {
        let pcon = ended.project_connector;
        let counts = connections::counts(&self.db, ended.tenant, pcon).await?;
        Ok(counts.iter().any(|(status, _)| *status != ConnectionStatus::Revoked))
    }

    /// Asks the provider to end tokens; says in the log when one may be alive still.
    pub(crate) async fn revoke_at_provider(&self, ready: &Ready<'_>, tokens: &[OpenToken]) {
        let pcon = ready.settings.id;
        if ready.connector.revocation.is_none() {
            tracing::info!(project_connector.id = %pcon, "the provider cannot revoke tokens");
            return;
        }
        let client = match self.client(&ready.settings).await {
            Ok(client) => client,
            Err(error) => {
                tracing::error!(project_connector.id = %pcon, %error, "tokens could not be revoked");
                return;
            }
        };
        for secret in tokens.iter().flat_map(|token| to_revoke(ready.connector, token)) {
            if self.revoke_one(ready, &client, secret).await == Revoked::Unconfirmed {
                tracing::warn!(project_connector.id = %pcon, "a revocation was not confirmed");
            }
        }
    }

    async fn revoke_one(&self, ready: &Ready<'_>, client: &Client, secret: &Secret) -> Revoked {
        let allowance = Allowance {
            reach: reach(&ready.settings),
            within: Duration::from_secs(20),
            at_most: 64 * 1024,
        };
        let request = revocation_request(ready.connector, &ready.addresses, client, secret);
        let Some(request) = request else {
            return Revoked::Unconfirmed;
        };
        match self.egress.send(request, allowance).await {
            Ok(answer) => read_revocation(ready.connector, &answer),
            Err(error) => {
                tracing::warn!(error = chain(&error), "a revocation was not answered");
                Revoked::Unconfirmed
            }
        }
    }
}

/// Ending a refresh token ends the access tokens of its grant too (RFC 7009 §2.1); where a call is
/// made with the token itself, that is the access token. Some providers end each token by itself:
/// the refresh token first, since it would make new ones.
fn to_revoke<'a>(connector: &Connector, token: &'a OpenToken) -> Vec<&'a Secret> {
    let Some(revocation) = &connector.revocation else { return Vec::new() };
    let (access, refresh) = (&token.access_token, token.refresh_token.as_ref());
    match (revocation.tokens, revocation.style, refresh) {
        (EndedTokens::Each, _, refresh) => refresh.into_iter().chain([access]).collect(),
        (EndedTokens::Grant, RevocationStyle::Rfc7009, Some(refresh)) => vec![refresh],
        (EndedTokens::Grant | EndedTokens::Access, _, _) => vec![access],
    }
}
