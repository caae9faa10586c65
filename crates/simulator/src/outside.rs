use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

const LETTERS: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/// Tells the time, in microseconds since 1970.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Fills a buffer with random bytes.
pub type Random = Arc<dyn Fn(&mut [u8]) + Send + Sync>;

/// What a simulator needs from outside, so that tests decide time and randomness.
#[derive(Clone)]
pub struct SimulatorOptions {
    /// The only clock there is.
    pub clock: Clock,
    /// The only source of identifiers and secrets.
    pub random: Random,
    /// The address browsers and clients reach the simulator at, such as `http://127.0.0.1:8788`.
    pub public_url: String,
}

/// The simulator's only source of time, identifiers and secrets.
pub(crate) struct Outside {
    options: SimulatorOptions,
    ahead: AtomicI64,
}

impl Outside {
    pub(crate) fn new(mut options: SimulatorOptions) -> Self {
        options.public_url.truncate(options.public_url.trim_end_matches('/').len());
        Self { options, ahead: AtomicI64::new(0) }
    }

    pub(crate) fn now(&self) -> i64 {
        (self.options.clock)().saturating_add(self.ahead.load(Ordering::Relaxed))
    }

    pub(crate) fn advance(&self, seconds: u32) {
        self.ahead.fetch_add(i64::from(seconds) * 1_000_000, Ordering::Relaxed);
    }

    pub(crate) fn stop_running_ahead(&self) {
        self.ahead.store(0, Ordering::Relaxed);
    }

    pub(crate) fn public_url(&self) -> &str {
        &self.options.public_url
    }

    /// Returns an upper-case identifier as Slack forms them: a letter for the kind, then ten
    /// characters.
    pub(crate) fn id(&self, kind: char) -> String {
        let mut bytes = [0; 10];
        (self.options.random)(&mut bytes);
        let mut id = String::from(kind);
        id.extend(bytes.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])));
        id
    }

    /// Returns 192 random bits in hexadecimal behind a prefix.
    pub(crate) fn secret(&self, prefix: &str) -> String {
        let mut bytes = [0; 24];
        (self.options.random)(&mut bytes);
        prefix.to_owned() + &hex(&bytes)
    }
}

/// Writes bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
