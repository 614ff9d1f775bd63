//! The database servers: what a dial, a question or a statement meets there.

use amm_core::node::Role;

/// What a new connection meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// A greeting.
    Up,
    /// A refusal: nothing listens.
    Refuses,
    /// Silence; connections that are open are silent too (SIGSTOP).
    Hangs,
    /// Silence, while connections that are open are served (thread pool exhausted).
    Stalls,
    /// `Too many connections`.
    Full,
}

/// One server, as it really is.
#[derive(Clone, Debug)]
pub struct Server {
    /// What a new connection meets.
    pub reach: Reach,
    /// What it may do.
    pub role: Role,
    /// Its rank among the members.
    pub rank: u16,
    /// Longest time it takes for an answer, ms.
    pub latency: u64,
    /// Grows when it loses its connections.
    pub life: u32,
    /// When `reach`, `role` or `latency` last changed, ms.
    pub since: u64,
    /// It goes up and down all the time until then, ms.
    pub flaps_until: u64,
    /// How long it is then up at a time, ms.
    pub flaps_up: u64,
    /// When its role last changed, ms.
    pub role_since: u64,
    /// Identities of the writes it has carried out.
    pub executed: Vec<u64>,
}

impl Server {
    pub(crate) fn new(role: Role, rank: u16, latency: u64) -> Self {
        Self {
            reach: Reach::Up,
            role,
            rank,
            latency,
            life: 1,
            since: 0,
            flaps_until: 0,
            flaps_up: 0,
            role_since: 0,
            executed: Vec::new(),
        }
    }

    /// Whether it accepts and answers, as far as anyone can ask of it.
    pub fn is_well(&self) -> bool {
        self.reach == Reach::Up && self.latency <= 100
    }

    /// Whether it would carry out a write now.
    pub fn is_well_writer(&self) -> bool {
        self.is_well() && self.role == Role::Writer
    }

    /// Whether no dial can succeed.
    pub fn is_gone(&self) -> bool {
        matches!(self.reach, Reach::Refuses | Reach::Hangs)
    }

    pub(crate) fn change(&mut self, change: Change, now: u64) {
        match change {
            Change::Reach(reach) => {
                if reach == Reach::Refuses {
                    self.life += 1;
                }
                self.reach = reach;
            }
            Change::Role(role) if role == self.role => {}
            Change::Role(role) => {
                self.role = role;
                self.role_since = now;
            }
            Change::Latency(ms) => self.latency = ms,
            Change::Flaps(until) => self.flaps_until = until,
        }
        self.since = now;
    }
}

/// What may become of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// How it is reached.
    Reach(Reach),
    /// What it may do.
    Role(Role),
    /// How long it takes.
    Latency(u64),
    /// Until when it flaps.
    Flaps(u64),
}
