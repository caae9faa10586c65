//! The only way out: every request to another machine goes through here.
//!
//! An address is resolved, checked and dialled in one place (`dial`), so that what was checked
//! is what is connected to. Connections are kept for the next request to the same place (`pool`).
//! There are no redirects, no proxies and no cookies; a request is sent again only when a kept
//! connection turned out to be closed before any of it was written.

mod address;
mod ahead;
mod answer;
mod answer_body;
mod charset;
mod coding;
mod dial;
mod error;
mod exchange;
mod explain;
mod forbidden;
mod logged;
mod open;
mod outgoing;
mod pool;
mod repair;
mod retry_after;
mod scrub;
mod send;
mod trust;

#[cfg(test)]
mod tests;

pub use address::Networks;
pub use answer::Answer;
pub use answer_body::AnswerBody;
pub use error::EgressError;
pub use forbidden::Forbidden;
pub use open::{StreamAllowance, StreamedAnswer};
pub use outgoing::Outgoing;
pub use retry_after::retry_after;
pub use scrub::{REDACTED, Secrets};
pub use send::{Allowance, Egress, Reach};
pub use trust::{ExtraRoots, RootsError, Untrusted};
