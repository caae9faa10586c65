//! Fair shares of the node for those who want it at the same time.
//!
//! Every tenth of a second, what each has used is compared with what the process has used of its
//! processors. Where that is more than it may use and several want it, those who use the most are
//! bounded by a level, so that what is over is taken from them alone (max-min fairness). The level
//! rises again while there is room, and ends when no other caller wants the node.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use astralform_http::rate::Moment;

use super::bucket::Bucket;

/// The processors that this process may use.
#[derive(Clone, Copy, Debug)]
pub struct Machine {
    /// How many, in thousandths.
    pub millicores: u64,
    /// Returns what it has used of them since it started.
    pub used: fn() -> Duration,
    /// Returns what the current thread has used of them.
    pub used_by_thread: fn() -> Duration,
}

impl Default for Machine {
    /// Returns a machine that is never busy.
    fn default() -> Self {
        Self { millicores: 1_000, used: || Duration::ZERO, used_by_thread: || Duration::ZERO }
    }
}

/// How much of the node each of a kind may use.
pub(super) struct Shares {
    machine: Machine,
    /// In nanoseconds of work a second.
    level: AtomicU64,
    /// Whether several want more of the node than half of what there is.
    is_busy: AtomicBool,
    next_look: AtomicU64,
    /// The number of the last look.
    looks: AtomicU64,
    seen: Mutex<LastLook>,
}

/// What was seen at the last look, and since.
#[derive(Default)]
struct LastLook {
    at: Moment,
    process: Duration,
    /// Until when the node counts as wanted by several.
    contended_until: Moment,
    /// Who has used it since.
    active: Vec<Arc<Bucket>>,
}

/// One request's turn; it learns in the end what it has cost.
pub(crate) struct Turn {
    bucket: Arc<Bucket>,
    /// What was taken of its share beforehand, in nanoseconds of its time.
    prepaid: u64,
    level: u64,
}

const UNLIMITED: u64 = u64::MAX;
const SECOND: u64 = 1_000_000_000;
const LOOK: u64 = SECOND / 10;
/// What may be saved up of a share.
const SAVED: u64 = SECOND / 50;
/// How long the node counts as wanted by several after it was.
const CONTENDED: u64 = 5 * SECOND;
/// How much of the processors is used, in percent, before those who use the most are bounded.
const BUSY: u64 = 75;
/// What a request costs at least, beside the work of its handler.
const OVERHEAD: u64 = 15_000;

impl Shares {
    pub(super) fn new(machine: Machine) -> Self {
        Self {
            machine,
            level: AtomicU64::new(UNLIMITED),
            is_busy: AtomicBool::new(false),
            next_look: AtomicU64::new(0),
            looks: AtomicU64::new(1),
            seen: Mutex::default(),
        }
    }

    /// Takes a turn. Returns it with how long it waits; where that is longer than `at_most`,
    /// nothing is taken and the time is an error.
    pub(super) fn take(
        &self,
        bucket: &Arc<Bucket>,
        now: Moment,
        at_most: Duration,
    ) -> Result<(Turn, Duration), Duration> {
        self.look_if_due(now);
        let of = &bucket.use_of_node;
        let look = self.looks.load(Ordering::Relaxed);
        if of.seen.swap(look, Ordering::Relaxed) != look {
            self.lock().active.push(Arc::clone(bucket));
        }
        let level = self.level.load(Ordering::Relaxed);
        let mut turn = Turn { bucket: Arc::clone(bucket), prepaid: 0, level };
        if level == UNLIMITED {
            return Ok((turn, Duration::ZERO));
        }
        turn.prepaid = in_time_of(level, of.average.load(Ordering::Relaxed).max(OVERHEAD));
        let wait = of.meter.spend(turn.prepaid, SAVED, now, at_most)?;
        Ok((turn, wait))
    }

    fn look_if_due(&self, now: Moment) {
        let due = self.next_look.load(Ordering::Relaxed);
        if now < due {
            return;
        }
        let claimed =
            self.next_look.compare_exchange(due, now + LOOK, Ordering::Relaxed, Ordering::Relaxed);
        if claimed.is_ok() {
            let process = (self.machine.used)();
            self.look(now, process);
        }
    }

    fn look(&self, now: Moment, process: Duration) {
        let mut seen = self.lock();
        self.looks.fetch_add(1, Ordering::Relaxed);
        let passed = now.saturating_sub(seen.at).max(1);
        let busy = process.saturating_sub(seen.process);
        let active = std::mem::take(&mut seen.active);
        (seen.at, seen.process) = (now, process);
        let mut uses: Vec<_> =
            active.iter().map(|of| of.use_of_node.used.swap(0, Ordering::Relaxed)).collect();
        if uses.len() > 1 {
            seen.contended_until = now + CONTENDED;
        }
        let is_contended = now < seen.contended_until;
        drop(seen);
        let room = passed / 100 * BUSY / 1_000 * self.machine.millicores;
        let busy = u64::try_from(busy.as_nanos()).unwrap_or(u64::MAX);
        self.is_busy.store(is_contended && busy > room / 2, Ordering::Relaxed);
        let level = self.level.load(Ordering::Relaxed);
        let next = if !is_contended {
            UNLIMITED
        } else if busy > room {
            let fair = room / (uses.len() as u64).max(1);
            let allowed = level_of(&mut uses, busy - room).max(fair);
            level.min(per_second(allowed, passed)).max(per_second(fair, passed))
        } else {
            let highest = uses.into_iter().max().unwrap_or_default();
            raised(level, per_second(highest, passed))
        };
        self.level.store(next, Ordering::Relaxed);
    }

    /// Returns whether several want so much of the node that it matters what exactly each uses.
    pub(super) fn is_busy(&self) -> bool {
        self.is_busy.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, LastLook> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn {
    /// Ends the turn of a request that has cost so much work.
    pub(crate) fn end(self, work: u64, now: Moment) {
        let cost = work + OVERHEAD;
        let of = &self.bucket.use_of_node;
        of.used.fetch_add(cost, Ordering::Relaxed);
        let average = of.average.load(Ordering::Relaxed);
        let average = average - average / 8 + cost / 8;
        of.average.store(average, Ordering::Relaxed);
        if self.level != UNLIMITED {
            let paid = in_time_of(self.level, cost);
            of.meter.correct(paid.cast_signed().wrapping_sub(self.prepaid.cast_signed()), now);
        }
    }
}

/// Returns how long a share of `level` needs to pay for `cost`.
fn in_time_of(level: u64, cost: u64) -> u64 {
    let time = u128::from(cost) * u128::from(SECOND) / u128::from(level.max(1));
    // A single request never costs more than a few seconds of its caller's time.
    u64::try_from(time).unwrap_or(u64::MAX).min(5 * SECOND)
}

fn per_second(used: u64, passed: u64) -> u64 {
    let used = u128::from(used) * u128::from(SECOND) / u128::from(passed);
    u64::try_from(used).unwrap_or(UNLIMITED).max(1)
}

/// Returns the most that each may use, so that they use `over` less together: half of what they use
/// at least.
fn level_of(uses: &mut [u64], over: u64) -> u64 {
    uses.sort_unstable();
    let total: u64 = uses.iter().sum();
    let mut left = total.saturating_sub(over).max(total / 2);
    for (at, used) in uses.iter().enumerate() {
        let share = left / (uses.len() - at) as u64;
        if *used >= share {
            return share;
        }
        left -= used;
    }
    UNLIMITED
}

/// Returns a level a little above, as long as a caller reaches it.
fn raised(level: u64, highest: u64) -> u64 {
    if level > highest.saturating_mul(4) { UNLIMITED } else { level.saturating_add(level / 10) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_over_is_taken_from_those_who_use_the_most() {
        for (uses, over, level) in [
            (&mut [100, 10][..], 30, 70),
            (&mut [100, 10], 45, 55),
            (&mut [100, 100, 10], 50, 75),
            (&mut [10, 10, 10], 15, 5),
            (&mut [100, 10], 109, 45),
            (&mut [50], 0, 50),
        ] {
            let given = format!("{uses:?}");
            assert_eq!(level_of(uses, over), level, "{given} over by {over}");
        }
    }

    /// A node with half a processor, and who wants so much of it in each tenth of a second.
    struct SimulatedNode {
        shares: Shares,
        now: Moment,
        process: Duration,
    }

    impl SimulatedNode {
        fn new() -> Self {
            let machine = Machine { millicores: 500, ..Machine::default() };
            Self { shares: Shares::new(machine), now: SECOND, process: Duration::ZERO }
        }

        /// Serves what each wants in the time between two looks, as far as it is let in, and
        /// returns what each got.
        fn serve(&mut self, wants: &[(&Arc<Bucket>, u64)]) -> Vec<u64> {
            const COST: u64 = 100_000;
            self.shares.next_look.store(u64::MAX, Ordering::Relaxed);
            let mut got = vec![0; wants.len()];
            for (at, (bucket, wanted)) in wants.iter().enumerate() {
                let times = wanted / COST;
                let moments = (0..times).map(|number| self.now + number * LOOK / times);
                let turns = moments
                    .filter_map(|now| {
                        let (turn, _) = self.shares.take(bucket, now, Duration::ZERO).ok()?;
                        Some((turn, now))
                    })
                    .inspect(|_| got[at] += COST);
                turns.for_each(|(turn, now)| turn.end(COST - OVERHEAD, now));
            }
            self.now += LOOK;
            self.process += Duration::from_nanos(got.iter().sum());
            self.shares.look(self.now, self.process);
            got
        }
    }

    const MILLI: u64 = 1_000_000;

    #[test]
    fn x4_alone_a_caller_has_the_whole_node() {
        let mut node = SimulatedNode::new();
        let only = Arc::<Bucket>::default();
        for _ in 0..50 {
            assert_eq!(node.serve(&[(&only, 50 * MILLI)]), [50 * MILLI]);
        }
    }

    #[test]
    fn x4_who_floods_a_node_leaves_the_others_their_share_and_room_to_be_quick() {
        let mut node = SimulatedNode::new();
        let flood = Arc::default();
        let other = Arc::default();
        let mut last = Vec::new();
        for _ in 0..100 {
            last.push(node.serve(&[(&flood, 200 * MILLI), (&other, 10 * MILLI)]));
        }
        let settled = &last[20..];
        assert!(settled.iter().all(|got| got[1] == 10 * MILLI), "{settled:?}");
        let of_flood = settled.iter().map(|got| got[0]).sum::<u64>() / settled.len() as u64;
        assert!((15 * MILLI..40 * MILLI).contains(&of_flood), "{of_flood}");
    }

    #[test]
    fn x4_two_who_flood_get_the_same_and_none_is_bound_when_the_other_has_gone() {
        let mut node = SimulatedNode::new();
        let one = Arc::default();
        let two = Arc::default();
        let mut got = Vec::new();
        for _ in 0..60 {
            got = node.serve(&[(&one, 100 * MILLI), (&two, 300 * MILLI)]);
        }
        assert!(got[0].abs_diff(got[1]) <= 2 * MILLI, "{got:?}");
        for _ in 0..100 {
            got = node.serve(&[(&two, 45 * MILLI)]);
        }
        assert_eq!(got, [45 * MILLI]);
    }
}
