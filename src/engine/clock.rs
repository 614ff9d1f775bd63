//! The one place that reads clocks.

use rustix::time::{ClockId, clock_gettime};

/// Milliseconds on the host's monotonic clock, the same for all processes of
/// the host; grows by itself, never jumps, starts near zero at boot.
pub fn now_ms() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    (now.tv_sec as u64) * 1_000 + (now.tv_nsec as u64) / 1_000_000
}

/// Microseconds on the same clock, for durations.
pub fn now_us() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    (now.tv_sec as u64) * 1_000_000 + (now.tv_nsec as u64) / 1_000
}

/// Milliseconds since 1970, for what other hosts compare.
pub fn unix_ms() -> u64 {
    let now = clock_gettime(ClockId::Realtime);
    (now.tv_sec as u64) * 1_000 + (now.tv_nsec as u64) / 1_000_000
}

/// Seconds since 1970, for people.
pub fn unix_seconds() -> u64 {
    clock_gettime(ClockId::Realtime).tv_sec as u64
}
