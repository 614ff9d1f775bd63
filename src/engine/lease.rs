//! Leadership: which process of the host probes a cluster, and which one
//! watches that it does.
//!
//! Both are claims in shared memory that end by themselves unless renewed. The
//! holder renews its claim by exchanging exactly the word it last wrote, so one
//! that was stopped and overtaken finds out at its next renewal, and can never
//! take back what another holds.

use amm_core::trial::{self, Token};

use crate::sync::{AtomicU64, Ordering};

/// A claim that is not renewed ends after this time, ms.
pub const TTL_MS: u64 = 700;
/// A claim that ends further ahead than this is garbage, or from before a
/// reboot, ms.
pub const LONGEST_MS: u64 = 2 * TTL_MS;
/// Claims are renewed and watched this often, ms. With [`TTL_MS`] a successor
/// is in place within 0.85 s of its predecessor's end.
pub const BEAT_MS: u64 = 150;

/// A claim this process holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    word: u64,
    until_ms: u64,
}

impl Lease {
    /// Takes `word` if it is free.
    pub fn take(word: &AtomicU64, me: Token, now_ms: u64) -> Option<Self> {
        let seen = word.load(Ordering::Acquire);
        if !trial::is_free(seen, now_ms, LONGEST_MS) {
            return None;
        }
        let until_ms = now_ms + TTL_MS;
        let mine = trial::claim(me, until_ms);
        word.compare_exchange(seen, mine, Ordering::AcqRel, Ordering::Acquire)
            .ok()
            .map(|_| Self {
                word: mine,
                until_ms,
            })
    }

    /// Prolongs the claim if it is due. False: another has it now.
    pub fn renew(&mut self, word: &AtomicU64, me: Token, now_ms: u64) -> bool {
        if now_ms + TTL_MS < self.until_ms + BEAT_MS {
            return word.load(Ordering::Acquire) == self.word;
        }
        let until_ms = now_ms + TTL_MS;
        let next = trial::claim(me, until_ms);
        let kept = word
            .compare_exchange(self.word, next, Ordering::AcqRel, Ordering::Acquire)
            .is_ok();
        if kept {
            *self = Self {
                word: next,
                until_ms,
            };
        }
        kept
    }

    /// Gives the claim back.
    pub fn release(self, word: &AtomicU64) {
        let _ = word.compare_exchange(self.word, 0, Ordering::AcqRel, Ordering::Acquire);
    }
}

/// Milliseconds since the holder of a claim last renewed it, if it is held.
pub fn age_ms(word: &AtomicU64, now_ms: u64) -> Option<u64> {
    let seen = word.load(Ordering::Acquire);
    let until = seen & ((1 << 40) - 1);
    (!trial::is_free(seen, now_ms, LONGEST_MS))
        .then(|| TTL_MS.saturating_sub(until.saturating_sub(now_ms & ((1 << 40) - 1))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_successor_takes_over_within_a_second_and_the_predecessor_notices() {
        let word = AtomicU64::new(0);
        let (a, b) = (Token::new(1), Token::new(2));
        let mut first = Lease::take(&word, a, 10_000).unwrap();
        assert!(first.renew(&word, a, 10_200));
        assert_eq!(age_ms(&word, 10_300), Some(100));
        assert!(Lease::take(&word, b, 10_899).is_none());
        let mut second = Lease::take(&word, b, 10_900).unwrap();
        assert!(!first.renew(&word, a, 11_000), "stopped and overtaken");
        first.release(&word);
        assert!(
            second.renew(&word, b, 11_100),
            "a late release takes nothing"
        );
        second.release(&word);
        assert!(Lease::take(&word, a, 11_101).is_some());
    }

    #[test]
    fn one_that_was_stopped_but_not_replaced_goes_on() {
        let word = AtomicU64::new(0);
        let mut lease = Lease::take(&word, Token::new(1), 0).unwrap();
        assert!(lease.renew(&word, Token::new(1), 60_000));
    }

    #[test]
    fn of_many_only_one_gets_it() {
        let word = AtomicU64::new(0);
        let won: usize = std::thread::scope(|scope| {
            let takers: Vec<_> = (1..9)
                .map(|i| {
                    let word = &word;
                    scope.spawn(move || usize::from(Lease::take(word, Token::new(i), 5).is_some()))
                })
                .collect();
            takers.into_iter().map(|t| t.join().unwrap()).sum()
        });
        assert_eq!(won, 1);
    }
}
