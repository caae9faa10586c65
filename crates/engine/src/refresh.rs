//! Refreshing tokens (RFC 6749 §6), so that none is lost without a word.
//!
//! The steps of one refresh, each of them on disk before the next is taken:
//!
//! 1. **claim** ([`claim`]): a lease on the token's refresh and the note that its refresh token is
//!    out, in one transaction. When this fails, the provider is not called.
//! 2. **send** ([`send`]): one request. What comes back is stored as it is, sealed, before it is
//!    read; where the database cannot take it, a file beside it does ([`spool`]).
//! 3. **settle** ([`settle`]): the new token takes the place of the one that was refreshed, if that
//!    is still there; or the connection ends, with its reason; or the next try is put off.
//!
//! A process that finds step 1 without step 2 does not know whether the refresh token was used up.
//! It is tried once more; if the provider refuses it then, the new token was lost on the way, and
//! that is what the connection's owner is told.
//!
//! In one process all who want the same token refreshed wait for one flight ([`in_flight`]).

mod claim;
mod conclude;
mod in_flight;
mod living;
mod run;
mod seats;
mod send;
mod settle;
mod spool;
mod stray;
mod timing;
mod upkeep;

use std::{sync::Arc, time::Duration};

use astralform_domain::{Secret, StatusReason, Timestamp};
use astralform_egress::Egress;
use astralform_storage::tokens::Token;

use crate::{
    Fault, base::Base, connections::Connections, connectors::Connectors, revocations::Discards,
};

pub(crate) use claim::Claims;
pub(crate) use in_flight::InFlight;
pub(crate) use living::Presence;
pub(crate) use run::Refresh;
pub(crate) use seats::Hosts;
pub(crate) use spool::Spool;
pub(crate) use upkeep::Upkeep;

/// How a refresh ended, for those who wait for it.
#[derive(Clone)]
pub(crate) enum RefreshEnd {
    /// There is a newer token.
    Renewed(Arc<Renewed>),
    /// The connection has to be connected again, or is no more; its row says why.
    Over,
    /// Not now.
    Later(Later),
    /// Something is broken.
    Broken(Arc<Fault>),
}

/// A token that took the place of an older one.
pub(crate) struct Renewed {
    pub(crate) generation: i64,
    pub(crate) access_token: Secret,
}

/// Why there is no newer token yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Later {
    pub(crate) why: Hindrance,
    /// When it makes sense to try again.
    pub(crate) after: Option<Duration>,
}

/// What keeps a token from being refreshed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hindrance {
    /// The provider is in trouble.
    Provider,
    /// The provider refuses the developer's app, or our settings lead nowhere.
    App,
    /// The provider's address may not be called, or its certificate is not trusted.
    Settings,
    /// Another node is at it and has not finished.
    OtherNode,
    /// The provider was asked about it less than a minute ago, after an API had refused the token.
    AskedLately,
}

/// Why a token is refreshed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// It ends soon, or has ended.
    Age,
    /// An API refused it, though it has not ended: the provider is asked whether it is dead, once
    /// in [`ASKED_EVERY`] for each connection.
    Refusal,
}

/// How often a provider is asked about the tokens of a connection that an API refuses.
pub(crate) const ASKED_EVERY: Duration = Duration::from_mins(1);

/// Whether a token can be sent as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// It can.
    Good,
    /// It can, and it is time to refresh it.
    Due,
    /// It has to be refreshed first.
    Stale,
    /// It cannot, and there is nothing to refresh it with.
    Ended(StatusReason),
}

/// Returns how fresh a token is, purely; `rejected` is the generation that the provider has just
/// refused.
pub(crate) fn freshness(token: &Token, now: Timestamp, rejected: Option<i64>) -> Freshness {
    let is_rejected = rejected.is_some_and(|generation| generation >= token.generation);
    let is_over = token.expires_at.is_some_and(|end| end <= now);
    let is_due = token.refresh_at.is_some_and(|due| due <= now);
    match (token.refresh_token.is_some(), is_rejected, is_over) {
        (true, true, _) | (true, _, true) => Freshness::Stale,
        (false, true, _) => Freshness::Ended(StatusReason::TokenRejected),
        (false, _, true) => Freshness::Ended(StatusReason::Expired),
        (true, false, false) if is_due => Freshness::Due,
        (_, false, false) => Freshness::Good,
    }
}

#[cfg(test)]
mod tests;

/// Sends refresh tokens and settles what comes of it.
#[derive(Clone)]
pub(crate) struct RefreshExchange {
    pub(super) base: Arc<Base>,
    pub(super) egress: Egress,
    pub(super) process: Arc<str>,
    pub(super) spool: Arc<Spool>,
    pub(super) connections: Arc<Connections>,
    pub(super) connectors: Arc<Connectors>,
    pub(super) discards: Arc<Discards>,
    pub(super) claims: Arc<Claims>,
}

impl RefreshExchange {
    pub(crate) fn new(
        egress: &Egress,
        process: &Arc<str>,
        spool: &Arc<Spool>,
        discards: &Arc<Discards>,
        claims: &Arc<Claims>,
        connectors: &Arc<Connectors>,
    ) -> Self {
        Self {
            base: Arc::clone(&claims.base),
            egress: egress.clone(),
            process: Arc::clone(process),
            spool: Arc::clone(spool),
            connections: Arc::clone(&claims.connections),
            connectors: Arc::clone(connectors),
            discards: Arc::clone(discards),
            claims: Arc::clone(claims),
        }
    }
}
