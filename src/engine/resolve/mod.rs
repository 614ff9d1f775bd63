//! From a node's name to its addresses, without waiting longer than a probe may.
//!
//! The system's resolver takes as long as it likes, and nothing ends a call
//! to it early. So each look-up has a thread, which ends with it; whoever asks
//! waits for that as long as it can afford to, and else goes by the addresses
//! that were good last. Names are looked up again every two seconds, sooner
//! where a probe has failed: an endpoint that moves is followed.
//!
//! A name that is said not to exist fails its node, since no dial would find
//! it either. A resolver that does not answer, or says that it cannot now,
//! says nothing about the node: what the last good addresses show counts.

mod system;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use crate::clock::now_ms;
use crate::process;
use crate::wire::{Deadline, Result, WireError};

/// The age at which an answer is asked for again, ms.
const FRESH_MS: u64 = 2_000;
/// The same after a probe that failed.
const FRESH_AFTER_FAILURE_MS: u64 = 500;
/// The part of its time that a probe which has addresses spares for newer ones.
const PATIENCE: u64 = 4;
/// Look-ups under way at once in a process.
const MOST: u64 = 64;
/// Resolvers load modules that are not frugal.
const STACK: usize = 256 * 1024;

/// What a resolver says of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// These, never none.
    Addresses(Vec<SocketAddr>),
    /// There is no such name, or it has no address.
    NoSuchName(String),
    /// It cannot say now.
    Failed(String),
}

/// How a name is looked up; the port of the answers does not matter.
pub(crate) type LookUp = fn(&str) -> Answer;

/// Knows the addresses of one name.
#[derive(Default)]
pub(crate) struct Resolver {
    name: Arc<Name>,
    how: Option<LookUp>,
}

#[derive(Default)]
struct Name {
    known: Mutex<Known>,
    told: Condvar,
}

#[derive(Default)]
struct Known {
    /// The last addresses that were good; none once the name is gone.
    good: Vec<SocketAddr>,
    /// Why the last look-up gave none.
    trouble: Option<Answer>,
    /// When it ended, ms.
    ended_ms: Option<u64>,
    under_way: bool,
}

impl Resolver {
    /// The addresses of `host`, which may be one itself, within `deadline`.
    /// `eagerly`: what is known did not lead to the node just now.
    pub(crate) fn addresses(
        &self,
        host: &str,
        port: u16,
        eagerly: bool,
        deadline: Deadline,
    ) -> Result<Vec<SocketAddr>> {
        if let Ok(address) = host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, port)]);
        }
        let mut known = self.name.known.lock();
        if !known.under_way && known.is_stale(eagerly) {
            match self.start(host) {
                Ok(()) => known.under_way = true,
                Err(error) if known.good.is_empty() => return Err(error),
                Err(_) => {}
            }
        }
        let wait_us = match (known.good.is_empty(), eagerly) {
            (true, _) => deadline.left_us()?,
            (false, true) => deadline.left_us()? / PATIENCE,
            (false, false) => 0,
        };
        if wait_us > 0 {
            let wait = Duration::from_micros(wait_us);
            self.name
                .told
                .wait_while_for(&mut known, |known| known.under_way, wait);
        }
        known.addresses(port)
    }

    fn start(&self, host: &str) -> Result<()> {
        let slot = Slot::take().ok_or_else(|| {
            WireError::Resolver("the resolver has not answered earlier questions".to_owned())
        })?;
        let (name, host) = (Arc::clone(&self.name), host.to_owned());
        let how = self.how.unwrap_or(system::look_up);
        let look_up = move || {
            let answer = how(&host);
            name.known.lock().learn(answer);
            name.told.notify_all();
            drop(slot);
        };
        process::with_signals_blocked(|| {
            std::thread::Builder::new()
                .name("amm-resolve".to_owned())
                .stack_size(STACK)
                .spawn(look_up)
        })
        .map(drop)
        .map_err(|error| WireError::Scarce(format!("no thread to look a name up: {error}")))
    }
}

impl Known {
    fn is_stale(&self, eagerly: bool) -> bool {
        let most = if eagerly {
            FRESH_AFTER_FAILURE_MS
        } else {
            FRESH_MS
        };
        self.ended_ms
            .is_none_or(|ended| now_ms().saturating_sub(ended) >= most)
    }

    fn learn(&mut self, answer: Answer) {
        self.under_way = false;
        self.ended_ms = Some(now_ms());
        match answer {
            Answer::Addresses(addresses) => {
                self.good = addresses;
                self.trouble = None;
            }
            gone @ Answer::NoSuchName(_) => {
                self.good.clear();
                self.trouble = Some(gone);
            }
            trouble @ Answer::Failed(_) => self.trouble = Some(trouble),
        }
    }

    fn addresses(&self, port: u16) -> Result<Vec<SocketAddr>> {
        if !self.good.is_empty() {
            let mut addresses = self.good.clone();
            addresses.iter_mut().for_each(|a| a.set_port(port));
            return Ok(addresses);
        }
        Err(match &self.trouble {
            Some(Answer::NoSuchName(text)) => WireError::Name(text.clone()),
            Some(Answer::Failed(text)) => WireError::Resolver(text.clone()),
            _ => WireError::Resolver("no answer within the time given".to_owned()),
        })
    }
}

/// A look-up's part of [`MOST`].
struct Slot {
    generation: u32,
}

/// Look-ups under way (low half) in the process of this generation (high
/// half): in a forked child none of its parent's are.
static UNDER_WAY: AtomicU64 = AtomicU64::new(0);

impl Slot {
    fn take() -> Option<Self> {
        let generation = process::generation();
        let taken = |word: u64| {
            let count = Self::count(word, generation);
            (count < MOST).then(|| u64::from(generation) << 32 | (count + 1))
        };
        UNDER_WAY
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, taken)
            .is_ok()
            .then_some(Self { generation })
    }

    fn count(word: u64, generation: u32) -> u64 {
        match word >> 32 == u64::from(generation) {
            true => word & u64::from(u32::MAX),
            false => 0,
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let given = |word: u64| {
            let count = Self::count(word, self.generation);
            (count > 0).then(|| word - 1)
        };
        let _ = UNDER_WAY.fetch_update(Ordering::AcqRel, Ordering::Acquire, given);
    }
}

#[cfg(test)]
mod tests;
