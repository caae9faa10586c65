use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    ConnectorSlug, HostSet, Patch, ProjectConnectorId, ScopeSet, Sealed, Tenant, Timestamp,
    ToolName,
};

/// A connector enabled in one project and environment, with its credentials and settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectConnector {
    /// Its id.
    pub id: ProjectConnectorId,
    /// The project and environment it belongs to.
    pub tenant: Tenant,
    /// The catalogue entry, and its name in addresses.
    pub connector: ConnectorSlug,
    /// Whether it can be used.
    pub state: ProjectConnectorState,
    /// Whether the end user must connect before its tools can be used.
    pub require_auth: bool,
    /// Whether end users may connect accounts of their own.
    pub allow_end_user_auth: bool,
    /// What to ask for instead of the connector's minimum.
    pub scopes: Option<ScopeSet>,
    /// The only tools offered, where not all are.
    pub tools: Option<Vec<ToolName>>,
    /// Base URLs that replace the catalogue's.
    pub endpoints: Endpoints,
    /// Whether it talks to the simulator; only in `test`.
    pub sandbox: bool,
    /// The developer's OAuth app at the provider.
    pub client: Option<OauthClient>,
    /// Where its secrets may be sent.
    pub hosts: HostSet,
    /// Counts the writes of its secrets.
    pub generation: i64,
    /// Counts the changes of its settings and credentials, and starts at 1.
    pub version: i64,
    /// When it was enabled.
    pub created_at: Timestamp,
}

/// Whether a project connector can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProjectConnectorState {
    /// It can.
    Enabled,
    /// Calls are refused, connections stay.
    Paused,
    /// Never again; it is kept until its tokens are revoked.
    Disabled {
        /// Since when.
        at: Timestamp,
    },
}

impl ProjectConnectorState {
    /// Returns the state of what is stored: whether it is switched on, and when it was disabled for
    /// good.
    pub fn of(is_enabled: bool, disabled_at: Option<Timestamp>) -> Self {
        match disabled_at {
            Some(at) => Self::Disabled { at },
            None if is_enabled => Self::Enabled,
            None => Self::Paused,
        }
    }

    /// Returns whether it can be used.
    pub fn is_enabled(self) -> bool {
        self == Self::Enabled
    }

    /// Returns the state after it is resumed or paused; `None` when it is disabled for good.
    pub fn switched(self, is_enabled: bool) -> Option<Self> {
        match self {
            Self::Enabled | Self::Paused => Some(Self::of(is_enabled, None)),
            Self::Disabled { .. } => None,
        }
    }
}

/// A developer's OAuth app at a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OauthClient {
    /// Its client id.
    pub id: String,
    /// Its client secret.
    pub secret: Sealed,
    /// What is shown of the secret.
    pub hint: String,
    /// When the secret was entered.
    pub set_at: Timestamp,
    /// The secret before this one, for providers that take both for a while.
    pub previous: Option<Retired>,
    /// Since when the provider refuses it, where it last did.
    pub rejected_at: Option<Timestamp>,
}

/// A client secret that was replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retired {
    /// The secret; its generation is the one before the project connector's.
    pub secret: Sealed,
    /// Until when it is tried.
    pub until: Timestamp,
}

impl Retired {
    /// How long a replaced secret is tried where the new one is refused.
    pub const LIFE: Duration = Duration::from_hours(7 * 24);
}

/// Addresses that replace the catalogue's: another installation of the same service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Endpoints {
    /// The authorization endpoint (RFC 6749 §3.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorize_url: Option<String>,
    /// The token endpoint (RFC 6749 §3.2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_url: Option<String>,
    /// The revocation endpoint (RFC 7009 §2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoke_url: Option<String>,
    /// What the tools' paths are joined to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_base_url: Option<String>,
}

impl ProjectConnector {
    /// Returns whether one of the connector's tools is offered.
    pub fn offers(&self, tool: &ToolName) -> bool {
        self.tools.as_ref().is_none_or(|offered| offered.contains(tool))
    }
}

impl Endpoints {
    /// Returns whether nothing is replaced.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Changes to the settings of a project connector. A field that is left out keeps its value, or has its
/// default where the connector is enabled.
#[derive(Clone, Debug, Default)]
pub struct SettingsPatch {
    /// `false` pauses it.
    pub is_enabled: Option<bool>,
    /// Whether end users must connect accounts of their own, where they may.
    pub require_auth: Option<bool>,
    /// Whether end users may connect accounts of their own.
    pub allow_end_user_auth: Option<bool>,
    /// What to ask for; `Clear` for the connector's minimum.
    pub scopes: Patch<ScopeSet>,
    /// The only tools offered; `Clear` for all.
    pub tools: Patch<Vec<ToolName>>,
    /// Addresses that replace the catalogue's, all of them.
    pub endpoints: Option<Endpoints>,
    /// Whether it talks to the simulator.
    pub sandbox: Option<bool>,
}

impl ProjectConnector {
    /// Returns the project connector with the settings of a patch. One that is disabled for good
    /// stays so.
    #[must_use]
    pub fn patched(self, patch: &SettingsPatch) -> Self {
        let switched = patch.is_enabled.and_then(|is_enabled| self.state.switched(is_enabled));
        Self {
            state: switched.unwrap_or(self.state),
            require_auth: patch.require_auth.unwrap_or(self.require_auth),
            allow_end_user_auth: patch.allow_end_user_auth.unwrap_or(self.allow_end_user_auth),
            scopes: patch.scopes.clone().applied_to(self.scopes),
            tools: patch.tools.clone().applied_to(self.tools),
            endpoints: patch.endpoints.clone().unwrap_or(self.endpoints),
            sandbox: patch.sandbox.unwrap_or(self.sandbox),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_disabled_for_good_is_neither_paused_nor_resumed() {
        let enabled = ProjectConnectorState::Enabled;
        let paused = ProjectConnectorState::Paused;
        let at = Timestamp::from_secs(1);
        let disabled = ProjectConnectorState::Disabled { at };
        for is_enabled in [true, false] {
            assert_eq!(ProjectConnectorState::of(is_enabled, Some(at)), disabled);
            assert_eq!(disabled.switched(is_enabled), None);
            let expected = if is_enabled { enabled } else { paused };
            assert_eq!(ProjectConnectorState::of(is_enabled, None), expected);
            for state in [enabled, paused] {
                assert_eq!(state.switched(is_enabled), Some(expected));
            }
        }
        assert!(enabled.is_enabled() && !paused.is_enabled() && !disabled.is_enabled());
    }
}
