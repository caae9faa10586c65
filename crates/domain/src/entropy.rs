use std::{
    cell::RefCell,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// Where randomness comes from: the operating system, or a repeatable sequence for tests.
#[derive(Clone)]
pub struct Entropy(EntropySource);

#[derive(Clone)]
enum EntropySource {
    System,
    Seeded(Arc<AtomicU64>),
}

impl Entropy {
    /// Returns the operating system's generator, fit for keys.
    pub fn system() -> Self {
        Self(EntropySource::System)
    }

    /// Returns a repeatable sequence; never for secrets outside tests.
    pub fn seeded(seed: u64) -> Self {
        Self(EntropySource::Seeded(Arc::new(AtomicU64::new(seed))))
    }

    /// Fills `bytes` with random ones.
    pub fn fill(&self, bytes: &mut [u8]) {
        match &self.0 {
            EntropySource::System => {
                getrandom::fill(bytes).expect("the operating system always has randomness");
            }
            EntropySource::Seeded(state) => {
                for chunk in bytes.chunks_mut(8) {
                    chunk.copy_from_slice(&split_mix(state).to_le_bytes()[..chunk.len()]);
                }
            }
        }
    }

    /// Returns random bytes for an id: unlike a secret's, they may have waited in memory, so that
    /// the system is not asked for each.
    pub(crate) fn id(&self) -> [u8; 16] {
        match self.0 {
            EntropySource::System => AHEAD.with_borrow_mut(|ahead| ahead.next(self)),
            EntropySource::Seeded(_) => self.bytes(),
        }
    }

    /// Returns `N` random bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    /// Returns a random number from 0 to 1, to spread out what would otherwise happen all at once.
    pub fn share(&self) -> f64 {
        f64::from(u32::from_be_bytes(self.bytes())) / f64::from(u32::MAX)
    }
}

thread_local! {
    static AHEAD: RefCell<RandomBuffer> =
        const { RefCell::new(RandomBuffer { bytes: [[0; 16]; 64], left: 0 }) };
}

/// Random bytes that a thread has asked for before it needs them. Each is given once.
struct RandomBuffer {
    bytes: [[u8; 16]; 64],
    left: usize,
}

impl RandomBuffer {
    fn next(&mut self, entropy: &Entropy) -> [u8; 16] {
        if self.left == 0 {
            entropy.fill(self.bytes.as_flattened_mut());
            self.left = self.bytes.len();
        }
        self.left -= 1;
        std::mem::take(&mut self.bytes[self.left])
    }
}

impl fmt::Debug for Entropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            EntropySource::System => "Entropy(system)",
            EntropySource::Seeded(_) => "Entropy(seeded)",
        })
    }
}

/// Returns the next number of `SplitMix64`: a full period over 64 bits in one addition and a hash.
fn split_mix(state: &AtomicU64) -> u64 {
    const STEP: u64 = 0x9E37_79B9_7F4A_7C15;
    let mut z = state.fetch_add(STEP, Ordering::SeqCst).wrapping_add(STEP);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_ids_are_made_of_the_same_bytes_on_any_thread() {
        let entropy = Entropy::system();
        let all: Vec<_> = std::thread::scope(|scope| {
            let threads = [(); 4]
                .map(|()| scope.spawn(|| (0..1_000).map(|_| entropy.id()).collect::<Vec<_>>()));
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        let different: BTreeSet<_> = all.iter().collect();
        assert_eq!(different.len(), all.len());
        assert!(!all.contains(&[0; 16]), "what was given away is not given again");
    }
}
