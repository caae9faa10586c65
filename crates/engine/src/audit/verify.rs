//! Whether the audit log is as it was written.

use std::fmt;

use astralform_storage::audit::{self, Head};

use super::{AuditChain, entry_mac, head_tag, mac::is_same};
use crate::{Fault, base::Base};

/// What became of a chain that was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The chain.
    pub chain: String,
    /// How many of its entries were read.
    pub entries: u64,
    /// The first link that does not hold.
    pub broken: Option<Broken>,
}

/// A link of a chain that does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// The head says something that the key does not vouch for.
    Head,
    /// There are entries, and no head.
    NoHead,
    /// There is no key that could vouch for it.
    NoKey,
    /// The entry of that number is not there.
    Missing(i64),
    /// The entry of that number is not what was written.
    Altered(i64),
    /// Entries follow the one of that number, at which the head says that the chain ends.
    Added(i64),
}

/// How many entries are read at once.
const AT_ONCE: i64 = 1_000;

impl AuditChain {
    /// Reads the whole chain, and returns the first link that does not hold.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn verify(&self, base: &Base) -> Result<Verified, Fault> {
        let mut verified = Verified { chain: self.name.clone(), entries: 0, broken: None };
        let Some(head) = audit::head(&base.db, &self.name).await? else {
            let any = audit::in_order(&base.db, &self.name, 0, 1).await?;
            verified.broken = (!any.is_empty()).then_some(Broken::NoHead);
            return Ok(verified);
        };
        if !self.holds(&head) {
            verified.broken = Some(Broken::Head);
            return Ok(verified);
        }
        let (mut number, mut mac) = (head.removed.number, head.removed.mac);
        loop {
            let page = audit::in_order(&base.db, &self.name, number, AT_ONCE).await?;
            if page.is_empty() {
                break;
            }
            for entry in page {
                let is_next = entry.number == number + 1;
                let broken = match () {
                    () if number >= head.last.number => Some(Broken::Added(number)),
                    () if !is_next => Some(Broken::Missing(number + 1)),
                    () if !is_same(&entry.mac, &entry_mac(&self.key, &entry, &mac)) => {
                        Some(Broken::Altered(entry.number))
                    }
                    () => None,
                };
                if broken.is_some() {
                    verified.broken = broken;
                    return Ok(verified);
                }
                verified.entries += 1;
                (number, mac) = (entry.number, entry.mac);
            }
        }
        if number < head.last.number {
            verified.broken = Some(Broken::Missing(number + 1));
        } else if !is_same(&mac, &head.last.mac) {
            verified.broken = Some(Broken::Altered(number));
        }
        Ok(verified)
    }

    fn holds(&self, head: &Head) -> bool {
        [("last", &head.last), ("removed", &head.removed)].into_iter().all(|(role, mark)| {
            let tag = head_tag(&self.key, &self.name, role, mark.number, &mark.mac);
            is_same(&mark.tag, &tag)
        })
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Head => f.write_str("its head was written without the key"),
            Self::NoHead => f.write_str("it has entries, and its head is gone"),
            Self::NoKey => f.write_str("it is no chain of this installation, or its key is gone"),
            Self::Missing(number) => write!(f, "entry {number} is gone"),
            Self::Altered(number) => write!(f, "entry {number} was altered"),
            Self::Added(number) => write!(f, "entries were added after {number}"),
        }
    }
}
