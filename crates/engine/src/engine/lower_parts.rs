use std::sync::Arc;

use super::state::State;
use crate::{
    auth_requests::Prompts,
    authentication::Authentication,
    base::Base,
    cache::Cache,
    connections::Connections,
    connectors::{Connectors, Sandbox},
    credentials::CredentialResolver,
    explain::Explain,
    key_checks::KeyChecks,
    reach::Offers,
    refresh::{Claims, Refresh, RefreshExchange},
    revocations::{Discards, RevocationRequests, Revocations},
    row_tags::RowTags,
    sessions::Sessions,
};

/// The lower parts of the engine, which the upper ones stand on.
pub(super) struct LowerParts {
    pub(super) row_tags: Arc<RowTags>,
    pub(super) connectors: Arc<Connectors>,
    pub(super) cache: Arc<Cache>,
    pub(super) connections: Arc<Connections>,
    pub(super) revocations: Arc<Revocations>,
    pub(super) discards: Arc<Discards>,
    pub(super) refresh: Arc<Refresh>,
    pub(super) credentials: Arc<CredentialResolver>,
    pub(super) authentication: Arc<Authentication>,
    pub(super) offers: Arc<Offers>,
    pub(super) explain: Arc<Explain>,
    pub(super) sessions: Arc<Sessions>,
    pub(super) sandbox: Arc<Sandbox>,
    pub(super) key_checks: Arc<KeyChecks>,
    pub(super) prompts: Arc<Prompts>,
}

impl LowerParts {
    /// Puts the lower parts together, each over those below it.
    pub(super) fn over(base: &Arc<Base>, state: &State) -> Self {
        let State { egress, site, .. } = state;
        let row_tags = Arc::new(RowTags::new(base));
        let connectors = Arc::new(Connectors::new(base, egress, site));
        let cache = Arc::new(Cache::new(base, &row_tags, &connectors));
        let connections = Arc::new(Connections::new(base));
        let requests = Arc::new(RevocationRequests::new(base, egress, &connectors, &connections));
        let revocations = Arc::new(Revocations::new(base, &connectors, &requests));
        let discards = Arc::new(Discards::new(&revocations, &connections));
        let refresh = refresh(base, state, &connectors, &connections, &discards);
        let authentication = Arc::new(Authentication::new(base, &row_tags, &cache, &state.uses));
        let offers = Arc::new(Offers::new(base, &cache));
        Self {
            credentials: Arc::new(CredentialResolver::new(base, &refresh, &connections)),
            sessions: Arc::new(Sessions::new(base, &offers, &row_tags, &authentication)),
            sandbox: Arc::new(Sandbox::new(egress, site, &connectors)),
            explain: Arc::new(Explain::new(&row_tags, &connectors, &cache, &offers, base)),
            key_checks: Arc::new(KeyChecks::new(base, egress)),
            prompts: Arc::new(Prompts::new(base, site, &state.prompts, &cache, &connections)),
            row_tags,
            connectors,
            cache,
            connections,
            revocations,
            discards,
            refresh,
            authentication,
            offers,
        }
    }
}

fn refresh(
    base: &Arc<Base>,
    state: &State,
    connectors: &Arc<Connectors>,
    connections: &Arc<Connections>,
    discards: &Arc<Discards>,
) -> Arc<Refresh> {
    let State { egress, process, spool, in_flight, hosts, detached, .. } = state;
    let claims = Arc::new(Claims::new(base, process, connections));
    let exchange =
        Arc::new(RefreshExchange::new(egress, process, spool, discards, &claims, connectors));
    Arc::new(Refresh::new(in_flight, hosts, detached, &exchange))
}
