//! Whether a node may be dialled now. The state says what was seen, this says
//! what follows from it at this moment; nothing is changed here.

use crate::breaker::{Event, Policy};
use crate::node::{NodeState, Phase, Role};

/// Whether, and how, a node may be dialled for a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Freely.
    Open,
    /// For this share of the sticky keys, in 65,536ths (slow start).
    Ramp(u16),
    /// Half-open: by whoever holds the host's trial claim.
    Trial,
    /// Not at all.
    Refused(Refusal),
}

/// What a node is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Writes: the role must not forbid them.
    Write,
    /// Reads: any role but unready.
    Read,
}

/// What is known of a node at the moment of a decision; times in milliseconds
/// on one monotonic clock.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// The node's state.
    pub state: NodeState,
    /// When its phase began.
    pub since_ms: u64,
    /// Now.
    pub now_ms: u64,
    /// Up to when it has been seen as the state says: the last probe's time, or
    /// now where nothing probes it.
    pub seen_ms: u64,
    /// Whether a live monitor gets conclusive answers from it.
    pub watched: bool,
    /// Whether somebody could ask it for its role.
    pub askable: bool,
    /// Feeds the backoff's jitter.
    pub dice: u64,
}

/// Decides whether the node may be dialled, by what was observed of it;
/// operators' words are the caller's to ask.
pub fn admit(purpose: Purpose, seen: &Seen, policy: &Policy) -> Admission {
    let state = seen.state;
    let elapsed = seen.now_ms.saturating_sub(seen.since_ms);
    let well_for = seen.seen_ms.saturating_sub(seen.since_ms);
    let backed_off = || elapsed >= policy.backoff.wait_ms(state.streak, seen.dice);
    let refusal = match (state.role, purpose) {
        (Role::Writer | Role::Unknown, _) | (Role::Reader, Purpose::Read) => None,
        (Role::Reader, Purpose::Write) => Some(Refusal::Reader),
        (Role::Unready, _) => Some(Refusal::Unready),
    };
    if let Some(refusal) = refusal {
        // Nobody asks the node and nobody can: time must free it.
        let expired = !seen.watched && !seen.askable && backed_off();
        return if expired {
            Admission::Trial
        } else {
            Admission::Refused(refusal)
        };
    }
    match state.phase {
        Phase::Closed if state.scar && elapsed < policy.slow_start_ms => {
            Admission::Ramp(((elapsed << 16) / policy.slow_start_ms.max(1)).min(0xffff) as u16)
        }
        Phase::Closed => Admission::Open,
        Phase::Open if !seen.watched && backed_off() => Admission::Trial,
        Phase::Open => Admission::Refused(Refusal::Open),
        Phase::Recovering if well_for >= hold_ms(state, seen.dice, policy) => Admission::Trial,
        Phase::Recovering => Admission::Refused(Refusal::HeldDown),
    }
}

/// How long a node that a probe sees well, and that nobody tries, is kept
/// half-open before it is taken back without a trial, ms.
pub const UNTRIED_MS: u64 = 3_000;

/// How long a recovering node is held down, ms: the configured time, or its
/// backoff once it has failed again and again.
pub fn hold_ms(state: NodeState, dice: u64, policy: &Policy) -> u64 {
    if state.streak == 0 {
        return policy.hold_down_ms;
    }
    policy
        .hold_down_ms
        .max(policy.backoff.wait_ms(state.streak, dice))
}

/// How long a node that is back must serve before its past is forgotten, ms: its
/// slow start, and at least as long as it was held down, so that one that keeps
/// failing is held down ever longer however short its slow start is.
pub fn settle_ms(state: NodeState, dice: u64, policy: &Policy) -> u64 {
    policy.slow_start_ms.max(hold_ms(state, dice, policy))
}

/// What time alone brings about, for whoever watches the node: its past is
/// forgotten, or nobody wanted it for a trial.
pub fn due(seen: &Seen, policy: &Policy) -> Option<Event> {
    let state = seen.state;
    let elapsed = seen.now_ms.saturating_sub(seen.since_ms);
    let untried = || hold_ms(state, seen.dice, policy) + UNTRIED_MS;
    match state.phase {
        _ if !state.scar || state.role == Role::Unready => None,
        Phase::Closed if elapsed >= settle_ms(state, seen.dice, policy) => Some(Event::Settled),
        // Only while what is seen of it is fresh.
        Phase::Recovering if elapsed >= untried() && seen.watched => Some(Event::Untried),
        Phase::Closed | Phase::Open | Phase::Recovering => None,
    }
}

/// Why a node is not admitted, in the order of what an operator should know first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// An operator disabled it.
    Disabled,
    /// An operator drains it.
    Draining,
    /// The configuration makes it a reader.
    ConfiguredReader,
    /// Its role is reader.
    Reader,
    /// Its role is unready.
    Unready,
    /// It failed; the breaker is open.
    Open,
    /// It answers again; its hold-down runs.
    HeldDown,
    /// Another process holds the half-open trial.
    TrialTaken,
    /// Several nodes say they are writable where only one can be.
    Ambiguous,
}

impl Refusal {
    /// A phrase for errors and status.
    pub fn as_str(self) -> &'static str {
        match self {
            Refusal::Disabled => "disabled by an operator",
            Refusal::Draining => "draining",
            Refusal::ConfiguredReader => "configured as a reader",
            Refusal::Reader => "reader, refuses writes",
            Refusal::Unready => "unready",
            Refusal::Open => "down, breaker open",
            Refusal::HeldDown => "answers again, held down",
            Refusal::TrialTaken => "half-open, tried by another process",
            Refusal::Ambiguous => "says it is writable, as does another node",
        }
    }
}

impl Admission {
    /// The breaker's state as operators know it.
    pub fn breaker(self, state: NodeState) -> &'static str {
        match (state.phase, self) {
            (Phase::Closed, _) => "closed",
            (_, Admission::Trial) => "half-open",
            _ => "open",
        }
    }
}
