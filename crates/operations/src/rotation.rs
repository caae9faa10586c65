//! Replacing keys while servers run.
//!
//! A master key is replaced by wrapping every project's keys anew. Data keys are replaced in steps,
//! so that no node ever meets a value whose key it does not know:
//!
//! 1. each project gets a *next* key, which every node learns of before it seals anything;
//! 2. that becomes the current one, and the one before only opens;
//! 3. every sealed value is opened and sealed anew, in small transactions, unless it has changed
//!    meanwhile;
//! 4. the same once more when no process can be left that still seals with the key before.
//!
//! Where it stands is in the database at every moment: what broke off goes on from there.

mod check;
mod reseal;
mod status;

use std::time::Duration;

use astralform_domain::{Actor, Clock, Entropy, Timestamp};
use astralform_storage::{
    Db,
    changes::FORGOTTEN_EVERYWHERE,
    data_keys::{self, KeyRole, WrappedKey},
    meta,
    sealed_columns::SEALED_COLUMNS,
};
use astralform_vault::{KeyCheck, KeyId, KeyRing, KeyUse, OpenError};

use astralform_engine::Fault;

pub use check::{Checked, check_sealed};
pub use status::{KeyStatus, ProjectKeyStatus, key_status};

/// How long a key that sealed before is kept once nothing is left of it: longer than a node may
/// keep an answer of a provider that it could not store.
const KEPT: Duration = Duration::from_hours(8 * 24);

const BATCH: i64 = 200;

/// Where a rotation stands before it is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// An earlier one broke off.
    BrokeOff,
    /// The last key of the ring has wrapped nothing yet.
    HasFreshKey,
    /// There is no key to rotate to.
    NeedsKey,
}

/// Something that a rotation has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Keys of projects were wrapped with that master key.
    Wrapped(KeyId, usize),
    /// Projects were given new keys, which every node learns of now.
    Announced(usize),
    /// They seal from now on.
    Promoted(usize),
    /// So many values of a column were sealed anew in all.
    Resealed(&'static str, &'static str, usize),
    /// So many values of a column do not open, and were left as they are.
    Unopened(&'static str, &'static str, usize),
    /// Older keys that nothing is sealed with were forgotten.
    Forgotten(usize),
}

/// A rotation of keys.
pub struct Rotation<'a> {
    /// The database.
    pub db: &'a Db,
    /// The master keys, the new one among them.
    pub ring: &'a KeyRing,
    /// The time.
    pub clock: Clock,
    /// Randomness.
    pub entropy: Entropy,
    /// Who wants to know how far it is.
    pub tell: &'a (dyn Fn(Step) + Sync),
}

/// Returns where a rotation would begin.
///
/// # Errors
/// When the database does not answer, or has never been used.
pub async fn standing(db: &Db, ring: &KeyRing) -> Result<Standing, Fault> {
    let wanted = wanted(db).await?;
    if broke_off(db, wanted).await? {
        return Ok(Standing::BrokeOff);
    }
    Ok(if ring.current() == wanted { Standing::NeedsKey } else { Standing::HasFreshKey })
}

/// Returns the master key that new keys are wrapped with.
async fn wanted(db: &Db) -> Result<KeyId, Fault> {
    let found = meta::key_check(db).await?;
    let found = found.as_deref().and_then(KeyId::parse);
    found.ok_or(Fault::Inconsistent(
        "the database does not say which master key it was written with",
    ))
}

async fn broke_off(db: &Db, wanted: KeyId) -> Result<bool, Fault> {
    let left = data_keys::wrapped_otherwise(db, &wanted.to_bytes(), 1).await?;
    let next = data_keys::in_role(db, KeyRole::Next, 1).await?;
    Ok(!left.is_empty() || !next.is_empty() || data_keys::any_leaving(db).await?)
}

impl Rotation<'_> {
    /// Wraps everything with the ring's last key, and replaces data keys where that is wanted. What
    /// broke off earlier is ended first, with the key that it had.
    ///
    /// # Errors
    /// When the database does not answer, or a key does not open; it can be run again.
    pub async fn run(&self, replaces_data_keys: bool) -> Result<(), Fault> {
        let to = self.begin(replaces_data_keys).await?;
        self.wrap(to).await?;
        if data_keys::any_leaving(self.db).await? {
            self.announce(to).await?;
            self.promote().await?;
            self.reseal_all().await?;
            let mut tx = self.db.begin(Actor::Operator).await?;
            data_keys::end_leaving(&mut tx).await?;
            tx.commit_unrecorded().await?;
        }
        self.forget().await
    }

    async fn begin(&self, replaces_data_keys: bool) -> Result<KeyId, Fault> {
        let standing = standing(self.db, self.ring).await?;
        let mut tx = self.db.begin(Actor::Operator).await?;
        // Waits for projects that are being made; those after it get the new key.
        let now = meta::lock_key_check(&mut tx).await?;
        let now = now.as_deref().and_then(KeyId::parse);
        if now.is_none_or(|id| self.ring.check(id) != KeyCheck::Held) {
            return Err(OpenError::OtherKey.into());
        }
        if standing != Standing::BrokeOff {
            meta::move_key_check(&mut tx, &self.ring.current().to_string()).await?;
        }
        if replaces_data_keys && !data_keys::any_leaving(&mut tx).await? {
            data_keys::mark_leaving(&mut tx).await?;
        }
        tx.commit_unrecorded().await?;
        wanted(self.db).await
    }

    async fn wrap(&self, to: KeyId) -> Result<(), Fault> {
        let mut total = 0;
        loop {
            let mut tx = self.db.begin(Actor::Operator).await?;
            let keys = data_keys::wrapped_otherwise(&mut tx, &to.to_bytes(), BATCH).await?;
            for key in &keys {
                let of_use = use_of(key.role);
                let ring = self.ring;
                let entropy = &self.entropy;
                let again = ring.wrap_again(key.project, of_use, &key.envelope, to, entropy)?;
                data_keys::wrap_again(&mut tx, key, &again).await?;
            }
            tx.commit_unrecorded().await?;
            total += keys.len();
            if keys.is_empty() {
                break;
            }
            (self.tell)(Step::Wrapped(to, total));
        }
        Ok(())
    }

    async fn announce(&self, to: KeyId) -> Result<(), Fault> {
        let mut total = 0;
        loop {
            let mut tx = self.db.begin(Actor::Operator).await?;
            let leaving = data_keys::without_successor(&mut tx, BATCH).await?;
            for key in &leaving {
                let fresh = self.ring.new_key(key.project, KeyUse::Data, to, &self.entropy)?;
                let next = WrappedKey {
                    id: fresh.id.to_bytes(),
                    project: key.project,
                    role: KeyRole::Next,
                    role_since: self.clock.now(),
                    is_leaving: false,
                    envelope: fresh.envelope,
                };
                data_keys::add(&mut tx, &next).await?;
            }
            tx.commit_unrecorded().await?;
            total += leaving.len();
            if leaving.is_empty() {
                break;
            }
            (self.tell)(Step::Announced(total));
        }
        self.known_by_all(KeyRole::Next).await
    }

    /// Waits until every node knows of the last change of a key to that role.
    async fn known_by_all(&self, role: KeyRole) -> Result<(), Fault> {
        let newest = data_keys::in_role(self.db, role, 1).await?;
        let Some(since) = newest.first().map(|key| key.role_since) else { return Ok(()) };
        let left = self.clock.now().until(since.after(FORGOTTEN_EVERYWHERE));
        tokio::time::sleep(left.min(FORGOTTEN_EVERYWHERE)).await;
        Ok(())
    }

    async fn promote(&self) -> Result<(), Fault> {
        let mut total = 0;
        loop {
            let next = data_keys::in_role(self.db, KeyRole::Next, BATCH).await?;
            if next.is_empty() {
                return Ok(());
            }
            let mut tx = self.db.begin(Actor::Operator).await?;
            for key in &next {
                if let Some(project) = key.project {
                    data_keys::promote(&mut tx, project, self.clock.now()).await?;
                }
            }
            tx.commit_unrecorded().await?;
            total += next.len();
            (self.tell)(Step::Promoted(total));
        }
    }

    /// Forgets older keys that nothing is sealed with, and long enough so.
    async fn forget(&self) -> Result<(), Fault> {
        let before: Timestamp = self.clock.now().before(KEPT);
        let mut older = data_keys::in_role(self.db, KeyRole::Older, i64::MAX).await?;
        older.retain(|key| !key.is_leaving && key.role_since < before);
        if older.is_empty() {
            return Ok(());
        }
        let mut in_use = Vec::new();
        for column in SEALED_COLUMNS {
            in_use.extend(column.counts(self.db).await?.into_iter().map(|count| count.key));
        }
        older.retain(|key| !in_use.contains(&key.id));
        let mut tx = self.db.begin(Actor::Operator).await?;
        for key in &older {
            data_keys::forget(&mut tx, key).await?;
        }
        tx.commit_unrecorded().await?;
        if !older.is_empty() {
            (self.tell)(Step::Forgotten(older.len()));
        }
        Ok(())
    }
}

fn use_of(role: KeyRole) -> KeyUse {
    match role {
        KeyRole::Tags => KeyUse::Tags,
        KeyRole::Current | KeyRole::Next | KeyRole::Older => KeyUse::Data,
    }
}

#[cfg(test)]
mod tests;
