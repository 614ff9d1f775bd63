//! A thread that probes one node, so that a slow node, or a slow look-up of
//! its name, delays no other. Only the holder of a lease has such threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use crate::clock::now_ms;
use crate::cluster::Cluster;
use crate::futex;
use crate::probe::{self, Prober};

/// One node's prober.
pub(super) struct ProberThread {
    jobs: Sender<Job>,
    state: Arc<State>,
    thread: JoinHandle<()>,
}

/// Whether a probe is under way.
pub(super) enum Progress {
    Idle,
    UnderWay { began_ms: u64, began_state: u64 },
}

struct Job {
    afresh: bool,
}

#[derive(Default)]
struct State {
    busy: AtomicBool,
    /// The leader has spoken for the probe under way; its result is void.
    abandoned: AtomicBool,
    began_ms: AtomicU64,
    began_state: AtomicU64,
}

impl ProberThread {
    pub(super) fn start(cluster: Arc<Cluster>, index: usize) -> std::io::Result<Self> {
        let (jobs, received) = channel();
        let state = Arc::new(State::default());
        let its = Arc::clone(&state);
        // Started by the monitor's thread, whose blocked signals it inherits.
        let thread = std::thread::Builder::new()
            .name("amm-probe".to_owned())
            .stack_size(512 * 1024)
            .spawn(move || run(&cluster, index, &received, &its))?;
        Ok(Self {
            jobs,
            state,
            thread,
        })
    }

    pub(super) fn is_alive(&self) -> bool {
        !self.thread.is_finished()
    }

    pub(super) fn progress(&self) -> Progress {
        if !self.state.busy.load(Ordering::Acquire) {
            return Progress::Idle;
        }
        Progress::UnderWay {
            began_ms: self.state.began_ms.load(Ordering::Acquire),
            began_state: self.state.began_state.load(Ordering::Acquire),
        }
    }

    /// Has the node, whose state is `state`, probed now.
    pub(super) fn probe(&self, now: u64, state: u64, afresh: bool) {
        self.state.began_state.store(state, Ordering::Release);
        self.state.began_ms.store(now, Ordering::Release);
        self.state.abandoned.store(false, Ordering::Release);
        self.state.busy.store(true, Ordering::Release);
        if self.jobs.send(Job { afresh }).is_err() {
            self.state.busy.store(false, Ordering::Release);
        }
    }

    /// Makes the result of the probe under way void.
    pub(super) fn abandon(&self) {
        self.state.abandoned.store(true, Ordering::Release);
    }
}

fn run(cluster: &Cluster, index: usize, jobs: &Receiver<Job>, state: &State) {
    let mut prober = Prober::default();
    for job in jobs {
        let began = cluster.node(index).state.load(Ordering::Acquire);
        state.began_state.store(began, Ordering::Release);
        state.began_ms.store(now_ms(), Ordering::Release);
        let result = prober.ask(&cluster.definition, index, job.afresh);
        if !state.abandoned.load(Ordering::Acquire) && cluster.is_attached() {
            if let Some(detail) = &result.detail {
                log::debug!("probe of {}: {detail}", cluster.node_id(index));
            }
            if probe::publish(cluster, index, began, &result).is_none()
                && matches!(
                    result.finding,
                    probe::Finding::Answered(_) | probe::Finding::Failed { .. }
                )
            {
                // The node changed meanwhile: ask again.
                cluster.node(index).urgent.store(1, Ordering::Release);
            }
        }
        state.busy.store(false, Ordering::Release);
        futex::wake_all(&cluster.mapping.region().header.leaders);
    }
}
