//! One refresh from the first claim to the landing.

use std::{sync::Arc, time::Duration};

use astralform_domain::{Connection, RefreshOutcome, chain};
use astralform_storage::{
    connections,
    refreshes::{self, RefreshKey, Wanted},
};
use tokio::time::{Instant, sleep, timeout_at};

use super::{
    Cause, Hindrance, Landing, Later,
    claim::{Claim, Hold},
    flights::{Announcer, Board, Boarding},
    seats::{Seat, host_of},
    send::open_answer,
    timing::{LOOK, PATIENCE, SHORT, UNUSABLE},
};
use crate::{
    Fault,
    base::Base,
    connectors::{Connectors, Ready},
    detached::Detached,
    refresh::{Claims, Flights, Hosts, RefreshExchange},
};

/// Refreshes tokens, each in a single flight.
#[derive(Clone)]
pub(crate) struct Refresh {
    pub(super) base: Arc<Base>,
    pub(super) process: Arc<str>,
    pub(super) flights: Arc<Flights>,
    pub(super) hosts: Arc<Hosts>,
    pub(super) detached: Detached,
    pub(super) connectors: Arc<Connectors>,
    pub(super) claims: Arc<Claims>,
    pub(super) exchange: Arc<RefreshExchange>,
}

impl Refresh {
    pub(crate) fn new(
        flights: &Arc<Flights>,
        hosts: &Arc<Hosts>,
        detached: &Detached,
        exchange: &Arc<RefreshExchange>,
    ) -> Self {
        Self {
            base: Arc::clone(&exchange.base),
            process: Arc::clone(&exchange.process),
            flights: Arc::clone(flights),
            hosts: Arc::clone(hosts),
            detached: detached.clone(),
            connectors: Arc::clone(&exchange.connectors),
            claims: Arc::clone(&exchange.claims),
            exchange: Arc::clone(exchange),
        }
    }

    /// Returns a newer token of a connection, as soon as there is one.
    pub(crate) async fn refreshed(
        &self,
        connection: &Connection,
        kind: &str,
        generation: i64,
        cause: Cause,
    ) -> Landing {
        let until = Instant::now() + PATIENCE;
        loop {
            let boarding = self.set_off(wanted(connection, kind, generation), cause, None);
            let landing = match boarding {
                Boarding::Paused(later) => Landing::Later(later),
                Boarding::Wait(board) | Boarding::Start(_, board) => landing(board, until).await,
            };
            match landing {
                // A flight that somebody began for an older token, and that ended with this one.
                Landing::Renewed(same)
                    if same.generation <= generation && Instant::now() < until =>
                {
                    sleep(LOOK).await;
                }
                landing => return landing,
            }
        }
    }

    /// Has a token refreshed while it can still be used.
    pub(crate) fn refresh_meanwhile(&self, connection: &Connection, kind: &str, generation: i64) {
        self.set_off(wanted(connection, kind, generation), Cause::Age, None);
    }

    /// Starts a flight, unless one is up or has just failed. It goes on whoever stops waiting, and
    /// keeps its seat until it is over.
    pub(super) fn set_off(&self, wanted: Wanted, cause: Cause, seat: Option<Seat>) -> Boarding {
        let boarding = self.flights.board(&wanted.key, cause, self.base.now());
        let Boarding::Start(announcer, board) = boarding else { return boarding };
        let guard = Aboard { refresh: self.clone(), key: wanted.key.clone() };
        self.detached.run(async move {
            let _seat = seat;
            let refresh = guard.refresh.clone();
            let landing = refresh.fly(&wanted, cause, &announcer).await.unwrap_or_else(|fault| {
                let error = chain(&fault);
                tracing::error!(connection.id = %wanted.key.connection, error, "a refresh broke off");
                Landing::Broken(Arc::new(fault))
            });
            refresh.flights.land(&wanted.key, Some(&landing), refresh.base.now());
            announcer.send_replace(Some(landing));
            drop(guard);
        });
        Boarding::Wait(board)
    }

    async fn fly(
        &self,
        wanted: &Wanted,
        cause: Cause,
        announcer: &Announcer,
    ) -> Result<Landing, Fault> {
        let until = Instant::now() + PATIENCE;
        let found = connections::find(&self.base.db, wanted.tenant, wanted.key.connection).await?;
        let Some(connection) = found else { return Ok(Landing::Over) };
        let Some(ready) = self.ready_to_refresh(&connection).await? else {
            return self.put_off_unusable(wanted, &connection).await;
        };
        let app = self.connectors.app(&ready.settings).await?;
        loop {
            let lane = self.flights.lane(&host_of(&ready)).await;
            if self.flights.is_stopping() {
                return Ok(later(Hindrance::OtherNode, Some(LOOK)));
            }
            match self.claims.claim(wanted, cause).await? {
                Claim::Landed(landing) => return Ok(landing),
                Claim::Answered(hold) => return self.read(&ready, &hold).await,
                Claim::Send(hold, secret) => {
                    let with = (&app, &secret);
                    let landing =
                        self.exchange.send_refresh(&ready, &hold, with, announcer).await?;
                    if let Some(landing) = landing.or_else(|| out_of_patience(until)) {
                        return Ok(landing);
                    }
                }
                Claim::Paused(left) if left <= SHORT && Instant::now() + left < until => {
                    drop(lane);
                    sleep(left).await;
                }
                Claim::Held if Instant::now() < until => {
                    drop(lane);
                    if let Some(left) = self.watch_holder(wanted, until).await? {
                        return Ok(later(Hindrance::OtherNode, Some(left)));
                    }
                }
                Claim::Paused(left) => {
                    return Ok(later(Hindrance::Provider, Some(left)));
                }
                Claim::Held => {
                    self.base.metrics.refreshed(&ready.connector.slug, RefreshOutcome::LockTimeout);
                    return Ok(later(Hindrance::OtherNode, Some(Duration::from_secs(1))));
                }
            }
        }
    }

    /// Returns the project connector of a connection, if the connection's tokens may go where it
    /// leads now.
    async fn ready_to_refresh(&self, connection: &Connection) -> Result<Option<Ready>, Fault> {
        let at = connection.project_connector;
        let settings = self.connectors.project_connector(connection.tenant, at).await?;
        let ready = self.connectors.assemble(settings).ok();
        let ready = ready.filter(|ready| ready.settings.hosts == connection.hosts);
        if let Some(ready) = &ready {
            self.hosts.learn(at, &host_of(ready));
        }
        Ok(ready)
    }

    /// Leaves a token alone for a while whose connector cannot be used at present, for every node;
    /// the log says so once for each project connector.
    async fn put_off_unusable(
        &self,
        wanted: &Wanted,
        connection: &Connection,
    ) -> Result<Landing, Fault> {
        let at = connection.project_connector;
        if self.hosts.finds_unusable(at) {
            tracing::warn!(
                project_connector.id = %at,
                "tokens cannot be refreshed: the connector cannot be used as it is set up, or leads \
                 to other hosts than its connections were made for"
            );
        }
        let mut tx = self.base.begin().await?;
        refreshes::postpone(&mut tx, &wanted.key, &self.process, UNUSABLE).await?;
        tx.commit().await?;
        Ok(later(Hindrance::App, Some(UNUSABLE)))
    }

    /// Waits as long as another process is at it that lives; says how long the lease lasts of one
    /// that is not heard of any more.
    async fn watch_holder(
        &self,
        wanted: &Wanted,
        until: Instant,
    ) -> Result<Option<Duration>, Fault> {
        loop {
            sleep(LOOK).await;
            let key = &wanted.key;
            let generation = wanted.generation;
            let by = self.claims.claimant();
            match refreshes::holder(&self.base.db, key, generation, by).await? {
                None => return Ok(None),
                Some(holder) if !holder.is_living => {
                    let left = holder.left.max(self.claims.until_takeover());
                    return Ok(Some(left));
                }
                Some(_) if Instant::now() >= until => return Ok(None),
                Some(_) => {}
            }
        }
    }

    /// Returns how a refresh that was answered earlier ends.
    async fn read(&self, ready: &Ready, hold: &Hold) -> Result<Landing, Fault> {
        let Ok((oauth, _)) = ready.oauth() else { return Ok(later(Hindrance::App, None)) };
        self.exchange
            .settle_refresh(ready, hold, &open_answer(oauth, hold))
            .await
            .map(|landing| landing.unwrap_or_else(|| later(Hindrance::Provider, None)))
    }
}

/// Gives up where nobody waits any more: the next one who comes tries again.
fn out_of_patience(until: Instant) -> Option<Landing> {
    (Instant::now() >= until).then(|| later(Hindrance::Provider, None))
}

pub(super) fn later(why: Hindrance, after: Option<Duration>) -> Landing {
    Landing::Later(Later { why, after })
}

fn wanted(connection: &Connection, kind: &str, generation: i64) -> Wanted {
    let key = RefreshKey { connection: connection.id, kind: kind.to_owned() };
    Wanted { tenant: connection.tenant, key, generation }
}

/// Returns what the board says when something is announced on it.
async fn landing(mut board: Board, until: Instant) -> Landing {
    match timeout_at(until, board.wait_for(Option::is_some)).await {
        Err(_) => later(Hindrance::Provider, None),
        Ok(Ok(landing)) => landing.clone().expect("that was waited for"),
        Ok(Err(_)) => {
            let fault = Fault::Inconsistent("a refresh ended without a word");
            Landing::Broken(Arc::new(fault))
        }
    }
}

/// Clears the way for the next flight, should this one be cut short.
struct Aboard {
    refresh: Refresh,
    key: RefreshKey,
}

impl Drop for Aboard {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.refresh.flights.land(&self.key, None, self.refresh.base.now());
        }
    }
}
