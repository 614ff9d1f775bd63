//! What is kept of a node beside its state: claims, probes, errors.

use std::sync::atomic::Ordering;

use amm_core::probe::Reason;
use amm_core::trial::Token;
use amm_core::verdict::Verdict;

use crate::claim;
use crate::shm::NodeSlot;
use crate::state::SKEW_MS;

const PROBE_TIME_MASK: u64 = (1 << 48) - 1;

/// What the last probe of a node came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ProbeOutcome {
    /// No probe yet.
    None = 0,
    /// Logged in and judged.
    Answered = 1,
    /// Refused, reset, closed, or its name not found.
    Failed = 2,
    /// Reached, but the credentials were refused.
    NoLogin = 3,
    /// Reached, or its addresses are not known, with nothing learnt about it.
    Inconclusive = 4,
    /// Logged in, but what came does not tell the role: a right is missing, or
    /// the answer is of no known shape.
    Untold = 5,
    /// Nothing came back in time, or there is no way to it.
    Silent = 6,
    /// Not even tried: the process that probes lacks what it needs.
    Unable = 7,
}

/// The last probe of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProbeRecord {
    /// When it ended, ms.
    pub at_ms: u64,
    /// What it came to.
    pub outcome: ProbeOutcome,
    /// Why the node is not a writer.
    pub reason: Option<Reason>,
}

impl ProbeRecord {
    /// Whether the node said that its group has lost its quorum.
    pub fn has_no_quorum(&self) -> bool {
        self.reason == Some(Reason::NoQuorum)
    }
}

/// The last error seen of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastError {
    /// Seconds since 1970.
    pub unix_seconds: u64,
    /// Its verdict.
    pub verdict: Verdict,
    /// MySQL error number, 0 where there was none.
    pub errno: u16,
}

impl NodeSlot {
    /// Takes the half-open claim until `until_ms`.
    pub fn claim_trial(&self, me: Token, now_ms: u64, until_ms: u64) -> bool {
        claim::take(&self.trial, me, now_ms, until_ms)
    }

    /// Whether this process holds the half-open claim.
    pub fn holds_trial(&self, me: Token) -> bool {
        claim::is_held_by(&self.trial, me)
    }

    /// Gives the half-open claim back, if this process holds it.
    pub fn release_trial(&self, me: Token) -> bool {
        claim::release(&self.trial, me)
    }

    /// Whether another process's trial is under way.
    pub fn trial_is_taken(&self, now_ms: u64) -> bool {
        claim::is_taken(&self.trial, now_ms)
    }

    /// The last probe.
    pub fn last_probe(&self) -> ProbeRecord {
        let word = self.probe.load(Ordering::Acquire);
        ProbeRecord {
            at_ms: word & PROBE_TIME_MASK,
            outcome: match (word >> 48) as u8 {
                1 => ProbeOutcome::Answered,
                2 => ProbeOutcome::Failed,
                3 => ProbeOutcome::NoLogin,
                4 => ProbeOutcome::Inconclusive,
                5 => ProbeOutcome::Untold,
                6 => ProbeOutcome::Silent,
                7 => ProbeOutcome::Unable,
                _ => ProbeOutcome::None,
            },
            reason: Reason::from_code((word >> 56) as u8),
        }
    }

    /// Records a probe that ended at `at_ms`.
    pub fn record_probe(&self, at_ms: u64, outcome: ProbeOutcome, reason: Option<Reason>) {
        let word = (at_ms & PROBE_TIME_MASK)
            | ((outcome as u64) << 48)
            | (reason.map_or(0, |r| r as u64) << 56);
        self.probe.store(word, Ordering::Release);
    }

    /// How far it was behind the writers at the last probe, ms, if that is known.
    pub fn lag_ms(&self) -> Option<u32> {
        self.lag_ms.load(Ordering::Relaxed).checked_sub(1)
    }

    /// Whether a monitor gets conclusive answers from this node: the last one
    /// is at most `fresh_ms` old.
    pub fn is_watched(&self, now_ms: u64, fresh_ms: u64) -> bool {
        let last = self.last_probe();
        let told = matches!(
            last.outcome,
            ProbeOutcome::Answered | ProbeOutcome::Failed | ProbeOutcome::Silent
        );
        told && last.at_ms <= now_ms + SKEW_MS && now_ms.saturating_sub(last.at_ms) <= fresh_ms
    }

    /// Records an error for status.
    pub fn record_error(&self, verdict: Verdict, errno: Option<u32>) {
        let word = (crate::clock::unix_seconds() & ((1 << 40) - 1))
            | ((verdict as u64 & 0xff) << 40)
            | (errno.map_or(0, |e| u64::from(e.min(0xffff))) << 48);
        self.last_error.store(word, Ordering::Relaxed);
    }

    /// The last error, if there was one.
    pub fn last_error(&self) -> Option<LastError> {
        let word = self.last_error.load(Ordering::Relaxed);
        let verdicts = [
            Verdict::Down,
            Verdict::NotWritable,
            Verdict::Lost,
            Verdict::Conflict,
            Verdict::Overloaded,
            Verdict::Client,
            Verdict::Unknown,
        ];
        let code = (word >> 40) as u8;
        let verdict = verdicts.into_iter().find(|v| *v as u8 == code)?;
        (word != 0).then_some(LastError {
            unix_seconds: word & ((1 << 40) - 1),
            verdict,
            errno: (word >> 48) as u16,
        })
    }
}

#[cfg(test)]
#[path = "node_tests.rs"]
mod tests;
