use std::collections::BTreeSet;

use astralform_catalog::Connector;
use astralform_domain::{Endpoints, Environment, Scope, ScopeSet, ToolName, limits};
use thiserror::Error;
use url::Url;

use crate::{Fault, Unusable, egress::Forbidden};

/// Why settings of a project connector are not taken. Nothing has changed then.
#[derive(Debug, Error)]
pub enum SettingsError {
    /// The catalogue has none of that name.
    #[error("the catalogue has no connector of that name")]
    UnknownConnector,
    /// It is enabled already.
    #[error("the connector is enabled in this environment already; change its settings instead")]
    AlreadyEnabled,
    /// It is not enabled.
    #[error("the connector is not enabled in this environment")]
    NotEnabled,
    /// The simulator is for `test` alone.
    #[error("`sandbox` is for the environment `test` only")]
    SandboxInLive,
    /// There is none to talk to.
    #[error("no simulator runs here; start the server with --sandbox")]
    NoSimulator,
    /// A sandboxed connector has the simulator's addresses.
    #[error("`sandbox` and `endpoints` exclude each other")]
    SandboxWithEndpoints,
    /// An address cannot be used.
    #[error(
        "`endpoints.{0}` must be an http or https address of at most {most} bytes, without user \
         name, query or fragment",
        most = limits::ENDPOINT.value
    )]
    BadEndpoint(&'static str),
    /// The addresses do not go together with the catalogue's.
    #[error("the connector's addresses cannot be put together")]
    BadAddresses,
    /// This server may not call one of them.
    #[error("{0}: {1}; nothing was changed")]
    Forbidden(String, Forbidden),
    /// A scope cannot stand in a request.
    #[error("{0:?} is not a scope (RFC 6749 §3.3)")]
    BadScope(String),
    /// There are too many scopes.
    #[error(
        "at most {} scopes can be asked for, with {} bytes together; leave some out",
        limits::SCOPES.value,
        limits::SCOPES_WEIGHT.value
    )]
    TooManyScopes,
    /// The connector's credentials have no scopes.
    #[error("this connector takes API keys, which have no scopes; leave {0:?} out")]
    NoScopes(String),
    /// The connector has no such tool.
    #[error("the connector has no tool `{0}`")]
    UnknownTool(ToolName),
    /// The list of tools is too long, or names one twice.
    #[error("`tools` has at most {} tools, each of them once", limits::TOOLS.value)]
    BadTools,
    /// A part of the credentials is missing, or cannot stand in a request.
    #[error("`credentials.{0}` must have 1 to 4096 characters, none of them a control character")]
    BadCredential(String),
    /// The connector has no such credentials.
    #[error("`credentials.{name}` is not known to this connector; it takes `{known}`")]
    UnknownCredential {
        /// What was entered.
        name: String,
        /// What can be.
        known: String,
    },
    /// Nobody could ever pay for a call.
    #[error(
        "no credential is possible: enter the project's key as `credentials.api_key`, or set \
         `allow_end_user_auth` so that end users enter keys of their own"
    )]
    NothingPays,
    /// A key that cannot be verified is not stored.
    #[error("the key could not be verified: {0}; nothing was changed, try again later")]
    Unverified(String),
    /// A key that cannot be sent is not stored.
    #[error("the key could not be verified: {0}; nothing was changed")]
    NotSent(String),
    /// Where the app's secret goes is changed by whoever knows the secret.
    #[error("enter `credentials` again to change where they are sent")]
    SecretRequired,
    /// The provider says so.
    #[error("the provider refuses these credentials ({0}); nothing was changed")]
    CredentialsRejected(String),
    /// Connections would stop working.
    #[error(
        "this makes {0} connections unusable until their users connect again; to go ahead, repeat \
         the request with `confirm_reconnects`: {0}"
    )]
    ConfirmationRequired(i64),
    /// Nothing proves that the addresses there are those that somebody entered.
    #[error("enter `endpoints` again, with the credentials that are to be sent there")]
    EndpointsRequired,
    /// The connector cannot be used as it is.
    #[error(transparent)]
    Unusable(#[from] Unusable),
    /// Something is broken.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// What can be asked for at a connector.
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

/// RFC 6749 §3.3: printable ASCII without space, quotes and backslashes.
fn check_spelling(scopes: &ScopeSet, separator: &str) -> Result<(), SettingsError> {
    let sound = |scope: &Scope| {
        let text = scope.as_str();
        let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '\\');
        (1..=255).contains(&text.len()) && text.chars().all(plain) && !text.contains(separator)
    };
    match scopes.iter().find(|scope| !sound(scope)) {
        None => Ok(()),
        Some(scope) => Err(SettingsError::BadScope(scope.to_string())),
    }
}

pub(super) fn check_tools(tools: &[ToolName], of: &Connector) -> Result<(), SettingsError> {
    if !is_short_list(tools) {
        return Err(SettingsError::BadTools);
    }
    let unknown = tools.iter().find(|tool| of.tool(tool.as_str()).is_none());
    unknown.map_or(Ok(()), |tool| Err(SettingsError::UnknownTool(tool.clone())))
}

/// Returns whether a list of tools has no more than it may have, and none twice.
pub(crate) fn is_short_list(tools: &[ToolName]) -> bool {
    let once: BTreeSet<&ToolName> = tools.iter().collect();
    !limits::TOOLS.is_exceeded_by(tools.len()) && once.len() == tools.len()
}

pub(super) fn check_place(
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
