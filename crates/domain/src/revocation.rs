use crate::{
    ConnectionId, ConnectorSlug, ProjectConnectorId, Tenant, Timestamp, text_enum::text_enum,
};

/// The receipt of an ended connection: what became of its tokens at the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// The connection that ended.
    pub connection: ConnectionId,
    /// The project and environment it belonged to.
    pub tenant: Tenant,
    /// The project connector it was made through.
    pub project_connector: ProjectConnectorId,
    /// The connector's name in the catalogue.
    pub connector: ConnectorSlug,
    /// What came of it.
    pub status: RevocationStatus,
    /// How often the provider was asked.
    pub attempts: i64,
    /// When the connection ended.
    pub requested_at: Timestamp,
    /// When the provider is asked next, while it is pending.
    pub next_attempt_at: Timestamp,
    /// Why it is not confirmed; holds no secret.
    pub last_error: Option<String>,
    /// When it was settled.
    pub finished_at: Option<Timestamp>,
}

text_enum! {
    /// What became of the tokens of an ended connection at the provider.
    RevocationStatus("revocation status") {
        /// The provider is still to be asked, or asked again.
        Pending = "pending",
        /// The provider says that they are dead.
        ProviderConfirmed = "provider_confirmed",
        /// The provider cannot be asked to end them; they are erased here.
        ProviderCannot = "provider_cannot",
        /// The provider has not confirmed it in seven days; they are erased here.
        GaveUp = "gave_up",
    }
}
