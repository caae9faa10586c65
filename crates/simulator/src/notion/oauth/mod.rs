//! OAuth: the consent page, the decision, and the token endpoints.

pub(crate) mod authorize;
mod client;
pub(crate) mod decision;
pub(crate) mod ending;
pub(crate) mod token;
