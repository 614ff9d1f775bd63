//! How long a node that keeps failing is left alone: exponential, capped and
//! spread by jitter, so that the hosts of a site do not all come back at once.

use crate::node::MAX_STREAK;

/// Exponential backoff in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backoff {
    /// Wait after the first failure, ms.
    pub base_ms: u64,
    /// Longest wait, ms.
    pub max_ms: u64,
    /// Share of the wait that is random, 0 to 1.
    pub jitter: f64,
}

impl Backoff {
    /// The wait after `streak` earlier failures in a row. `dice` is any
    /// uniformly distributed number; the same dice give the same wait. The
    /// wait lies in `[(1 - jitter) × w, w]` with `w = min(base × 2^streak, max)`.
    pub fn wait_ms(&self, streak: u8, dice: u64) -> u64 {
        let whole = self
            .base_ms
            .saturating_mul(1u64 << streak.min(MAX_STREAK))
            .min(self.max_ms);
        let unit = (dice >> 11) as f64 / (1u64 << 53) as f64;
        whole - (whole as f64 * self.jitter * unit) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BACKOFF: Backoff = Backoff {
        base_ms: 1000,
        max_ms: 30_000,
        jitter: 0.5,
    };

    #[test]
    fn doubles_until_its_cap() {
        let waits: Vec<u64> = (0..7).map(|s| BACKOFF.wait_ms(s, 0)).collect();
        assert_eq!(waits, [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
    }

    proptest! {
        #[test]
        fn stays_within_its_bounds(streak: u8, dice: u64) {
            let whole = BACKOFF.wait_ms(streak, 0);
            let wait = BACKOFF.wait_ms(streak, dice);
            prop_assert!(wait <= whole && wait >= whole / 2);
        }
    }
}
