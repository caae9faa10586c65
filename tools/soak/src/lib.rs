//! What has to hold for credentials under load, faults and kills, and the proof that it does.
//!
//! The product runs as its users run it, in processes of its own that can be killed; the provider,
//! the callers and the book of what was acknowledged are here, and outlive it. Every scenario is a
//! function that takes a [`Stage`] and parameters and gives a [`Report`]. The program runs them
//! large (`.ci/soak`), tests run them small. Not part of the product.

mod client;
mod disk;
mod fill;
mod installation;
mod load;
mod manner;
mod neighbour;
mod postgres;
mod progress;
mod proxy;
mod report;
mod seeded;
mod watch;
mod world;
mod writes;

pub mod database;
pub mod disable;
pub mod faults;
pub mod half_open;
pub mod hanging;
pub mod herd;
pub mod incident;
pub mod kills;
pub mod refused;
pub mod rolling;
pub mod rotation;
pub mod stopped;
pub mod successor;

pub use installation::Database;
pub use manner::Manner;
pub use postgres::Postgres;
pub use progress::note;
pub use report::Report;
pub use world::Stage;

/// Whatever kept a scenario from running to its end.
pub type Error = Box<dyn std::error::Error + Send + Sync>;
type Result<T> = std::result::Result<T, Error>;
