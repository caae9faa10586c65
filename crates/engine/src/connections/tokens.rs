use std::time::Duration;

use astralform_catalog::Connector;
use astralform_domain::{Connection, ConnectionStatus, ScopeSet, Secret, Timestamp};
use astralform_provider::{oauth::Granted, request::CredentialParts};
use astralform_storage::{
    Tx,
    tokens::{self, Doubts, Token},
};
use astralform_vault::{OpenError, ProjectKeys};

use super::ahead::refresh_at;
use crate::{Fault, connections::Connections, places};

/// The generation of tokens that may only be used to end them at their provider: their connection
/// awaits confirmation, or never came to be. Envelopes are bound to it, and confirming takes the
/// next one: without the key, no row makes them usable.
pub(crate) const UNCONFIRMED: i64 = 0;

/// A token out of its envelope.
pub(crate) struct OpenToken {
    pub(crate) kind: String,
    pub(crate) access_token: Secret,
    pub(crate) refresh_token: Option<Secret>,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) scopes: ScopeSet,
    /// When it was given, or entered.
    pub(crate) written_at: Timestamp,
    /// Whether its refresh token may have been used up already.
    pub(crate) in_doubt: bool,
}

impl OpenToken {
    /// Returns a token as the provider gave it, with the scopes that there is room for. Where the
    /// provider does not say what it granted, it granted what was asked for (RFC 6749 §5.1).
    pub(crate) fn granted(
        granted: Granted,
        connector: &Connector,
        asked: &ScopeSet,
        now: Timestamp,
    ) -> Self {
        let lifetime = granted.expires_in.map(Duration::from_secs);
        let lifetime = lifetime.or_else(|| find_usual_lifetime(connector));
        let kind = granted.kind;
        let asked_of_it = asked.iter().filter(|scope| connector.token_of(scope).0 == kind);
        let asked_of_it: ScopeSet = asked_of_it.cloned().collect();
        let scopes = match granted.scopes {
            Some(said) => {
                let said = said.iter().map(|scope| connector.scope_of(&kind, scope));
                said.collect::<ScopeSet>().union(&connector.unlisted_of(&asked_of_it))
            }
            None => asked_of_it,
        };
        Self {
            kind,
            access_token: granted.access_token,
            refresh_token: granted.refresh_token,
            expires_at: lifetime.map(|lifetime| now.after(lifetime)),
            scopes: noted(connector, asked, &connector.with_implied(&scopes)),
            written_at: now,
            in_doubt: false,
        }
    }

    /// Returns an API key as the one token of its connection.
    pub(crate) fn entered(parts: &CredentialParts, connector: &Connector, now: Timestamp) -> Self {
        Self {
            kind: connector.api.token.clone(),
            access_token: parts.to_text(),
            refresh_token: None,
            expires_at: None,
            scopes: ScopeSet::default(),
            written_at: now,
            in_doubt: false,
        }
    }

    /// Returns whether a secret is one of this token's.
    pub(crate) fn holds(&self, secret: &Secret) -> bool {
        let refresh_token = self.refresh_token.as_ref().map(Secret::expose);
        self.access_token.expose() == secret.expose() || refresh_token == Some(secret.expose())
    }

    /// Returns whether a secret of another token is one of this token's.
    pub(crate) fn shares_secret(&self, other: &Self) -> bool {
        let refresh_token = other.refresh_token.as_ref();
        self.holds(&other.access_token) || refresh_token.is_some_and(|secret| self.holds(secret))
    }
}

fn find_usual_lifetime(connector: &Connector) -> Option<Duration> {
    let seconds = connector.oauth.as_ref()?.refresh.lifetime?;
    Some(Duration::from_secs(seconds.into()))
}

/// Returns those of the granted scopes that are stored: those that were asked for, then those that
/// the connector knows, then others as far as the limits go. One that is not stored counts as not
/// granted, so that its user is asked for it when it is needed.
fn noted(connector: &Connector, asked: &ScopeSet, granted: &ScopeSet) -> ScopeSet {
    let known = granted.intersection(&connector.known_scopes());
    let wanted = granted.intersection(&connector.with_implied(asked));
    wanted.filled_with(&known).filled_with(granted)
}

impl Connections {
    /// Seals tokens for a connection and stores them in place of those it had, which are returned.
    /// Those of a connection that awaits confirmation, or that is there to be ended, are sealed as
    /// such.
    pub(crate) async fn store_tokens(
        &self,
        tx: &mut Tx,
        connection: &Connection,
        fresh: &[OpenToken],
        key: &ProjectKeys,
    ) -> Result<Vec<Token>, Fault> {
        let generation = match connection.status() {
            ConnectionStatus::AwaitingConfirmation | ConnectionStatus::Revoked => UNCONFIRMED,
            ConnectionStatus::Active | ConnectionStatus::NeedsReauth => {
                tokens::last_generation(tx, connection.id).await? + 1
            }
        };
        let before = tokens::take(tx, connection).await?;
        for token in fresh {
            let sealed = self.sealed_token(connection, token, generation, key);
            tokens::put(tx, connection, &sealed).await?;
        }
        Ok(before)
    }

    /// Returns a token of a connection as it is stored.
    pub(crate) fn sealed_token(
        &self,
        connection: &Connection,
        token: &OpenToken,
        generation: i64,
        key: &ProjectKeys,
    ) -> Token {
        let row = Token::row_key(connection.id, &token.kind);
        let entropy = &self.base.entropy;
        let place = places::token(connection, &row, "access_token", generation);
        let access_token = key.seal(place, &token.access_token, entropy);
        let refresh_token = token.refresh_token.as_ref();
        let place = places::token(connection, &row, "refresh_token", generation);
        let sealed_refresh_token = refresh_token.map(|secret| key.seal(place, secret, entropy));
        let is_refreshed_ahead = refresh_token.is_some() && !token.in_doubt;
        let ending = token.expires_at.filter(|_| is_refreshed_ahead);
        Token {
            kind: token.kind.clone(),
            generation,
            access_token,
            refresh_token: sealed_refresh_token,
            expires_at: token.expires_at,
            scopes: token.scopes.clone(),
            written_at: token.written_at,
            refresh_at: ending.map(|end| refresh_at(token.written_at, end, entropy)),
            in_doubt: token.in_doubt,
            doubts: Doubts::default(),
        }
    }

    /// Opens the access token alone, to use it.
    ///
    /// # Errors
    /// Refuses a token that is not confirmed, even where the connection's row says otherwise.
    pub(crate) async fn open_access_token(
        &self,
        connection: &Connection,
        token: &Token,
    ) -> Result<Secret, Fault> {
        ensure_confirmed(token)?;
        let key = self.base.keys_of(connection.tenant.project).await?;
        let row = Token::row_key(connection.id, &token.kind);
        let place = places::token(connection, &row, "access_token", token.generation);
        Ok(key.open(place, &token.access_token)?)
    }

    /// Opens the tokens of a connection.
    pub(crate) async fn open_tokens(
        &self,
        connection: &Connection,
    ) -> Result<Vec<OpenToken>, Fault> {
        let key = self.base.keys_of(connection.tenant.project).await?;
        let stored = tokens::of(&self.base.db, connection.id).await?;
        open_all(connection, &stored, &key)
    }
}

fn ensure_confirmed(token: &Token) -> Result<(), Fault> {
    if token.generation > UNCONFIRMED { Ok(()) } else { Err(OpenError::Refused.into()) }
}

/// Opens tokens of a connection.
pub(crate) fn open_all(
    connection: &Connection,
    stored: &[Token],
    key: &ProjectKeys,
) -> Result<Vec<OpenToken>, Fault> {
    stored.iter().map(|token| open(connection, token, key)).collect()
}

/// Opens the refresh token alone, to use it.
///
/// # Errors
/// Refuses a token that is not confirmed, even where the connection's row says otherwise.
pub(crate) fn open_refresh_token(
    connection: &Connection,
    token: &Token,
    key: &ProjectKeys,
) -> Result<Secret, Fault> {
    ensure_confirmed(token)?;
    let sealed = token.refresh_token.as_ref();
    let sealed = sealed.ok_or(Fault::Inconsistent("a token to be refreshed cannot be"))?;
    let row = Token::row_key(connection.id, &token.kind);
    let place = places::token(connection, &row, "refresh_token", token.generation);
    Ok(key.open(place, sealed)?)
}

/// Opens a token of a connection.
pub(crate) fn open(
    connection: &Connection,
    token: &Token,
    key: &ProjectKeys,
) -> Result<OpenToken, Fault> {
    let row = Token::row_key(connection.id, &token.kind);
    let place = places::token(connection, &row, "access_token", token.generation);
    let access_token = key.open(place, &token.access_token)?;
    let place = places::token(connection, &row, "refresh_token", token.generation);
    let refresh_token = token.refresh_token.as_ref();
    let refresh_token = refresh_token.map(|sealed| key.open(place, sealed)).transpose()?;
    Ok(OpenToken {
        access_token,
        refresh_token,
        kind: token.kind.clone(),
        expires_at: token.expires_at,
        scopes: token.scopes.clone(),
        written_at: token.written_at,
        in_doubt: token.in_doubt,
    })
}
