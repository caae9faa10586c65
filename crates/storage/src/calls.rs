//! The call log and what is counted of it, in a store of its own: a file beside a SQLite database, so
//! that its writes and those of everything else wait for nobody; tables of the same database on
//! PostgreSQL, a partition for each day.
//!
//! Nothing here refers to a row elsewhere. Copies leave it out.

mod days;
mod erase;
mod search;
mod store;
#[cfg(test)]
mod tests;
mod trim;
mod usage;
mod write;

pub use search::{CallFilter, CallPage, CallPart, InvalidPlace, ListedCall, Place};
pub use store::CallStore;
pub use trim::{Keep, USAGE_DAYS};
pub use usage::{Counted, UsageFilter, UsageKey, UsageRow};
