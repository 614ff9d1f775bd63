//! A PHP process: a worker that serves one request after another, and its
//! monitor.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use amm_core::trial::Token;
use amm_engine::attempt::Attempt;
use amm_engine::cluster::Cluster;
use amm_engine::monitor::Seat;

use crate::plan::Sickness;
use crate::prober::{Begun, starter};
use crate::world::Event;

/// A connection that a process holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Handle {
    pub(crate) node: usize,
    pub(crate) epoch: u32,
    /// Life of the server that it was made to.
    pub(crate) life: u32,
    /// Writability changes of the node that had been seen when it was made;
    /// `None`: it was stale from the start.
    pub(crate) changes: Option<u64>,
}

/// A request under way.
pub(crate) struct Request {
    pub(crate) id: u64,
    pub(crate) began: u64,
    pub(crate) key: u64,
    pub(crate) attempt: Option<Attempt<Arc<Cluster>>>,
    /// Grows with every sleep, so that late wake-ups are told apart.
    pub(crate) ticket: u64,
    pub(crate) waits: bool,
    pub(crate) writes_left: u64,
    pub(crate) transaction: bool,
    pub(crate) reconnects: u8,
    /// Dials of the attempt under way.
    pub(crate) dials: u32,
    /// The process was stopped or sick during it: no promise covers it.
    pub(crate) excused: bool,
}

/// One process.
pub(crate) struct Process {
    pub(crate) host: usize,
    pub(crate) token: Token,
    pub(crate) cluster: Arc<Cluster>,
    pub(crate) seat: Option<Seat>,
    /// When the monitor is due; what else comes for it is outdated.
    pub(crate) tend_at: u64,
    /// The monitor sleeps until woken.
    pub(crate) sleeps: bool,
    pub(crate) begun: Begun,
    pub(crate) dead: bool,
    pub(crate) stopped: bool,
    /// What came while it was stopped.
    pub(crate) deferred: Vec<Event>,
    pub(crate) sick: Option<Sickness>,
    /// Since when it is neither new, nor stopped, nor sick.
    pub(crate) sound_since: u64,
    pub(crate) keeps_handles: bool,
    pub(crate) handle: Option<Handle>,
    pub(crate) request: Option<Request>,
}

impl Process {
    pub(crate) fn new(
        host: usize,
        token: Token,
        cluster: Arc<Cluster>,
        keeps: bool,
        now: u64,
    ) -> Self {
        Self {
            host,
            token,
            cluster,
            seat: None,
            tend_at: 0,
            sleeps: false,
            begun: Begun::default(),
            dead: false,
            stopped: false,
            deferred: Vec::new(),
            sick: None,
            sound_since: now,
            keeps_handles: keeps,
            handle: None,
            request: None,
        }
    }

    pub(crate) fn start_monitor(&mut self, now: u64) {
        let begun = Rc::clone(&self.begun);
        self.seat = Some(Seat::new(
            Arc::clone(&self.cluster),
            self.token,
            starter(&begun),
            now,
        ));
    }

    /// As SIGKILL: nothing is given back. A post that is dropped in order would
    /// be, so the words are put back.
    pub(crate) fn kill(&mut self) {
        self.dead = true;
        let shared = self.cluster.shared();
        let words = [&shared.lease, &shared.deputy];
        let held = words.map(|word| word.load(Ordering::Relaxed));
        self.seat = None;
        for (word, held) in words.into_iter().zip(held) {
            word.store(held, Ordering::Relaxed);
        }
        // An attempt that is dropped gives nothing back either.
        self.request = None;
        self.deferred.clear();
    }
}
