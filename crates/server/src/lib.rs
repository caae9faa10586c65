//! Everything that is served, put together: the API, the pages, and what every request meets.
//!
//! Start with [`router()`].

mod guard;
mod lines;
mod router;

pub use lines::CALLS;
pub use router::{openapi, router};
