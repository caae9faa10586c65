//! That this process lives, and what is its own because another has ended.

use astralform_domain::Actor;
use std::sync::{Arc, atomic::AtomicBool, atomic::Ordering};

use astralform_storage::nodes::{self, HeartbeatReport, Node};

use crate::{Fault, base::Base};

/// This process among those that share the database.
#[derive(Clone)]
pub struct Presence {
    base: Arc<Base>,
    node: Arc<str>,
    process: Arc<str>,
    has_met_another_catalog: Arc<AtomicBool>,
}

impl Presence {
    pub(crate) fn new(
        base: &Arc<Base>,
        node: &Arc<str>,
        process: &Arc<str>,
        has_met_another_catalog: &Arc<AtomicBool>,
    ) -> Self {
        Self {
            base: Arc::clone(base),
            node: Arc::clone(node),
            process: Arc::clone(process),
            has_met_another_catalog: Arc::clone(has_met_another_catalog),
        }
    }

    fn as_node(&self) -> Node<'_> {
        Node { name: &self.node, process: &self.process, catalog: self.base.fingerprint.as_str() }
    }

    /// Says that this process lives, and takes over what earlier ones of its name left. To be called
    /// every second, from before it refreshes anything until it refreshes nothing any more.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn beat(&self) -> Result<(), Fault> {
        let mut tx = self.base.begin(Actor::Product).await?;
        let found = nodes::beat(&mut tx, self.as_node()).await?;
        tx.commit().await?;
        self.note_other_catalog(found.differs_from.as_deref());
        let HeartbeatReport { taken_over, was_set_back, .. } = found;
        if taken_over > 0 {
            tracing::warn!(
                refreshes = taken_over,
                "refreshes were under way when an earlier process of this node ended"
            );
        }
        if was_set_back {
            tracing::warn!("a clock was set back: what waits is tried again now");
        }
        Ok(())
    }

    /// Begins to live, and says so where another process of the same name does.
    pub(super) async fn begin_to_live(&self) -> Result<(), Fault> {
        let mut tx = self.base.begin(Actor::Product).await?;
        if self.base.db.is_for_one() {
            nodes::outlive(&mut tx, self.as_node()).await?;
        }
        let found = nodes::beat(&mut tx, self.as_node()).await?;
        tx.commit().await?;
        self.note_other_catalog(found.differs_from.as_deref());
        if found.taken_over > 0 {
            let refreshes = found.taken_over;
            tracing::warn!(refreshes, "refreshes were under way when this node ended");
        }
        if found.namesakes > 0 {
            tracing::warn!(
                node = &*self.node,
                "another process of this name has said that it lives within the last ten seconds; \
                 what it refreshes is left to it. If it is not one that has just ended or is about \
                 to, give each node a name of its own (`--node`)"
            );
        }
        Ok(())
    }

    /// Says once that another node serves other connectors, and once that none does any more.
    fn note_other_catalog(&self, other: Option<&str>) {
        let had_met = self.has_met_another_catalog.swap(other.is_some(), Ordering::Relaxed);
        match other {
            Some(other_node) if !had_met => tracing::warn!(
                node = &*self.node,
                other_node,
                catalog = self.base.fingerprint,
                "another node serves other connectors: a call may be answered otherwise by one than \
                 by the other until all have the same version and the same connector folders"
            ),
            None if had_met => tracing::info!("all nodes serve the same connectors again"),
            _ => {}
        }
    }

    /// Says that this process ends: what it leaves is the next one's at once.
    ///
    /// # Errors
    /// When the database does not answer; then it is so after ten seconds.
    pub async fn leave(&self) -> Result<(), Fault> {
        let mut tx = self.base.begin(Actor::Product).await?;
        nodes::leave(&mut tx, self.as_node()).await?;
        Ok(tx.commit().await?)
    }
}
