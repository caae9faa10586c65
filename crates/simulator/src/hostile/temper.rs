use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;

use super::chance::chance;

/// How the provider behaves.
#[derive(Clone, Debug)]
pub struct Temper {
    /// What becomes of a refresh token that was used.
    pub rotation: Rotation,
    /// How long an access token lives, whatever is said of it.
    pub lifetime: Duration,
    /// What is said of it.
    pub expires_in: Said,
    /// How long a refresh takes, half of it before it takes effect.
    pub latency: Duration,
    /// How long a hang lasts before the connection is dropped.
    pub hang: Duration,
    /// What else it does.
    pub habits: BTreeSet<Habit>,
    /// What chance does.
    pub chances: Chances,
}

/// What becomes of a refresh token that was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// It stays good for ever.
    None,
    /// It is dead, and so is the whole grant when it is used again.
    Strict,
    /// It is good a while longer, then as above.
    Grace(Duration),
}

/// What not every provider does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Habit {
    /// A refresh ends the access token before it.
    EndsAccess,
    /// The answer to a refresh leaves the refresh token out.
    OmitsRefreshToken,
    /// Refusals come with HTTP 200.
    RefusesWithOk,
    /// The app is refused, whoever it says it is.
    RefusesClient,
    /// Revocations are answered with HTTP 503.
    RevocationDown,
    /// Consent gives no refresh token.
    GivesNoRefreshToken,
    /// The API, whose account it is included, answers every token with 401, as in an incident.
    RefusesTokens,
    /// Revocations hang, and are not answered.
    RevocationHangs,
    /// A page asks before browsers are sent back.
    Asks,
}

/// What an answer says in `expires_in`.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    /// The truth.
    Lifetime,
    /// Nothing.
    Nothing,
    /// Something.
    This(Value),
}

/// What can happen to a refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// HTTP 503, with no effect.
    ServerError,
    /// HTTP 429 with `Retry-After: 1`, with no effect.
    TooMany,
    /// HTTP 200 and a page, with no effect.
    Html,
    /// Nothing at all for as long as a hang lasts, with no effect.
    HangBefore,
    /// It takes effect, and its answer never comes.
    HangAfter,
    /// The connection is dropped, with no effect.
    DropBefore,
    /// It takes effect, and the connection is dropped.
    DropAfter,
}

/// How likely what is.
#[derive(Clone, Debug, Default)]
pub struct Chances {
    /// What all of it follows from.
    pub seed: u64,
    /// Out of 1, for each refresh that comes.
    pub troubles: Vec<(Trouble, f64)>,
    /// That its owner has taken the grant back, out of 1, for each refresh that comes.
    pub revoked: f64,
}

impl Trouble {
    /// Returns its name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ServerError => "503",
            Self::TooMany => "429",
            Self::Html => "HTML",
            Self::HangBefore => "hang before",
            Self::HangAfter => "hang after",
            Self::DropBefore => "drop before",
            Self::DropAfter => "drop after",
        }
    }
}

impl Default for Temper {
    fn default() -> Self {
        Self {
            rotation: Rotation::Strict,
            lifetime: Duration::from_hours(1),
            expires_in: Said::Lifetime,
            latency: Duration::ZERO,
            hang: Duration::from_mins(1),
            habits: BTreeSet::new(),
            chances: Chances::default(),
        }
    }
}

impl Temper {
    pub(super) fn has(&self, habit: Habit) -> bool {
        self.habits.contains(&habit)
    }
}

impl Chances {
    /// Returns what befalls a grant's refresh of that number.
    pub(super) fn trouble(&self, family: usize, attempt: u64) -> Option<Trouble> {
        let mut left = chance(self.seed, family, attempt);
        self.troubles.iter().find_map(|(trouble, share)| {
            left -= share;
            (left < 0.0).then_some(*trouble)
        })
    }

    /// Returns whether its owner has taken the grant back by then.
    pub(super) fn revokes(&self, family: usize, attempt: u64) -> bool {
        chance(!self.seed, family, attempt) < self.revoked
    }
}
