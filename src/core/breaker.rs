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
    Overloaded {
        /// Whether the dial held the half-open claim.
        trial: bool,
    },
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
    /// A probe has long seen the node well, and nobody wanted it for a trial.
    Untried,
    /// A returned node has served well for its time
    /// ([`crate::admission::settle_ms`]), or one that lost its role was seen well
    /// without it.
    Settled,
    /// The monitor's lease changed hands.
    LeaseTaken,
    /// An operator spoke.
    Admin(AdminOverride),
    /// The cluster's own list has the node, which nobody configured. It gets
    /// nothing until it was seen to be a writer; `held`: and then like one that
    /// comes back, since the cluster was in use without it.
    Listed {
        /// Whether its start is held down and ramped.
        held: bool,
    },
    /// The cluster's own list has the node no more.
    Retired,
}

/// The state after `event`, with epoch and sequence carried on. `watched`
/// says whether a live monitor gets conclusive answers from this node.
/// Returns `state` itself where the event changes nothing.
pub fn step(state: NodeState, event: Event, watched: bool, policy: &Policy) -> NodeState {
    let mut next = state;
    match event {
        Event::DialFailed { trial } => match state.phase {
            // A probe will soon know; until then nothing is held against it.
            Phase::Closed if watched => {
                next.phase = Phase::Open;
                next.health = Health::Suspect;
                next.passive = true;
                next.failures = 0;
            }
            Phase::Closed => open(&mut next, true),
            // A trial is one process's word as well: it shuts what a probe has
            // seen well until the next probe, and adds nothing to what one has
            // seen down.
            Phase::Recovering if trial => {
                next.phase = Phase::Open;
                next.health = Health::Suspect;
                next.passive = true;
            }
            Phase::Open if trial && !watched => wait_longer(&mut next),
            // The probe knows better, or the dial was under way before.
            Phase::Open | Phase::Recovering => {}
        },
        Event::ConnectionLost => {
            if state.phase == Phase::Closed {
                next.health = Health::Suspect;
            }
        }
        Event::Overloaded { trial } => match state.phase {
            Phase::Closed => {
                next.failures = (state.failures + 1).min(MAX_FAILURES);
                let lasting = policy.failures_to_open.saturating_mul(OVERLOAD_FACTOR);
                if next.failures >= lasting.clamp(1, MAX_FAILURES) {
                    open(&mut next, false);
                }
            }
            // Still full, in the server's own words: not every request is to
            // find that out again.
            Phase::Open | Phase::Recovering if trial => {
                next.phase = Phase::Open;
                wait_longer(&mut next);
            }
            Phase::Open | Phase::Recovering => {}
        },
        Event::WriteRefused(role) => {
            if matches!(state.role, Role::Writer | Role::Unknown) {
                if state.scar && !state.passive {
                    next.streak = (state.streak + 1).min(MAX_STREAK);
                }
                next.role = role;
                next.scar = true;
                // The wait for a trial counts from here where nobody probes.
                next.seq = state.seq.wrapping_add(1);
                next.passive = state.passive || state.phase == Phase::Closed;
            }
        }
        Event::DialSucceeded { trial: true } => {
            close(&mut next);
            // Nobody probes, and what was said of its role has had its time.
            if !watched {
                next.role = match state.role {
                    Role::Reader | Role::Unready => Role::Unknown,
                    role => role,
                };
            }
        }
        Event::DialSucceeded { trial: false } => {
            if state.phase == Phase::Closed {
                next.failures = 0;
                if state.health == Health::Suspect {
                    next.health = Health::Up;
                }
            }
        }
        Event::ProbeAnswered(role) => answered(state, &mut next, role),
        Event::ProbeFailed { fatal } => {
            let enough = fatal || state.failures.saturating_add(1) >= policy.failures_to_open;
            match state.phase {
                Phase::Closed if enough => open(&mut next, false),
                Phase::Recovering => reopen(&mut next),
                Phase::Open if !state.passive => {}
                Phase::Open if enough => open(&mut next, false),
                Phase::Closed | Phase::Open => {
                    next.health = Health::Suspect;
                    next.failures = (state.failures + 1).min(MAX_FAILURES);
                }
            }
        }
        Event::Untried => {
            let serves = matches!(state.role, Role::Writer | Role::Reader);
            if state.phase == Phase::Recovering && serves {
                close(&mut next);
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
        Event::Listed { held } => {
            if state.role == Role::Unknown {
                next.role = Role::Unready;
                next.scar |= held;
            }
        }
        Event::Retired => {
            next.role = Role::Unready;
            next.phase = Phase::Open;
            next.health = Health::Down;
            next.scar = true;
            next.passive = false;
            next.failures = 0;
        }
    }
    state.succeed_with(next)
}

/// The node is out: on a probe's word, or on that of a process where no probe
/// watches (`passive`).
fn open(next: &mut NodeState, passive: bool) {
    // A node that fails again before it has settled is left alone for longer.
    if next.scar {
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

/// A probe has seen a recovering node fail.
fn reopen(next: &mut NodeState) {
    next.phase = Phase::Open;
    next.passive = false;
    next.health = Health::Down;
    next.failures = 0;
    wait_longer(next);
}

/// One more failure in a row; time starts anew, though the phase may stay.
fn wait_longer(next: &mut NodeState) {
    next.streak = (next.streak + 1).min(MAX_STREAK);
    next.scar = true;
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
    if lost && state.phase == Phase::Closed {
        // Its past is forgotten some time after this; what comes and goes
        // before that is left alone for longer.
        next.seq = next.seq.wrapping_add(1);
        if state.scar {
            next.streak = (state.streak + 1).min(MAX_STREAK);
        }
    }
    if state.phase == Phase::Recovering && regained {
        // The hold-down counts from the moment the node is a writer again.
        next.seq = next.seq.wrapping_add(1);
    }
}

#[cfg(test)]
#[path = "breaker_tests.rs"]
mod tests;
