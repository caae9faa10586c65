/// Returns a number from 0 to 1 that follows from these three: SplitMix64 of them.
pub(super) fn chance(seed: u64, family: usize, attempt: u64) -> f64 {
    const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
    let family = u64::try_from(family).unwrap_or(u64::MAX);
    let mut bits = seed;
    for part in [family, attempt] {
        bits = mixed(bits.wrapping_add(STEP).wrapping_add(mixed(part.wrapping_add(STEP))));
    }
    let bits = u32::try_from(bits >> 32).unwrap_or(u32::MAX);
    f64::from(bits) / (f64::from(u32::MAX) + 1.0)
}

const fn mixed(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_is_fair_and_the_same_each_time() {
        let below = |limit| (0..10_000).filter(|family| chance(7, *family, 1) < limit).count();
        assert!((2_800..3_200).contains(&below(0.3)), "{}", below(0.3));
        assert_eq!(below(0.3), below(0.3));
        assert_ne!(chance(7, 1, 1).to_bits(), chance(7, 1, 2).to_bits());
        assert_ne!(chance(7, 1, 1).to_bits(), chance(8, 1, 1).to_bits());
    }
}
