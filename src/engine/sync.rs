//! The atomics of everything that several processes change at once.
//!
//! What uses them through this module, and nothing else of the engine, can be
//! mounted as it is over the atomics of a model checker: `tests/models` does,
//! and tries the interleavings and the stale loads that the memory model
//! allows.

pub(crate) use std::sync::atomic::{AtomicU64, Ordering};
