use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// How many connections each peer has.
#[derive(Clone)]
pub(super) struct Peers {
    counts: Arc<Mutex<HashMap<IpAddr, usize>>>,
    most: usize,
}

/// One connection of a peer, counted until it is dropped.
pub(super) struct Seat {
    peers: Peers,
    peer: IpAddr,
}

impl Peers {
    pub(super) fn new(most: usize) -> Self {
        Self { counts: Arc::default(), most }
    }

    /// A seat for one more connection, unless the peer has as many as it may.
    pub(super) fn seat(&self, address: IpAddr) -> Option<Seat> {
        let peer = peer(address);
        let mut counts = self.lock();
        let count = counts.entry(peer).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        drop(counts);
        Some(Seat { peers: self.clone(), peer })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut counts = self.peers.lock();
        if let Some(count) = counts.get_mut(&self.peer) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.peer);
            }
        }
    }
}

/// A peer is an address; of IPv6, the /64 that one customer is given.
fn peer(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn x1_a_peer_has_so_many_seats_and_gets_them_back() {
        let peers = Peers::new(2);
        let seat = |address: &str| peers.seat(address.parse().unwrap());
        let (one, two) = (seat("2001:db8::1"), seat("2001:db8::2"));
        assert!(one.is_some() && two.is_some());
        assert!(seat("2001:db8::3").is_none(), "one customer");
        assert!(seat("2001:db8:0:1::1").is_some(), "another customer");
        drop(one);
        assert!(seat("2001:db8::3").is_some());
        drop(two);
        assert!(peers.lock().is_empty());
    }
}
