//! One refresh from the first claim to the end.

use std::{sync::Arc, time::Duration};

use astralform_domain::{Actor, Connection, RefreshOutcome, chain};
use astralform_storage::{
    connections,
    refreshes::{self, RefreshKey, Wanted},
};
use tokio::time::{Instant, sleep, timeout_at};

use super::{
    Cause, Hindrance, Later, RefreshEnd,
    claim::{Claim, Hold},
    in_flight::{EndReceiver, EndSender, Joined},
    seats::{Seat, host_of},
    send::open_answer,
    timing::{LOOK, PATIENCE, SHORT, UNUSABLE},
};
use crate::{
    Fault,
    base::Base,
    connectors::{Connectors, Ready},
    detached::Detached,
    refresh::{Claims, Hosts, InFlight, RefreshExchange},
};

/// Refreshes tokens, each in a single flight.
#[derive(Clone)]
pub(crate) struct Refresh {
    pub(super) base: Arc<Base>,
    pub(super) process: Arc<str>,
    pub(super) in_flight: Arc<InFlight>,
    pub(super) hosts: Arc<Hosts>,
    pub(super) detached: Detached,
    pub(super) connectors: Arc<Connectors>,
    pub(super) claims: Arc<Claims>,
    pub(super) exchange: Arc<RefreshExchange>,
}

impl Refresh {
    pub(crate) fn new(
        in_flight: &Arc<InFlight>,
        hosts: &Arc<Hosts>,
        detached: &Detached,
        exchange: &Arc<RefreshExchange>,
    ) -> Self {
        Self {
            base: Arc::clone(&exchange.base),
            process: Arc::clone(&exchange.process),
            in_flight: Arc::clone(in_flight),
            hosts: Arc::clone(hosts),
            detached: detached.clone(),
            connectors: Arc::clone(&exchange.connectors),
            claims: Arc::clone(&exchange.claims),
            exchange: Arc::clone(exchange),
        }
    }

    /// Returns a newer token of a connection, as soon as there is one.
    pub(crate) async fn refresh_token(
        &self,
        connection: &Connection,
        kind: &str,
        generation: i64,
        cause: Cause,
    ) -> RefreshEnd {
        let until = Instant::now() + PATIENCE;
        loop {
            let end = match self.start(wanted(connection, kind, generation), cause, None) {
                Err(later) => RefreshEnd::Later(later),
                Ok(receiver) => wait_for_end(receiver, until).await,
            };
            match end {
                // A refresh that was begun for an older token, and that ended with this one.
                RefreshEnd::Renewed(same)
                    if same.generation <= generation && Instant::now() < until =>
                {
                    sleep(LOOK).await;
                }
                end => return end,
            }
        }
    }

    /// Has a token refreshed while it can still be used.
    pub(crate) fn refresh_meanwhile(&self, connection: &Connection, kind: &str, generation: i64) {
        // The next call that needs it waits for it, or is told why there is none.
        let _ = self.start(wanted(connection, kind, generation), Cause::Age, None);
    }

    /// Starts a refresh, unless one is under way, and returns what tells its end. It goes on when
    /// its caller stops waiting, and keeps its seat until it is over.
    ///
    /// # Errors
    /// When one has just failed: until when it is not tried again.
    pub(super) fn start(
        &self,
        wanted: Wanted,
        cause: Cause,
        seat: Option<Seat>,
    ) -> Result<EndReceiver, Later> {
        let (sender, receiver) = match self.in_flight.join(&wanted.key, cause, self.base.now()) {
            Joined::Paused(later) => return Err(later),
            Joined::Wait(receiver) => return Ok(receiver),
            Joined::Start(sender, receiver) => (sender, receiver),
        };
        let guard = ClearOnPanic { refresh: self.clone(), key: wanted.key.clone() };
        self.detached.run(async move {
            let _seat = seat;
            let refresh = guard.refresh.clone();
            let end = refresh.run(&wanted, cause, &sender).await.unwrap_or_else(|fault| {
                let error = chain(&fault);
                tracing::error!(connection.id = %wanted.key.connection, error, "a refresh broke off");
                RefreshEnd::Broken(Arc::new(fault))
            });
            refresh.in_flight.finish(&wanted.key, Some(&end), refresh.base.now());
            sender.send_replace(Some(end));
            drop(guard);
        });
        Ok(receiver)
    }

    async fn run(
        &self,
        wanted: &Wanted,
        cause: Cause,
        sender: &EndSender,
    ) -> Result<RefreshEnd, Fault> {
        let until = Instant::now() + PATIENCE;
        let found = connections::find(&self.base.db, wanted.tenant, wanted.key.connection).await?;
        let Some(connection) = found else { return Ok(RefreshEnd::Over) };
        let Some(ready) = self.ready_to_refresh(&connection).await? else {
            return self.put_off_unusable(wanted, &connection).await;
        };
        let app = self.connectors.app(&ready.settings).await?;
        loop {
            let permit = self.in_flight.host_permit(&host_of(&ready)).await;
            if self.in_flight.is_stopping() {
                return Ok(later(Hindrance::OtherNode, Some(LOOK)));
            }
            match self.claims.claim(wanted, cause).await? {
                Claim::Ended(end) => return Ok(end),
                Claim::Answered(hold) => return self.read(&ready, &hold).await,
                Claim::Send(hold, secret) => {
                    let with = (&app, &secret);
                    let end = self.exchange.send_refresh(&ready, &hold, with, sender).await?;
                    if let Some(end) = end.or_else(|| out_of_patience(until)) {
                        return Ok(end);
                    }
                }
                Claim::Paused(left) if left <= SHORT && Instant::now() + left < until => {
                    drop(permit);
                    sleep(left).await;
                }
                Claim::Held if Instant::now() < until => {
                    drop(permit);
                    if let Some(left) = self.watch_holder(wanted, until).await? {
                        return Ok(later(Hindrance::OtherNode, Some(left)));
                    }
                }
                Claim::Paused(left) => {
                    return Ok(later(Hindrance::Provider, Some(left)));
                }
                Claim::Held => {
                    let timed_out = RefreshOutcome::LockTimeout;
                    let slug = &ready.connector.slug;
                    self.base.count_refresh(ready.settings.tenant, slug, timed_out);
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
        let ready = self.connectors.ready_even_if_paused(settings).ok();
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
    ) -> Result<RefreshEnd, Fault> {
        let at = connection.project_connector;
        if self.hosts.finds_unusable(at) {
            tracing::warn!(
                project_connector.id = %at,
                "tokens cannot be refreshed: the connector cannot be used as it is set up, or leads \
                 to other hosts than its connections were made for"
            );
        }
        let mut tx = self.base.begin(Actor::Product).await?;
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
    async fn read(&self, ready: &Ready, hold: &Hold) -> Result<RefreshEnd, Fault> {
        let Ok((oauth, _)) = ready.oauth() else { return Ok(later(Hindrance::App, None)) };
        self.exchange
            .settle_refresh(ready, hold, &open_answer(oauth, hold))
            .await
            .map(|end| end.unwrap_or_else(|| later(Hindrance::Provider, None)))
    }
}

/// Gives up where no caller waits any more: the next one tries again.
fn out_of_patience(until: Instant) -> Option<RefreshEnd> {
    (Instant::now() >= until).then(|| later(Hindrance::Provider, None))
}

pub(super) fn later(why: Hindrance, after: Option<Duration>) -> RefreshEnd {
    RefreshEnd::Later(Later { why, after })
}

fn wanted(connection: &Connection, kind: &str, generation: i64) -> Wanted {
    let key = RefreshKey { connection: connection.id, kind: kind.to_owned() };
    Wanted { tenant: connection.tenant, key, generation }
}

/// Waits for the end of a refresh, until that moment at most.
async fn wait_for_end(mut receiver: EndReceiver, until: Instant) -> RefreshEnd {
    match timeout_at(until, receiver.wait_for(Option::is_some)).await {
        Err(_) => later(Hindrance::Provider, None),
        Ok(Ok(end)) => end.clone().expect("that was waited for"),
        Ok(Err(_)) => {
            let fault = Fault::Inconsistent("a refresh ended without a word");
            RefreshEnd::Broken(Arc::new(fault))
        }
    }
}

/// Removes the entry of a refresh that panics.
struct ClearOnPanic {
    refresh: Refresh,
    key: RefreshKey,
}

impl Drop for ClearOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.refresh.in_flight.finish(&self.key, None, self.refresh.base.now());
        }
    }
}
