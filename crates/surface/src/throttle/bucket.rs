use std::sync::{Arc, atomic::AtomicU64};

use astralform_domain::limits;
use astralform_http::rate::{Moment, RateMeter};
use tokio::sync::Semaphore;

use crate::bodies::Bodies;

/// What one address, end user, member, credential or project has taken lately.
pub(crate) struct Bucket {
    /// Of the rate that it is bounded by.
    pub(super) meter: RateMeter,
    /// Free places among those that are served at the same time.
    pub(super) places: Arc<Semaphore>,
    pub(super) use_of_node: NodeUsage,
    bodies: Bodies,
}

/// What one credential or project uses of the node, in nanoseconds of work.
#[derive(Default)]
pub(super) struct NodeUsage {
    /// Of its share.
    pub(super) meter: RateMeter,
    /// What was used since the last look.
    pub(super) used: AtomicU64,
    /// The look at which it was last among those that use the node.
    pub(super) seen: AtomicU64,
    /// What one of its requests costs, roughly.
    pub(super) average: AtomicU64,
}

impl Default for Bucket {
    fn default() -> Self {
        Self {
            meter: RateMeter::default(),
            places: Arc::new(Semaphore::new(limits::AT_ONCE.count())),
            use_of_node: NodeUsage::default(),
            bodies: Bodies::default(),
        }
    }
}

impl Bucket {
    /// Returns whether it says no more than a fresh one would.
    pub(super) fn is_full(&self, now: Moment) -> bool {
        self.meter.is_full(now) && self.use_of_node.meter.is_full(now)
    }
}

impl AsRef<Bodies> for Bucket {
    fn as_ref(&self) -> &Bodies {
        &self.bodies
    }
}
