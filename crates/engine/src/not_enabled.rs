use std::fmt;

use astralform_domain::{ConnectorSlug, Environment};
use thiserror::Error;

/// A connector that is not enabled where it was looked for.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "the connector `{connector}` is not enabled in the environment `{environment}`{elsewhere} with \
     POST /v1/projects/{{project}}/connectors"
)]
pub struct NotEnabled {
    connector: ConnectorSlug,
    environment: Environment,
    elsewhere: Elsewhere,
}

/// The other environment, where a connector is enabled there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Elsewhere(Option<Environment>);

impl NotEnabled {
    /// Returns the refusal of a connector in an environment, with the other one where it is
    /// enabled.
    pub(crate) fn new(
        connector: ConnectorSlug,
        environment: Environment,
        other: Option<Environment>,
    ) -> Self {
        Self { connector, environment, elsewhere: Elsewhere(other) }
    }

    /// Returns the other environment, where it is enabled there.
    pub(crate) const fn elsewhere(&self) -> Option<Environment> {
        self.elsewhere.0
    }
}

impl fmt::Display for Elsewhere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(other) => write!(
                f,
                ", but it is in `{other}`: use a key or `?environment=` of `{other}`, or enable it here"
            ),
            None => f.write_str(": enable it"),
        }
    }
}
