use std::{borrow::Cow, time::Duration};

use astralform_domain::{
    CallId, CallLine, CallOutcome, CallTimes, Caller, Clock, ConnectionId, ConnectorSlug,
};
use astralform_egress::Answer;
use astralform_storage::RequestMark;
use tokio::time::Instant;

use super::CallLog;

/// What is noted of a call while it goes on.
#[derive(Default)]
pub(crate) struct CallNotes {
    pub(crate) connector: Option<ConnectorSlug>,
    pub(crate) connection: Option<ConnectionId>,
    pub(crate) status: Option<u16>,
    pub(crate) attempts: u16,
    pub(crate) times: CallTimes,
    pub(crate) summary: Option<String>,
}

impl CallNotes {
    /// Notes that a request was sent, which took so long, and what was answered.
    pub(crate) fn sent(&mut self, answer: Option<&Answer>, took: Duration) {
        self.attempts = self.attempts.saturating_add(1);
        self.times.provider += took;
        self.times.first_byte = answer.map(|answer| answer.first_byte);
        self.status = answer.map(|answer| answer.status.as_u16());
    }
}

/// A call that gets its line when this is dropped, however it ended.
pub(crate) struct Logged<'a> {
    log: &'a CallLog,
    clock: &'a Clock,
    id: CallId,
    caller: &'a Caller,
    tool: &'a str,
    came: Instant,
    pub(crate) notes: CallNotes,
    /// How it ended, once it has.
    pub(crate) end: Option<(CallOutcome, Option<Cow<'static, str>>)>,
}

/// How long a name may be that is of no tool.
const LONGEST_NAME: usize = 64;

impl<'a> Logged<'a> {
    /// Begins to note a call that came at that moment.
    pub(crate) fn begin(
        log: &'a CallLog,
        clock: &'a Clock,
        id: CallId,
        caller: &'a Caller,
        tool: &'a str,
        came: Instant,
    ) -> Self {
        Self { log, clock, id, caller, tool, came, notes: CallNotes::default(), end: None }
    }
}

impl Drop for Logged<'_> {
    fn drop(&mut self) {
        let CallNotes { connector, connection, status, attempts, times, summary } =
            std::mem::take(&mut self.notes);
        let (outcome, reason) = self.end.take().unwrap_or((CallOutcome::Abandoned, None));
        let principal = &self.caller.principal;
        self.log.note(CallLine {
            id: self.id,
            tenant: principal.tenant,
            at: self.clock.now(),
            took: self.came.elapsed(),
            request: RequestMark::current().id,
            connector,
            tool: shown(self.tool),
            agent: principal.agent,
            end_user: self.caller.end_user.clone(),
            by: principal.into(),
            connection,
            outcome,
            reason,
            status,
            attempts,
            times,
            summary,
        });
    }
}

/// Returns a name as it is, where it can be a tool's. Of any other, which a caller may have made up,
/// only what every store takes and everybody can read.
fn shown(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_graphic() { c } else { '?' };
    name.chars().take(LONGEST_NAME).map(plain).collect()
}

/// Measures what lies between two looks at it.
pub(crate) struct Lap(Instant);

impl Lap {
    pub(crate) fn begin() -> Self {
        Self(Instant::now())
    }

    /// Returns how long it is since the last look.
    pub(crate) fn next(&mut self) -> Duration {
        let now = Instant::now();
        let lap = now - self.0;
        self.0 = now;
        lap
    }
}
