//! Claims in shared memory: the half-open trial of a node, a waiter's place.
//!
//! A claim is one word (see [`trial`]): who holds it and until when. It is
//! taken by one compare-exchange and given back by another, and one that was
//! never given back, because its holder was killed, ends by itself. Its holder
//! is whoever the word names, so there is never more than one.

use amm_core::trial::{self, Token};

use crate::sync::{AtomicU64, Ordering};

/// No claim runs longer, ms: a word that says so is garbage.
pub const LONGEST_MS: u64 = 3_700_000;

/// Takes `word` until `until_ms` if it is free, or held by `me` already: a
/// dial within a dial does not wait for itself.
pub fn take(word: &AtomicU64, me: Token, now_ms: u64, until_ms: u64) -> bool {
    let seen = word.load(Ordering::Acquire);
    (trial::is_free(seen, now_ms, LONGEST_MS) || trial::is_held_by(seen, me))
        && word
            .compare_exchange(
                seen,
                trial::claim(me, until_ms),
                Ordering::AcqRel,
                Ordering::Acquire,
            )
            .is_ok()
}

/// Frees `word` if `me` holds it.
pub fn release(word: &AtomicU64, me: Token) -> bool {
    let seen = word.load(Ordering::Acquire);
    is_of(seen, me)
        && word
            .compare_exchange(seen, 0, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
}

/// Whether `me` holds `word`, or did last and nobody has taken it since.
pub fn is_held_by(word: &AtomicU64, me: Token) -> bool {
    is_of(word.load(Ordering::Acquire), me)
}

/// Whether anybody holds `word`.
pub fn is_taken(word: &AtomicU64, now_ms: u64) -> bool {
    !trial::is_free(word.load(Ordering::Acquire), now_ms, LONGEST_MS)
}

fn is_of(word: u64, me: Token) -> bool {
    word != 0 && trial::is_held_by(word, me)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_by_itself_and_is_given_back_by_its_holder_alone() {
        let word = AtomicU64::new(0);
        let (a, b) = (Token::new(1), Token::new(2));
        assert!(take(&word, a, 100, 200));
        assert!(!take(&word, b, 199, 300));
        assert!(take(&word, a, 150, 200), "a dial within a dial");
        assert!(!release(&word, b));
        assert!(take(&word, b, 200, 300), "its holder was killed");
        assert!(!release(&word, a), "it came back too late");
        assert!(is_held_by(&word, b) && is_taken(&word, 299));
        assert!(release(&word, b) && !is_taken(&word, 299));
    }
}
