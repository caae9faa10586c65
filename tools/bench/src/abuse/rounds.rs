//! The order of measurements: each attacker in turn, round by round, quiet and attacked.

use std::{fmt, fs, time::Duration};

use super::{
    attack::{Attack, Done},
    attackers::Attacker,
    half_core::HalfCore,
    scene::{Copied, Template},
    victim::Seen,
};
use crate::{Result, cpu, load::Pace, note, rounds::mib};

/// How often, how long, and who.
pub(super) struct Plan {
    pub(super) rounds: usize,
    pub(super) attack: Duration,
    pub(super) quiet: Duration,
    /// How long after the attack the memory is looked at.
    pub(super) settle: Duration,
    pub(super) attackers: Vec<Attacker>,
}

/// What one attack has shown.
pub(super) struct Turn {
    pub(super) attacker: Attacker,
    pub(super) quiet: Seen,
    pub(super) attacked: Seen,
    pub(super) memory: Memory,
    /// How long the product waited for its share of the processor, in seconds.
    pub(super) waited: f64,
    /// How much it has written into its log, in MiB.
    pub(super) logged: f64,
    pub(super) done: Done,
}

/// The product's memory in MiB; none where the product had ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Memory {
    pub(super) before: f64,
    pub(super) peak: f64,
    pub(super) after: f64,
}

/// The other user's calls.
pub(super) const PER_SECOND: u32 = 500;
const WARM_UP: Duration = Duration::from_secs(2);
/// How long after its time an attacker may need to end.
const ENDS: Duration = Duration::from_secs(20);

/// Measures everything, and says so while it goes on.
pub(super) async fn measure(
    template: &Template,
    plan: &Plan,
    half_core: Option<&HalfCore>,
) -> Result<Vec<Turn>> {
    let mut turns = Vec::new();
    for round in 0..plan.rounds {
        for number in 0..plan.attackers.len() {
            let attacker = plan.attackers[(round + number) % plan.attackers.len()];
            note(&format!("round {} of {}: {attacker}", round + 1, plan.rounds));
            let turn = turn(template, plan, half_core, attacker).await?;
            note(&format!("  {turn}"));
            turns.push(turn);
        }
    }
    Ok(turns)
}

async fn turn(
    template: &Template,
    plan: &Plan,
    half_core: Option<&HalfCore>,
    attacker: Attacker,
) -> Result<Turn> {
    let Copied { folder, server, victim } = template.copy(half_core).await?;
    let process = server.child.id();
    let pace = |time| Pace { per_second: PER_SECOND, time };
    victim.call(pace(WARM_UP)).await?;
    let quiet = victim.call(pace(plan.quiet)).await?;
    let before = mib(cpu::resident(process)?);
    cpu::forget_peak(process)?;
    let waited = half_core.map_or(Ok(0.0), HalfCore::waited)?;
    let attack = Attack {
        attacker,
        address: server.address,
        folder: folder.path().to_owned(),
        time: plan.attack,
    };
    let mut attacking = attack.start()?;
    let during = victim.call(pace(plan.attack)).await?;
    attacking.ends(ENDS).await?;
    let peak = cpu::peak(process).map_or(f64::INFINITY, mib);
    let waited = half_core.map_or(Ok(0.0), HalfCore::waited)? - waited;
    tokio::time::sleep(plan.settle).await;
    let after = cpu::resident(process).map_or(f64::INFINITY, mib);
    let done = Done::read(folder.path())?;
    let logged = mib(fs::metadata(folder.path().join("log"))?.len());
    let memory = Memory { before, peak, after };
    Ok(Turn { attacker, quiet, attacked: during, memory, waited, logged, done })
}

impl fmt::Display for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ((quiet, quiet_99), (p50, p99)) =
            (self.quiet.percentiles(), self.attacked.percentiles());
        let Memory { before, peak, after } = self.memory;
        write!(
            f,
            "p50 {quiet:.2} → {p50:.2} ms, p99 {quiet_99:.2} → {p99:.2} ms; {before:.0} MiB, at most \
             {peak:.0}, {after:.0} afterwards; waited {:.1} s; logged {:.1} MiB; went wrong: {} of {}",
            self.waited,
            self.logged,
            self.attacked.troubles(),
            self.attacked.count()
        )
    }
}
