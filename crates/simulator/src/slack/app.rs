use serde::{Deserialize, Serialize};
use url::Url;

use crate::apps::{self, InvalidApp, is_loopback};

/// A Slack app as its developer registered it; it has no `Debug` because it holds the secret.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlackApp {
    /// The public identifier.
    pub client_id: String,
    /// The secret that proves who exchanges a code.
    pub client_secret: String,
    /// The name on the consent page.
    #[serde(default = "SlackApp::default_name")]
    pub name: String,
    /// Where consent may return to, compared character by character; https, or http on loopback.
    pub redirect_uris: Vec<String>,
    /// Whether tokens expire after 12 hours and come with refresh tokens.
    #[serde(default)]
    pub token_rotation: bool,
    /// Whether the app is a public client that may use PKCE.
    #[serde(default)]
    pub pkce: bool,
}

/// What anyone may know about a registered app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RegisteredApp {
    /// The public identifier.
    pub client_id: String,
    /// Slack's own identifier of the app.
    pub app_id: String,
    /// The name on the consent page.
    pub name: String,
    /// The user a bot token acts as.
    pub bot_user_id: String,
    /// The bot behind that user.
    pub bot_id: String,
    /// Where consent may return to.
    pub redirect_uris: Vec<String>,
    /// Whether tokens expire and are refreshed.
    pub token_rotation: bool,
    /// Whether the app may use PKCE.
    pub pkce: bool,
}

/// A registered app with its secret.
pub(crate) struct Registration {
    pub(crate) public: RegisteredApp,
    pub(crate) client_secret: String,
}

// === impl SlackApp ===

impl SlackApp {
    /// Returns an app without rotation and PKCE, as most server-side apps are.
    pub fn new(
        client_id: impl Into<String>,
        client_secret: impl Into<String>,
        redirect_uri: impl Into<String>,
    ) -> Self {
        Self {
            client_id: client_id.into(),
            client_secret: client_secret.into(),
            name: Self::default_name(),
            redirect_uris: vec![redirect_uri.into()],
            token_rotation: false,
            pkce: false,
        }
    }

    pub(crate) fn check(&self) -> Result<(), InvalidApp> {
        apps::check(&self.client_id, &self.client_secret, &self.redirect_uris)
    }

    fn default_name() -> String {
        String::from("Astralform")
    }
}

// === impl RegisteredApp ===

impl RegisteredApp {
    /// Returns whether Slack takes a redirect URI for one of a program on the person's own device:
    /// apps with PKCE have such, on loopback.
    pub(crate) fn stays_on_device(&self, redirect_uri: &str) -> bool {
        self.pkce && Url::parse(redirect_uri).is_ok_and(|url| is_loopback(&url))
    }
}
