//! Where refreshes go, so that those of one provider never stand in the way of another's.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use astralform_catalog::destination;
use astralform_domain::ProjectConnectorId;

use crate::connectors::Ready;

/// The most refreshes to one host that one process has under way without a caller that waits for
/// them. Those of callers come besides.
pub(super) const SEATS: usize = 100;

/// Which host each project connector asks, and what goes there.
#[derive(Default)]
pub(crate) struct Hosts {
    known: Mutex<Known>,
    seats: Arc<Mutex<HashMap<String, usize>>>,
}

#[derive(Default)]
struct Known {
    hosts: HashMap<ProjectConnectorId, String>,
    /// Those that the log names already because they cannot be used.
    unusable: HashSet<ProjectConnectorId>,
    /// The project connector whose turn was the last one.
    last: Option<ProjectConnectorId>,
}

/// A place among the refreshes to a host. It ends with this.
pub(super) struct Seat {
    host: String,
    seats: Arc<Mutex<HashMap<String, usize>>>,
}

impl Hosts {
    /// Returns the host that a project connector asks, as far as it is known.
    pub(super) fn of(&self, at: ProjectConnectorId) -> Option<String> {
        lock(&self.known).hosts.get(&at).cloned()
    }

    /// Notes that a project connector can be used, and which host it asks.
    pub(super) fn learn(&self, at: ProjectConnectorId, host: &str) {
        let mut known = lock(&self.known);
        known.unusable.remove(&at);
        if known.hosts.get(&at).is_none_or(|before| before != host) {
            known.hosts.insert(at, host.to_owned());
        }
    }

    /// Notes that a project connector cannot be used; says whether that is news.
    pub(super) fn finds_unusable(&self, at: ProjectConnectorId) -> bool {
        let mut known = lock(&self.known);
        known.hosts.remove(&at);
        known.unusable.insert(at)
    }

    /// Puts those first that come after the one whose turn was the last one.
    pub(super) fn in_turn<T>(
        &self,
        mut all: Vec<T>,
        of: impl Fn(&T) -> ProjectConnectorId,
    ) -> Vec<T> {
        let last = lock(&self.known).last;
        let after = all.iter().position(|one| last.is_none_or(|last| of(one) > last));
        all.rotate_left(after.unwrap_or(0));
        all
    }

    /// Notes whose turn it was.
    pub(super) fn had_turn(&self, at: ProjectConnectorId) {
        lock(&self.known).last = Some(at);
    }

    /// Returns how many seats a host has left.
    pub(super) fn left(&self, host: &str) -> usize {
        SEATS.saturating_sub(lock(&self.seats).get(host).copied().unwrap_or(0))
    }

    /// Takes a seat, whether one is left or not.
    pub(super) fn seat(&self, host: &str) -> Seat {
        *lock(&self.seats).entry(host.to_owned()).or_default() += 1;
        Seat { host: host.to_owned(), seats: Arc::clone(&self.seats) }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut seats = lock(&self.seats);
        if let Some(taken) = seats.get_mut(&self.host) {
            *taken -= 1;
            if *taken == 0 {
                seats.remove(&self.host);
            }
        }
    }
}

/// Returns the host that refreshes of a project connector go to.
pub(super) fn host_of(ready: &Ready) -> String {
    let token = ready.addresses.oauth.as_ref().map(|oauth| &oauth.token);
    token.map(destination).unwrap_or_default()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(number: u8) -> ProjectConnectorId {
        ProjectConnectorId::from_bytes([number; 16])
    }

    /// F9.
    #[test]
    fn r8_a_host_has_so_many_seats_and_no_other_hosts_ones() {
        let hosts = Hosts::default();
        let taken: Vec<_> = (0..SEATS).map(|_| hosts.seat("hangs")).collect();
        assert_eq!((hosts.left("hangs"), hosts.left("healthy")), (0, SEATS));
        drop(taken);
        assert_eq!(hosts.left("hangs"), SEATS);
        assert!(lock(&hosts.seats).is_empty());
    }

    /// F9.
    #[test]
    fn r8_project_connectors_take_turns() {
        let hosts = Hosts::default();
        let order = || hosts.in_turn(vec![at(1), at(2), at(3)], |at| *at);
        assert_eq!(order(), [at(1), at(2), at(3)]);
        hosts.had_turn(at(1));
        assert_eq!(order(), [at(2), at(3), at(1)]);
        hosts.had_turn(at(3));
        assert_eq!(order(), [at(1), at(2), at(3)]);
    }

    /// F9: the log does not say so every second.
    #[test]
    fn r8_that_a_connector_cannot_be_used_is_news_once() {
        let hosts = Hosts::default();
        assert!(hosts.finds_unusable(at(1)) && !hosts.finds_unusable(at(1)));
        hosts.learn(at(1), "host");
        assert_eq!(hosts.of(at(1)).as_deref(), Some("host"));
        assert!(hosts.finds_unusable(at(1)));
        assert_eq!(hosts.of(at(1)), None);
    }
}
