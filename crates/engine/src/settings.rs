//! What settings of a project connector may be, and why they are not taken.

mod credentials;

use std::collections::BTreeSet;

use astralform_catalog::Connector;
use astralform_domain::{
    ConnectorSlug, Endpoints, Environment, Scope, ScopeSet, Stale, ToolName, limits,
};
use thiserror::Error;
use url::Url;

use crate::{Fault, Nearest, NotEnabled, Unusable, connectors::ForbiddenAddress};
pub use credentials::Credentials;
pub(crate) use credentials::{Entered, read_key};

/// Why settings of a project connector are not taken. Nothing has changed then.
#[derive(Debug, Error)]
pub enum SettingsError {
    /// The catalogue has none of that name.
    #[error(
        "the catalogue has no connector `{name}`{nearest}: GET /v1/connectors lists those it has"
    )]
    UnknownConnector {
        /// What was asked for.
        name: ConnectorSlug,
        /// What may have been meant.
        nearest: Nearest,
    },
    /// It is enabled already.
    #[error(
        "the connector is enabled in this environment already: change its settings with PATCH \
         /v1/projects/{{project}}/connectors/{{slug}}?environment=…"
    )]
    AlreadyEnabled,
    /// It is not enabled.
    #[error(transparent)]
    NotEnabled(#[from] NotEnabled),
    /// The simulator is for `test` alone.
    #[error("`sandbox` is true in the environment `live`; it can be true in `test` only")]
    SandboxInLive,
    /// There is none to talk to.
    #[error(
        "`sandbox` is true, but this server has no simulator: start it with --sandbox, or leave \
         `sandbox` out"
    )]
    NoSimulator,
    /// A sandboxed connector has the simulator's addresses.
    #[error("`sandbox` and `endpoints` exclude each other: leave one of them out")]
    SandboxWithEndpoints,
    /// An address cannot be used.
    #[error(
        "`endpoints.{0}` is none that can be called: it must be an http or https address of at most \
         {most} bytes, without user name, query or fragment",
        most = limits::ENDPOINT.value
    )]
    BadEndpoint(&'static str),
    /// The addresses do not go together with the catalogue's.
    #[error(
        "the connector's addresses cannot be put together of `endpoints`, its catalogue entry and \
         the parts of the key: each must be an address that can be called"
    )]
    BadAddresses,
    /// This server may not call one of them.
    #[error("{0}; nothing was changed")]
    Forbidden(#[from] ForbiddenAddress),
    /// A scope cannot stand in a request.
    #[error(
        "`scopes` has {0:?}, which is no scope: one has 1 to 255 printable ASCII characters, \
         without spaces, quotes or backslashes, and is an item of its own (RFC 6749 §3.3)"
    )]
    BadScope(String),
    /// There are too many scopes.
    #[error(
        "`scopes` takes {} scopes at most, which have {} bytes at most together: leave some out",
        limits::SCOPES.value,
        limits::SCOPES_WEIGHT.value
    )]
    TooManyScopes,
    /// The connector's credentials have no scopes.
    #[error("this connector takes API keys, which have no scopes: leave {0:?} out of `scopes`")]
    NoScopes(String),
    /// The connector has no such tool.
    #[error(
        "`tools` names `{name}`, which the connector `{connector}` does not have{nearest}: GET \
         /v1/connectors/{connector} lists its tools"
    )]
    UnknownTool {
        /// What was named.
        name: ToolName,
        /// The connector.
        connector: ConnectorSlug,
        /// What may have been meant.
        nearest: Nearest,
    },
    /// The list of tools is too long, or names one twice.
    #[error(
        "`tools` is a list of {given} tools; it takes {} at most, each of them once",
        limits::TOOLS.value
    )]
    BadTools {
        /// How many were named.
        given: usize,
    },
    /// A part of the credentials is missing, or cannot stand in a request.
    #[error(
        "`credentials.{0}` is missing, or is none that can be sent: it must have 1 to 4096 \
         characters, none of them a control character"
    )]
    BadCredential(String),
    /// The connector has no such credentials.
    #[error("`credentials.{name}` is not known to this connector: enter `{known}`")]
    UnknownCredential {
        /// What was entered.
        name: String,
        /// What can be.
        known: String,
    },
    /// No credential could ever pay for a call.
    #[error(
        "no credential is possible: enter the project's key as `credentials.api_key`, or set \
         `allow_end_user_auth` so that end users enter keys of their own"
    )]
    NothingPays,
    /// A key that cannot be verified is not stored.
    #[error(
        "the key in `credentials` could not be verified: {0}; nothing was changed, try again later"
    )]
    Unverified(String),
    /// A key that cannot be sent is not stored.
    #[error("the key in `credentials` could not be verified: {0}; nothing was changed")]
    NotSent(String),
    /// A change of where the app's secret goes takes the secret again.
    #[error(
        "`endpoints` or `sandbox` would send the credentials elsewhere, and nothing was changed: \
         enter `credentials` again in the same request"
    )]
    SecretRequired,
    /// Another change came between the provider's look at the credentials and their being stored.
    #[error(
        "another request has changed the connector while the provider was asked about these \
         `credentials`, and nothing was changed: look at its settings, and repeat the request"
    )]
    ChangedMeanwhile,
    /// It has another version than the change is meant for.
    #[error(transparent)]
    Stale(#[from] Stale),
    /// The provider says so.
    #[error(
        "the provider refuses these `credentials` ({0}), and nothing was changed: copy them once \
         more from the provider's console"
    )]
    CredentialsRejected(String),
    /// Connections would stop working.
    #[error(
        "connections that this makes unusable until their users connect again: {0}; nothing was \
         changed: to go ahead, repeat the request with `confirm_reconnects`: {0}"
    )]
    ConfirmationRequired(i64),
    /// Nothing proves that the addresses there are those that were entered.
    #[error(
        "`credentials` were entered for addresses that have changed since, and nothing was \
         changed: enter `endpoints` again, with the `credentials` that are to be sent there"
    )]
    EndpointsRequired,
    /// The connector cannot be used as it is.
    #[error(transparent)]
    Unusable(#[from] Unusable),
    /// Something is broken.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl SettingsError {
    /// Returns the refusal of an app's secret that comes without an app.
    pub(crate) fn no_client_id() -> Self {
        Self::BadCredential("client_id".to_owned())
    }
}

/// Refuses scopes that cannot be asked for at a connector.
pub(crate) fn check_scopes(scopes: &ScopeSet, of: &Connector) -> Result<(), SettingsError> {
    if scopes.exceeds_limits() {
        return Err(SettingsError::TooManyScopes);
    }
    match (&of.oauth, scopes.iter().next()) {
        (Some(oauth), _) => check_spelling(scopes, &oauth.scope_separator),
        (None, Some(scope)) => Err(SettingsError::NoScopes(scope.to_string())),
        (None, None) => Ok(()),
    }
}

fn check_spelling(scopes: &ScopeSet, separator: &str) -> Result<(), SettingsError> {
    match scopes.iter().find(|scope| !is_well_spelled(scope, separator)) {
        None => Ok(()),
        Some(scope) => Err(SettingsError::BadScope(scope.to_string())),
    }
}

/// Returns whether a scope is one of RFC 6749 §3.3: printable ASCII without space, quotes and
/// backslashes.
fn is_well_spelled(scope: &Scope, separator: &str) -> bool {
    let text = scope.as_str();
    (1..=255).contains(&text.len())
        && text.chars().all(|c| c.is_ascii_graphic() && !matches!(c, '"' | '\\'))
        && !text.contains(separator)
}

pub(crate) fn check_tools(tools: &[ToolName], of: &Connector) -> Result<(), SettingsError> {
    if !is_short_list(tools) {
        return Err(SettingsError::BadTools { given: tools.len() });
    }
    let Some(name) = tools.iter().find(|tool| of.tool(tool.as_str()).is_none()) else {
        return Ok(());
    };
    let names = of.tools.iter().map(|tool| tool.name.as_str());
    let nearest = Nearest::to(name.as_str(), names);
    Err(SettingsError::UnknownTool { name: name.clone(), connector: of.slug.clone(), nearest })
}

/// Returns whether a list of tools has no more than it may have, and none twice.
pub(crate) fn is_short_list(tools: &[ToolName]) -> bool {
    let once: BTreeSet<&ToolName> = tools.iter().collect();
    !limits::TOOLS.is_exceeded_by(tools.len()) && once.len() == tools.len()
}

pub(crate) fn check_endpoints(
    environment: Environment,
    endpoints: &Endpoints,
    sandbox: bool,
    has_simulator: bool,
) -> Result<(), SettingsError> {
    let named = [
        ("authorize_url", &endpoints.authorize_url),
        ("token_url", &endpoints.token_url),
        ("revoke_url", &endpoints.revoke_url),
        ("api_base_url", &endpoints.api_base_url),
    ];
    let bad = named.into_iter().find(|(_, url)| url.as_ref().is_some_and(|url| !is_plain(url)));
    if let Some((name, _)) = bad {
        return Err(SettingsError::BadEndpoint(name));
    }
    if !sandbox {
        return Ok(());
    }
    if environment != Environment::Test {
        Err(SettingsError::SandboxInLive)
    } else if !endpoints.is_empty() {
        Err(SettingsError::SandboxWithEndpoints)
    } else if !has_simulator {
        Err(SettingsError::NoSimulator)
    } else {
        Ok(())
    }
}

fn is_plain(address: &str) -> bool {
    !limits::ENDPOINT.is_exceeded_by(address.len())
        && Url::parse(address).is_ok_and(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.has_host()
                && url.username().is_empty()
                && url.password().is_none()
                && url.query().is_none()
                && url.fragment().is_none()
        })
}

#[cfg(test)]
mod tests;
