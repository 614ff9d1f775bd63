//! Everything that decides about one node, packed into one 64-bit word.
//!
//! The word lives in shared memory and is changed by single compare-exchanges,
//! so a process killed at any instruction leaves either the old or the new
//! state and never half of one. The epoch sits in the same word as what it
//! guards: nobody can see a demoted node under the epoch of its promotion.
//!
//! ```text
//! bit 63        36 35    28 27   20 19 18 17 16 15 14 13 12 11   8 7      2  1      0
//!     epoch (28)   fence(8) seq(8)  role  health brk   admin streak failures scar  passive
//! ```
//!
//! Any 64 bits decode to some state: the file may hold anything. All zero is a
//! node nobody has seen yet: role unknown, health up, breaker closed.

/// What the cluster lets this node do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Role {
    /// Not known yet, or the probe cannot log in.
    #[default]
    Unknown,
    /// Accepts writes.
    Writer,
    /// Accepts reads only.
    Reader,
    /// Joining, blocked donor, non-primary, without quorum, recovering.
    Unready,
}

/// What was observed of the server behind this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Health {
    /// Answers, or nothing was heard against it.
    #[default]
    Up,
    /// Something failed that a probe has not confirmed yet.
    Suspect,
    /// Does not answer.
    Down,
}

/// The stored phase of the breaker; time turns [`Phase::Open`] and
/// [`Phase::Recovering`] into half-open, see [`crate::breaker`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Phase {
    /// Admits.
    #[default]
    Closed,
    /// Refuses.
    Open,
    /// Refuses still: a probe has seen the node well and its hold-down runs.
    Recovering,
}

/// What an operator said of this node on this host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum AdminOverride {
    /// Nothing: the configuration's `admin` holds.
    #[default]
    Unset,
    /// Takes traffic whatever the configuration says.
    Enabled,
    /// Keeps those stuck to it, takes no new ones.
    Draining,
    /// Takes nothing.
    Disabled,
}

/// Largest value of [`NodeState::streak`].
pub const MAX_STREAK: u8 = 15;
/// Largest value of [`NodeState::failures`].
pub const MAX_FAILURES: u8 = 63;
/// The bits of an epoch.
pub const EPOCH_MASK: u32 = (1 << 28) - 1;

/// The decoded word. `pack` and `unpack` are inverse for every value that
/// `unpack` can give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct NodeState {
    /// Grows whenever the node's writability changes (28 bits, wrapping).
    pub epoch: u32,
    /// Grows when the monitor's lease changes hands: a compare-exchange
    /// prepared by an earlier holder then fails.
    pub fence: u8,
    /// Grows with every change of phase; ties the separate time word to it.
    pub seq: u8,
    /// Role last observed.
    pub role: Role,
    /// Health last observed.
    pub health: Health,
    /// Phase of the breaker.
    pub phase: Phase,
    /// Operator's word on this host.
    pub admin: AdminOverride,
    /// Failures in a row of recoveries, for the backoff (at most [`MAX_STREAK`]).
    pub streak: u8,
    /// Non-fatal failures since the last success (at most [`MAX_FAILURES`]).
    pub failures: u8,
    /// The node lost its writability by observation and has not yet been
    /// taken back in full: its return is held down and ramped.
    pub scar: bool,
    /// The last change rests on one process's word and awaits a probe.
    pub passive: bool,
}

impl NodeState {
    /// Encodes the state.
    pub fn pack(self) -> u64 {
        (u64::from(self.epoch & EPOCH_MASK) << 36)
            | (u64::from(self.fence) << 28)
            | (u64::from(self.seq) << 20)
            | ((self.role as u64) << 18)
            | ((self.health as u64) << 16)
            | ((self.phase as u64) << 14)
            | ((self.admin as u64) << 12)
            | (u64::from(self.streak.min(MAX_STREAK)) << 8)
            | (u64::from(self.failures.min(MAX_FAILURES)) << 2)
            | (u64::from(self.scar) << 1)
            | u64::from(self.passive)
    }

    /// Decodes any word.
    pub fn unpack(word: u64) -> Self {
        Self {
            epoch: epoch_of(word),
            fence: (word >> 28) as u8,
            seq: (word >> 20) as u8,
            role: match (word >> 18) & 3 {
                0 => Role::Unknown,
                1 => Role::Writer,
                2 => Role::Reader,
                _ => Role::Unready,
            },
            health: match (word >> 16) & 3 {
                0 => Health::Up,
                1 => Health::Suspect,
                _ => Health::Down,
            },
            phase: match (word >> 14) & 3 {
                0 => Phase::Closed,
                1 => Phase::Open,
                _ => Phase::Recovering,
            },
            admin: match (word >> 12) & 3 {
                0 => AdminOverride::Unset,
                1 => AdminOverride::Enabled,
                2 => AdminOverride::Draining,
                _ => AdminOverride::Disabled,
            },
            streak: ((word >> 8) & 0xf) as u8,
            failures: ((word >> 2) & 0x3f) as u8,
            scar: word & 2 != 0,
            passive: word & 1 != 0,
        }
    }

    /// Whether writes may go here as far as the observed state says: the role
    /// does not forbid it (an unknown role does not), the breaker is closed
    /// and no operator has disabled the node on this host.
    pub fn is_writable(self) -> bool {
        matches!(self.role, Role::Writer | Role::Unknown)
            && self.phase == Phase::Closed
            && self.admin != AdminOverride::Disabled
    }

    /// The state that follows `self` once `next`'s fields are wanted: bumps
    /// the epoch if writability changed, and the sequence if the phase did
    /// (a `next` whose sequence moved already keeps it: its time starts anew).
    pub fn succeed_with(self, mut next: NodeState) -> NodeState {
        next.epoch = self.epoch;
        if next.is_writable() != self.is_writable() {
            next.epoch = (self.epoch + 1) & EPOCH_MASK;
        }
        if next.phase != self.phase && next.seq == self.seq {
            next.seq = self.seq.wrapping_add(1);
        }
        next
    }
}

/// The epoch of an encoded state, without decoding the rest.
#[inline]
pub fn epoch_of(word: u64) -> u32 {
    (word >> 36) as u32
}

impl Role {
    /// The word used in status, errors and PHP.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Unknown => "unknown",
            Role::Writer => "writer",
            Role::Reader => "reader",
            Role::Unready => "unready",
        }
    }
}

impl Health {
    /// The word used in status and errors.
    pub fn as_str(self) -> &'static str {
        match self {
            Health::Up => "up",
            Health::Suspect => "suspect",
            Health::Down => "down",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_word_decodes_and_encodes_back_to_the_same_state(word: u64) {
            let state = NodeState::unpack(word);
            prop_assert_eq!(NodeState::unpack(state.pack()), state);
            prop_assert_eq!(epoch_of(state.pack()), state.epoch);
        }
    }

    #[test]
    fn an_empty_word_is_a_node_nobody_has_seen() {
        let state = NodeState::unpack(0);
        assert_eq!(state, NodeState::default());
        assert!(state.is_writable());
    }

    #[test]
    fn the_epoch_grows_exactly_when_writability_changes() {
        let up = NodeState::default();
        let open = up.succeed_with(NodeState {
            phase: Phase::Open,
            ..up
        });
        assert_eq!((open.epoch, open.seq), (1, 1));
        let recovering = open.succeed_with(NodeState {
            phase: Phase::Recovering,
            ..open
        });
        assert_eq!((recovering.epoch, recovering.seq), (1, 2));
        let draining = up.succeed_with(NodeState {
            admin: AdminOverride::Draining,
            ..up
        });
        assert_eq!(draining.epoch, 0);
        let disabled = up.succeed_with(NodeState {
            admin: AdminOverride::Disabled,
            ..up
        });
        assert_eq!(disabled.epoch, 1);
    }

    #[test]
    fn the_epoch_wraps_within_its_bits() {
        let last = NodeState {
            epoch: EPOCH_MASK,
            ..NodeState::default()
        };
        let open = last.succeed_with(NodeState {
            phase: Phase::Open,
            ..last
        });
        assert_eq!(NodeState::unpack(open.pack()).epoch, 0);
    }
}
