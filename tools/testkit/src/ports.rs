use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::atomic::{AtomicU16, Ordering},
};

/// The ports below those that systems hand out by themselves (Linux: from 32,768).
const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;

/// Returns an address of loopback that nobody listens at, for a program that is told its address
/// before it starts. Each is returned once, and none is one that a connection or a listener of
/// another test could be given meanwhile.
///
/// # Panics
/// If all of them are taken.
pub fn free_address() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = u16::try_from(std::process::id() % u32::from(COUNT)).unwrap_or(0);
    (0..COUNT)
        .map(|_| {
            let next = NEXT.fetch_add(1, Ordering::Relaxed) % COUNT;
            SocketAddr::from((Ipv4Addr::LOCALHOST, FIRST + (start + next) % COUNT))
        })
        .find(|address| TcpListener::bind(address).is_ok())
        .expect("a free port")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_free_and_returned_once() {
        let first = free_address();
        let _held = TcpListener::bind(first).unwrap();
        let second = free_address();
        assert_ne!(first, second);
        assert!((FIRST..FIRST + COUNT).contains(&second.port()));
        TcpListener::bind(second).unwrap();
    }
}
