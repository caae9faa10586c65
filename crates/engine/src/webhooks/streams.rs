use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use astralform_domain::WebhookId;

/// How many deliveries this node makes to each webhook at a time: a slow one holds up only itself.
#[derive(Clone, Default)]
pub(crate) struct Streams(Arc<Mutex<HashMap<WebhookId, usize>>>);

/// The right to deliver to a webhook. It ends when this is dropped.
pub struct DeliveryTurn {
    pub(super) webhook: WebhookId,
    streams: Streams,
}

const MOST: usize = 8;

impl Streams {
    /// Takes as many turns at a webhook as are wanted and left.
    pub(super) fn turns(&self, webhook: WebhookId, wanted: usize) -> Vec<DeliveryTurn> {
        let mut counts = self.lock();
        let taken = counts.entry(webhook).or_default();
        let free = wanted.min(MOST.saturating_sub(*taken));
        *taken += free;
        (0..free).map(|_| DeliveryTurn { webhook, streams: self.clone() }).collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<WebhookId, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for DeliveryTurn {
    fn drop(&mut self) {
        let mut counts = self.streams.lock();
        if let Some(taken) = counts.get_mut(&self.webhook) {
            *taken -= 1;
            if *taken == 0 {
                counts.remove(&self.webhook);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_webhook_has_so_many_streams_and_gets_them_back() {
        let one = WebhookId::from_bytes([1; 16]);
        let other = WebhookId::from_bytes([2; 16]);
        let streams = Streams::default();
        let three = streams.turns(one, 3);
        assert_eq!(three.len(), 3);
        let rest = streams.turns(one, 100);
        assert_eq!(rest.len(), MOST - 3);
        assert!(streams.turns(one, 1).is_empty());
        assert_eq!(streams.turns(other, 1).len(), 1, "each has its own");
        drop((three, rest));
        assert!(streams.lock().is_empty());
    }
}
