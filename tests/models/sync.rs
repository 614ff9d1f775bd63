//! Loom's atomics, with a place before each operation at which the thread that
//! runs it can be killed, as `SIGKILL` ends a process: nothing that it would
//! have done afterwards happens, no destructor included that touches the
//! shared state.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

pub use loom::sync::atomic::Ordering;

loom::thread_local! {
    static LEFT: std::cell::Cell<Option<usize>> = std::cell::Cell::new(None);
}

struct Killed;

/// Runs `life` and kills it before its operation number `at` on an atomic,
/// counted from 0. `None`: it was killed.
pub fn killed_at<T>(at: usize, life: impl FnOnce() -> T) -> Option<T> {
    LEFT.with(|left| left.set(Some(at)));
    let outcome = catch_unwind(AssertUnwindSafe(life));
    LEFT.with(|left| left.set(None));
    match outcome {
        Ok(value) => Some(value),
        Err(cause) if cause.is::<Killed>() => None,
        Err(cause) => resume_unwind(cause),
    }
}

/// A word of shared memory.
///
/// Loom finds the orders worth trying from the last access to each word alone:
/// where a thread loads a word and then exchanges it, the load hides an earlier
/// load of another thread, and the order of that one and the exchange is never
/// turned round. So each operation first touches a word beside this one in a
/// way that orders nothing for the program, but every two operations for loom.
#[derive(Debug, Default)]
pub struct AtomicU64 {
    word: loom::sync::atomic::AtomicU64,
    turn: loom::sync::atomic::AtomicUsize,
}

#[allow(missing_docs)]
impl AtomicU64 {
    pub fn new(value: u64) -> Self {
        Self {
            word: loom::sync::atomic::AtomicU64::new(value),
            turn: Default::default(),
        }
    }

    pub fn load(&self, order: Ordering) -> u64 {
        let word = self.operation();
        self.turn.fetch_add(0, Ordering::Relaxed);
        word.load(order)
    }

    pub fn store(&self, value: u64, order: Ordering) {
        self.operation().store(value, order);
    }

    pub fn swap(&self, value: u64, order: Ordering) -> u64 {
        self.operation().swap(value, order)
    }

    pub fn compare_exchange(
        &self,
        seen: u64,
        next: u64,
        success: Ordering,
        failure: Ordering,
    ) -> Result<u64, u64> {
        self.operation()
            .compare_exchange(seen, next, success, failure)
    }

    fn operation(&self) -> &loom::sync::atomic::AtomicU64 {
        LEFT.with(|left| match left.get() {
            Some(0) => resume_unwind(Box::new(Killed)),
            Some(more) => left.set(Some(more - 1)),
            None => {}
        });
        &self.word
    }
}
