//! The first step: the lease, and the note that the refresh token is out.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use astralform_domain::{
    Actor, Connection, ConnectionStatus, RefreshFailure, Secret, Timestamp, crash_point,
};
use astralform_storage::{
    Tx, connection_events, connections, freezes,
    refreshes::{self, Claimant, Lease, Wanted},
    tokens::{self, Token},
};
use astralform_vault::ProjectKeys;

use super::{
    ASKED_EVERY, Cause, Hindrance, RefreshEnd,
    run::later,
    timing::{FROZEN, LEASE, takes_over, until_takeover},
};
use crate::{
    Fault,
    base::Base,
    connections::{Connections, open_refresh_token},
    refresh::Renewed,
};

/// What a claim comes to.
pub(super) enum Claim {
    /// There is nothing to do any more.
    Ended(RefreshEnd),
    /// Another holds the lease.
    Held,
    /// It is too early after a failure.
    Paused(Duration),
    /// An answer is there that has not been read yet.
    Answered(Box<Hold>),
    /// The refresh token is to be sent.
    Send(Box<Hold>, Secret),
}

/// The right to refresh a token, with what is refreshed.
pub(super) struct Hold {
    pub(super) lease: Lease,
    pub(super) connection: Connection,
    pub(super) token: Token,
    /// Whether the refresh token may have been used up before.
    pub(super) in_doubt: bool,
    pub(super) since: Instant,
    /// The keys of its project, at hand before anything is sent.
    pub(super) keys: Arc<ProjectKeys>,
}

/// What is to be done with a lease that was had.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    /// There is a newer token.
    Newer,
    /// There is nothing to refresh.
    Over,
    Pause(Duration),
    /// An answer that is there is read; in doubt if that answered a token which was sent before.
    Read {
        in_doubt: bool,
    },
    Send {
        in_doubt: bool,
    },
}

/// Returns whether a token is newer than the wanted one is, and has not ended itself.
fn is_newer(token: &Token, wanted: i64, now: Timestamp) -> bool {
    token.generation > wanted && token.expires_at.is_none_or(|end| end > now)
}

/// Decides what to do with a lease. Pure. `now` is the time by our clock, by which tokens end, and
/// by the database's.
fn next(
    status: ConnectionStatus,
    token: Option<&Token>,
    lease: &Lease,
    wanted: i64,
    (now, database): (Timestamp, Timestamp),
) -> Next {
    let Some(token) = token else { return Next::Over };
    let is_of_this = lease.generation == token.generation;
    let was_sent = lease.was_sent && is_of_this;
    let is_refreshed = match status {
        ConnectionStatus::Active => true,
        ConnectionStatus::NeedsReauth => lease.refused_since.is_some(),
        ConnectionStatus::AwaitingConfirmation | ConnectionStatus::Revoked => false,
    };
    if is_newer(token, wanted, now) {
        Next::Newer
    } else if lease.answer.is_some() && is_of_this {
        Next::Read { in_doubt: token.in_doubt }
    } else if !is_refreshed || token.refresh_token.is_none() {
        Next::Over
    } else if lease.failures > 0 && lease.not_before > database {
        Next::Pause(database.until(lease.not_before))
    } else {
        Next::Send { in_doubt: token.in_doubt || was_sent }
    }
}

/// Returns how long it is until the provider may be asked again about a token of a connection.
fn asked_again_in(token: &Token, now: Timestamp) -> Duration {
    // Where it was asked about another token of the connection, this is the best guess.
    let asked_at = token.doubts.asked_at.unwrap_or(now);
    let left = now.until(asked_at.after(ASKED_EVERY));
    left.clamp(Duration::from_secs(1), ASKED_EVERY)
}

/// Who refreshes a token: the lease, and the note that the refresh token is out.
#[derive(Clone)]
pub(crate) struct Claims {
    pub(super) base: Arc<Base>,
    pub(super) process: Arc<str>,
    pub(super) connections: Arc<Connections>,
}

impl Claims {
    pub(crate) fn new(
        base: &Arc<Base>,
        process: &Arc<str>,
        connections: &Arc<Connections>,
    ) -> Self {
        Self {
            base: Arc::clone(base),
            process: Arc::clone(process),
            connections: Arc::clone(connections),
        }
    }

    /// Claims the refresh of a token. When it comes to [`Claim::Send`], the database knows that
    /// the refresh token is about to be sent.
    pub(super) async fn claim(&self, wanted: &Wanted, cause: Cause) -> Result<Claim, Fault> {
        let since = Instant::now();
        let keys = self.base.keys_of(wanted.tenant.project).await?;
        let mut tx = self.base.begin(Actor::Product).await?;
        let found = connections::lock(&mut tx, wanted.tenant, wanted.key.connection).await?;
        let Some(connection) = found else { return Ok(Claim::Ended(RefreshEnd::Over)) };
        let token = tokens::find(&mut tx, connection.id, &wanted.key.kind).await?;
        let claimed = refreshes::claim(&mut tx, &wanted.key, self.claimant(), LEASE).await?;
        let Some(lease) = claimed else {
            drop(tx);
            let now = self.base.now();
            return match token.filter(|token| is_newer(token, wanted.generation, now)) {
                Some(newer) => Ok(Claim::Ended(self.newer(&connection, &newer).await?)),
                None => Ok(Claim::Held),
            };
        };
        let now = (self.base.now(), tx.clock().await?);
        let next = next(connection.status(), token.as_ref(), &lease, wanted.generation, now);
        let (Some(token), true) = (token, !matches!(next, Next::Over)) else {
            refreshes::end(&mut tx, &wanted.key).await?;
            tx.commit().await?;
            return Ok(Claim::Ended(RefreshEnd::Over));
        };
        let hold = Hold { lease, connection, token, in_doubt: false, since, keys };
        let is_refused = cause == Cause::Refusal && matches!(next, Next::Send { .. });
        if is_refused && !self.begin_check(&mut tx, &hold).await? {
            refreshes::give_back(&mut tx, &hold.lease).await?;
            tx.commit().await?;
            let left = asked_again_in(&hold.token, now.0);
            return Ok(Claim::Ended(later(Hindrance::AskedLately, Some(left))));
        }
        self.take(tx, hold, next).await
    }

    /// Notes that the provider is asked whether a token is dead that an API refuses; says whether
    /// it may be. A token that has ended meanwhile is refreshed in any case.
    async fn begin_check(&self, tx: &mut Tx, hold: &Hold) -> Result<bool, Fault> {
        let token = &hold.token;
        let now = self.base.now();
        let kind = token.kind.as_str();
        let of = &hold.connection;
        let may_ask = tokens::begin_asking(tx, of, kind, now, ASKED_EVERY).await?;
        Ok(may_ask || token.expires_at.is_some_and(|end| end <= now))
    }

    /// Returns this process as a claimant, and whether it may take over.
    pub(super) fn claimant(&self) -> Claimant<'_> {
        Claimant { node: &self.process, takes_over: takes_over(self.base.db.sound_for()) }
    }

    /// Returns how long it is until this node may take over what another has sent.
    pub(super) fn until_takeover(&self) -> Duration {
        until_takeover(self.base.db.sound_for())
    }

    /// Returns a token that another process stored meanwhile.
    pub(super) async fn newer(
        &self,
        connection: &Connection,
        token: &Token,
    ) -> Result<RefreshEnd, Fault> {
        let access_token = self.connections.open_access_token(connection, token).await?;
        let generation = token.generation;
        Ok(RefreshEnd::Renewed(Arc::new(Renewed { generation, access_token })))
    }

    async fn is_frozen_in(&self, tx: &mut Tx, hold: &Hold) -> Result<bool, Fault> {
        let found = freezes::list(tx, Some(hold.connection.tenant.project)).await?;
        Ok(found.iter().any(|project| project.frozen_at.is_some()))
    }

    async fn take(&self, mut tx: Tx, mut hold: Hold, next: Next) -> Result<Claim, Fault> {
        match next {
            Next::Newer => {
                refreshes::end(&mut tx, &hold.lease.key).await?;
                tx.commit().await?;
                Ok(Claim::Ended(self.newer(&hold.connection, &hold.token).await?))
            }
            Next::Over => Ok(Claim::Ended(RefreshEnd::Over)),
            Next::Pause(left) => {
                refreshes::give_back(&mut tx, &hold.lease).await?;
                tx.commit().await?;
                Ok(Claim::Paused(left))
            }
            Next::Read { in_doubt } => {
                tx.commit().await?;
                hold.in_doubt = in_doubt;
                Ok(Claim::Answered(Box::new(hold)))
            }
            Next::Send { .. } if self.is_frozen_in(&mut tx, &hold).await? => {
                refreshes::give_back(&mut tx, &hold.lease).await?;
                tx.commit().await?;
                Ok(Claim::Paused(FROZEN))
            }
            Next::Send { in_doubt } => {
                let secret = open_refresh_token(&hold.connection, &hold.token, &hold.keys)?;
                let Hold { lease, connection, token, .. } = &hold;
                refreshes::mark_sent(&mut tx, lease, token.generation).await?;
                if lease.was_sent && lease.generation == token.generation {
                    // By a process that ended before it could say what came of it.
                    let failure = Some(RefreshFailure::NoAnswer);
                    connection_events::note_refresh(&mut tx, connection.id, failure).await?;
                }
                if in_doubt && !token.in_doubt {
                    tokens::doubt(&mut tx, connection, &token.kind, token.generation).await?;
                }
                tx.commit().await?;
                crash_point!("refresh.claimed");
                hold.in_doubt = in_doubt;
                Ok(Claim::Send(Box::new(hold), secret))
            }
        }
    }
}

#[cfg(test)]
mod tests;
