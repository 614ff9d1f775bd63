//! Leadership: one leader, a successor whatever became of it, and a stopped
//! one that finds out.

use amm_core::trial::Token;
use amm_models::every_interleaving;
use amm_models::lease::{self, LONGEST_MS, Lease, TTL_MS};
use amm_models::sync::{AtomicU64, killed_at};
use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;

const LONG: usize = 8;

fn tokens() -> (Token, Token) {
    (Token::new(1), Token::new(2))
}

#[test]
fn of_two_one_leads_at_a_time() {
    struct Guarded {
        word: AtomicU64,
        inside: UnsafeCell<u32>,
    }
    // SAFETY: `inside` is touched only by the holder of `word`; loom fails
    // where two could.
    unsafe impl Sync for Guarded {}
    fn lead(guarded: &Guarded, me: Token) -> bool {
        let Some(mut lease) = Lease::take(&guarded.word, me, 0) else {
            return false;
        };
        assert!(lease.renew(&guarded.word, me, 10), "taken away early");
        assert!(lease.renew(&guarded.word, me, TTL_MS - 1));
        // SAFETY: see above.
        guarded.inside.with_mut(|inside| unsafe { *inside += 1 });
        lease.release(&guarded.word);
        true
    }
    every_interleaving(|| {
        let (a, b) = tokens();
        let guarded = Arc::new(Guarded {
            word: AtomicU64::new(0),
            inside: UnsafeCell::new(0),
        });
        let its = Arc::clone(&guarded);
        let other = thread::spawn(move || lead(&its, b));
        let one = lead(&guarded, a);
        assert!(other.join().unwrap() | one, "free, and nobody got it");
        assert_eq!(lease::age_ms(&guarded.word, TTL_MS), None);
    });
}

#[test]
fn a_leader_killed_anywhere_has_a_successor_when_its_time_is_over() {
    for at in 0..LONG {
        every_interleaving(move || {
            let (a, b) = tokens();
            let word = Arc::new(AtomicU64::new(0));
            let its = Arc::clone(&word);
            let killed = thread::spawn(move || {
                killed_at(at, || {
                    let mut lease = Lease::take(&its, a, 0)?;
                    assert!(lease.renew(&its, a, 200));
                    assert!(lease.renew(&its, a, 400));
                    lease.release(&its);
                    Some(())
                })
            });
            killed.join().unwrap();
            assert!(Lease::take(&word, b, 400 + TTL_MS).is_some());
        });
    }
}

#[test]
fn one_that_was_stopped_and_overtaken_finds_out_and_takes_nothing_back() {
    every_interleaving(|| {
        let (stopped, b) = tokens();
        let word = Arc::new(AtomicU64::new(0));
        let mut old = Lease::take(&word, stopped, 0).unwrap();
        let (his, hers) = (Arc::clone(&word), Arc::clone(&word));
        let woken = thread::spawn(move || {
            let kept = old.renew(&his, stopped, TTL_MS);
            // What it does next, whether it noticed or not.
            let again = old.renew(&his, stopped, TTL_MS + 10);
            assert_eq!(kept, again, "one answer, then another");
            (kept, old)
        });
        let successor = thread::spawn(move || Lease::take(&hers, b, TTL_MS));
        let (kept, old) = woken.join().unwrap();
        let new = successor.join().unwrap();
        assert_ne!(kept, new.is_some(), "two leaders, or none");
        if let Some(mut new) = new {
            old.release(&word);
            assert!(Lease::take(&word, stopped, TTL_MS + 20).is_none());
            assert!(new.renew(&word, b, TTL_MS + 300), "given away by another");
        }
    });
}

#[test]
fn one_that_was_overtaken_finds_out_even_when_no_renewal_is_due() {
    every_interleaving(|| {
        let (stopped, b) = tokens();
        let word = Arc::new(AtomicU64::new(0));
        let mut old = Lease::take(&word, stopped, 0).unwrap();
        let its = Arc::clone(&word);
        let successor = thread::spawn(move || Lease::take(&its, b, TTL_MS).is_some());
        assert!(successor.join().unwrap());
        // Its clock is as old as its lease: it read it before it was stopped.
        assert!(!old.renew(&word, stopped, 1));
    });
}

#[test]
fn a_lease_that_ends_too_far_ahead_is_no_lease() {
    every_interleaving(|| {
        let (a, b) = tokens();
        let word = Arc::new(AtomicU64::new(0));
        let its = Arc::clone(&word);
        let garbage = amm_core::trial::claim(a, LONGEST_MS + 2);
        word.store(garbage, loom::sync::atomic::Ordering::Relaxed);
        let other = thread::spawn(move || Lease::take(&its, a, 1).is_some());
        let one = Lease::take(&word, b, 1).is_some();
        assert!(other.join().unwrap() ^ one);
    });
}
