use astralform_catalog::{Connector, EndedTokens};
use astralform_domain::{
    Connection, ConnectionId, ConnectionState, EndUserKey, Secret, StatusReason, chain,
};
use astralform_storage::{
    Tx, connections, revocations,
    tokens::{self, Token},
};
use astralform_vault::ProjectKeys;

use crate::{
    Fault,
    connections::{Connections, OpenToken, UNCONFIRMED, open},
};

/// Tokens of a connection that others have taken the place of.
pub(crate) struct Replaced<'a> {
    /// The connection as it was when it had them.
    pub(crate) of: &'a Connection,
    /// Its owner's row, where that is an end user.
    pub(crate) owner: Option<EndUserKey>,
    pub(crate) before: Vec<Token>,
    pub(crate) by: &'a [OpenToken],
    pub(crate) connector: &'a Connector,
}

impl Connections {
    /// Puts replaced tokens that live on into the outbox, in the caller's transaction: as those of
    /// a connection of their own, which has ended, so that the receipt is not taken for one of the
    /// connection that goes on.
    pub(crate) async fn end_replaced(
        &self,
        tx: &mut Tx,
        replaced: &Replaced<'_>,
        key: &ProjectKeys,
    ) -> Result<(), Fault> {
        let Replaced { of, owner, before, by, connector } = replaced;
        if !ends_tokens_alone(connector) {
            return Ok(());
        }
        let opened = before.iter().filter_map(|token| {
            let opened = open(of, token, key);
            opened
                .inspect_err(|fault| {
                    let id = of.id;
                    let error = chain(fault);
                    tracing::error!(connection.id = %id, error, "a replaced token does not open");
                })
                .ok()
        });
        let living = living_on(connector, opened.collect(), by);
        if living.is_empty() {
            return Ok(());
        }
        let now = self.base.now();
        let ended = Connection {
            id: ConnectionId::new(&self.base.clock, &self.base.entropy),
            label: None,
            is_default: false,
            state: ConnectionState::Revoked(StatusReason::Replaced),
            created_at: now,
            ..(*of).clone()
        };
        connections::create_replaced(tx, &ended, *owner).await?;
        for token in &living {
            tokens::put(tx, &ended, &self.sealed_token(&ended, token, UNCONFIRMED, key)).await?;
        }
        revocations::request(tx, ended.tenant, ended.id, now).await?;
        tracing::info!(connection.id = %of.id, replaced = %ended.id, "tokens were replaced");
        Ok(())
    }
}

/// Returns whether a token can be ended at the provider without ending others of its grant, which a
/// new consent may share.
fn ends_tokens_alone(connector: &Connector) -> bool {
    let revocation = connector.revocation.as_ref();
    revocation.is_some_and(|revocation| revocation.tokens != EndedTokens::Grant)
}

/// Returns those tokens of `before` that stay alive beside the tokens `by`, which took their place,
/// and that are needed no more: not those of the app, nor those that the provider has given once
/// more.
pub(crate) fn living_on(
    connector: &Connector,
    before: Vec<OpenToken>,
    by: &[OpenToken],
) -> Vec<OpenToken> {
    if !ends_tokens_alone(connector) {
        return Vec::new();
    }
    let mut living = before;
    living.retain(|token| !is_of_app(connector, token) && !is_held(by, &token.access_token));
    for token in &mut living {
        token.refresh_token = token.refresh_token.take().filter(|secret| !is_held(by, secret));
    }
    living
}

fn is_of_app(connector: &Connector, token: &OpenToken) -> bool {
    let oauth = connector.oauth.as_ref();
    oauth.is_some_and(|oauth| oauth.app_tokens.contains(&token.kind))
}

fn is_held(tokens: &[OpenToken], secret: &Secret) -> bool {
    tokens.iter().any(|token| token.holds(secret))
}
