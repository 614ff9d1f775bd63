//! One cluster as one monitor sees it: leader, deputy, or neither. Reads no clock
//! and does no I/O: a thread tends it, or a simulation does.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use amm_core::breaker::Event;
use amm_core::trial::Token;

use super::leader::Leader;
use super::prober::StartProber;
use crate::cluster::Cluster;
use crate::cut::order::Obeyed;
use crate::definition::Definition;
use crate::futex;
use crate::lease::{BEAT_MS, Lease};
use crate::process;

/// A cluster's place in a monitor.
pub struct Seat {
    cluster: Arc<Cluster>,
    start: StartProber,
    me: Token,
    /// Whether it may take a post; else it only obeys.
    leads: bool,
    obeyed: Obeyed,
    post: Post,
    called_ms: u64,
    /// Until then this process leaves the posts to others.
    rests_until_ms: u64,
}

/// For this long a process that cannot probe leaves the posts to others, ms.
const REST_MS: u64 = 3_000;

enum Post {
    Leader(Lease, Box<Leader>),
    Deputy(Lease),
    None,
}

impl Seat {
    /// A place in `cluster` for this process; `start` makes the probers of
    /// whoever comes to lead.
    pub fn new(cluster: Arc<Cluster>, me: Token, start: StartProber, now: u64) -> Self {
        cluster.touch(now);
        Self {
            leads: true,
            obeyed: Obeyed::all(&cluster),
            cluster,
            start,
            me,
            post: Post::None,
            called_ms: 0,
            rests_until_ms: 0,
        }
    }

    /// Says whether it may take a post.
    pub(super) fn set_leads(&mut self, leads: bool) {
        self.leads = leads;
    }

    /// The nodes whose sockets this process is to shut now.
    pub fn orders(&mut self, now: u64) -> Vec<usize> {
        if let Some(renewed) = self.cluster.renewed(now) {
            self.cluster = Arc::new(renewed);
        }
        self.obeyed.next(&self.cluster)
    }

    pub(super) fn definition(&self) -> &Arc<Definition> {
        &self.cluster.definition
    }

    pub(super) fn is_of(&self, definition: &Arc<Definition>) -> bool {
        Arc::ptr_eq(&self.cluster.configured, definition)
    }

    pub(super) fn identity(&self) -> u64 {
        self.cluster.definition.identity
    }

    /// Does what is due and says in how many milliseconds it wants to be asked
    /// again; `None`: when woken.
    pub fn tend(&mut self, now: u64) -> Option<u64> {
        let shared = self.cluster.shared();
        let kept = match &mut self.post {
            Post::Leader(lease, _) => lease.renew(&shared.lease, self.me, now),
            Post::Deputy(lease) => lease.renew(&shared.deputy, self.me, now),
            Post::None => true,
        };
        if !kept {
            log::info!("this process was held up and lost its post to another");
            self.leave();
        }
        // Whoever comes to lead should know the members, whatever becomes of the
        // record meanwhile.
        if let Some(renewed) = self.cluster.renewed(now) {
            self.cluster = Arc::new(renewed);
        }
        if now < self.rests_until_ms {
            return Some(self.rests_until_ms - now);
        }
        if self.leads && !matches!(self.post, Post::Leader(..)) {
            self.try_to_lead(now);
        }
        if self.leads
            && matches!(self.post, Post::None)
            && let Some(lease) = Lease::take(&self.cluster.shared().deputy, self.me, now)
        {
            self.post = Post::Deputy(lease);
        }
        let wait = match &mut self.post {
            Post::Leader(_, leader) => Some(leader.tend(now).min(BEAT_MS)),
            Post::Deputy(_) => Some(BEAT_MS),
            Post::None => None,
        };
        if let Post::Leader(_, leader) = &self.post {
            if leader.is_unable() {
                log::warn!("this process cannot open connections; another is to probe");
                self.give_back();
                self.rests_until_ms = now + REST_MS;
                return Some(REST_MS);
            }
            self.call_for_deputy(now);
        }
        wait
    }

    /// Gives the post back, if there is one, and calls for a successor.
    fn give_back(&mut self) {
        let shared = self.cluster.shared();
        match std::mem::replace(&mut self.post, Post::None) {
            Post::Leader(lease, _) => lease.release(&shared.lease),
            Post::Deputy(lease) => lease.release(&shared.deputy),
            Post::None => return,
        }
        futex::wake_all(&self.cluster.mapping.region().header.leaders);
        futex::wake_all(&self.cluster.mapping.region().header.sleepers);
    }

    /// Gives up its post; what a leader knows of the members stays.
    fn leave(&mut self) {
        if let Post::Leader(_, leader) = std::mem::replace(&mut self.post, Post::None) {
            self.cluster = leader.into_cluster();
        }
    }

    fn try_to_lead(&mut self, now: u64) {
        let shared = self.cluster.shared();
        let Some(lease) = Lease::take(&shared.lease, self.me, now) else {
            return;
        };
        shared.leader_pid.store(process::pid(), Ordering::Relaxed);
        // Whatever an earlier leader has under way must not be published.
        let policy = &self.cluster.definition.policy;
        for node in &shared.nodes {
            if node.identity.load(Ordering::Acquire) != 0 {
                node.apply(Event::LeaseTaken, true, policy, now);
            }
        }
        if let Post::Deputy(deputy) = &self.post {
            deputy.release(&shared.deputy);
        }
        let leader = Leader::new(Arc::clone(&self.cluster), Arc::clone(&self.start), now);
        self.post = Post::Leader(lease, Box::new(leader));
    }

    /// A leader without a deputy wakes those who sleep, once in a while: one
    /// of them may know this cluster.
    fn call_for_deputy(&mut self, now: u64) {
        if now.saturating_sub(self.called_ms) < 5 * BEAT_MS {
            return;
        }
        self.called_ms = now;
        if crate::lease::age_ms(&self.cluster.shared().deputy, now).is_none() {
            futex::wake_all(&self.cluster.mapping.region().header.sleepers);
        }
    }

    /// If nobody has used the cluster for its time: frees its slot, where this
    /// monitor leads it, and gives its identity.
    pub(super) fn retire(&self, now: u64) -> Option<u64> {
        let leads = matches!(self.post, Post::Leader(..));
        (leads && self.cluster.free_if_idle(now) || !self.cluster.is_attached())
            .then(|| self.identity())
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.give_back();
    }
}

#[cfg(test)]
#[path = "seat_tests.rs"]
mod tests;
