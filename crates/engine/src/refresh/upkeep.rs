//! What is refreshed before a call needs it, and what a start finds.

use std::{sync::Arc, time::Duration};

use astralform_storage::refreshes::{self, WaitingConnector, Wanted};

use super::Cause;
use crate::{
    Fault,
    base::Base,
    connectors::Connectors,
    refresh::{Claims, Hosts, InFlight, Presence, Refresh, RefreshExchange},
};

/// How many project connectors have a turn each time.
const TURNS: usize = 200;
/// For how long an unused connection is kept fresh.
const IN_USE: Duration = Duration::from_hours(7 * 24);

/// Refreshes tokens ahead of their end, and takes up what broke off.
#[derive(Clone)]
pub struct Upkeep {
    base: Arc<Base>,
    in_flight: Arc<InFlight>,
    hosts: Arc<Hosts>,
    exchange: Arc<RefreshExchange>,
    presence: Arc<Presence>,
    claims: Arc<Claims>,
    refresh: Arc<Refresh>,
    connectors: Arc<Connectors>,
}

impl Upkeep {
    pub(crate) fn new(presence: &Arc<Presence>, refresh: &Arc<Refresh>) -> Self {
        Self {
            base: Arc::clone(&refresh.base),
            in_flight: Arc::clone(&refresh.in_flight),
            hosts: Arc::clone(&refresh.hosts),
            exchange: Arc::clone(&refresh.exchange),
            presence: Arc::clone(presence),
            claims: Arc::clone(&refresh.claims),
            refresh: Arc::clone(refresh),
            connectors: Arc::clone(&refresh.connectors),
        }
    }

    /// Takes up what this node left undone when it ended, however it ended. To be called once,
    /// before anything else.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn recover(&self) -> Result<(), Fault> {
        self.exchange.replay().await?;
        self.presence.begin_to_live().await?;
        self.keep_fresh().await
    }

    /// Refreshes what will be needed soon, and goes on with what broke off. To be called
    /// every second or so.
    ///
    /// Project connectors take turns, and each host has seats of its own: a provider that hangs, or
    /// a connector that cannot be used, holds up no other's tokens.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn keep_fresh(&self) -> Result<(), Fault> {
        self.in_flight.tidy(self.base.now());
        // Take-over needs to know for how long the database has taken writes.
        self.base.db.check_writing().await?;
        let now = self.base.now();
        let used_since = now.before(IN_USE);
        let all =
            refreshes::waiting(&self.base.db, self.claims.claimant(), now, used_since).await?;
        let all = self.hosts.in_turn(all, |waiting| waiting.project_connector);
        let mut turns = 0;
        for waiting in all {
            if turns == TURNS {
                break;
            }
            turns += usize::from(self.refresh_in_turn(waiting).await?);
        }
        Ok(())
    }

    /// Starts what waits at a project connector, as far as its host has seats; says whether it has.
    async fn refresh_in_turn(&self, waiting: WaitingConnector) -> Result<bool, Fault> {
        let at = waiting.project_connector;
        let host = self.provider_host(waiting).await?;
        let free = self.hosts.left(&host);
        if free == 0 {
            return Ok(false);
        }
        self.hosts.had_turn(at);
        let limit = i64::try_from(free).unwrap_or_default();
        let now = self.base.now();
        let by = self.claims.claimant();
        let mut wanted = refreshes::abandoned(&self.base.db, at, by, limit).await?;
        wanted.extend(refreshes::due(&self.base.db, at, now, now.before(IN_USE), limit).await?);
        for one in wanted.into_iter().take(free) {
            self.start_ahead(one, &host);
        }
        Ok(true)
    }

    fn start_ahead(&self, wanted: Wanted, host: &str) {
        let seat = self.hosts.seat(host);
        // What came of it stands in the database; the next look finds what is left.
        let _ = self.refresh.start(wanted, Cause::Age, Some(seat));
    }

    /// Returns the host that a project connector asks; where it cannot be used, a name of its own.
    async fn provider_host(&self, waiting: WaitingConnector) -> Result<String, Fault> {
        let WaitingConnector { tenant, project_connector } = waiting;
        if let Some(known) = self.hosts.of(project_connector) {
            return Ok(known);
        }
        let settings = self.connectors.project_connector(tenant, project_connector).await?;
        let Ok(ready) = self.connectors.ready_even_if_paused(settings) else {
            return Ok(project_connector.to_string());
        };
        let host = super::seats::host_of(&ready);
        self.hosts.learn(project_connector, &host);
        Ok(host)
    }

    /// Sends no refresh any more: this node is about to stop.
    pub fn stop_refreshing(&self) {
        self.in_flight.stop();
    }

    /// Waits until no refresh is under way on this node; says how many are left after `at_most`.
    pub async fn finish_refreshes(&self, at_most: Duration) -> usize {
        self.in_flight.settled(at_most).await
    }
}
