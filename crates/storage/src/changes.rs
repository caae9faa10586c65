//! How code that remembers rows learns that they have changed.
//!
//! A transaction names what it changes ([`Topic`]); its commit counts the topics' epochs up on this
//! node and leaves a line in the table `changes`, by which the other nodes count up theirs
//! ([`Db::follow`]). What is remembered is kept with the [`Stamp`] that was taken before it was
//! read, and may be used as long as the stamp holds.
//!
//! Topics share a fixed number of epochs by their digest: two that meet in one are forgotten
//! together, which costs a read and nothing else.

mod epochs;

use std::time::{Duration, Instant};

use astralform_domain::{
    ApiKeyId, Clock, Entropy, Owner, ProjectConnectorId, ProjectId, SessionId, Timestamp,
};

use crate::{
    Db, Error, Result, Tx,
    bind::{Bind, binds},
    db::{ClockOffset, Health, Row, Run as _},
    row::Record,
};

pub use epochs::Stamp;
pub(crate) use epochs::{Epochs, Lookback};

/// How long after a change no node uses any more what it remembered before, not even a node that
/// hears nothing.
pub const FORGOTTEN_EVERYWHERE: Duration = Duration::from_secs(12);

/// Something that is remembered.
#[derive(Clone, Copy, Debug)]
pub enum Topic<'a> {
    /// The settings of a project, and all of it that changes at once.
    Project(ProjectId),
    /// An API key.
    ApiKey(ApiKeyId),
    /// A session.
    Session(SessionId),
    /// The connections of an owner at a project connector.
    Owner(ProjectConnectorId, &'a Owner),
}

impl Topic<'_> {
    /// Returns a digest that is equal on every node and in every version: FNV-1a.
    fn digest(&self) -> u32 {
        let text = match self {
            Self::Project(id) => id.to_string(),
            Self::ApiKey(id) => id.to_string(),
            Self::Session(id) => id.to_string(),
            Self::Owner(at, owner) => match owner.to_stored() {
                None => at.to_string(),
                Some(person) => format!("{at}/{person}"),
            },
        };
        text.bytes()
            .fold(0x811c_9dc5, |hash: u32, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
    }
}

/// What a node tells the others and hears from them.
pub(crate) struct Feed {
    pub(crate) epochs: Epochs,
    /// The time of the lines, for nothing but to find and to forget them: the product's own clock
    /// may stand still.
    clock: Clock,
    /// How far the database's clock is ahead of this one, as it was measured last.
    pub(crate) offset: ClockOffset,
    pub(crate) entropy: Entropy,
    pub(crate) health: Health,
}

impl Feed {
    /// Returns the time by this machine's clock.
    pub(crate) fn local_time(&self) -> Timestamp {
        self.clock.now()
    }

    /// Returns the time that all nodes share, as far as this one has measured it.
    pub(crate) fn now(&self) -> Timestamp {
        self.offset.shared(self.local_time())
    }
}

impl Default for Feed {
    fn default() -> Self {
        Self::at(Clock::system())
    }
}

impl Feed {
    pub(crate) fn at(clock: Clock) -> Self {
        let entropy = Entropy::system();
        Self {
            epochs: Epochs::default(),
            clock,
            offset: ClockOffset::default(),
            entropy,
            health: Health::default(),
        }
    }
}

/// A line of the table.
struct ChangeRow {
    id: [u8; 16],
    topics: Vec<u32>,
}

impl Record for ChangeRow {
    fn read(row: &Row) -> Result<Self> {
        let id: Vec<u8> = row.get("id")?;
        let topics: Vec<u8> = row.get("topics")?;
        let id = id
            .try_into()
            .map_err(|_| Error::Corrupt { column: "id", why: "not 16 bytes".into() })?;
        let topics = topics.as_chunks().0.iter().map(|bytes| u32::from_be_bytes(*bytes));
        Ok(Self { id, topics: topics.collect() })
    }
}

impl Db {
    /// Returns a stamp for what is about to be read of these topics. `None` as long as this node
    /// does not hear of the others: then nothing is to be remembered.
    pub fn stamp(&self, topics: &[Topic<'_>]) -> Option<Stamp> {
        self.feed().epochs.stamp(topics.iter().map(Topic::digest))
    }

    /// Returns whether what was read under a stamp may still be used.
    pub fn holds(&self, stamp: &Stamp) -> bool {
        self.feed().epochs.holds(stamp)
    }

    /// Returns whether nothing of what was read under a stamp has changed since, as far as this
    /// node hears, however old it is.
    pub fn is_unchanged(&self, stamp: &Stamp) -> bool {
        self.feed().epochs.is_unchanged(stamp, Instant::now())
    }

    /// Forgets, on this node, what is remembered of a topic: the caller has found it to be out of
    /// date.
    pub fn forget(&self, topic: Topic<'_>) {
        self.feed().epochs.count_up(topic.digest());
    }

    /// Hears what other nodes, and programs beside this one, have changed. To be called several
    /// times a second; what is remembered is used for ten seconds at most after the last time.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn follow(&self) -> Result<()> {
        let feed = self.feed();
        let began = Instant::now();
        let lines: Vec<ChangeRow> = feed.health.note_delay(self.lines_since_heard(began)).await?;
        feed.health.heard(self.now(), !feed.epochs.is_hearing(Instant::now()));
        feed.epochs.heard(began, lines.into_iter().map(|line| (line.id, line.topics)));
        Ok(())
    }
}

impl Db {
    async fn lines_since_heard(&self, now: Instant) -> Result<Vec<ChangeRow>> {
        const SQL: &str = "SELECT id, topics FROM changes WHERE written_at > $1";
        self.measure_clock().await?;
        let silence = self.feed().epochs.silent_for(now).unwrap_or_default();
        let since = self.feed().now().before(silence + Lookback::OVERLAP);
        self.all(SQL, binds![since]).await
    }
}

impl Tx {
    /// Names something that this transaction has changed.
    pub(crate) fn touch(&mut self, topic: Topic<'_>) {
        self.touched.insert(topic.digest());
    }

    /// Runs a write of what is remembered under a topic, and names the topic if any row was written:
    /// what has not changed must not be forgotten everywhere.
    pub(crate) async fn change(
        &mut self,
        topic: Topic<'_>,
        sql: &'static str,
        binds: Vec<Bind>,
    ) -> Result<u64> {
        let written = self.execute(sql, binds).await?;
        if written > 0 {
            self.touch(topic);
        }
        Ok(written)
    }

    /// Leaves a line for the others.
    pub(crate) async fn tell(&mut self) -> Result<()> {
        const SQL: &str = "INSERT INTO changes (id, topics, written_at) VALUES ($1, $2, $3)";
        if self.touched.is_empty() {
            return Ok(());
        }
        let topics: Vec<u8> = self.touched.iter().flat_map(|topic| topic.to_be_bytes()).collect();
        let id = self.feed.entropy.bytes::<16>();
        let now = self.feed.now();
        self.feed.epochs.said(id);
        let binds = vec![Bind::Bytes(Some(id.to_vec())), Bind::Bytes(Some(topics)), now.into()];
        self.execute(SQL, binds).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
