//! Log lines on their way to PHP's error log.
//!
//! PHP's log may be written by PHP's own thread only, so lines from anywhere
//! are queued here and the extension drains them there. The queue is short and
//! loses the oldest: a log must not grow without end in a process that never
//! comes to drain it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use log::{LevelFilter, Log, Metadata, Record};
use parking_lot::Mutex;

const LONGEST: usize = 64;

/// The logger behind the `log` crate's macros.
pub struct Journal {
    lines: Mutex<VecDeque<String>>,
    waiting: AtomicBool,
    lost: AtomicU32,
}

/// The one journal of the process.
pub static JOURNAL: Journal = Journal {
    lines: Mutex::new(VecDeque::new()),
    waiting: AtomicBool::new(false),
    lost: AtomicU32::new(0),
};

/// Starts logging lines up to `level`.
pub fn start(level: LevelFilter) {
    // Fails only where a logger is set already: PHP may start a module twice.
    let _ = log::set_logger(&JOURNAL);
    log::set_max_level(level);
}

/// Takes the lines that wait, if any.
#[inline]
pub fn drain(mut write: impl FnMut(&str)) {
    if !JOURNAL.waiting.load(Ordering::Relaxed) {
        return;
    }
    // Never waits: a forked child may find the lock held by a thread it lacks.
    let Some(mut lines) = JOURNAL.lines.try_lock() else {
        return;
    };
    JOURNAL.waiting.store(false, Ordering::Relaxed);
    let taken = std::mem::take(&mut *lines);
    drop(lines);
    let lost = JOURNAL.lost.swap(0, Ordering::Relaxed);
    if lost > 0 {
        write(&format!("amm: {lost} earlier lines were dropped"));
    }
    for line in taken {
        write(&line);
    }
}

impl Log for Journal {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("amm")
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let Some(mut lines) = self.lines.try_lock_for(std::time::Duration::from_millis(5)) else {
            self.lost.fetch_add(1, Ordering::Relaxed);
            return;
        };
        if lines.len() >= LONGEST {
            lines.pop_front();
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        lines.push_back(format!(
            "amm: {}: {}",
            record.level().as_str().to_ascii_lowercase(),
            record.args()
        ));
        self.waiting.store(true, Ordering::Relaxed);
    }

    fn flush(&self) {}
}
