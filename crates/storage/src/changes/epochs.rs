use std::{
    collections::HashMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// The state of some topics at a moment.
#[derive(Clone, Copy, Debug)]
pub struct Stamp {
    taken: Instant,
    slots: [(u32, u64); TOPICS],
}

impl Stamp {
    /// Returns how long ago it was taken.
    pub fn age(&self) -> Duration {
        self.taken.elapsed()
    }
}

/// The most topics that one thing depends on; a free place repeats the last one.
const TOPICS: usize = 3;
const SLOTS: u32 = 1 << 16;
/// For how many lines room is kept; more is freed after many lines came at once.
const ROOMY: usize = 1024;

/// How long a node relies on what it has heard: longer than a dead line takes to be noticed.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long anything is remembered while the database answers in time.
const LIFE: Duration = Duration::from_secs(30);

/// How long anything is remembered while it does not.
const LONGEST_LIFE: Duration = Duration::from_mins(5);

/// How far back lines are read, and for how long they are known.
pub(crate) struct Lookback;

impl Lookback {
    /// How far before the last hearing lines are read again: as long as a commit may take, and as
    /// the measured clocks may still differ.
    pub(crate) const OVERLAP: Duration = Duration::from_secs(7);
    /// How long a line that was read is known again.
    pub(crate) const KNOWN: Duration = Duration::from_secs(30);
}

/// How often each topic has changed, as far as this node has heard.
pub(crate) struct Epochs {
    slots: Box<[AtomicU64]>,
    hearing: Mutex<Hearing>,
    /// When the last hearing began, in milliseconds since `start`, from 1 on; 0 before the first.
    heard_at: AtomicU64,
    start: Instant,
}

/// The lines that were read before, each with when.
#[derive(Default)]
struct Hearing {
    lines: HashMap<[u8; 16], Instant>,
}

impl Default for Epochs {
    fn default() -> Self {
        Self {
            slots: (0..SLOTS).map(|_| AtomicU64::new(0)).collect(),
            hearing: Mutex::default(),
            heard_at: AtomicU64::new(0),
            start: Instant::now(),
        }
    }
}

impl Epochs {
    pub(super) fn stamp(&self, topics: impl Iterator<Item = u32>) -> Option<Stamp> {
        let mut slots = [(0, 0); TOPICS];
        let mut last = None;
        for (at, topic) in topics.enumerate() {
            let now = (topic, self.slot(topic).load(Ordering::SeqCst));
            *slots.get_mut(at).expect("nothing depends on more topics") = now;
            last = Some((at, now));
        }
        let (at, repeated) = last.expect("whatever is remembered has a topic");
        slots[at..].fill(repeated);
        let taken = Instant::now();
        self.is_hearing(taken).then_some(Stamp { taken, slots })
    }

    pub(super) fn holds(&self, stamp: &Stamp) -> bool {
        let now = Instant::now();
        now.saturating_duration_since(stamp.taken) < LIFE && self.is_unchanged(stamp, now)
    }

    pub(super) fn is_unchanged(&self, stamp: &Stamp, now: Instant) -> bool {
        let age = now.saturating_duration_since(stamp.taken);
        age < LONGEST_LIFE
            && stamp
                .slots
                .iter()
                .all(|(topic, epoch)| self.slot(*topic).load(Ordering::SeqCst) == *epoch)
            && self.is_hearing(now)
    }

    pub(crate) fn count_up(&self, topic: u32) {
        self.slot(topic).fetch_add(1, Ordering::SeqCst);
    }

    /// Remembers a line of this node's own: its topics are counted when it is committed.
    pub(super) fn said(&self, id: [u8; 16]) {
        self.lock().lines.insert(id, Instant::now());
    }

    /// Takes in the lines whose reading began at `began`. After a silence, in which lines may have
    /// come and gone, nothing that is remembered is good any more.
    pub(super) fn heard(&self, began: Instant, lines: impl Iterator<Item = ([u8; 16], Vec<u32>)>) {
        if !self.is_hearing(Instant::now()) {
            for slot in &self.slots {
                slot.fetch_add(1, Ordering::SeqCst);
            }
        }
        let mut hearing = self.lock();
        for (id, topics) in lines {
            if hearing.lines.insert(id, began).is_none() {
                for topic in topics {
                    self.count_up(topic);
                }
            }
        }
        hearing.lines.retain(|_, seen| began.saturating_duration_since(*seen) < Lookback::KNOWN);
        if hearing.lines.capacity() > ROOMY && hearing.lines.capacity() / 8 > hearing.lines.len() {
            hearing.lines.shrink_to(ROOMY);
        }
        let at = began.saturating_duration_since(self.start).as_millis();
        self.heard_at.store(1 + u64::try_from(at).unwrap_or(u64::MAX - 1), Ordering::SeqCst);
    }

    pub(crate) fn is_hearing(&self, now: Instant) -> bool {
        self.silent_for(now).is_some()
    }

    /// Returns for how long nothing was heard, unless that is too long for what is remembered.
    pub(super) fn silent_for(&self, now: Instant) -> Option<Duration> {
        let heard_at = self.heard_at.load(Ordering::SeqCst).checked_sub(1)?;
        let since_start = now.saturating_duration_since(self.start);
        let silence = since_start.saturating_sub(Duration::from_millis(heard_at));
        (silence < PATIENCE).then_some(silence)
    }

    #[cfg(test)]
    pub(crate) fn fall_silent(&self) {
        self.heard_at.store(0, Ordering::SeqCst);
    }

    fn slot(&self, topic: u32) -> &AtomicU64 {
        &self.slots[(topic % SLOTS) as usize]
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Hearing> {
        self.hearing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hearing() -> Epochs {
        let epochs = Epochs::default();
        epochs.heard(Instant::now(), std::iter::empty());
        epochs
    }

    #[test]
    fn nothing_is_remembered_before_anything_was_heard() {
        let epochs = Epochs::default();
        assert!(epochs.stamp([1].into_iter()).is_none());
        epochs.heard(Instant::now(), std::iter::empty());
        assert!(epochs.stamp([1].into_iter()).is_some());
    }

    #[test]
    fn a_stamp_holds_until_one_of_its_topics_changes() {
        let epochs = hearing();
        let stamp = |topics: &[u32]| epochs.stamp(topics.iter().copied()).unwrap();
        let one = stamp(&[1]);
        let both = stamp(&[1, 2]);
        let other = stamp(&[3]);
        assert!([one, both, other].iter().all(|stamp| epochs.holds(stamp)));
        epochs.count_up(2);
        assert!(epochs.holds(&one) && !epochs.holds(&both) && epochs.holds(&other));
        epochs.count_up(1);
        assert!(!epochs.holds(&one) && epochs.holds(&stamp(&[1, 2])));
    }

    #[test]
    fn a_line_counts_once_however_often_it_is_read_and_ones_own_not_again() {
        let epochs = hearing();
        epochs.said([9; 16]);
        let fresh = epochs.stamp([7].into_iter()).unwrap();
        epochs.heard(Instant::now(), [([9; 16], vec![7])].into_iter());
        assert!(epochs.holds(&fresh));
        epochs.heard(Instant::now(), [([1; 16], vec![7])].into_iter());
        assert!(!epochs.holds(&fresh));
        let fresh = epochs.stamp([7].into_iter()).unwrap();
        epochs.heard(Instant::now(), [([1; 16], vec![7])].into_iter());
        assert!(epochs.holds(&fresh));
    }

    #[test]
    fn the_room_that_a_crowd_of_lines_took_is_given_back() {
        let epochs = hearing();
        let began = Instant::now();
        let crowd = (0..100_000_u128).map(|number| (number.to_le_bytes(), vec![7]));
        epochs.heard(began, crowd);
        assert!(epochs.lock().lines.capacity() >= 100_000);
        epochs.heard(began + Lookback::KNOWN, std::iter::empty());
        assert!(epochs.lock().lines.is_empty());
        assert!(epochs.lock().lines.capacity() < 4 * ROOMY);
    }

    #[test]
    fn what_is_only_too_old_is_known_to_be_unchanged_as_long_as_somebody_hears() {
        let epochs = hearing();
        let now = Instant::now();
        let fresh = epochs.stamp([7].into_iter()).unwrap();
        let old = Stamp { taken: now.checked_sub(LIFE).unwrap(), ..fresh };
        assert!(!epochs.holds(&old) && epochs.is_unchanged(&old, now));
        assert!(
            !epochs.is_unchanged(&old, now + PATIENCE + Duration::from_secs(1)),
            "nobody hears"
        );
        let older = Stamp { taken: now.checked_sub(LONGEST_LIFE).unwrap(), ..fresh };
        assert!(!epochs.is_unchanged(&older, now), "there is an end to it");
        epochs.count_up(7);
        assert!(!epochs.is_unchanged(&old, now));
    }

    #[test]
    fn after_a_silence_nothing_holds() {
        let epochs = hearing();
        let before = epochs.stamp([7].into_iter()).unwrap();
        epochs.fall_silent();
        assert!(!epochs.holds(&before), "nobody hears");
        epochs.heard(Instant::now(), std::iter::empty());
        assert!(!epochs.holds(&before), "something may have been missed");
        assert!(epochs.holds(&epochs.stamp([7].into_iter()).unwrap()));
    }
}
