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
    /// Its head is gone.
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

/// How often a chain is read anew whose beginning is removed meanwhile.
const ATTEMPTS: usize = 5;

impl AuditChain {
    /// Reads the whole chain, and returns the first link that does not hold. Others may write to it
    /// meanwhile.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn verify(&self, base: &Base) -> Result<Verified, Fault> {
        let mut verified = self.verified(0, None);
        for _ in 0..ATTEMPTS {
            let head = audit::head(&base.db, &self.name).await?;
            verified = self.verify_with(base, head.as_ref()).await?;
            let is_same =
                verified.broken.is_some() && audit::head(&base.db, &self.name).await? == head;
            if verified.broken.is_none() || is_same {
                break;
            }
        }
        Ok(verified)
    }

    fn verified(&self, entries: u64, broken: Option<Broken>) -> Verified {
        Verified { chain: self.name.clone(), entries, broken }
    }

    async fn verify_with(&self, base: &Base, head: Option<&Head>) -> Result<Verified, Fault> {
        let Some(head) = head else {
            return Ok(self.verified(0, Some(Broken::NoHead)));
        };
        if !self.holds(head) {
            return Ok(self.verified(0, Some(Broken::Head)));
        }
        let mut entries = 0;
        let (mut number, mut mac) = (head.removed.number, head.removed.mac);
        while number < head.last.number {
            let page = audit::in_order(&base.db, &self.name, number, AT_ONCE).await?;
            if page.first().is_none_or(|next| next.number != number + 1) {
                return Ok(self.verified(entries, Some(Broken::Missing(number + 1))));
            }
            for entry in page.into_iter().take_while(|entry| entry.number <= head.last.number) {
                if entry.number != number + 1 {
                    return Ok(self.verified(entries, Some(Broken::Missing(number + 1))));
                }
                if !is_same(&entry.mac, &entry_mac(&self.key, &entry, &mac)) {
                    return Ok(self.verified(entries, Some(Broken::Altered(entry.number))));
                }
                entries += 1;
                (number, mac) = (entry.number, entry.mac);
            }
        }
        if !is_same(&mac, &head.last.mac) {
            return Ok(self.verified(entries, Some(Broken::Altered(number))));
        }
        let after = audit::in_order(&base.db, &self.name, number, 1).await?;
        // Where somebody has written meanwhile, the head ends later now.
        let is_added =
            !after.is_empty() && audit::head(&base.db, &self.name).await?.as_ref() == Some(head);
        Ok(self.verified(entries, is_added.then_some(Broken::Added(number))))
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
            Self::NoHead => f.write_str("its head is gone"),
            Self::NoKey => f.write_str("it is no chain of this installation, or its key is gone"),
            Self::Missing(number) => write!(f, "entry {number} is gone"),
            Self::Altered(number) => write!(f, "entry {number} was altered"),
            Self::Added(number) => write!(f, "entries were added after {number}"),
        }
    }
}
