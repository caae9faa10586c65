//! The audit log: every change, link, credential entry and revocation, in the transaction of the
//! change.
//!
//! Entries form chains: one for each project, under its tag key, one for each team, and one for the
//! installation, under the installation's. The MAC of an entry vouches for it and for the MAC of the
//! one before it, and the head of a chain for its end, so that `verify` names whatever was altered,
//! removed or cut off without the key.

mod chains;
mod event;
mod mac;
mod pruning;
mod verify;

use std::sync::Arc;

use astralform_domain::{EndUserId, Environment, ProjectId, TeamId, chain as error_chain};
use astralform_storage::{
    Tx,
    audit::{self, Entry, Head, Mark},
};
use astralform_vault::{ProjectKeys, Purpose, TagKey};

pub use event::Event;
pub(crate) use pruning::TERM;
pub use verify::{Broken, Verified};

use crate::{Fault, base::Base};
use mac::{entry_mac, head_tag, pseudonym};

/// A chain of the audit log, with the key that vouches for it. To be had before the transaction
/// whose changes it records: the key may have to be read.
#[derive(Clone)]
pub struct AuditChain {
    name: String,
    project: Option<ProjectId>,
    key: ChainKey,
}

#[derive(Clone)]
enum ChainKey {
    Project(Arc<ProjectKeys>),
    Installation(Arc<TagKey>),
}

/// What the chain of what belongs to no team is called.
const INSTALLATION: &str = "installation";

impl AuditChain {
    /// Returns the chain of what belongs to no team, for a command that has the installation's key.
    pub fn of_installation(key: Arc<TagKey>) -> Self {
        Self { name: INSTALLATION.to_owned(), project: None, key: ChainKey::Installation(key) }
    }

    /// Returns the chain of a team, from one of the installation.
    #[must_use]
    pub fn for_team(&self, team: TeamId) -> Self {
        Self { name: team.to_string(), project: None, key: self.key.clone() }
    }

    /// Begins the chain, together with what it is about: one that is lost does not begin anew.
    ///
    /// # Errors
    /// When it has begun before.
    pub async fn begin(&self, tx: &mut Tx) -> Result<(), Fault> {
        Ok(audit::create_head(tx, &self.name, &self.fresh_head()).await?)
    }

    /// Writes an entry of what a transaction does. It is to be the last that is written before the
    /// commit: the chain is locked from here on.
    ///
    /// # Errors
    /// When the database does not take it; then nothing of the transaction may happen.
    pub async fn record(&self, tx: &mut Tx, event: &Event<'_>) -> Result<(), Fault> {
        let head = audit::lock_head(tx, &self.name).await?;
        let head = head.ok_or(Fault::Inconsistent("an audit chain has lost its head"))?;
        if !self.vouches_for(&head.last) {
            return Err(Fault::Inconsistent("the head of an audit chain was altered"));
        }
        let hidden = self.pseudonym(event);
        if let (Some(project), Some(end_user), Some(hidden)) =
            (self.project, event.end_user, &hidden)
        {
            audit::name(tx, project, hidden, end_user).await?;
        }
        let (request, address) = tx.request();
        let mut entry = Entry {
            chain: self.name.clone(),
            number: head.last.number + 1,
            at: tx.now(),
            actor: tx.actor().to_string(),
            action: event.action.to_owned(),
            environment: event.environment,
            subject: event.subject.clone(),
            end_user: hidden,
            details: event.details(),
            request,
            address,
            mac: [0; 32],
        };
        entry.mac = entry_mac(&self.key, &entry, &head.last.mac);
        let tag = head_tag(&self.key, &self.name, "last", entry.number, &entry.mac);
        Ok(audit::append(tx, &entry, &tag).await?)
    }

    /// Writes an entry of what must happen all the same: where the database does not take it, the
    /// log says so, and so does the next entry that can be written.
    ///
    /// # Errors
    /// When the transaction is lost.
    pub async fn record_if_possible(
        &self,
        base: &Base,
        tx: &mut Tx,
        event: &Event<'_>,
    ) -> Result<(), Fault> {
        let missed = base.unrecorded.take();
        let event = &event.clone().after_unrecorded(missed);
        match tx.apart(async |tx: &mut Tx| self.record(tx, event).await).await {
            Ok(()) => {}
            Err(fault) => {
                base.unrecorded.add(missed + 1);
                tx.go_on_unrecorded();
                tracing::error!(
                    action = event.action,
                    error = error_chain(&fault),
                    "the audit log takes no entry; what it is about happens all the same"
                );
            }
        }
        Ok(())
    }

    /// Forgets who an end user of the project was: entries about them stay, under a pseudonym.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn forget(&self, tx: &mut Tx, of: &Event<'_>) -> Result<(), Fault> {
        if let (Some(project), Some(hidden)) = (self.project, self.pseudonym(of)) {
            audit::forget(tx, project, &hidden).await?;
        }
        Ok(())
    }

    /// Returns what it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the pseudonym of an end user of the project.
    pub fn pseudonym_of(&self, environment: Environment, end_user: &EndUserId) -> String {
        pseudonym(&self.key, environment, end_user)
    }

    fn pseudonym(&self, event: &Event<'_>) -> Option<String> {
        let named = event.environment.zip(event.end_user);
        named.map(|(environment, end_user)| pseudonym(&self.key, environment, end_user))
    }

    fn fresh_head(&self) -> Head {
        let mark = |role| {
            let mac = [0; 32];
            Mark { number: 0, mac, tag: head_tag(&self.key, &self.name, role, 0, &mac) }
        };
        Head { last: mark("last"), removed: mark("removed") }
    }

    fn vouches_for(&self, last: &Mark) -> bool {
        mac::is_same(&last.tag, &head_tag(&self.key, &self.name, "last", last.number, &last.mac))
    }
}

impl ChainKey {
    fn tag_of(&self, purpose: Purpose, values: &[&[u8]]) -> [u8; 32] {
        match self {
            Self::Project(keys) => keys.tag_of(purpose, values),
            Self::Installation(key) => key.tag_of(purpose, values),
        }
    }
}

/// Writes an entry where there is a chain to write it to: what ends something has to happen also
/// where the key is not at hand, or the database takes no entry.
///
/// # Errors
/// When the transaction is lost.
pub async fn record_or_go_on(
    tx: &mut Tx,
    chain: Option<&AuditChain>,
    event: &Event<'_>,
) -> Result<(), Fault> {
    let recorded = match chain {
        Some(chain) => tx.apart(async |tx: &mut Tx| chain.record(tx, event).await).await,
        None => Err(Fault::Inconsistent("the key of the audit log is not at hand")),
    };
    if let Err(fault) = recorded {
        tx.go_on_unrecorded();
        let action = event.action;
        tracing::error!(action, error = error_chain(&fault), "this stands in no audit log");
    }
    Ok(())
}
