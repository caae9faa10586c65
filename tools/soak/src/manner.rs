use std::time::Duration;

use astralform_simulator::hostile::{Chances, Habit, Rotation, Said, Temper, Trouble};

/// What a provider does to refreshes, besides rotating tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Nothing.
    Plain,
    /// It refuses with HTTP 200.
    RefusesWithOk,
    /// It answers one in three with 503, 429 or a page, or drops the connection, with no effect.
    Errs,
    /// One in five takes effect, and its answer never comes.
    LosesAnswers,
    /// It says neither how long a token lives nor, since they do not rotate, its refresh token.
    Omits,
}

impl Manner {
    /// Returns its words in a report.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::RefusesWithOk => ", refusals with HTTP 200",
            Self::Errs => ", 30 % of refreshes answered by 503, 429, HTML or nothing",
            Self::LosesAnswers => ", 20 % of answers lost after they took effect",
            Self::Omits => ", answers without refresh token and `expires_in`",
        }
    }

    pub(crate) fn temper(self, rotation: Rotation, seed: u64) -> Temper {
        let troubles = match self {
            Self::Errs => vec![
                (Trouble::ServerError, 0.1),
                (Trouble::TooMany, 0.05),
                (Trouble::Html, 0.1),
                (Trouble::DropBefore, 0.05),
            ],
            Self::LosesAnswers => vec![(Trouble::DropAfter, 0.18), (Trouble::HangAfter, 0.02)],
            Self::Plain | Self::RefusesWithOk | Self::Omits => Vec::new(),
        };
        let (habits, expires_in) = match self {
            Self::RefusesWithOk => ([Habit::RefusesWithOk].into(), Said::Lifetime),
            Self::Omits => ([Habit::OmitsRefreshToken].into(), Said::Nothing),
            _ => ([].into(), Said::Lifetime),
        };
        Temper {
            rotation,
            latency: Duration::from_millis(40),
            hang: Duration::from_secs(25),
            habits,
            expires_in,
            chances: Chances { seed, troubles, revoked: 0.0 },
            ..Temper::default()
        }
    }
}
