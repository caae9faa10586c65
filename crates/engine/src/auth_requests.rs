//! Prompts to end users, from the question to the connection.
//!
//! `open` → the end user clicks ([`begin`]) → the provider sends the browser back
//! ([`finish`]), or the end user enters a key on our page ([`enter_key`]) → where the environment
//! wants it, the developer's backend confirms who finished ([`confirm`]). What is not finished ends
//! by itself ([`Janitor`](crate::janitor::Janitor)).

mod attempts;
pub(crate) mod begin;
mod close;
mod confirm;
mod enter_key;
mod finish;
mod link;
mod open;
mod request;
mod unconfirmed;
mod view;
mod wait;
mod wanted;

use std::sync::Arc;

use astralform_egress::Egress;

use crate::{
    Site,
    base::Base,
    cache::Cache,
    connections::Connections,
    connectors::{Connectors, Sandbox},
    revocations::Discards,
    row_tags::RowTags,
};
use attempts::OpenPrompts;
use wait::{AuthRequestChanges, Waiters};

pub use begin::{BeginError, Started};
pub(crate) use confirm::Confirmations;
pub use confirm::{ConfirmError, Confirmation};
pub use enter_key::EnterKeyError;
pub(crate) use enter_key::KeyEntry;
pub use finish::{Callback, FinishError};
pub(crate) use open::{OpenPromptError, Question, Wishes};
pub(crate) use request::AuthRequests;
pub use view::{Consent, Prompt};
pub use wait::Patience;
pub use wanted::{UndeclaredScope, WantedAccount, WantedError, WantedPrompt};

/// What this process knows of open auth requests, besides what is stored.
#[derive(Default)]
pub(crate) struct PromptState {
    changes: AuthRequestChanges,
    waiters: Waiters,
    open_prompts: OpenPrompts,
}

/// Auth requests: opened, shown, waited for and ended.
#[derive(Clone)]
pub struct Prompts {
    pub(crate) base: Arc<Base>,
    pub(crate) site: Arc<Site>,
    pub(crate) state: Arc<PromptState>,
    pub(crate) cache: Arc<Cache>,
    pub(crate) connections: Arc<Connections>,
    pub(crate) row_tags: Arc<RowTags>,
    pub(crate) connectors: Arc<Connectors>,
}

impl Prompts {
    pub(crate) fn new(
        base: &Arc<Base>,
        site: &Arc<Site>,
        state: &Arc<PromptState>,
        cache: &Arc<Cache>,
        connections: &Arc<Connections>,
    ) -> Self {
        Self {
            base: Arc::clone(base),
            site: Arc::clone(site),
            state: Arc::clone(state),
            cache: Arc::clone(cache),
            connections: Arc::clone(connections),
            row_tags: Arc::clone(&cache.row_tags),
            connectors: Arc::clone(&cache.connectors),
        }
    }
}

/// The flow of one consent: to the provider and back.
#[derive(Clone)]
pub struct Consents {
    base: Arc<Base>,
    egress: Egress,
    prompts: Arc<Prompts>,
    discards: Arc<Discards>,
    connections: Arc<Connections>,
    connectors: Arc<Connectors>,
    row_tags: Arc<RowTags>,
    cache: Arc<Cache>,
    sandbox: Arc<Sandbox>,
}

impl Consents {
    pub(crate) fn new(
        egress: &Egress,
        prompts: &Arc<Prompts>,
        discards: &Arc<Discards>,
        sandbox: &Arc<Sandbox>,
    ) -> Self {
        Self {
            base: Arc::clone(&prompts.base),
            egress: egress.clone(),
            prompts: Arc::clone(prompts),
            discards: Arc::clone(discards),
            connections: Arc::clone(&prompts.connections),
            connectors: Arc::clone(&prompts.connectors),
            row_tags: Arc::clone(&prompts.row_tags),
            cache: Arc::clone(&prompts.cache),
            sandbox: Arc::clone(sandbox),
        }
    }
}
