use serde::{Deserialize, Serialize};

use crate::{InvalidApp, apps};

/// What a public connection may do, as its developer set it in the developer portal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Capability {
    /// Read content.
    ReadContent,
    /// Insert content.
    InsertContent,
    /// Read who people are.
    ReadUsers,
    /// Read people's e-mail addresses, too.
    ReadUserEmails,
}

/// A public connection as its developer registered it; it has no `Debug` because it holds the
/// secret.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotionApp {
    /// The public identifier.
    pub client_id: String,
    /// The secret that proves who exchanges a code.
    pub client_secret: String,
    /// The name on the consent page.
    #[serde(default = "NotionApp::default_name")]
    pub name: String,
    /// Where consent may return to, compared character by character; https, or http on loopback.
    pub redirect_uris: Vec<String>,
    /// What it may do; everything when left out.
    #[serde(default = "NotionApp::all_capabilities")]
    pub capabilities: Vec<Capability>,
    /// Whether tokens come with a refresh token.
    #[serde(default = "NotionApp::by_default")]
    pub refresh_tokens: bool,
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
    /// What it may do.
    pub capabilities: Vec<Capability>,
    /// Whether tokens come with a refresh token.
    pub refresh_tokens: bool,
}

/// A registered app with its secret.
pub(crate) struct Registration {
    pub(crate) public: RegisteredApp,
    pub(crate) client_secret: String,
}

// === impl NotionApp ===

impl NotionApp {
    /// Returns an app with every capability and refresh tokens.
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
            capabilities: Self::all_capabilities(),
            refresh_tokens: true,
        }
    }

    pub(crate) fn checked(self) -> Result<Registration, InvalidApp> {
        apps::check(&self.client_id, &self.client_secret, &self.redirect_uris)?;
        let Self { client_id, client_secret, name, redirect_uris, capabilities, refresh_tokens } =
            self;
        let public = RegisteredApp { client_id, name, redirect_uris, capabilities, refresh_tokens };
        Ok(Registration { public, client_secret })
    }

    fn default_name() -> String {
        String::from("Astralform")
    }

    fn all_capabilities() -> Vec<Capability> {
        use Capability::{InsertContent, ReadContent, ReadUserEmails, ReadUsers};
        vec![ReadContent, InsertContent, ReadUsers, ReadUserEmails]
    }

    fn by_default() -> bool {
        true
    }
}

// === impl RegisteredApp ===

impl RegisteredApp {
    pub(crate) fn can(&self, capability: Capability) -> bool {
        self.capabilities.contains(&capability)
    }
}
