//! A thread that probes one node, so that a slow node, or a slow look-up of
//! its name, delays no other. Only the holder of a lease has such threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use crate::clock::now_ms;
use crate::cluster::Cluster;
use crate::futex;
use crate::probe::{self, Finding, ProbeResult, Prober};

/// Has one node probed, and is asked how that goes.
pub trait NodeProber {
    /// Whether it can still be given work.
    fn is_alive(&self) -> bool;
    /// Whether a probe is under way.
    fn progress(&self) -> Progress;
    /// Has the node, whose state is `word`, probed now. `afresh`: over a new
    /// connection.
    fn probe(&self, now_ms: u64, word: u64, afresh: bool);
    /// Makes the result of the probe under way void.
    fn abandon(&self);
    /// Probes in a row that this process could not even make.
    fn unable(&self) -> u32;
}

/// Makes the prober of the node at an index of a cluster.
pub type StartProber = Arc<dyn Fn(Arc<Cluster>, usize) -> std::io::Result<Box<dyn NodeProber>>>;

/// A thread that probes one node.
struct ProberThread {
    jobs: Sender<Job>,
    state: Arc<State>,
    thread: JoinHandle<()>,
}

/// Whether a probe is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// None is.
    Idle,
    /// One is, and nothing was heard of it yet.
    UnderWay {
        /// When it began, ms.
        began_ms: u64,
        /// The word of the node's state at that moment.
        began_state: u64,
    },
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
    unable: AtomicU32,
}

/// Starts a thread that probes the node.
pub(super) fn start_thread(
    cluster: Arc<Cluster>,
    index: usize,
) -> std::io::Result<Box<dyn NodeProber>> {
    let (jobs, received) = channel();
    let state = Arc::new(State::default());
    let its = Arc::clone(&state);
    // Started by the monitor's thread, whose blocked signals it inherits.
    let thread = std::thread::Builder::new()
        .name("amm-probe".to_owned())
        .stack_size(512 * 1024)
        .spawn(move || run(&cluster, index, &received, &its))?;
    Ok(Box::new(ProberThread {
        jobs,
        state,
        thread,
    }))
}

impl NodeProber for ProberThread {
    fn is_alive(&self) -> bool {
        !self.thread.is_finished()
    }

    fn progress(&self) -> Progress {
        if !self.state.busy.load(Ordering::Acquire) {
            return Progress::Idle;
        }
        Progress::UnderWay {
            began_ms: self.state.began_ms.load(Ordering::Acquire),
            began_state: self.state.began_state.load(Ordering::Acquire),
        }
    }

    fn probe(&self, now_ms: u64, word: u64, afresh: bool) {
        self.state.began_state.store(word, Ordering::Release);
        self.state.began_ms.store(now_ms, Ordering::Release);
        self.state.abandoned.store(false, Ordering::Release);
        self.state.busy.store(true, Ordering::Release);
        if self.jobs.send(Job { afresh }).is_err() {
            self.state.busy.store(false, Ordering::Release);
        }
    }

    fn abandon(&self) {
        self.state.abandoned.store(true, Ordering::Release);
    }

    fn unable(&self) -> u32 {
        self.state.unable.load(Ordering::Acquire)
    }
}

fn run(cluster: &Cluster, index: usize, jobs: &Receiver<Job>, state: &State) {
    let mut prober = Prober::default();
    for job in jobs {
        let began = cluster.node(index).state.load(Ordering::Acquire);
        state.began_state.store(began, Ordering::Release);
        state.began_ms.store(now_ms(), Ordering::Release);
        let result = prober.ask(&cluster.definition, index, job.afresh);
        if !state.abandoned.load(Ordering::Acquire) {
            if let Some(detail) = &result.detail {
                log::debug!("probe of {}: {detail}", cluster.node_id(index));
            }
            conclude(cluster, index, began, &result, now_ms());
        }
        // What any process of the host would lack is no reason to step down.
        let unable = match result.scarce {
            true => state.unable.load(Ordering::Relaxed).saturating_add(1),
            false => 0,
        };
        state.unable.store(unable, Ordering::Release);
        state.busy.store(false, Ordering::Release);
        futex::wake_all(&cluster.mapping.region().header.leaders);
    }
}

/// Publishes what a probe found that began at the state `began`. Where the node
/// changed meanwhile that is void, and it is to be asked again.
pub fn conclude(cluster: &Cluster, index: usize, began: u64, result: &ProbeResult, now_ms: u64) {
    let told = matches!(
        result.finding,
        Finding::Answered(_) | Finding::Failed { .. }
    );
    if cluster.is_attached()
        && probe::publish(cluster, index, began, result, now_ms).is_none()
        && told
    {
        cluster.node(index).urgent.store(1, Ordering::Release);
    }
}
