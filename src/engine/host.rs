//! This process's hold on the shared memory of its host.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use amm_core::trial::Token;
use parking_lot::Mutex;

use crate::process;
use crate::shm::{Location, Mapping, ShmError};

/// How often a process looks whether the file is still the one it has mapped, ms.
const RECHECK_MS: u64 = 1_000;

/// The mapping in use, why it is not shared if it is not, and this process's
/// mark in claims. Belongs to one process: a forked child makes its own.
pub struct Host {
    /// This process's mark.
    pub token: Token,
    /// [`process::generation`] of the process this belongs to.
    pub generation: u32,
    location: Location,
    version: AtomicU32,
    checked_ms: AtomicU64,
    current: Mutex<Current>,
}

struct Current {
    mapping: Arc<Mapping>,
    reason: Option<String>,
}

impl Host {
    /// Opens the shared memory at `location`, or private memory where that
    /// cannot be had.
    pub fn open(location: Location, now_ms: u64) -> Result<Self, ShmError> {
        process::watch_forks();
        let current = match Mapping::open(&location) {
            Ok(mapping) => Current {
                mapping: Arc::new(mapping),
                reason: None,
            },
            Err(error) => {
                log::warn!("health is not shared with other processes: {error}");
                Current {
                    mapping: Arc::new(Mapping::private()?),
                    reason: Some(error.to_string()),
                }
            }
        };
        Ok(Self {
            token: process::token(),
            generation: process::generation(),
            location,
            version: AtomicU32::new(0),
            checked_ms: AtomicU64::new(now_ms),
            current: Mutex::new(current),
        })
    }

    /// The mapping in use.
    pub fn mapping(&self) -> Arc<Mapping> {
        Arc::clone(&self.current.lock().mapping)
    }

    /// Grows when the mapping is exchanged.
    #[inline]
    pub fn version(&self) -> u32 {
        self.version.load(Ordering::Acquire)
    }

    /// Where the shared file is.
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// Why the memory is not shared; `None` if it is.
    pub fn private_reason(&self) -> Option<String> {
        let current = self.current.lock();
        let cut = || {
            let path = self.location.path.display();
            format!("{path}: it was cut short while it was in use")
        };
        let reason = current.reason.clone();
        reason.or_else(|| current.mapping.is_replaced().then(cut))
    }

    /// At most once a second: if the file was deleted or replaced, maps the
    /// one that is there now (or makes it), so that processes find each other
    /// again; if it could not be had before, tries again.
    pub fn refresh(&self, now_ms: u64) {
        let last = self.checked_ms.load(Ordering::Relaxed);
        if now_ms.saturating_sub(last) < RECHECK_MS
            || self
                .checked_ms
                .compare_exchange(last, now_ms, Ordering::Relaxed, Ordering::Relaxed)
                .is_err()
        {
            return;
        }
        let mut current = self.current.lock();
        if current.mapping.is_still_at(&self.location) {
            return;
        }
        match Mapping::open(&self.location) {
            Ok(mapping) => {
                log::warn!(
                    "{}: the shared memory was replaced; starting over with what is there now",
                    self.location.path.display()
                );
                *current = Current {
                    mapping: Arc::new(mapping),
                    reason: None,
                };
                self.version.fetch_add(1, Ordering::Release);
            }
            Err(error) => current.reason = Some(error.to_string()),
        }
    }
}
