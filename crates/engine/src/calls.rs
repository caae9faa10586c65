//! The call log: a line for each tool call, noted in memory by the call and written in batches beside
//! it, so that no call waits for it.

mod notes;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use astralform_domain::{
    AuthStatus, CallLine, ConnectorSlug, Day, RefreshOutcome, Tenant, Timestamp,
};
use astralform_storage::{
    Db,
    calls::{CallStore, Counted, Keep, UsageKey},
};
use prometheus_client::metrics::counter::Counter;
use tokio::{sync::Mutex as Turn, time::Instant};

use crate::Fault;

pub(crate) use notes::{CallNotes, Lap, Logged};

/// How many lines wait to be written, at most: some seconds of as much as a node can do.
const WAITING: usize = 50_000;
/// How many lines wait to be told of as spans, at most. There are no spans of what comes after them.
const FOR_SPANS: usize = 10_000;
/// How many lines are written in one transaction.
const BATCH: usize = 5_000;
/// How long the last lines may take at the end.
const AT_THE_END: Duration = Duration::from_secs(20);
/// How long that may take at once: what is left is removed in the next turn.
const TURN: Duration = Duration::from_secs(2);
/// How often it is looked for lines that are too old or too many.
const TRIM: Duration = Duration::from_mins(1);

/// The call log of a process.
pub struct CallLog {
    store: CallStore,
    keep: Keep,
    waiting: Mutex<Waiting>,
    /// Lines that found no room, and were not told of yet.
    dropped: AtomicU64,
    dropped_in_all: Counter,
    /// Those who write take turns, so that lines come in their order.
    writing: Turn<()>,
    trimmed: Mutex<Option<Instant>>,
    /// Lines that are to be told of as spans, where they are.
    for_spans: OnceLock<Mutex<Vec<CallLine>>>,
}

/// What is to be written.
#[derive(Default)]
struct Waiting {
    lines: VecDeque<CallLine>,
    counts: BTreeMap<UsageKey, u64>,
}

/// What is being written. It waits on where that breaks off.
struct Taken<'a> {
    log: &'a CallLog,
    lines: Vec<CallLine>,
    counts: Vec<(UsageKey, u64)>,
}

impl CallLog {
    /// Returns the log that belongs to a database.
    pub fn new(db: &Db, keep: Keep) -> Self {
        Self {
            store: CallStore::of(db),
            keep,
            waiting: Mutex::default(),
            dropped: AtomicU64::default(),
            dropped_in_all: Counter::default(),
            writing: Turn::default(),
            trimmed: Mutex::default(),
            for_spans: OnceLock::new(),
        }
    }

    /// Has what is dropped counted there.
    pub(crate) fn counting(self, dropped_in_all: Counter) -> Self {
        Self { dropped_in_all, ..self }
    }

    /// Returns where it is kept.
    pub fn store(&self) -> &CallStore {
        &self.store
    }

    /// Notes a call. Where too many wait to be written, it is dropped, which is told of later.
    pub fn note(&self, line: CallLine) {
        if let Some(for_spans) = self.for_spans.get() {
            let mut kept = for_spans.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.len() < FOR_SPANS {
                kept.push(line.clone());
            }
        }
        let mut waiting = self.lock();
        if waiting.lines.len() < WAITING {
            waiting.lines.push_back(line);
        } else {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            self.dropped_in_all.inc();
        }
    }

    /// Has lines kept that are to be told of as spans.
    pub(crate) fn keep_for_spans(&self) {
        self.for_spans.get_or_init(Mutex::default);
    }

    /// Takes the oldest lines that are to be told of as spans.
    pub(crate) fn take_for_spans(&self, most: usize) -> Vec<CallLine> {
        let Some(for_spans) = self.for_spans.get() else { return Vec::new() };
        let mut kept = for_spans.lock().unwrap_or_else(PoisonError::into_inner);
        let number = kept.len().min(most);
        kept.drain(..number).collect()
    }

    /// Keeps lines on that could not be told of, as far as there is room.
    pub(crate) fn put_back_for_spans(&self, mut lines: Vec<CallLine>) {
        let Some(for_spans) = self.for_spans.get() else { return };
        let mut kept = for_spans.lock().unwrap_or_else(PoisonError::into_inner);
        lines.append(&mut kept);
        lines.truncate(FOR_SPANS);
        *kept = lines;
    }

    /// Counts a refresh.
    pub(crate) fn refreshed(
        &self,
        tenant: Tenant,
        connector: &ConnectorSlug,
        outcome: RefreshOutcome,
        now: Timestamp,
    ) {
        self.count(tenant, connector, Counted::Refreshes(outcome.as_str().to_owned()), now);
    }

    /// Counts a prompt that came to a status.
    pub(crate) fn prompted(
        &self,
        tenant: Tenant,
        connector: &ConnectorSlug,
        status: AuthStatus,
        now: Timestamp,
    ) {
        self.count(tenant, connector, Counted::Prompts(status.as_str().to_owned()), now);
    }

    fn count(&self, tenant: Tenant, connector: &ConnectorSlug, counted: Counted, now: Timestamp) {
        let day = Day::of(now);
        let connector = Some(connector.clone());
        let key = UsageKey { tenant, day, connector, tool: None, agent: None, counted };
        *self.lock().counts.entry(key).or_default() += 1;
    }

    /// Writes what waits. To be called some times a second.
    ///
    /// # Errors
    /// When the store does not take it; then it waits on.
    pub async fn write(&self) -> Result<(), Fault> {
        let _turn = self.writing.lock().await;
        loop {
            let mut taken = self.take();
            if taken.lines.is_empty() && taken.counts.is_empty() {
                break;
            }
            self.store.write(&taken.lines, &taken.counts).await?;
            taken.lines.clear();
            taken.counts.clear();
        }
        let dropped = self.dropped.swap(0, Ordering::Relaxed);
        if dropped > 0 {
            tracing::error!(
                lines = dropped,
                "the call log lacks lines: they came too fast for its store"
            );
        }
        Ok(())
    }

    /// Writes the last of it, and closes the store.
    pub async fn finish(&self) {
        let until = Instant::now() + AT_THE_END;
        while let Err(fault) = self.write().await {
            if Instant::now() > until {
                let lines = self.lock().lines.len();
                let error = astralform_domain::chain(&fault);
                tracing::error!(lines, error, "the last lines of the call log are lost");
                break;
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        self.store.close().await;
    }

    /// Removes what is too old or does not fit, now and then.
    pub(crate) async fn trim(&self, now: Timestamp) -> Result<(), Fault> {
        let is_due = {
            let trimmed = self.trimmed.lock().unwrap_or_else(PoisonError::into_inner);
            trimmed.is_none_or(|at| at.elapsed() >= TRIM)
        };
        if !is_due {
            return Ok(());
        }
        let until = Instant::now() + TURN;
        let mut has_more = true;
        while has_more && Instant::now() < until {
            has_more = self.store.trim(self.keep, now).await?;
        }
        if !has_more {
            let mut trimmed = self.trimmed.lock().unwrap_or_else(PoisonError::into_inner);
            *trimmed = Some(Instant::now());
        }
        Ok(())
    }

    fn take(&self) -> Taken<'_> {
        let mut waiting = self.lock();
        let number = waiting.lines.len().min(BATCH);
        let lines = waiting.lines.drain(..number).collect();
        let counts = std::mem::take(&mut waiting.counts).into_iter().collect();
        Taken { log: self, lines, counts }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        if self.lines.is_empty() && self.counts.is_empty() {
            return;
        }
        let mut waiting = self.log.lock();
        for line in self.lines.drain(..).rev() {
            waiting.lines.push_front(line);
        }
        for (key, number) in self.counts.drain(..) {
            *waiting.counts.entry(key).or_default() += number;
        }
    }
}
