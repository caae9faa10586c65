use astralform_domain::{ProjectConnectorId, ProjectId};
use url::Url;

/// The addresses of this server: links and redirect URIs are built from them, never from what a
/// request says.
#[derive(Clone, Debug)]
pub struct Site {
    public_url: Url,
    simulator: Option<Url>,
}

impl Site {
    /// Returns a site at `public_url`, with the simulator at `simulator` where one runs.
    pub fn new(public_url: Url, simulator: Option<Url>) -> Self {
        Self { public_url, simulator }
    }

    /// Returns where browsers and agents reach us.
    pub fn public_url(&self) -> &Url {
        &self.public_url
    }

    /// Returns where the simulator is, if one runs.
    pub fn simulator(&self) -> Option<&Url> {
        self.simulator.as_ref()
    }

    /// Returns whether browsers reach us by https. They keep `Secure` cookies otherwise only on
    /// loopback.
    pub fn is_encrypted(&self) -> bool {
        self.public_url.scheme() == "https"
    }

    /// Returns the address of one of our pages.
    pub fn address(&self, path: &str) -> String {
        format!("{}{path}", self.public_url.as_str().trim_end_matches('/'))
    }

    /// Returns where the logo of a project is served.
    pub fn logo_url(&self, project: ProjectId, digest: &str) -> String {
        self.address(&format!("/assets/logos/{project}/{digest}.png"))
    }

    /// Returns the redirect URI that connectors of the catalogue share.
    pub fn shared_redirect_uri(&self) -> String {
        self.address("/v1/connectors/oauth/callback")
    }

    /// Returns the redirect URI of one project connector alone.
    pub fn own_redirect_uri(&self, id: ProjectConnectorId) -> String {
        self.address(&format!("/v1/connectors/oauth/callback/{id}"))
    }
}
