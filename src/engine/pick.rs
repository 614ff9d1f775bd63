//! Choosing a node: selection ranks, admission decides, claims keep trials to
//! one per host.

use std::sync::atomic::Ordering;

use amm_core::admission::{Admission, Purpose, Refusal, Seen, admit};
use amm_core::config::{Admin, Flavour, NodeRole, Writers};
use amm_core::node::{NodeState, Phase, Role};
use amm_core::selection::{MAX_NODES, Ranking, rendezvous};
use amm_core::trial::{self, Token};

use crate::cluster::Cluster;
use crate::definition::millis;
use crate::node::ProbeOutcome;
use crate::order::Rivals;

/// A set of configured nodes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NodeSet(u64);

impl NodeSet {
    /// Adds the node at `index`.
    pub fn insert(&mut self, index: usize) {
        self.0 |= 1u64 << (index % MAX_NODES);
    }

    /// Whether the node at `index` is in it.
    pub fn contains(self, index: usize) -> bool {
        self.0 & (1u64 << (index % MAX_NODES)) != 0
    }
}

/// A node that was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// Its index in the configuration.
    pub index: usize,
    /// Its epoch at that moment.
    pub epoch: u32,
    /// Whether the host's trial claim was taken for it.
    pub trial: bool,
    /// Its role is known not to be writer: it must be asked before it gets a write.
    pub ask_first: bool,
}

/// The outcome of a choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pick {
    /// This one.
    Chosen(Chosen),
    /// None now, but another process is finding out.
    Wait,
    /// None, and why, node by node.
    Nobody(Vec<(usize, Refusal)>),
}

/// A role verdict is as good as fresh for this long, ms.
const FRESH_ROLE_MS: u64 = 100;

/// The state of one node with all that bears on its admission.
pub struct Glance {
    /// The node's state.
    pub state: NodeState,
    /// What follows from it for the purpose asked.
    pub admission: Admission,
    /// Operators' word.
    pub admin: Admin,
    /// When the phase began, ms.
    pub since_ms: u64,
}

impl Cluster {
    /// Looks at one node.
    pub fn glance(&self, index: usize, purpose: Purpose, now_ms: u64) -> Glance {
        let node = self.node(index);
        let state = node.load();
        let admin = self.definition.admin(index, state.admin);
        let quiet = state.phase == Phase::Closed && !state.scar && !state.passive;
        // The common case needs no times.
        let since_ms = if quiet {
            0
        } else {
            node.since_ms(state, now_ms)
        };
        let watched = quiet || self.is_watched(index, now_ms);
        let dice = if quiet {
            0
        } else {
            self.dice(index, state.seq)
        };
        let askable = !quiet && self.is_askable(index);
        let seen_ms = match state.phase {
            Phase::Recovering if watched => node.last_probe().at_ms.min(now_ms),
            _ => now_ms,
        };
        let seen = Seen {
            state,
            since_ms,
            now_ms,
            seen_ms,
            watched,
            askable,
            dice,
        };
        let configured = self
            .definition
            .nodes
            .get(index)
            .and_then(|n| n.settings.role);
        let admission = match (admin, purpose, configured) {
            (Admin::Disabled, ..) => Admission::Refused(Refusal::Disabled),
            (Admin::Draining, ..) => Admission::Refused(Refusal::Draining),
            (_, Purpose::Write, Some(NodeRole::Reader)) => {
                Admission::Refused(Refusal::ConfiguredReader)
            }
            _ => admit(purpose, &seen, &self.definition.policy),
        };
        Glance {
            state,
            admission,
            admin,
            since_ms,
        }
    }

    /// Chooses a node for `key`, passing over those in `tried`.
    pub fn pick(&self, purpose: Purpose, key: u64, tried: NodeSet, me: Token, now_ms: u64) -> Pick {
        let ranking = match purpose {
            Purpose::Write => self.rank_writers(key),
            Purpose::Read => self.rank_readers(key),
        };
        let rivals = self.rivals();
        let spread = self.writers() == Writers::Spread;
        let mut ramping = None;
        let mut behind = None;
        for index in ranking.iter().filter(|i| !tried.contains(*i)) {
            let glance = self.glance(index, purpose, now_ms);
            if purpose == Purpose::Write && rivals.excludes(index, glance.state.role) {
                continue;
            }
            let chosen = Chosen {
                index,
                epoch: glance.state.epoch,
                trial: false,
                ask_first: false,
            };
            if purpose == Purpose::Read && self.is_behind(index, now_ms) {
                if matches!(glance.admission, Admission::Open | Admission::Ramp(_)) {
                    behind.get_or_insert((chosen, glance.state.role));
                }
                continue;
            }
            match glance.admission {
                Admission::Open => return self.settle(purpose, chosen, glance.state.role),
                Admission::Ramp(share) => {
                    let identity = self.definition.nodes.get(index).map_or(0, |n| n.identity);
                    if !spread || rendezvous::ramp_point(identity, key) < share {
                        return self.settle(purpose, chosen, glance.state.role);
                    }
                    ramping.get_or_insert((chosen, glance.state.role));
                }
                Admission::Trial => {
                    // Whose dials fail for its own reasons would use up trials.
                    if !self.is_distrusted(me, now_ms) && self.claim(index, me, now_ms) {
                        return Pick::Chosen(Chosen {
                            trial: true,
                            ..chosen
                        });
                    }
                }
                Admission::Refused(_) => {}
            }
        }
        // Old data are better than none: where the writers are gone, what
        // replicates from them stands still.
        match ramping.or(behind) {
            Some((chosen, role)) => self.settle(purpose, chosen, role),
            None => self.panic(purpose, &ranking, tried, &rivals, me, now_ms),
        }
    }

    /// No node is admitted: bans that were automatic are ignored, one dialler
    /// per node and host.
    fn panic(
        &self,
        purpose: Purpose,
        ranking: &Ranking,
        tried: NodeSet,
        rivals: &Rivals,
        me: Token,
        now_ms: u64,
    ) -> Pick {
        // One that drains and is well: better new ones there than none anywhere.
        for index in ranking.iter().filter(|i| !tried.contains(*i)) {
            let glance = self.glance(index, purpose, now_ms);
            let role = glance.state.role;
            let drains = glance.admission == Admission::Refused(Refusal::Draining);
            let serves = match purpose {
                Purpose::Write => glance.state.is_writable() && !rivals.excludes(index, role),
                Purpose::Read => glance.state.phase == Phase::Closed && role != Role::Unready,
            };
            if drains && serves {
                return Pick::Chosen(Chosen {
                    index,
                    epoch: glance.state.epoch,
                    trial: false,
                    ask_first: false,
                });
            }
        }
        let mut refusals = Vec::new();
        let mut taken = false;
        // Those whose role allows it first; then those that must be asked.
        for asking in [false, true] {
            for index in ranking.iter().filter(|i| !tried.contains(*i)) {
                let glance = self.glance(index, purpose, now_ms);
                let may_serve = matches!(
                    (glance.state.role, purpose),
                    (Role::Writer | Role::Unknown, _) | (Role::Reader, Purpose::Read)
                );
                if may_serve == asking {
                    continue;
                }
                let refusal = match glance.admission {
                    Admission::Refused(
                        refusal @ (Refusal::Disabled | Refusal::ConfiguredReader),
                    ) => Some(refusal),
                    _ if purpose == Purpose::Write && rivals.excludes(index, glance.state.role) => {
                        Some(Refusal::Ambiguous)
                    }
                    Admission::Refused(refusal) if asking && !self.may_ask(index, now_ms) => {
                        Some(refusal)
                    }
                    _ => None,
                };
                if let Some(refusal) = refusal {
                    refusals.push((index, refusal));
                } else if self.awaits_probe_of(index, &glance, me, now_ms) {
                    taken = true;
                    refusals.push((index, Refusal::Open));
                } else if self.claim(index, me, now_ms) {
                    return Pick::Chosen(Chosen {
                        index,
                        epoch: glance.state.epoch,
                        trial: true,
                        ask_first: asking,
                    });
                } else {
                    taken = true;
                    refusals.push((index, Refusal::TrialTaken));
                }
            }
        }
        if taken {
            Pick::Wait
        } else {
            Pick::Nobody(refusals)
        }
    }

    /// All nodes worth trying for a write, best first; takes no claim.
    pub fn candidates(&self, key: u64, now_ms: u64) -> Vec<Chosen> {
        let rivals = self.rivals();
        let mut lists: [Vec<Chosen>; 4] = Default::default();
        for index in self.rank_writers(key).iter() {
            let glance = self.glance(index, Purpose::Write, now_ms);
            if rivals.excludes(index, glance.state.role) {
                continue;
            }
            let list = match glance.admission {
                Admission::Open => 0,
                Admission::Ramp(_) => 1,
                Admission::Trial => 2,
                Admission::Refused(Refusal::Open | Refusal::HeldDown) => 3,
                Admission::Refused(_) => continue,
            };
            if let Some(list) = lists.get_mut(list) {
                list.push(Chosen {
                    index,
                    epoch: glance.state.epoch,
                    trial: false,
                    ask_first: false,
                });
            }
        }
        let [open, ramping, trial, banned] = lists;
        let worth: Vec<Chosen> = open.into_iter().chain(ramping).chain(trial).collect();
        if worth.is_empty() { banned } else { worth }
    }

    /// Whether a scope that chose the node at `epoch` may stay on it.
    #[inline]
    pub fn may_stay(&self, index: usize, epoch: u32, purpose: Purpose) -> bool {
        let state = self.node(index).load();
        let serves = match purpose {
            Purpose::Write => state.is_writable(),
            Purpose::Read => state.phase == Phase::Closed,
        };
        state.epoch == epoch
            && serves
            && self.definition.admin(index, state.admin) != Admin::Disabled
    }

    /// Whether the node is known to be further behind than `max_lag`.
    pub(crate) fn is_behind(&self, index: usize, now_ms: u64) -> bool {
        let Some(most) = self.definition.settings.max_lag else {
            return false;
        };
        let node = self.node(index);
        node.lag_ms()
            .is_some_and(|lag| u64::from(lag) > millis(most))
            && node.is_watched(now_ms, self.definition.fresh_ms())
    }

    /// Whether no node is writable, so that bans are ignored.
    pub fn is_panicking(&self, now_ms: u64) -> bool {
        !(0..self.definition.nodes.len()).any(|index| {
            matches!(
                self.glance(index, Purpose::Write, now_ms).admission,
                Admission::Open | Admission::Ramp(_) | Admission::Trial
            )
        })
    }

    /// Remembers the writer that `single` is on; under `read_only` only one
    /// that is proven to be it, since later rivals are measured against it.
    fn settle(&self, purpose: Purpose, chosen: Chosen, role: Role) -> Pick {
        let proven = role == Role::Writer || self.flavour() == Flavour::Galera;
        if purpose == Purpose::Write && self.writers() == Writers::Single && proven {
            self.remember_incumbent(chosen.index);
        }
        Pick::Chosen(chosen)
    }

    /// A trial has succeeded: has `single` settle on the node, unless another is
    /// the writer. Whether it may be one.
    pub(crate) fn settle_on(&self, index: usize) -> bool {
        let role = self.node(index).load().role;
        if self.rivals().excludes(index, role) {
            return false;
        }
        if self.writers() == Writers::Single && role == Role::Writer {
            self.remember_incumbent(index);
        }
        true
    }

    fn remember_incumbent(&self, index: usize) {
        let settled = &self.shared().incumbent;
        let place = self.place(index) as u32 + 1;
        if settled.load(Ordering::Relaxed) != place {
            settled.store(place, Ordering::Release);
        }
    }

    fn claim(&self, index: usize, me: Token, now_ms: u64) -> bool {
        let dial = millis(self.definition.settings.connect_timeout);
        self.node(index)
            .claim_trial(me, now_ms, now_ms + dial + 1_000)
    }

    /// Whether somebody could ask the node for its role: probes have an account
    /// and it was let in and told.
    fn is_askable(&self, index: usize) -> bool {
        let last = self.node(index).last_probe().outcome;
        self.definition.can_probe() && !matches!(last, ProbeOutcome::NoLogin | ProbeOutcome::Untold)
    }

    /// Whether the node is out on this very process's word, with a probe about
    /// to confirm or refute it: the process that may be the sick one waits.
    fn awaits_probe_of(&self, index: usize, glance: &Glance, me: Token, now_ms: u64) -> bool {
        glance.state.passive
            && glance.state.phase == Phase::Open
            && trial::is_held_by(self.node(index).reporter.load(Ordering::Acquire), me)
            && self.is_watched(index, now_ms)
    }

    fn may_ask(&self, index: usize, now_ms: u64) -> bool {
        let last = self.node(index).last_probe().at_ms;
        self.is_askable(index) && now_ms.saturating_sub(last) >= FRESH_ROLE_MS
    }
}

#[cfg(test)]
#[path = "pick_tests.rs"]
mod tests;
