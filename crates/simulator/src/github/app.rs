use serde::{Deserialize, Serialize};

use crate::apps::{self, InvalidApp};

/// An OAuth app as its developer registered it; it has no `Debug` because it holds the secret.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GithubApp {
    /// The public identifier.
    pub client_id: String,
    /// The secret that proves who exchanges a code.
    pub client_secret: String,
    /// The name on the consent page.
    #[serde(default = "GithubApp::default_name")]
    pub name: String,
    /// Where consent may return to, compared character by character; the first is the default.
    pub redirect_uris: Vec<String>,
    /// Whether tokens expire after 8 hours and come with refresh tokens.
    #[serde(default)]
    pub expiring_tokens: bool,
}

/// What anyone may know about a registered app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RegisteredApp {
    /// The public identifier.
    pub client_id: String,
    /// The name on the consent page.
    pub name: String,
    /// Where consent may return to.
    pub redirect_uris: Vec<String>,
    /// Whether tokens expire and are refreshed.
    pub expiring_tokens: bool,
}

/// A registered app with its secret.
pub(crate) struct Registration {
    pub(crate) public: RegisteredApp,
    pub(crate) client_secret: String,
}

// === impl GithubApp ===

impl GithubApp {
    /// Returns an app whose tokens do not expire, as most are.
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
            expiring_tokens: false,
        }
    }

    pub(crate) fn check(&self) -> Result<(), InvalidApp> {
        apps::check(&self.client_id, &self.client_secret, &self.redirect_uris)
    }

    fn default_name() -> String {
        String::from("Astralform")
    }
}
