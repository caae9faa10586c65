//! What is wrong with a project connector, or will be, as far as it can be told: purely.

mod words;

use std::time::Duration;

use astralform_catalog::Connector;
use astralform_domain::{
    Environment, EnvironmentSettings, ProjectConnector, ScopeSet, Timestamp, ToolName,
    VerifyEndUser,
};
use astralform_storage::auth_requests::Returns;
use url::{Host, Url};

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It works now, and should be looked at.
    Warning,
    /// Something does not work.
    Error,
}

/// Something that is wrong with a project connector, or will be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The project is frozen.
    Frozen,
    /// The connector is paused.
    Paused,
    /// No end user can be confirmed, because no return URL is registered.
    NoReturnUrl,
    /// In `live`, nobody makes sure that the end user who finishes is the one who was asked.
    EndUsersNotVerified,
    /// Browsers cannot come back from the provider to this address of ours.
    PublicUrlNotPublic(String),
    /// Our clock, or the provider's, is off by so much.
    ClockOff(Duration),
    /// Tools that are offered need scopes that are not asked for.
    ScopesNotAsked {
        /// The scopes.
        scopes: ScopeSet,
        /// The tools.
        tools: Vec<ToolName>,
    },
    /// Scopes are asked for that no tool that is offered needs.
    ScopesNotNeeded(ScopeSet),
    /// Tokens end, and came without anything to refresh them with.
    NoRefreshToken,
    /// The client secret was entered then, a long time ago.
    OldCredentials(Timestamp),
    /// Of the last prompts that went to the provider, none came back.
    NeverReturned {
        /// How many.
        prompts: usize,
        /// What has to be registered at the provider.
        redirect_uri: String,
    },
}

/// What findings are made of.
pub(super) struct Facts<'a> {
    pub(super) settings: &'a ProjectConnector,
    pub(super) connector: &'a Connector,
    pub(super) requested_scopes: &'a ScopeSet,
    pub(super) environment: &'a EnvironmentSettings,
    pub(super) is_frozen: bool,
    pub(super) public_url: &'a Url,
    pub(super) redirect_uri: &'a str,
    pub(super) returns: Returns,
    pub(super) lacks_refresh_token: bool,
    pub(super) now: Timestamp,
    pub(super) provider_time: Option<Timestamp>,
}

/// How far two clocks may be apart: tokens and signatures are good for minutes.
const CLOCKS_APART: Duration = Duration::from_mins(1);

/// When a client secret has been in use for long enough to be replaced.
const OLD: Duration = Duration::from_hours(180 * 24);

/// How many prompts have to be lost before the redirect URI is suspected: one may be a person who
/// thought better of it.
const SUSPICIOUS: usize = 2;

/// Returns what is wrong, in the order in which it is best mended.
pub(super) fn findings(facts: &Facts<'_>) -> Vec<Finding> {
    let state =
        [(facts.is_frozen, Finding::Frozen), (!facts.settings.state.is_enabled(), Finding::Paused)];
    let mut found: Vec<_> =
        state.into_iter().filter(|(is_so, _)| *is_so).map(|(_, finding)| finding).collect();
    found.extend(of_clocks(facts));
    found.extend(of_end_users(facts));
    found.extend(of_returning(facts));
    found.extend(of_scopes(facts));
    found.extend(facts.lacks_refresh_token.then_some(Finding::NoRefreshToken));
    let entered = facts.settings.client.as_ref().map(|client| client.set_at);
    let old = entered.filter(|at| at.after(OLD) <= facts.now && !facts.settings.sandbox);
    found.extend(old.map(Finding::OldCredentials));
    found
}

fn of_clocks(facts: &Facts<'_>) -> Option<Finding> {
    let theirs = facts.provider_time.filter(|_| !facts.settings.sandbox)?;
    let apart = facts.now.until(theirs).max(theirs.until(facts.now));
    (apart > CLOCKS_APART).then_some(Finding::ClockOff(apart))
}

fn of_end_users(facts: &Facts<'_>) -> Option<Finding> {
    if !facts.settings.allow_end_user_auth {
        return None;
    }
    let is_live = facts.settings.tenant.environment == Environment::Live;
    match facts.environment.verify_end_user {
        VerifyEndUser::Confirm if facts.environment.return_urls.is_empty() => {
            Some(Finding::NoReturnUrl)
        }
        VerifyEndUser::Off if is_live => Some(Finding::EndUsersNotVerified),
        VerifyEndUser::Confirm | VerifyEndUser::Off => None,
    }
}

fn of_returning(facts: &Facts<'_>) -> Vec<Finding> {
    if facts.connector.oauth.is_none() {
        return Vec::new();
    }
    let redirect_uri = facts.redirect_uri.to_owned();
    let mut found = Vec::new();
    let is_live = facts.settings.tenant.environment == Environment::Live;
    if is_live && is_local(facts.public_url) {
        found.push(Finding::PublicUrlNotPublic(redirect_uri.clone()));
    }
    let Returns { never, came_back } = facts.returns;
    if came_back == 0 && never >= SUSPICIOUS {
        found.push(Finding::NeverReturned { prompts: never, redirect_uri });
    }
    found
}

/// Returns whether only this machine, or its network, reaches an address.
fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback() || address.is_private(),
        Some(Host::Ipv6(address)) => address.is_loopback() || address.is_unique_local(),
        None => true,
    }
}

fn of_scopes(facts: &Facts<'_>) -> Vec<Finding> {
    let Facts { settings, connector, requested_scopes, .. } = facts;
    let offered = connector.tools.iter().filter(|tool| settings.offers(&tool.name));
    let mut missing = ScopeSet::default();
    let mut tools = Vec::new();
    let mut useful = connector.default_scopes();
    for tool in offered {
        let (_, needed) = connector.token_for(tool, requested_scopes);
        let lacks = needed.missing_from(requested_scopes);
        useful = useful.union(&tool.scopes);
        for other in &tool.alternatives {
            useful = useful.union(&other.scopes);
        }
        if !lacks.is_empty() {
            missing = missing.union(&lacks);
            tools.push(tool.name.clone());
        }
    }
    let mut found = Vec::new();
    if !missing.is_empty() {
        found.push(Finding::ScopesNotAsked { scopes: missing, tools });
    }
    let asked = settings.scopes.as_ref();
    let idle = asked.map(|asked| asked.missing_from(&useful)).filter(|idle| !idle.is_empty());
    found.extend(idle.map(Finding::ScopesNotNeeded));
    found
}

impl Severity {
    /// Returns the word it travels as.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl Finding {
    /// Returns the word it travels as.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Frozen => "frozen",
            Self::Paused => "connector_paused",
            Self::NoReturnUrl => "no_return_url",
            Self::EndUsersNotVerified => "end_users_not_verified",
            Self::PublicUrlNotPublic(_) => "public_url_not_public",
            Self::ClockOff(_) => "clock_off",
            Self::ScopesNotAsked { .. } => "scopes_not_asked",
            Self::ScopesNotNeeded(_) => "scopes_not_needed",
            Self::NoRefreshToken => "no_refresh_token",
            Self::OldCredentials(_) => "old_credentials",
            Self::NeverReturned { .. } => "redirect_never_returned",
        }
    }

    /// Returns how much it weighs.
    pub const fn severity(&self) -> Severity {
        match self {
            Self::Frozen
            | Self::Paused
            | Self::NoReturnUrl
            | Self::PublicUrlNotPublic(_)
            | Self::ClockOff(_)
            | Self::NeverReturned { .. } => Severity::Error,
            Self::EndUsersNotVerified
            | Self::ScopesNotAsked { .. }
            | Self::ScopesNotNeeded(_)
            | Self::NoRefreshToken
            | Self::OldCredentials(_) => Severity::Warning,
        }
    }

    /// Returns whether something does not work.
    pub fn is_error(&self) -> bool {
        self.severity() == Severity::Error
    }
}

#[cfg(test)]
mod tests;
