//! Which peers may be connected at the same time, and which connection makes way when there is no
//! room.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::Notify, task::AbortHandle, time::timeout};

use super::{Limits, link::Link};
use crate::{
    origin::customer,
    rate::{RateMeter, now},
};

/// The connections that there are.
#[derive(Clone)]
pub(super) struct Seats(Arc<SeatsInner>);

struct SeatsInner {
    limits: Limits,
    taken: Mutex<Taken>,
    freed: Notify,
}

#[derive(Default)]
struct Taken {
    count: usize,
    /// How many were told to make way and have not done so yet.
    leaving: usize,
    last: u64,
    by_peer: HashMap<IpAddr, HashMap<u64, OpenConnection>>,
    /// How many connections each peer has opened lately.
    arrivals: HashMap<IpAddr, RateMeter>,
}

struct OpenConnection {
    link: Arc<Link>,
    connection: Option<AbortHandle>,
    is_leaving: bool,
}

/// One connection's seat, until it is dropped.
pub(super) struct ConnectionSeat {
    seats: Seats,
    peer: IpAddr,
    number: u64,
    pub(super) link: Arc<Link>,
}

enum SeatSearch {
    Seat(ConnectionSeat),
    /// There is none yet.
    Wait,
    /// The peer has as many as it may, and uses them all.
    None,
}

/// How often those who wait for a seat look for a connection that has become idle.
const LOOK: Duration = Duration::from_millis(20);
/// How many peers' arrivals are remembered.
const MOST_PEERS: usize = 20_000;

impl Seats {
    pub(super) fn new(limits: Limits) -> Self {
        Self(Arc::new(SeatsInner { limits, taken: Mutex::default(), freed: Notify::new() }))
    }

    /// Returns a seat for one more connection, or `None` where its peer may have no more. The
    /// connection that has been idle for the longest time makes way for it.
    pub(super) async fn take(&self, address: IpAddr) -> Option<ConnectionSeat> {
        let peer = customer(address);
        let is_bounded = !self.0.limits.proxies.contain(address);
        if is_bounded && !self.lock().lets_in(peer, &self.0.limits) {
            return None;
        }
        loop {
            match self.look(peer, is_bounded) {
                SeatSearch::Seat(seat) => return Some(seat),
                SeatSearch::None => return None,
                SeatSearch::Wait => {
                    let _ = timeout(LOOK, self.0.freed.notified()).await;
                }
            }
        }
    }

    fn look(&self, peer: IpAddr, is_bounded: bool) -> SeatSearch {
        let limits = &self.0.limits;
        let mut taken = self.lock();
        if is_bounded && taken.held_by(peer) >= limits.per_peer && !taken.make_way(Some(peer)) {
            return SeatSearch::None;
        }
        if taken.count >= limits.connections {
            if taken.leaving == 0 {
                taken.make_way(None);
            }
            return SeatSearch::Wait;
        }
        let link = Arc::<Link>::default();
        let number = taken.last + 1;
        taken.last = number;
        taken.count += 1;
        let held = OpenConnection { link: Arc::clone(&link), connection: None, is_leaving: false };
        taken.by_peer.entry(peer).or_default().insert(number, held);
        SeatSearch::Seat(ConnectionSeat { seats: self.clone(), peer, number, link })
    }

    /// Names the task that serves the connection of a seat, which is ended when it makes way.
    pub(super) fn serves(&self, (peer, number): (IpAddr, u64), task: AbortHandle) {
        let mut taken = self.lock();
        if let Some(held) = taken.by_peer.get_mut(&peer).and_then(|held| held.get_mut(&number)) {
            held.connection = Some(task);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.0.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    /// Returns whether a peer may open one more connection now.
    fn lets_in(&mut self, peer: IpAddr, limits: &Limits) -> bool {
        let Some(rate) = limits.arrivals else { return true };
        let now = now();
        if self.arrivals.len() >= MOST_PEERS {
            self.arrivals.retain(|_, meter| !meter.is_full(now));
            if self.arrivals.len() >= MOST_PEERS {
                self.arrivals.clear();
            }
        }
        self.arrivals.entry(peer).or_default().take(rate, now, Duration::ZERO).is_ok()
    }

    fn held_by(&self, peer: IpAddr) -> usize {
        self.by_peer
            .get(&peer)
            .map_or(0, |held| held.values().filter(|one| !one.is_leaving).count())
    }

    /// Ends the connection that has been idle for the longest time, of a peer or of all. Returns
    /// whether there was one.
    fn make_way(&mut self, of: Option<IpAddr>) -> bool {
        let all = self.by_peer.iter_mut().filter(|(peer, _)| of.is_none_or(|of| of == **peer));
        let idle = all.flat_map(|(_, held)| held.values_mut()).filter_map(|held| {
            let since = held.link.idle_since().filter(|_| !held.is_leaving)?;
            held.connection.is_some().then_some((since, held))
        });
        let Some((_, held)) = idle.min_by_key(|(since, _)| *since) else { return false };
        held.is_leaving = true;
        held.connection.iter().for_each(AbortHandle::abort);
        self.leaving += 1;
        true
    }
}

impl ConnectionSeat {
    /// Returns what the seat is known by.
    pub(super) fn name(&self) -> (IpAddr, u64) {
        (self.peer, self.number)
    }
}

impl Drop for ConnectionSeat {
    fn drop(&mut self) {
        let mut taken = self.seats.lock();
        let Some(of_peer) = taken.by_peer.get_mut(&self.peer) else { return };
        let held = of_peer.remove(&self.number);
        if of_peer.is_empty() {
            taken.by_peer.remove(&self.peer);
        }
        taken.count -= 1;
        taken.leaving -= usize::from(held.is_some_and(|held| held.is_leaving));
        drop(taken);
        self.seats.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rate::Rate;

    fn seats(limits: Limits) -> Seats {
        Seats::new(limits)
    }

    async fn take(seats: &Seats, address: &str) -> Option<ConnectionSeat> {
        seats.take(address.parse().unwrap()).await.inspect(|seat| seat.link.begin())
    }

    #[tokio::test]
    async fn x1_a_peer_has_so_many_seats_and_gets_them_back() {
        let seats = seats(Limits { per_peer: 2, ..Limits::default() });
        let one = take(&seats, "2001:db8::1").await;
        let two = take(&seats, "2001:db8::2").await;
        assert!(one.is_some() && two.is_some());
        assert!(take(&seats, "2001:db8::3").await.is_none(), "one customer");
        assert!(take(&seats, "2001:db8:0:1::1").await.is_some(), "another customer");
        drop(one);
        assert!(take(&seats, "2001:db8::3").await.is_some());
        drop(two);
        assert!(seats.lock().by_peer.is_empty());
    }

    #[tokio::test]
    async fn x1_a_trusted_proxy_is_bounded_only_with_all_others() {
        let proxies = ["10.0.0.0/8".parse().unwrap()].into_iter().collect();
        let arrivals = Some(Rate::new(1, 1));
        let limits = Limits { per_peer: 1, arrivals, proxies, ..Limits::default() };
        let seats = seats(limits);
        let mut of_proxy = Vec::new();
        for _ in 0..50 {
            of_proxy.push(take(&seats, "10.1.1.1").await.expect("a seat"));
        }
        assert!(take(&seats, "192.0.2.1").await.is_some());
        assert!(take(&seats, "192.0.2.1").await.is_none(), "somebody who opens too many a second");
    }
}
