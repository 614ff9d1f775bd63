//! Sleeping on a word of shared memory.

use std::sync::atomic::{AtomicU32, Ordering};

use rustix::thread::futex;

/// The bit by which a thread of the process with this token can be woken apart.
pub fn bit_of(token: u32) -> std::num::NonZeroU32 {
    std::num::NonZeroU32::new(1 << (token % 32)).unwrap_or(std::num::NonZeroU32::MIN)
}

/// Sleeps until `word` is no longer `seen`, somebody wakes this word, or
/// `timeout_ms` is over (`None`: no end). May return early.
pub fn wait(word: &AtomicU32, seen: u32, timeout_ms: Option<u64>) {
    wait_bit(word, seen, std::num::NonZeroU32::MAX, timeout_ms);
}

/// Like [`wait`], but woken only by [`wake_all`] or by [`wake_bit`] of `bit`.
pub fn wait_bit(word: &AtomicU32, seen: u32, bit: std::num::NonZeroU32, timeout_ms: Option<u64>) {
    let timeout = timeout_ms.map(|ms| {
        // A bitset wait takes an absolute time on the monotonic clock.
        let end = crate::clock::now_us() + ms * 1_000;
        futex::Timespec {
            tv_sec: (end / 1_000_000) as i64,
            tv_nsec: ((end % 1_000_000) * 1_000) as _,
        }
    });
    let _ = futex::wait_bitset(word, futex::Flags::empty(), seen, timeout.as_ref(), bit);
}

/// Changes the word and wakes everyone who sleeps on it.
pub fn wake_all(word: &AtomicU32) {
    word.fetch_add(1, Ordering::Release);
    let _ = futex::wake(word, futex::Flags::empty(), i32::MAX as u32);
}

/// Changes the word and wakes those who sleep with `bit`.
pub fn wake_bit(word: &AtomicU32, bit: std::num::NonZeroU32) {
    word.fetch_add(1, Ordering::Release);
    let _ = futex::wake_bitset(word, futex::Flags::empty(), i32::MAX as u32, bit);
}
