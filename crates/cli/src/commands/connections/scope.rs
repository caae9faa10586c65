use std::time::Duration;

use anyhow::Context as _;
use astralform_domain::{Clock, Environment, Timestamp};
use clap::Args;
use serde_json::{Map, Value};

use crate::management::{Management, NamedProject};

/// Which connections are meant; each that is named has to fit.
#[derive(Args)]
pub(super) struct ConnectionFlags {
    #[command(flatten)]
    project: NamedProject,
    /// live or test [default: both]
    #[arg(long, value_name = "ENVIRONMENT")]
    environment: Option<Environment>,
    /// Only those of this connector
    #[arg(long, value_name = "SLUG")]
    connector: Option<String>,
    /// Only those of this end user, by your own id of them
    #[arg(long, value_name = "ID")]
    end_user: Option<String>,
    /// Only those used since then: a time as 2026-07-28T09:30:00Z, or 90m, 24h, 7d ago. For
    /// receipts: of connections that ended since then
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
}

impl ConnectionFlags {
    /// Returns the environments that are meant.
    pub(super) fn environments(&self) -> Vec<&'static str> {
        let named = self.environment.map(|environment| vec![environment.as_str()]);
        named.unwrap_or_else(|| vec![Environment::Live.as_str(), Environment::Test.as_str()])
    }

    /// Returns whether it narrows down which connections are meant.
    pub(super) fn narrows(&self) -> bool {
        self.connector.is_some() || self.end_user.is_some() || self.since.is_some()
    }

    /// Returns where the project is managed.
    pub(super) async fn project(&self, server: &Management) -> anyhow::Result<String> {
        self.project.path(server).await
    }

    /// Returns the query of a list of connections.
    pub(super) fn query(&self, environment: &str) -> anyhow::Result<Vec<(&'static str, String)>> {
        let mut query = self.common(environment);
        query.extend(self.end_user.iter().map(|id| ("end_user_id", id.clone())));
        query.extend(self.moment()?.map(|since| ("used_since", since.to_string())));
        Ok(query)
    }

    /// Returns the query of a list of receipts.
    pub(super) fn receipt_query(
        &self,
        environment: &str,
    ) -> anyhow::Result<Vec<(&'static str, String)>> {
        let not_by_user = "receipts are not listed by end user: leave --end-user out";
        anyhow::ensure!(self.end_user.is_none(), not_by_user);
        let mut query = self.common(environment);
        query.extend(self.moment()?.map(|since| ("requested_since", since.to_string())));
        Ok(query)
    }

    fn common(&self, environment: &str) -> Vec<(&'static str, String)> {
        let connector = self.connector.iter().map(|slug| ("connector", slug.clone()));
        std::iter::once(("environment", environment.to_owned())).chain(connector).collect()
    }

    /// Returns the body of a request to revoke many connections.
    pub(super) fn selection(&self) -> anyhow::Result<Map<String, Value>> {
        let mut selection = Map::new();
        if let Some(slug) = &self.connector {
            selection.insert("connector".to_owned(), slug.as_str().into());
        }
        if let Some(id) = &self.end_user {
            selection.insert("end_user_id".to_owned(), id.as_str().into());
        }
        if let Some(since) = self.moment()? {
            selection.insert("used_since".to_owned(), since.to_string().into());
        }
        if selection.is_empty() {
            selection.insert("all".to_owned(), true.into());
        }
        Ok(selection)
    }

    fn moment(&self) -> anyhow::Result<Option<Timestamp>> {
        self.since.as_deref().map(|text| moment(text, Clock::system().now())).transpose()
    }
}

/// Returns a time, or how long ago it was.
fn moment(text: &str, now: Timestamp) -> anyhow::Result<Timestamp> {
    let ago = [("m", 60), ("h", 3_600), ("d", 86_400)].into_iter().find_map(|(unit, seconds)| {
        let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
        Some(Duration::from_secs(number.checked_mul(seconds)?))
    });
    match ago {
        Some(ago) => Ok(now.before(ago)),
        None => text.parse().with_context(|| {
            format!("`{text}` is no time; one is 2026-07-28T09:30:00Z, another 24h")
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_moment_or_how_long_ago_it_was() {
        let now = Timestamp::from_secs(1_000_000);
        for (text, expected) in [
            ("90m", 1_000_000 - 5_400),
            ("24h", 1_000_000 - 86_400),
            ("7d", 1_000_000 - 7 * 86_400),
            ("1970-01-01T00:00:09Z", 9),
        ] {
            assert_eq!(moment(text, now).unwrap(), Timestamp::from_secs(expected), "{text}");
        }
        for text in ["", "h", "-1h", "soon", "99999999999999999999d"] {
            assert!(moment(text, now).is_err(), "{text}");
        }
    }
}
