//! The third step: what came of it takes effect.

use std::{sync::Arc, time::Duration};

use astralform_domain::{
    Actor, Connection, ConnectionState, ProviderError, RefreshFailure, ScopeSet, StatusReason,
    crash_point,
};
use astralform_provider::oauth::Granted;
use astralform_storage::{
    Tx, connection_events, connections,
    refreshes::{self, Lease},
    tokens,
};

use super::{
    Hindrance, RefreshEnd, Renewed,
    claim::Hold,
    conclude::{Conclusion, Deferral, Reply, conclude},
    run::later,
    timing::{pause, pause_given_up, refused_for},
};
use crate::{
    Fault,
    connections::{OpenToken, living_on, open_refresh_token},
    connectors::Ready,
    refresh::RefreshExchange,
};

impl RefreshExchange {
    /// Carries out what follows from a reply; nothing when it is to be tried again.
    pub(super) async fn settle_refresh(
        &self,
        ready: &Ready,
        hold: &Hold,
        reply: &Reply,
    ) -> Result<Option<RefreshEnd>, Fault> {
        let Ok((oauth, _)) = ready.oauth() else { return Ok(Some(later(Hindrance::App, None))) };
        let conclusion = conclude(oauth, reply, hold.in_doubt);
        let outcome = conclusion.outcome();
        let end = match conclusion {
            Conclusion::Renewed(granted) => Some(self.renew(ready, hold, *granted).await?),
            Conclusion::Ended(why) => Some(self.end_refused(hold, why).await?),
            Conclusion::AppRejected(said) => Some(self.blame_app(ready, hold, &said).await?),
            Conclusion::Deferred(deferral) => self.put_off(hold, &deferral).await?,
        };
        self.base.count_refresh(ready.settings.tenant, &ready.connector.slug, outcome);
        Ok(end)
    }

    async fn renew(
        &self,
        ready: &Ready,
        hold: &Hold,
        granted: Granted,
    ) -> Result<RefreshEnd, Fault> {
        let fresh = self.successor(ready, hold, granted)?;
        let generation = hold.token.generation + 1;
        let sealed =
            self.connections.sealed_token(&hold.connection, &fresh, generation, &hold.keys);
        let mut tx = self.base.begin(Actor::Product).await?;
        self.connectors.absolve_app(&mut tx, ready).await?;
        let found = connections::lock(&mut tx, hold.connection.tenant, hold.connection.id).await?;
        refreshes::end(&mut tx, &hold.lease.key).await?;
        let replaced =
            tokens::replace(&mut tx, &hold.connection, &sealed, hold.token.generation).await?;
        if let (true, Some(mut connection)) = (replaced, found) {
            connection_events::note_refresh(&mut tx, connection.id, None).await?;
            let is_back = bring_back(&mut connection, &hold.lease);
            let is_narrower = narrow(&mut connection, &hold.token.scopes, &fresh.scopes);
            if is_back || is_narrower {
                connections::update(&mut tx, &connection).await?;
            }
        }
        tx.commit().await?;
        crash_point!("refresh.applied");
        if !replaced {
            return Box::pin(self.overtaken(ready, hold, fresh)).await;
        }
        let Hold { connection, token, in_doubt, .. } = hold;
        let id = connection.id;
        let kind = &token.kind;
        tracing::info!(connection.id = %id, kind, generation, in_doubt, "token refreshed");
        let access_token = fresh.access_token;
        Ok(RefreshEnd::Renewed(Arc::new(Renewed { generation, access_token })))
    }

    /// Returns the new token, as it follows the old one: without a word about it the refresh token
    /// stays (RFC 6749 §6), and scopes are never more than they were.
    fn successor(&self, ready: &Ready, hold: &Hold, granted: Granted) -> Result<OpenToken, Fault> {
        let said_nothing = granted.scopes.is_none();
        let before = &hold.token.scopes;
        let mut fresh = OpenToken::granted(granted, &ready.connector, before, self.base.now());
        // An answer that was restored with its token is as old as that, and as much in doubt.
        fresh.in_doubt = hold.lease.answer.is_some() && hold.in_doubt;
        fresh.scopes =
            if said_nothing { before.clone() } else { fresh.scopes.intersection(before) };
        if fresh.refresh_token.is_none() {
            let kept = open_refresh_token(&hold.connection, &hold.token, &hold.keys)?;
            fresh.refresh_token = Some(kept);
        }
        Ok(fresh)
    }

    /// Goes on where another process replaced or erased the token while it was being refreshed.
    async fn overtaken(
        &self,
        ready: &Ready,
        hold: &Hold,
        fresh: OpenToken,
    ) -> Result<RefreshEnd, Fault> {
        let id = hold.connection.id;
        let mut stored = tokens::of(&self.base.db, id).await?;
        stored.retain(|token| token.kind == hold.token.kind);
        if let Some(newer) = stored.pop() {
            tracing::warn!(connection.id = %id, "a token was replaced twice; the first one stays");
            let kept = self.connections.open_tokens(&hold.connection).await?;
            for unused in living_on(&ready.connector, vec![fresh], &kept) {
                self.discards.discard_refreshed(&hold.connection, ready, unused).await;
            }
            return self.claims.newer(&hold.connection, &newer).await;
        }
        tracing::info!(connection.id = %id, "refreshed what ended meanwhile; it is withdrawn");
        self.discards.discard_refreshed(&hold.connection, ready, fresh).await;
        Ok(RefreshEnd::Over)
    }

    async fn end_refused(&self, hold: &Hold, why: StatusReason) -> Result<RefreshEnd, Fault> {
        let Hold { connection, token, .. } = hold;
        let of = (token.kind.as_str(), token.generation);
        let mut tx = self.base.begin(Actor::Product).await?;
        connections::lock(&mut tx, connection.tenant, connection.id).await?;
        refreshes::end(&mut tx, &hold.lease.key).await?;
        let current = tokens::find(&mut tx, connection.id, &token.kind).await?;
        if current.as_ref().is_some_and(|current| current.generation == token.generation) {
            let failure = Some(RefreshFailure::Rejected);
            connection_events::note_refresh(&mut tx, connection.id, failure).await?;
        }
        let marked = connections::mark_dead(&mut tx, connection, of, why).await?;
        tx.commit().await?;
        if marked {
            let kind = &token.kind;
            tracing::warn!(connection.id = %connection.id, kind, reason = %why, "connection needs reauth");
        }
        // Refused because another process used it first, and stored what came of it.
        match current.filter(|current| current.generation > token.generation) {
            Some(newer) => self.claims.newer(connection, &newer).await,
            None => Ok(RefreshEnd::Over),
        }
    }

    /// Blames the app: the provider refuses it, which the developer has to mend and no end user
    /// can, unless it goes on for so long that it may be the token after all.
    async fn blame_app(
        &self,
        ready: &Ready,
        hold: &Hold,
        said: &ProviderError,
    ) -> Result<RefreshEnd, Fault> {
        let wait = pause(hold.lease.failures, None, &self.base.entropy);
        self.connectors.note_refused_app(ready, said).await?;
        let mut tx = self.base.begin(Actor::Product).await?;
        connections::lock(&mut tx, hold.connection.tenant, hold.connection.id).await?;
        let failure = Some(RefreshFailure::AppRejected);
        connection_events::note_refresh(&mut tx, hold.connection.id, failure).await?;
        let is_over = self.refuse(&mut tx, hold, wait, refused_for(Some(said))).await?;
        tx.commit().await?;
        Ok(if is_over { RefreshEnd::Over } else { later(Hindrance::App, Some(wait)) })
    }

    /// Puts off a refresh that the provider has refused; returns whether its connection is given up
    /// for that. It is tried on, seldom: should it have been an incident, the connection comes
    /// back.
    async fn refuse(
        &self,
        tx: &mut Tx,
        hold: &Hold,
        wait: Duration,
        term: Duration,
    ) -> Result<bool, Fault> {
        let Hold { lease, connection, token, .. } = hold;
        let now = self.base.now();
        let since = lease.refused_since.map_or(now, |since| since.min(now));
        let has_ended = token.expires_at.is_none_or(|end| end <= now);
        let is_over = has_ended && since.until(now) >= term;
        let wait = if is_over { pause_given_up(lease.failures, &self.base.entropy) } else { wait };
        refreshes::put_off(tx, lease, wait, Some(since)).await?;
        if !is_over {
            return Ok(false);
        }
        let of = (token.kind.as_str(), token.generation);
        let why = StatusReason::RefreshRejected;
        if connections::mark_dead(tx, connection, of, why).await? {
            let id = connection.id;
            let kind = &token.kind;
            tracing::warn!(connection.id = %id, kind, %since, "connection needs reauth: its refresh is refused again and again");
        }
        Ok(true)
    }

    /// Has a refresh tried again; returns how it ends where that is of no use at present.
    async fn put_off(&self, hold: &Hold, deferral: &Deferral) -> Result<Option<RefreshEnd>, Fault> {
        let Hold { lease, connection, token, .. } = hold;
        let wait = pause(lease.failures, deferral.after, &self.base.entropy);
        let mut tx = self.base.begin(Actor::Product).await?;
        connections::lock(&mut tx, connection.tenant, connection.id).await?;
        let failure = Some(deferral.failure);
        connection_events::note_refresh(&mut tx, connection.id, failure).await?;
        let is_over = if deferral.is_refusal {
            self.refuse(&mut tx, hold, wait, refused_for(None)).await?
        } else {
            refreshes::put_off(&mut tx, lease, wait, None).await?;
            false
        };
        if deferral.casts_doubt {
            tokens::doubt(&mut tx, connection, &token.kind, token.generation).await?;
        }
        tx.commit().await?;
        let id = connection.id;
        let why = deferral.why.as_str();
        tracing::warn!(connection.id = %id, kind = token.kind, why, after = ?wait, "not refreshed yet");
        if deferral.needs_setting {
            return Ok(Some(later(Hindrance::Settings, Some(wait))));
        }
        Ok(is_over.then_some(RefreshEnd::Over))
    }
}

/// Makes a connection active that was given up because it was not known what had become of its
/// token, or because its refresh was refused for long: the token has come after all. Says whether
/// it was such a one.
fn bring_back(connection: &mut Connection, lease: &Lease) -> bool {
    let is_given_up = match connection.state {
        ConnectionState::NeedsReauth(StatusReason::RefreshOutcomeUnknown) => true,
        ConnectionState::NeedsReauth(StatusReason::RefreshRejected) => {
            lease.refused_since.is_some()
        }
        _ => false,
    };
    if is_given_up {
        tracing::info!(connection.id = %connection.id, "a token came late; its connection is active again");
        connection.state = ConnectionState::ACTIVE;
    }
    is_given_up
}

/// Takes away what a token lost; says whether it lost anything.
fn narrow(connection: &mut Connection, before: &ScopeSet, after: &ScopeSet) -> bool {
    let lost = before.missing_from(after);
    if lost.is_empty() {
        return false;
    }
    tracing::warn!(connection.id = %connection.id, "the provider took scopes away");
    connection.scopes = connection.scopes.missing_from(&lost);
    connection.lose_scopes();
    true
}
