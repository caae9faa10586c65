//! What an attack costs another user of the same server.

mod attack;
mod attackers;
mod bars;
mod half_core;
mod report;
mod requests;
mod rounds;
mod scene;
mod victim;

use std::{fs, path::PathBuf, time::Duration};

pub(crate) use attack::Attack;
pub(crate) use attackers::Attacker;

use half_core::HalfCore;
use report::{Conditions, report};
use rounds::Plan;
use scene::Template;

use crate::{Result, free_address, machine::Machine, upstream::Upstream};

const REPORT: &str = "docs/abuse.md";

/// How to measure it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Abuse {
    /// The product's binary.
    pub(crate) program: PathBuf,
    /// What the binary was built as, for the report.
    pub(crate) profile: String,
    /// One short round.
    pub(crate) quick: bool,
    /// How many rounds, where the usual number is not wanted.
    pub(crate) rounds: Option<usize>,
    /// How long each attack lasts, where the usual time is not wanted.
    pub(crate) seconds: Option<u64>,
    /// How long after an attack memory is looked at, likewise.
    pub(crate) settle: Option<u64>,
    /// Whether the product has as much of the machine as it wants.
    pub(crate) whole_core: bool,
    /// Whether the report becomes `docs/abuse.md`.
    pub(crate) write: bool,
    /// Who attacks.
    pub(crate) attackers: Vec<Attacker>,
}

impl Abuse {
    /// Measures, prints the report, and returns whether every bar is met.
    #[expect(clippy::print_stdout, reason = "the report is what the program is for")]
    pub(crate) async fn measure(self) -> Result<bool> {
        let machine = Machine::look()?;
        let half_core = if self.whole_core { None } else { Some(HalfCore::make()?) };
        let (rounds, seconds, settle) = if self.quick { (1, 10, 10) } else { (5, 60, 120) };
        let seconds = Duration::from_secs(self.seconds.unwrap_or(seconds));
        let plan = Plan {
            rounds: self.rounds.unwrap_or(rounds),
            attack: seconds,
            quiet: seconds / 2,
            settle: Duration::from_secs(self.settle.unwrap_or(settle)),
            attackers: self.attackers,
        };
        let upstream = Upstream::start(free_address()?).await?;
        let template = Template::make(&self.program, upstream.address).await?;
        let turns = rounds::measure(&template, &plan, half_core.as_ref()).await?;
        let conditions = Conditions {
            machine,
            profile: self.profile,
            is_confined: half_core.is_some(),
            plan: &plan,
        };
        let (report, holds) = report(&conditions, &turns);
        if self.write {
            fs::write(REPORT, &report)?;
        }
        println!("{report}");
        Ok(holds)
    }
}
