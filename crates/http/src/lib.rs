//! HTTP as it is on the wire, whatever is served over it: the accept loop, where a request comes
//! from, which host it names, rates, bodies and cookies.
//!
//! It knows no engine and no status of a problem; what it finds wrong is a value that the crates
//! above make problems of. Start with [`serve`].

pub mod body;
pub mod cookies;
mod detached;
mod hosts;
mod listen;
mod origin;
pub mod rate;
mod same_origin;

pub use detached::{detach, wanted};
pub use hosts::{AllowedHost, AllowedHosts, InvalidHost};
pub use listen::{Framing, Limits, Link, Peer, Yielding, serve, serve_then};
pub use origin::{CallerOrigin, Proxies};
pub use rate::Rate;
pub use same_origin::is_same_origin;
