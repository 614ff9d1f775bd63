//! The state machine of a node: what is seen goes in, the next state comes out.
//!
//! ```text
//!            failure                 probe sees it well
//!  Closed ───────────────▶ Open ─────────────────────────▶ Recovering
//!    ▲  ▲                  │  ▲                             │     │
//!    │  └──refuted─────────┘  └───────failure───────────────┘     │
//!    └──────────────── one trial dial succeeds ◀── half-open ◀────┘
//! ```
//!
//! *Half-open* is not stored, it follows from time: a recovering node whose
//! hold-down is over, or an open one that no probe watches and whose backoff
//! is over. It admits exactly one dial in the whole host (see [`crate::trial`]).
//! While a probe watches the node, an open breaker is never tried by time
//! alone: a request would pay for what the probe already knows.
//!
//! A failure reported by a single process opens the breaker only until the
//! next probe. If that probe logs in, the breaker closes as if nothing had
//! been: a client that is sick must not cost a healthy server its traffic.

use crate::backoff::Backoff;
use crate::node::{AdminOverride, Health, MAX_FAILURES, MAX_STREAK, NodeState, Phase, Role};

/// Limits and times that the configuration sets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Policy {
    /// Non-fatal failures in a row that open the breaker.
    pub failures_to_open: u8,
    /// Wait between trials of a node that keeps failing.
    pub backoff: Backoff,
    /// How long a failed node must be seen well before it is tried, ms.
    pub hold_down_ms: u64,
    /// How long a returned node's share grows from nothing to whole, ms.
    pub slow_start_ms: u64,
}

/// How often as many overloads as other failures must be seen in a row before
/// they count as lasting.
const OVERLOAD_FACTOR: u8 = 4;

/// What was seen of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A process could not connect.
    DialFailed {
        /// Whether the dial held the half-open claim.
        trial: bool,
    },
    /// A process lost a connection in use.
    ConnectionLost,
    /// The server refused a connection for want of room.
    Overloaded,
    /// The server refused a write because of its role (reader or unready).
    WriteRefused(Role),
    /// A dial succeeded. `trial`: it held the host's trial claim.
    DialSucceeded {
        /// Whether the dial held the half-open claim.
        trial: bool,
    },
    /// A probe logged in and judged the role.
    ProbeAnswered(Role),
    /// A probe failed. `fatal`: refused, reset, unreachable; not fatal: late.
    ProbeFailed {
        /// Whether one such failure is enough.
        fatal: bool,
    },
    /// The slow start of a returned node is over.
    Settled,
    /// The monitor's lease changed hands.
    LeaseTaken,
    /// An operator spoke.
    Admin(AdminOverride),
}

/// The state after `event`, with epoch and sequence carried on. `watched`
/// says whether a live monitor gets conclusive answers from this node.
/// Returns `state` itself where the event changes nothing.
pub fn step(state: NodeState, event: Event, watched: bool, policy: &Policy) -> NodeState {
    let mut next = state;
    match event {
        Event::DialFailed { trial } => match state.phase {
            Phase::Closed => open(&mut next, true),
            Phase::Open | Phase::Recovering if trial => reopen(&mut next),
            // A dial that was under way when the breaker opened.
            Phase::Open | Phase::Recovering => {}
        },
        Event::ConnectionLost if state.phase == Phase::Closed => {
            next.health = Health::Suspect;
            // A watched node is judged by its probe, which this event wakes.
            if !watched {
                count(&mut next, policy.failures_to_open);
            }
        }
        Event::Overloaded if state.phase == Phase::Closed => {
            count(
                &mut next,
                policy.failures_to_open.saturating_mul(OVERLOAD_FACTOR),
            );
        }
        Event::ConnectionLost | Event::Overloaded => {}
        Event::WriteRefused(role) => {
            if matches!(state.role, Role::Writer | Role::Unknown) {
                next.role = role;
                next.scar = true;
                next.passive = state.passive || state.phase == Phase::Closed;
            }
        }
        Event::DialSucceeded { trial } => {
            if state.phase == Phase::Closed {
                next.failures = 0;
                if state.health == Health::Suspect {
                    next.health = Health::Up;
                }
            } else if trial {
                close(&mut next);
            }
        }
        Event::ProbeAnswered(role) => answered(state, &mut next, role),
        Event::ProbeFailed { fatal } => {
            let enough = fatal || state.failures.saturating_add(1) >= policy.failures_to_open;
            match state.phase {
                Phase::Closed if enough => open(&mut next, false),
                Phase::Recovering => reopen(&mut next),
                Phase::Open if !state.passive => {}
                Phase::Open if enough => {
                    next.health = Health::Down;
                    next.passive = false;
                    next.failures = 0;
                }
                Phase::Closed | Phase::Open => {
                    next.health = Health::Suspect;
                    next.failures = (state.failures + 1).min(MAX_FAILURES);
                }
            }
        }
        Event::Settled => {
            if state.phase == Phase::Closed && state.role != Role::Unready {
                next.scar = false;
                next.streak = 0;
            }
        }
        Event::LeaseTaken => next.fence = state.fence.wrapping_add(1),
        Event::Admin(admin) => next.admin = admin,
    }
    state.succeed_with(next)
}

/// Counts a failure that is not fatal by itself; `limit` in a row open the breaker.
fn count(next: &mut NodeState, limit: u8) {
    next.failures = (next.failures + 1).min(MAX_FAILURES);
    if next.failures >= limit.clamp(1, MAX_FAILURES) {
        open(next, false);
    }
}

fn open(next: &mut NodeState, passive: bool) {
    // A node that fails again before it has settled is left alone for longer.
    if next.scar && !next.passive {
        next.streak = (next.streak + 1).min(MAX_STREAK);
    }
    next.phase = Phase::Open;
    next.passive = passive;
    next.health = if passive {
        Health::Suspect
    } else {
        Health::Down
    };
    next.scar = true;
    next.failures = 0;
}

fn reopen(next: &mut NodeState) {
    next.phase = Phase::Open;
    next.passive = false;
    next.health = Health::Down;
    next.streak = (next.streak + 1).min(MAX_STREAK);
    next.scar = true;
    next.failures = 0;
    // The phase may not have changed; time still has to start anew.
    next.seq = next.seq.wrapping_add(1);
}

fn close(next: &mut NodeState) {
    next.phase = Phase::Closed;
    next.passive = false;
    next.health = Health::Up;
    next.failures = 0;
}

fn answered(state: NodeState, next: &mut NodeState, role: Role) {
    let regained = role == Role::Writer && matches!(state.role, Role::Reader | Role::Unready);
    let lost = role != Role::Writer && state.role == Role::Writer;
    // A lone report that it cannot be reached, or that it refuses writes, is
    // refuted by a login, or by a probe that finds it writable.
    let refuted = state.passive && (state.phase == Phase::Open || role == Role::Writer);
    next.role = role;
    next.health = Health::Up;
    next.failures = 0;
    next.passive = false;
    next.scar = (state.scar && !(refuted && state.streak == 0)) || lost;
    next.phase = match state.phase {
        _ if refuted => Phase::Closed,
        Phase::Open => Phase::Recovering,
        // A writer that was seen to lose its role is held down like a failed
        // one; a node promoted for the first time is wanted at once.
        Phase::Closed if regained && state.scar => Phase::Recovering,
        phase => phase,
    };
    if state.phase == Phase::Recovering && regained {
        // The hold-down counts from the moment the node is a writer again.
        next.seq = next.seq.wrapping_add(1);
    }
}

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

/// Decides on a node whose phase began at `since_ms`, both times on one
/// monotonic clock. `dice` feeds the backoff's jitter. Operators' words are
/// not asked here: see [`crate::admission`].
pub fn admit(
    state: NodeState,
    since_ms: u64,
    now_ms: u64,
    watched: bool,
    dice: u64,
    policy: &Policy,
) -> Admission {
    match state.role {
        Role::Reader => return Admission::Refused(Refusal::Reader),
        Role::Unready => return Admission::Refused(Refusal::Unready),
        Role::Writer | Role::Unknown => {}
    }
    let elapsed = now_ms.saturating_sub(since_ms);
    match state.phase {
        Phase::Closed if state.scar && elapsed < policy.slow_start_ms => {
            Admission::Ramp(((elapsed << 16) / policy.slow_start_ms.max(1)).min(0xffff) as u16)
        }
        Phase::Closed => Admission::Open,
        Phase::Open if !watched && elapsed >= policy.backoff.wait_ms(state.streak, dice) => {
            Admission::Trial
        }
        Phase::Open => Admission::Refused(Refusal::Open),
        Phase::Recovering if elapsed >= hold_ms(state, dice, policy) => Admission::Trial,
        Phase::Recovering => Admission::Refused(Refusal::HeldDown),
    }
}

/// How long a recovering node is held down: the configured time, or its
/// backoff once it has failed again and again.
fn hold_ms(state: NodeState, dice: u64, policy: &Policy) -> u64 {
    if state.streak == 0 {
        return policy.hold_down_ms;
    }
    policy
        .hold_down_ms
        .max(policy.backoff.wait_ms(state.streak, dice))
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
    pub fn breaker(state: NodeState, admission: Admission) -> &'static str {
        match (state.phase, admission) {
            (Phase::Closed, _) => "closed",
            (_, Admission::Trial) => "half-open",
            _ => "open",
        }
    }
}

#[cfg(test)]
#[path = "breaker_tests.rs"]
mod tests;
