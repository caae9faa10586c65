use std::time::{Duration, Instant};

use astralform_domain::{
    Actor, AgentId, ApiKeyId, CallId, CallLine, CallOutcome, CallTimes, Clock, ConnectionId,
    EndUserId, Entropy, Environment, ProjectId, RequestId, Tenant, Timestamp,
};
use astralform_storage::calls::{CallFilter, CallPart, CallStore};

use crate::{Result, note};

/// Over how many days the lines of a long log are.
const DAYS: u64 = 90;
/// How many lines are written at once.
const BATCH: usize = 4_000;

/// Lines of calls, each of another end user, tool and agent than the one before.
pub(crate) struct Lines {
    clock: Clock,
    entropy: Entropy,
    at: Timestamp,
    number: u64,
    pub(crate) tenant: Tenant,
    agents: Vec<AgentId>,
    key: ApiKeyId,
    connections: Vec<ConnectionId>,
}

impl Lines {
    pub(crate) fn new(at: Timestamp) -> Self {
        let clock = Clock::manual(at);
        let entropy = Entropy::seeded(16);
        let project = ProjectId::new(&clock, &entropy);
        Self {
            tenant: Tenant { project, environment: Environment::Live },
            agents: (0..10).map(|_| AgentId::new(&clock, &entropy)).collect(),
            key: ApiKeyId::new(&clock, &entropy),
            connections: (0..1_000).map(|_| ConnectionId::new(&clock, &entropy)).collect(),
            clock,
            entropy,
            at,
            number: 0,
        }
    }

    pub(crate) fn set_time(&mut self, at: Timestamp) {
        self.clock.advance(self.at.until(at));
        self.at = at;
    }

    pub(crate) fn agent(&self, number: usize) -> AgentId {
        self.agents[number % self.agents.len()]
    }

    pub(crate) fn connection(&self, number: usize) -> ConnectionId {
        self.connections[number % self.connections.len()]
    }

    /// Returns an end user of the log.
    pub(crate) fn end_user(number: u64) -> EndUserId {
        let id = format!("usr_{}", number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32 & 0x3_0D3F);
        id.parse().expect("an id")
    }

    /// Returns the next line.
    pub(crate) fn next(&mut self) -> CallLine {
        self.number += 1;
        let number = self.number;
        let place = usize::try_from(number).unwrap_or_default();
        let (outcome, reason) = match number % 1_000 {
            0 => (CallOutcome::Failed, Some("provider_unavailable".into())),
            1..=9 => (CallOutcome::Refused, Some("invalid_arguments".into())),
            10..=29 => (CallOutcome::AuthRequired, Some("not_connected".into())),
            _ => (CallOutcome::Completed, None),
        };
        let service = ["notes", "mail", "files", "tasks"][place % 4];
        CallLine {
            id: CallId::new(&self.clock, &self.entropy),
            tenant: self.tenant,
            at: self.at,
            took: Duration::from_micros(90_000 + number % 70_000),
            request: Some(RequestId::new(&self.clock, &self.entropy)),
            connector: service.parse().ok(),
            tool: format!("{service}_tool_{}", number % 5),
            agent: self.agent(place),
            end_user: Some(Self::end_user(number)),
            by: Actor::ApiKey(self.key),
            connection: Some(self.connection(place)),
            outcome,
            reason,
            status: Some(200),
            attempts: 1,
            times: CallTimes {
                authenticate: Duration::from_micros(60),
                credential: Duration::from_micros(9),
                plan: Duration::from_micros(12),
                provider: Duration::from_micros(89_000 + number % 70_000),
                first_byte: Some(Duration::from_millis(88)),
                shape: Duration::from_micros(30),
            },
            summary: None,
        }
    }
}

/// The moment after the last line of a long log.
pub(crate) const END: Timestamp = Timestamp::from_secs(1_764_500_000);

/// Fills a log with so many lines, unless it has them from an earlier run.
pub(crate) async fn fill(store: &CallStore, name: &str, number: usize) -> Result<()> {
    let mut lines = Lines::new(Timestamp::from_secs(1_700_000_000));
    let first_at = END.before(Duration::from_hours(24 * DAYS));
    let first = CallPart { after: None, limit: 1 };
    let known = store.page(lines.tenant, &CallFilter::default(), first).await?;
    if !known.calls.is_empty() {
        note(&format!("{name}: the log of an earlier run is taken"));
        return Ok(());
    }
    let began = Instant::now();
    let step = first_at.until(END) / u32::try_from(number)?;
    for batch in 0..number.div_ceil(BATCH) {
        let of_batch: Vec<_> = (batch * BATCH..((batch + 1) * BATCH).min(number))
            .map(|place| {
                lines.set_time(first_at.after(step * u32::try_from(place).unwrap_or_default()));
                lines.next()
            })
            .collect();
        store.write(&of_batch, &[]).await?;
        if batch % 250 == 249 {
            let done = (batch + 1) * BATCH;
            note(&format!("{name}: {done} lines after {} s", began.elapsed().as_secs()));
        }
    }
    Ok(())
}
