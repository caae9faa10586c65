//! What tests stand on: the real server on a free port with a database of its own, a simulated
//! provider, a clock that moves when told, clients by role, and a browser without JavaScript.
//!
//! Start with [`TestServer::start`].

/// The made-up code by which the product finds out whether a provider knows an app.
pub const CHECK_CODE: &str = "astralform-check";

mod agent;
mod browser;
mod document;
mod filled;
mod hostile;
mod html;
pub mod hunt;
pub mod marked;
mod node;
mod peer;
mod people;
mod ports;
mod receiver;
mod server;
mod setup;

pub use agent::{Agent, PNG, Reply, picture};
pub use browser::{Browser, Page, with_parameter};
pub use filled::{Filled, project_keys};
pub use hostile::HostileProvider;
pub use node::postgres_url;
pub use peer::{Peer, node, peers_folder};
pub use ports::free_address;
pub use receiver::{Received, Receiver};
pub use server::{TestServer, told};
pub use setup::Setup;
