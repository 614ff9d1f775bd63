//! The state of a node in shared memory: one word, and when its phase began.
//!
//! The word is changed by compare-exchanges alone (see [`step`] for what
//! follows from what). The time is a word of its own that bears the number of
//! the change it belongs to, so that one without its time is recognised: its
//! process was killed in between, or is about to set it.

use amm_core::breaker::{Event, Policy, step};
use amm_core::node::NodeState;

use crate::shm::NodeSlot;
use crate::sync::Ordering;

/// Times further ahead than this are not times but garbage, ms.
pub(crate) const SKEW_MS: u64 = 2_000;
const SINCE_MASK: u64 = (1 << 56) - 1;

/// A change that was made.
#[derive(Clone, Copy, Debug)]
pub struct Change {
    /// The state before.
    pub before: NodeState,
    /// The state after.
    pub after: NodeState,
}

impl NodeSlot {
    /// The state now.
    #[inline]
    pub fn load(&self) -> NodeState {
        NodeState::unpack(self.state.load(Ordering::Acquire))
    }

    /// When the phase of `state` began. If its writer was killed between the
    /// state and the time, the time is set here, to now.
    pub fn since_ms(&self, state: NodeState, now_ms: u64) -> u64 {
        let word = self.since.load(Ordering::Acquire);
        let since = word & SINCE_MASK;
        if (word >> 56) as u8 == state.seq {
            // A time ahead of the clock is from before a reboot, or garbage:
            // long past.
            return if since > now_ms + SKEW_MS {
                0
            } else {
                since.min(now_ms)
            };
        }
        self.date(word, state.seq, now_ms);
        now_ms
    }

    /// Sets the time of the change numbered `seq` in place of `word`, unless
    /// another change has come: its time must not be lost to one that was held
    /// up. (Whoever sees that time sees that change.) True: nothing is left to
    /// do.
    fn date(&self, word: u64, seq: u8, at_ms: u64) -> bool {
        self.load().seq != seq
            || self
                .since
                .compare_exchange(
                    word,
                    since_word(seq, at_ms),
                    Ordering::AcqRel,
                    Ordering::Acquire,
                )
                .is_ok()
    }

    /// Applies `event`, whatever else happens meanwhile.
    pub fn apply(&self, event: Event, watched: bool, policy: &Policy, now_ms: u64) -> Change {
        let mut word = self.state.load(Ordering::Acquire);
        loop {
            match self.exchange(word, event, watched, policy, now_ms) {
                Ok(change) => return change,
                Err(current) => word = current,
            }
        }
    }

    /// Applies `event` only if the state is still the one of `word`; else
    /// gives the present word. This is what fences probes: a result counts
    /// only if nothing changed since the probe began.
    pub fn exchange(
        &self,
        word: u64,
        event: Event,
        watched: bool,
        policy: &Policy,
        now_ms: u64,
    ) -> Result<Change, u64> {
        let before = NodeState::unpack(word);
        let after = step(before, event, watched, policy);
        let next = after.pack();
        if next != word {
            self.state
                .compare_exchange(word, next, Ordering::AcqRel, Ordering::Acquire)?;
            if after.seq != before.seq {
                while !self.date(self.since.load(Ordering::Acquire), after.seq, now_ms) {}
            }
        } else if self.state.load(Ordering::Acquire) != word {
            return Err(self.state.load(Ordering::Acquire));
        }
        Ok(Change { before, after })
    }
}

pub(crate) fn since_word(seq: u8, now_ms: u64) -> u64 {
    (u64::from(seq) << 56) | (now_ms & SINCE_MASK)
}
