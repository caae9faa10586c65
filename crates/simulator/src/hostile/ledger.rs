use std::collections::{BTreeMap, HashMap};

use super::families::{Ended, Families};

/// What the provider has seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Grants.
    pub families: usize,
    /// Codes that bought a first pair.
    pub exchanges: u64,
    /// Refreshes that took effect.
    pub refreshes: u64,
    /// Refreshes that were refused with `invalid_grant`.
    pub refused: u64,
    /// What else befell them, by name.
    pub troubles: BTreeMap<&'static str, u64>,
    /// The most requests of the token endpoint at a time.
    pub peak: usize,
    /// Grants that ended because a refresh token was used again.
    pub reused: usize,
    /// Grants that their owners took back.
    pub revoked: usize,
    /// Grants that the app gave back.
    pub returned: usize,
    /// Revocations that came, those that were answered with 503 among them.
    pub revocations: u64,
    /// Questions whose account a token opens.
    pub identities: u64,
    /// Calls of the API with a good token.
    pub calls: u64,
    /// Calls of the API without one.
    pub dead_calls: u64,
    /// Writes that were carried out more than once.
    pub repeated_writes: usize,
}

/// What is counted as it happens.
#[derive(Default)]
pub(super) struct Book {
    pub(super) ledger: Ledger,
    under_way: usize,
    writes: HashMap<String, u64>,
}

impl Book {
    pub(super) fn enter(&mut self) {
        self.under_way += 1;
        self.ledger.peak = self.ledger.peak.max(self.under_way);
    }

    pub(super) fn leave(&mut self) {
        self.under_way -= 1;
    }

    pub(super) fn write(&mut self, marker: &str) {
        *self.writes.entry(marker.to_owned()).or_default() += 1;
    }

    pub(super) fn writes(&self, marker: &str) -> u64 {
        self.writes.get(marker).copied().unwrap_or_default()
    }
}

impl Ledger {
    pub(super) fn of(book: &Book, families: &Families) -> Self {
        let all = families.all();
        let ended = |why| all.iter().filter(|family| family.ended == Some(why)).count();
        Self {
            families: all.len(),
            reused: ended(Ended::Reused),
            revoked: ended(Ended::Revoked),
            returned: ended(Ended::Returned),
            repeated_writes: book.writes.values().filter(|times| **times > 1).count(),
            ..book.ledger.clone()
        }
    }
}
