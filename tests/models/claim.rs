//! The half-open claim: one holder in the whole host, whatever becomes of it.

use amm_core::trial::Token;
use amm_models::claim;
use amm_models::sync::{AtomicU64, killed_at};
use amm_models::{every_interleaving, interleavings};
use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;

const LONG: usize = 6;

fn tokens() -> (Token, Token, Token) {
    (Token::new(1), Token::new(2), Token::new(3))
}

/// A claim, and what only its holder may touch: loom fails where two could.
#[derive(Default)]
struct Guarded {
    word: AtomicU64,
    inside: UnsafeCell<u32>,
}

// SAFETY: `inside` is touched only by the holder of `word`, which loom checks.
unsafe impl Sync for Guarded {}

impl Guarded {
    fn take_touch_release(&self, me: Token) -> bool {
        let taken = claim::take(&self.word, me, 100, 200);
        if taken {
            // SAFETY: see above.
            self.inside.with_mut(|inside| unsafe { *inside += 1 });
            assert!(claim::is_held_by(&self.word, me));
            assert!(claim::release(&self.word, me), "taken away from its holder");
        }
        taken
    }
}

#[test]
fn of_two_at_once_one_at_a_time_is_inside() {
    every_interleaving(|| compete(&[Token::new(2)]));
}

#[test]
fn of_three_at_once_one_at_a_time_is_inside() {
    interleavings(2, || compete(&[Token::new(2), Token::new(3)]));
}

fn compete(others: &[Token]) {
    let me = Token::new(1);
    let guarded = Arc::new(Guarded::default());
    let others: Vec<_> = others
        .iter()
        .copied()
        .map(|token| {
            let guarded = Arc::clone(&guarded);
            thread::spawn(move || guarded.take_touch_release(token))
        })
        .collect();
    let mut inside = u32::from(guarded.take_touch_release(me));
    for other in others {
        inside += u32::from(other.join().unwrap());
    }
    assert!(inside >= 1, "free, and nobody got it");
    // SAFETY: all threads have ended.
    guarded
        .inside
        .with(|counted| assert_eq!(unsafe { *counted }, inside));
    assert!(!claim::is_taken(&guarded.word, 100));
}

#[test]
fn a_claimant_killed_anywhere_blocks_nobody_beyond_its_time() {
    for at in 0..LONG {
        every_interleaving(move || {
            let (a, b, _) = tokens();
            let word = Arc::new(AtomicU64::new(0));
            let its = Arc::clone(&word);
            let killed = thread::spawn(move || {
                killed_at(at, || {
                    claim::take(&its, a, 100, 200) && claim::release(&its, a)
                })
            });
            let early = claim::take(&word, b, 150, 250);
            killed.join().unwrap();
            assert!(early || claim::take(&word, b, 200, 300));
            assert!(claim::is_held_by(&word, b));
        });
    }
}

#[test]
fn one_that_comes_back_too_late_frees_nobody_elses() {
    every_interleaving(|| {
        let (late, b, c) = tokens();
        let word = Arc::new(AtomicU64::new(0));
        assert!(claim::take(&word, late, 100, 200));
        let (his, hers) = (Arc::clone(&word), Arc::clone(&word));
        let back = thread::spawn(move || claim::release(&his, late));
        let next = thread::spawn(move || claim::take(&hers, b, 200, 300));
        let (freed, taken) = (back.join().unwrap(), next.join().unwrap());
        assert!(freed || taken);
        if taken {
            assert!(claim::is_held_by(&word, b), "freed by another");
            assert!(!claim::take(&word, c, 299, 400));
        }
    });
}

#[test]
fn a_dial_within_a_dial_does_not_wait_for_itself_nor_let_others_in() {
    every_interleaving(|| {
        let (a, b, _) = tokens();
        let word = Arc::new(AtomicU64::new(0));
        assert!(claim::take(&word, a, 100, 200));
        let its = Arc::clone(&word);
        let other = thread::spawn(move || claim::take(&its, b, 150, 250));
        assert!(claim::take(&word, a, 150, 250));
        assert!(!other.join().unwrap());
        assert!(claim::is_held_by(&word, a));
    });
}
