use std::collections::BTreeSet;

/// What an app asked a person for on the authorize page.
#[derive(Clone)]
pub(crate) struct Asked {
    pub(crate) client_id: String,
    pub(crate) redirect_uri: String,
    /// Whether the app named the redirect URI itself, and therefore has to repeat it.
    pub(crate) redirect_uri_sent: bool,
    pub(crate) state: Option<String>,
}

/// What a person agreed to.
pub(crate) struct Agreed {
    pub(crate) asked: Asked,
    pub(crate) person: String,
    /// The pages and data sources that were chosen; what is below them comes with them.
    pub(crate) shared: BTreeSet<String>,
}
