//! The engine's own sources over the atomics of loom, a model checker: it runs
//! a small program in every interleaving, and with every stale value that the
//! memory model lets a load give, and a test asserts what must hold in all.
//!
//! The files are mounted, not copied. What they need around them is here.

pub mod sync;

pub mod shm {
    //! A node's slot, as far as the mounted files use it.
    use crate::sync::AtomicU64;

    /// See the engine's.
    #[derive(Default)]
    #[allow(missing_docs)]
    pub struct NodeSlot {
        pub state: AtomicU64,
        pub since: AtomicU64,
    }
}

#[path = "../../src/engine/claim.rs"]
pub mod claim;
#[path = "../../src/engine/lease.rs"]
pub mod lease;
#[path = "../../src/engine/seqlock.rs"]
pub mod seqlock;
#[path = "../../src/engine/state.rs"]
pub mod state;

/// Runs `body` in every interleaving.
pub fn every_interleaving(body: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.max_branches = 20_000;
    builder.check(body);
}

/// Runs `body` in every interleaving that takes the processor away from a
/// thread that could go on at most `switches` times. Nearly all errors need no
/// more than two; without a limit larger models would not end.
pub fn interleavings(switches: usize, body: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.max_branches = 20_000;
    builder.preemption_bound = Some(switches);
    builder.check(body);
}
