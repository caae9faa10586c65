use serde::{Deserialize, Serialize};
use thiserror::Error;

const LONGEST_DELAY_MS: u64 = 600_000;

/// One way in which a provider's answer goes wrong.
///
/// Except for [`Fault::Delay`] and [`Fault::DropAnswer`], the request has no effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "value", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// A bare HTTP status with a short plain text.
    Status(u16),
    /// HTTP 429 with `Retry-After`, worded as the service does.
    RateLimited {
        /// Seconds the caller is told to wait.
        retry_after_s: u32,
    },
    /// The request takes effect at once, its answer comes this many milliseconds later.
    Delay(u64),
    /// The request takes effect, then the connection closes without a single byte of answer.
    DropAnswer,
    /// HTTP 200 with an HTML page, as a maintenance page or a captive portal would.
    Html,
    /// HTTP 200 with no body.
    EmptyBody,
    /// HTTP 200 with JSON that goes on for this many bytes, without a `Content-Length`.
    HugeBody(u64),
    /// The service's own answer with this error code.
    Refused(String),
}

/// How often a fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Times {
    /// This many matching requests, then never again.
    Next(u32),
    /// Every matching request until the faults are cleared.
    Always,
}

/// Why a fault cannot be injected.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InvalidFault {
    /// No endpoint of the stand-in has this name.
    #[error("unknown endpoint `{0}`; use `*` for every endpoint")]
    UnknownEndpoint(String),
    /// An HTTP answer cannot end with this status.
    #[error("status {0} is not between 200 and 599")]
    Status(u16),
    /// The delay is beyond what any client waits for.
    #[error("a delay of {0} ms is longer than {LONGEST_DELAY_MS} ms")]
    Delay(u64),
    /// The service has no such error code.
    #[error("the service does not refuse with `{0}`")]
    Refused(String),
    /// A fault that never strikes is a mistake.
    #[error("a fault has to strike at least once")]
    Never,
}

/// A fault waiting for its endpoint to be called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InjectedFault {
    /// The endpoint it waits for, or `*`.
    pub endpoint: String,
    /// What will happen.
    pub fault: Fault,
    /// How often it will still happen.
    pub times: Times,
}

/// The faults in the order they were injected; the first match strikes.
#[derive(Default)]
pub(crate) struct FaultQueue(Vec<InjectedFault>);

// === impl Fault ===

impl Fault {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Status(_) => "status",
            Self::RateLimited { .. } => "rate_limited",
            Self::Delay(_) => "delay",
            Self::DropAnswer => "drop_answer",
            Self::Html => "html",
            Self::EmptyBody => "empty_body",
            Self::HugeBody(_) => "huge_body",
            Self::Refused(_) => "refused",
        }
    }

    fn check(&self) -> Result<(), InvalidFault> {
        match self {
            Self::Status(status) if !(200..=599).contains(status) => {
                Err(InvalidFault::Status(*status))
            }
            Self::Delay(ms) if *ms > LONGEST_DELAY_MS => Err(InvalidFault::Delay(*ms)),
            _ => Ok(()),
        }
    }
}

// === impl FaultQueue ===

impl FaultQueue {
    pub(crate) fn push(&mut self, injected: InjectedFault) -> Result<(), InvalidFault> {
        injected.fault.check()?;
        if injected.times == Times::Next(0) {
            return Err(InvalidFault::Never);
        }
        self.0.push(injected);
        Ok(())
    }

    pub(crate) fn take(&mut self, endpoint: &str) -> Option<Fault> {
        let hit = |waiting: &InjectedFault| waiting.endpoint == endpoint || waiting.endpoint == "*";
        let index = self.0.iter().position(hit)?;
        match self.0[index].times {
            Times::Always => Some(self.0[index].fault.clone()),
            Times::Next(0 | 1) => Some(self.0.remove(index).fault),
            Times::Next(times) => {
                self.0[index].times = Times::Next(times - 1);
                Some(self.0[index].fault.clone())
            }
        }
    }

    pub(crate) fn waiting(&self) -> Vec<InjectedFault> {
        self.0.clone()
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}
