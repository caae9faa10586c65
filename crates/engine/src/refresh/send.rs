//! The second step: the request, and what comes back on disk before it is read.

use std::{sync::Arc, time::Duration};

use astralform_catalog::OAuth;
use astralform_domain::{Connection, RefreshOutcome, Sealed, Secret, chain, crash_point};
use astralform_egress::Answer;
use astralform_provider::{
    Budget, ProviderApp, SendError,
    oauth::{Client, Refreshed, refresh_request},
};
use astralform_storage::refreshes::{self, RefreshKey};
use astralform_vault::ProjectKeys;
use tokio::time::{sleep, timeout};

use super::{
    RefreshEnd, Renewed,
    claim::Hold,
    conclude::{Answered, RawAnswer, Reply},
    in_flight::EndSender,
    timing::LEASE,
};
use crate::{Fault, connectors::Ready, places, refresh::RefreshExchange};

/// How long storing an answer may take before it goes to a file, and those who wait are served from
/// memory.
const PATIENT: Duration = Duration::from_secs(6);
/// The longest pause that a provider may ask for.
const LONGEST: Duration = Duration::from_hours(1);
/// The pause between two tries to store an answer.
const AGAIN: Duration = Duration::from_millis(200);

impl RefreshExchange {
    /// Sends the refresh token and settles what comes of it; nothing when it is to be tried again.
    pub(super) async fn send_refresh(
        &self,
        ready: &Ready,
        hold: &Hold,
        (app, secret): (&ProviderApp, &Secret),
        sender: &EndSender,
    ) -> Result<Option<RefreshEnd>, Fault> {
        let _under_way = self.base.metrics.refreshing();
        let reply = self.exchange_refresh(ready, hold, app, secret).await;
        crash_point!("refresh.answered");
        if let Reply::Answered(answered) = &reply
            && (200..300).contains(&answered.raw.status)
        {
            self.keep(ready, hold, answered, sender).await;
            crash_point!("refresh.stored");
        }
        self.settled(ready, hold, &reply).await
    }

    /// Stores the answer; until the database takes it, it is in a file, and those who wait are
    /// served from memory.
    async fn keep(&self, ready: &Ready, hold: &Hold, answered: &Answered, sender: &EndSender) {
        let sealed = self.sealed_answer(hold, &answered.raw);
        let mut is_spooled = false;
        while let Err(error) = self.keep_once(hold, &sealed).await {
            if !is_spooled {
                tracing::error!(
                    connection.id = %hold.connection.id, error,
                    "a new token cannot be stored; it is kept in a file until it can"
                );
                let tenant = hold.connection.tenant;
                let failure = RefreshOutcome::PersistFailure;
                self.base.count_refresh(tenant, &ready.connector.slug, failure);
                self.spool.put(tenant, &hold.lease, hold.token.generation, &sealed);
                sender.send_replace(served_from_memory(hold, answered));
                is_spooled = true;
            }
            sleep(AGAIN).await;
        }
        if is_spooled {
            tracing::info!(connection.id = %hold.connection.id, "the new token is stored");
            self.spool.remove(&hold.lease.key);
        }
    }

    /// Tries to store the answer; a database that hangs is as good as one that is away.
    async fn keep_once(&self, hold: &Hold, sealed: &Sealed) -> Result<(), String> {
        let keeping = refreshes::keep_answer(&self.base.db, &hold.lease, sealed);
        match timeout(PATIENT, keeping).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(chain(&error)),
            Err(_) => Err("the database does not answer".to_owned()),
        }
    }

    /// Settles what came of it. The database may be away: it is tried until it is back, since
    /// no other process may touch this token meanwhile.
    async fn settled(
        &self,
        ready: &Ready,
        hold: &Hold,
        reply: &Reply,
    ) -> Result<Option<RefreshEnd>, Fault> {
        let mut was_said = false;
        loop {
            match self.settle_refresh(ready, hold, reply).await {
                Err(Fault::Storage(error)) if hold.since.elapsed() < LEASE => {
                    let id = hold.connection.id;
                    let error = chain(&error);
                    if !was_said {
                        tracing::error!(connection.id = %id, error, "a refresh cannot be settled yet");
                        was_said = true;
                    }
                    sleep(AGAIN).await;
                }
                done => return done,
            }
        }
    }

    /// Sends the refresh token as the developer's app.
    async fn exchange_refresh(
        &self,
        ready: &Ready,
        hold: &Hold,
        app: &ProviderApp,
        secret: &Secret,
    ) -> Reply {
        let Ok((oauth, at)) = ready.oauth() else { return Reply::NotSent };
        let made = |client: &Client| {
            // A process that was paused for so long may have lost the lease.
            let is_in_time = hold.since.elapsed() <= LEASE / 2;
            is_in_time.then(|| refresh_request(oauth, &at.token, client, secret)).flatten()
        };
        let read = |answer: Answer| {
            let after = answer.retry_after(self.base.now()).map(|after| after.min(LONGEST));
            let body = String::from_utf8_lossy(&answer.body).into_owned();
            let raw = RawAnswer { status: answer.status.as_u16(), body };
            Answered::read(oauth, &hold.token.kind, raw, after)
        };
        match app.send(&self.egress, Budget::REFRESH, made, read).await {
            Ok(answered) => Reply::Answered(answered),
            Err(SendError::Unsendable | SendError::NoSecret) => Reply::NotSent,
            Err(SendError::Egress(error)) if error.is_ours() => {
                Reply::NotAllowed(error.to_string())
            }
            Err(SendError::Egress(error)) if error.is_unsent() => Reply::NotSent,
            Err(SendError::Egress(error)) => {
                let id = hold.connection.id;
                let error = chain(&error);
                tracing::warn!(connection.id = %id, error, "a refresh was not answered");
                Reply::Lost
            }
        }
    }

    fn sealed_answer(&self, hold: &Hold, answer: &RawAnswer) -> Sealed {
        let text = serde_json::to_string(answer).expect("a number and a text are JSON");
        let row = hold.lease.key.row();
        let place = places::refresh_answer(&hold.connection, &row, hold.token.generation);
        hold.keys.seal(place, &Secret::new(text), &self.base.entropy)
    }
}

/// Returns what was answered earlier; an answer that cannot be read is as good as lost.
pub(super) fn open_answer(oauth: &OAuth, hold: &Hold) -> Reply {
    let key = &hold.lease.key;
    let generation = hold.token.generation;
    let answer = hold.lease.answer.as_ref();
    let opened = answer.and_then(|it| open_kept(&hold.connection, key, generation, &hold.keys, it));
    let read = |raw| Reply::Answered(Answered::read(oauth, &hold.token.kind, raw, None));
    opened.map_or(Reply::Lost, read)
}

/// Returns an answer that was kept for a token of a connection, opened.
pub(super) fn open_kept(
    connection: &Connection,
    key: &RefreshKey,
    generation: i64,
    keys: &ProjectKeys,
    answer: &Sealed,
) -> Option<RawAnswer> {
    let row = key.row();
    let opened = keys.open(places::refresh_answer(connection, &row, generation), answer).ok();
    let read = opened.and_then(|text| serde_json::from_str(text.expose()).ok());
    if read.is_none() {
        tracing::error!(connection.id = %connection.id, "a kept answer cannot be read");
    }
    read
}

/// Returns the new token as those who wait get it while it is not stored.
fn served_from_memory(hold: &Hold, answered: &Answered) -> Option<RefreshEnd> {
    let Refreshed::Granted(granted) = &answered.read else { return None };
    Some(RefreshEnd::Renewed(Arc::new(Renewed {
        generation: hold.token.generation + 1,
        access_token: granted.access_token.clone(),
    })))
}
