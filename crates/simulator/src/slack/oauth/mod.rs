//! OAuth v2: the consent page, the decision, and the token endpoint.

pub(crate) mod access;
pub(crate) mod authorize;
mod client;
pub(crate) mod decision;
mod exchange;
mod refresh;
