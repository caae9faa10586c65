//! Tool calls: validate → credential → plan (pure) → send → shape (pure).

mod attempt;
mod call;
mod list;
mod outcome;
mod prompt_user;
mod refused;

use std::sync::Arc;

use astralform_egress::Egress;

use crate::{
    auth_requests::Prompts, base::Base, cache::Cache, connections::Connections,
    connectors::Connectors, credentials::CredentialResolver, reach::Offers, refresh::InFlight,
    uses::Uses,
};

pub use call::{CallRefusal, ToolCall};
pub use list::{Availability, ListedTool, Outside};
pub use outcome::Outcome;

/// Calls tools, and lists them.
#[derive(Clone)]
pub struct Tools {
    base: Arc<Base>,
    egress: Egress,
    in_flight: Arc<InFlight>,
    uses: Arc<Uses>,
    cache: Arc<Cache>,
    credentials: Arc<CredentialResolver>,
    connections: Arc<Connections>,
    prompts: Arc<Prompts>,
    offers: Arc<Offers>,
    connectors: Arc<Connectors>,
}

impl Tools {
    pub(crate) fn new(
        egress: &Egress,
        in_flight: &Arc<InFlight>,
        uses: &Arc<Uses>,
        credentials: &Arc<CredentialResolver>,
        prompts: &Arc<Prompts>,
        offers: &Arc<Offers>,
    ) -> Self {
        Self {
            base: Arc::clone(&prompts.base),
            egress: egress.clone(),
            in_flight: Arc::clone(in_flight),
            uses: Arc::clone(uses),
            cache: Arc::clone(&prompts.cache),
            credentials: Arc::clone(credentials),
            connections: Arc::clone(&prompts.connections),
            prompts: Arc::clone(prompts),
            offers: Arc::clone(offers),
            connectors: Arc::clone(&prompts.connectors),
        }
    }
}
