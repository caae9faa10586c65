//! The consent page, the decision, and the token endpoint.

pub(crate) mod access;
pub(crate) mod authorize;
pub(crate) mod decision;

pub(crate) use access::refused;

/// Who is signed in, as the browser remembers it.
const SESSION: &str = "simulated_github_login";
