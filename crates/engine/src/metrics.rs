//! What is counted, for the operator who watches the server.
//!
//! A label is a connector of the catalogue or a word of ours, never an end user, a project or a
//! secret; every value that a label can take is there from the start. What is counted for every
//! tool call is found beforehand: a call costs one look-up and three atomic additions.

mod durations;
mod order;

use std::{collections::HashMap, sync::Arc, time::Duration};

use astralform_catalog::Catalog;
use astralform_domain::{
    AuthStatus, ConnectorSlug, DeliveryOutcome, FailureKind, Outbox, RefreshOutcome,
    RevocationStatus,
};
use prometheus_client::{
    encoding::text,
    metrics::{counter::Counter, family::Family, gauge::Gauge, info::Info},
    registry::{Registry, Unit},
};
use tokio::time::Instant;

use durations::Durations;

/// Everything that is counted.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    calls: Words<2>,
    calls_took: Family<Labels<1>, Durations>,
    /// By the name of the tool; those of one connector share theirs.
    tools: HashMap<String, Calls>,
    refreshes: Words<2>,
    refreshing: Gauge,
    refresh_took: Durations,
    auth_requests: Words<1>,
    revocations: Words<2>,
    deliveries: Words<1>,
    outboxes: Family<Labels<1>, Gauge>,
    database_up: Gauge,
    database_failures: Counter,
    integrity_failures: Counter,
    call_lines_dropped: Counter,
}

type Labels<const N: usize> = [(&'static str, String); N];
type Words<const N: usize> = Family<Labels<N>, Counter>;

/// The calls of one connector's tools.
#[derive(Clone)]
struct Calls {
    completed: Counter,
    auth_required: Counter,
    refused: Counter,
    broken: Counter,
    /// By their kind, in its order.
    failed: Vec<Counter>,
    took: Durations,
}

/// How a tool call ended, as it is counted.
#[derive(Clone, Copy, Debug)]
pub(crate) enum CallEnd {
    Completed,
    AuthRequired,
    /// It went wrong at the provider, or on the way there.
    Failed(FailureKind),
    /// It was not accepted.
    Refused,
    /// Something of ours is broken.
    Broken,
}

/// A refresh under way: it is one until this is dropped.
pub struct Refreshing {
    in_flight: Gauge,
    took: Durations,
    began: Instant,
}

impl Metrics {
    pub(crate) fn new(catalog: &Catalog) -> Self {
        let new = Self {
            registry: Arc::default(),
            calls: Family::default(),
            calls_took: Family::default(),
            tools: HashMap::new(),
            refreshes: Family::default(),
            refreshing: Gauge::default(),
            refresh_took: Durations::default(),
            auth_requests: Family::default(),
            revocations: Family::default(),
            deliveries: Family::default(),
            outboxes: Family::default(),
            database_up: Gauge::default(),
            database_failures: Counter::default(),
            integrity_failures: Counter::default(),
            call_lines_dropped: Counter::default(),
        };
        for status in AuthStatus::ALL {
            new.auth_requests.get_or_create_owned(&one("status", status.as_str()));
        }
        for outcome in DeliveryOutcome::ALL {
            new.deliveries.get_or_create_owned(&one("outcome", outcome.as_str()));
        }
        for outbox in Outbox::ALL {
            new.outboxes.get_or_create_owned(&one("outbox", outbox.as_str()));
        }
        new.registered().with_catalog(catalog)
    }

    /// Returns the counters, with those of the connectors of a catalogue.
    pub(crate) fn with_catalog(&self, catalog: &Catalog) -> Self {
        for connector in catalog.connectors() {
            let slug = connector.slug.as_str();
            for outcome in RefreshOutcome::ALL {
                self.refreshes.get_or_create_owned(&ended(slug, outcome.as_str()));
            }
            for outcome in RevocationStatus::ALL {
                self.revocations.get_or_create_owned(&ended(slug, outcome.as_str()));
            }
        }
        let tools = catalog.connectors().flat_map(|connector| {
            let calls = self.calls_of(connector.slug.as_str());
            connector.tools.iter().map(move |tool| (tool.name.to_string(), calls.clone()))
        });
        Self { tools: tools.collect(), ..self.clone() }
    }

    fn calls_of(&self, slug: &str) -> Calls {
        let counter = |outcome| self.calls.get_or_create_owned(&ended(slug, outcome));
        Calls {
            completed: counter("completed"),
            auth_required: counter("auth_required"),
            refused: counter("refused"),
            broken: counter("broken"),
            failed: FailureKind::ALL.iter().map(|kind| counter(kind.as_str())).collect(),
            took: self.calls_took.get_or_create_owned(&one("connector", slug)),
        }
    }

    fn registered(self) -> Self {
        let mut registry = Registry::with_prefix("astralform");
        let all = &mut registry;
        let version = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        all.register("build", "The version of the program", version);
        all.register("tool_calls", "Tool calls, by how they ended", self.calls.clone());
        let about = "How long tool calls took, the provider's share included";
        let took = self.calls_took.clone();
        all.register_with_unit("tool_call_duration", about, Unit::Seconds, took);
        all.register("refreshes", "Token refreshes, by how they ended", self.refreshes.clone());
        all.register("refreshes_in_flight", "Token refreshes under way", self.refreshing.clone());
        let about = "How long token refreshes took";
        all.register_with_unit("refresh_duration", about, Unit::Seconds, self.refresh_took.clone());
        let about = "Auth requests, by the status they came to";
        all.register("auth_requests", about, self.auth_requests.clone());
        let about = "Attempts to revoke tokens at their providers, by how they ended";
        all.register("revocations", about, self.revocations.clone());
        let about = "Attempts to deliver webhooks, by how they ended";
        all.register("webhook_deliveries", about, self.deliveries.clone());
        let about = "What is kept in the database until it is done";
        all.register("outbox_depth", about, self.outboxes.clone());
        let about = "Whether the database answered when it was last asked";
        all.register("database_up", about, self.database_up.clone());
        let about = "How often the database did not answer when it was asked for news";
        all.register("database_failures", about, self.database_failures.clone());
        let about = "Requests that met a stored secret that does not open";
        all.register("integrity_failures", about, self.integrity_failures.clone());
        let about = "Lines of the call log that found no room";
        all.register("call_lines_dropped", about, self.call_lines_dropped.clone());
        Self { registry: Arc::new(registry), ..self }
    }

    /// Returns everything in the `OpenMetrics` text format, always in the same order.
    pub fn exposition(&self) -> String {
        let mut text = String::with_capacity(32 * 1024);
        text::encode(&mut text, &self.registry).expect("a String takes everything");
        order::in_order(&text)
    }

    /// Counts a call of a tool. A tool that is not in the catalogue is not counted.
    pub(crate) fn called(&self, name: &str, ended: CallEnd, took: Duration) {
        let Some(calls) = self.tools.get(name) else { return };
        calls.took.observe(took);
        let counter = match ended {
            CallEnd::Completed => &calls.completed,
            CallEnd::AuthRequired => &calls.auth_required,
            CallEnd::Failed(kind) => &calls.failed[kind as usize],
            CallEnd::Refused => &calls.refused,
            CallEnd::Broken => &calls.broken,
        };
        counter.inc();
    }

    /// Counts a refresh as under way.
    pub fn refreshing(&self) -> Refreshing {
        self.refreshing.inc();
        let took = self.refresh_took.clone();
        Refreshing { in_flight: self.refreshing.clone(), took, began: Instant::now() }
    }

    /// Counts a refresh that ended.
    pub fn refreshed(&self, connector: &ConnectorSlug, outcome: RefreshOutcome) {
        self.refreshes.get_or_create(&ended(connector.as_str(), outcome.as_str())).inc();
    }

    /// Counts so many auth requests that came to a status.
    pub fn auth_requests(&self, status: AuthStatus, number: u64) {
        self.auth_requests.get_or_create(&one("status", status.as_str())).inc_by(number);
    }

    /// Counts an attempt to revoke at a provider, by how it ended.
    pub fn revoked(&self, connector: &ConnectorSlug, outcome: RevocationStatus) {
        self.revocations.get_or_create(&ended(connector.as_str(), outcome.as_str())).inc();
    }

    /// Counts an attempt to deliver a webhook.
    pub fn delivered(&self, outcome: DeliveryOutcome) {
        self.deliveries.get_or_create(&one("outcome", outcome.as_str())).inc();
    }

    /// Sets how much is left to do.
    pub fn left(&self, outbox: Outbox, number: i64) {
        self.outboxes.get_or_create(&one("outbox", outbox.as_str())).set(number);
    }

    /// Counts a request that met a stored secret that does not open.
    pub fn integrity_failed(&self) {
        self.integrity_failures.inc();
    }

    /// Returns what counts lines of the call log that find no room.
    pub(crate) fn call_lines_dropped(&self) -> Counter {
        self.call_lines_dropped.clone()
    }

    /// Sets whether the database answered.
    pub fn database(&self, answered: bool) {
        self.database_up.set(answered.into());
        if !answered {
            self.database_failures.inc();
        }
    }
}

impl Drop for Refreshing {
    fn drop(&mut self) {
        self.in_flight.dec();
        self.took.observe(self.began.elapsed());
    }
}

fn one(name: &'static str, word: &str) -> Labels<1> {
    [(name, word.to_owned())]
}

fn ended(connector: &str, outcome: &str) -> Labels<2> {
    [("connector", connector.to_owned()), ("outcome", outcome.to_owned())]
}

#[cfg(test)]
mod tests;
