//! The monitor: one thread per process, named `amm`.
//!
//! For each cluster one thread of the host leads: it holds the cluster's lease
//! and has the nodes probed. One more is its deputy and looks every 150 ms
//! whether the leader lives. All others sleep without a timeout.
//!
//! The thread blocks all signals (PHP's timeouts are for PHP's thread), holds
//! no lock that PHP's thread needs for longer than a push, and does no network
//! I/O itself: see [`prober`].

mod follower;
mod leader;
mod prober;
mod seat;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::thread::JoinHandle;

use parking_lot::Mutex;

use crate::claim;
use crate::clock::now_ms;
use crate::cluster::Cluster;
use crate::cut::book::Book;
use crate::cut::shut;
use crate::definition::Definition;
use crate::futex;
use crate::host::Host;
use crate::process;
use crate::shm::Mapping;
pub use prober::{NodeProber, Progress, StartProber, conclude};
pub use seat::Seat;

/// A running monitor thread.
pub struct Monitor {
    shared: Arc<Shared>,
    thread: JoinHandle<()>,
    generation: u32,
}

/// What PHP's thread and the monitor's share.
struct Shared {
    host: Arc<Host>,
    book: Arc<Book>,
    charges: Mutex<Vec<Charge>>,
    /// The memory on whose words the thread sleeps.
    asleep_in: Mutex<Arc<Mapping>>,
    changed: AtomicU32,
    stop: AtomicBool,
    /// When the thread means to look again, ms; `u64::MAX`: when woken.
    due_ms: AtomicU64,
}

/// A thread that is later than this, ms, is stuck.
const STUCK_MS: u64 = 5_000;

/// A cluster that the thread cares for.
#[derive(Clone)]
struct Charge {
    definition: Arc<Definition>,
    /// Whether it may have the nodes probed; else it only shuts sockets.
    leads: bool,
}

/// Whether a cluster lacks a leader or its deputy, so that a monitor that
/// knows it should look.
pub fn is_vacant(cluster: &Cluster, now_ms: u64) -> bool {
    let shared = cluster.shared();
    [&shared.lease, &shared.deputy].iter().any(|word| {
        amm_core::trial::is_free(
            word.load(Ordering::Acquire),
            now_ms,
            crate::lease::LONGEST_MS,
        )
    })
}

impl Charge {
    fn is_of(&self, definition: &Definition) -> bool {
        self.definition.identity == definition.identity
    }
}

impl Monitor {
    /// Starts the thread. Fails where the system gives no more threads; the
    /// host's other processes then do the probing.
    pub fn start(host: Arc<Host>) -> std::io::Result<Self> {
        Self::start_with(host, Arc::default())
    }

    /// The same in a process that dials: `book` lists what it holds to nodes.
    pub fn start_with(host: Arc<Host>, book: Arc<Book>) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            asleep_in: Mutex::new(host.mapping()),
            host,
            book,
            charges: Mutex::new(Vec::new()),
            changed: AtomicU32::new(0),
            stop: AtomicBool::new(false),
            due_ms: AtomicU64::new(now_ms()),
        });
        let its = Arc::clone(&shared);
        let thread = process::with_signals_blocked(|| {
            std::thread::Builder::new()
                .name("amm".to_owned())
                .stack_size(256 * 1024)
                .spawn(move || run(&its))
        })?;
        Ok(Self {
            shared,
            thread,
            generation: process::generation(),
        })
    }

    /// Whether the thread belongs to this process and still runs. It does not
    /// survive a fork.
    pub fn is_alive(&self) -> bool {
        self.generation == process::generation() && !self.thread.is_finished()
    }

    /// Has the thread care for `definition`. Of several definitions of one
    /// cluster the first is kept, unless this one alone follows the cluster's own
    /// list; `refused`: or its probes are not let in.
    pub fn care_for(&self, definition: &Arc<Definition>, refused: bool) {
        let mut charges = self.shared.charges.lock();
        let known = charges.iter().find(|c| c.is_of(definition));
        let follows = |d: &Definition| d.settings.discover;
        let better = |known: &Definition| refused || follows(definition) && !follows(known);
        if known.is_some_and(|known| {
            let same = Arc::ptr_eq(&known.definition, definition);
            known.leads && (same || !better(&known.definition))
        }) {
            return;
        }
        charges.retain(|c| !c.is_of(definition));
        charges.push(Charge {
            definition: Arc::clone(definition),
            leads: true,
        });
        drop(charges);
        self.recall();
    }

    /// Has the thread shut this process's sockets when that is ordered, if it
    /// does not care for the cluster already.
    pub fn follow(&self, definition: &Arc<Definition>) {
        let mut charges = self.shared.charges.lock();
        if charges.iter().any(|c| c.is_of(definition)) {
            return;
        }
        charges.push(Charge {
            definition: Arc::clone(definition),
            leads: false,
        });
        drop(charges);
        self.recall();
    }

    fn recall(&self) {
        self.shared.changed.fetch_add(1, Ordering::Release);
        self.wake();
    }

    /// Has the thread care for these definitions, one per cluster, and for no
    /// others.
    pub fn care_only_for(&self, definitions: &[Arc<Definition>]) {
        let mut charges = self.shared.charges.lock();
        let led = charges.iter().filter(|c| c.leads).map(|c| &c.definition);
        if led.clone().count() == definitions.len()
            && led.zip(definitions).all(|(a, b)| Arc::ptr_eq(a, b))
        {
            return;
        }
        charges.retain(|c| !c.leads && !definitions.iter().any(|d| c.is_of(d)));
        charges.extend(definitions.iter().map(|definition| Charge {
            definition: Arc::clone(definition),
            leads: true,
        }));
        drop(charges);
        self.recall();
    }

    /// Whether the thread looks after its clusters when it means to.
    pub fn is_responsive(&self, now_ms: u64) -> bool {
        let due = self.shared.due_ms.load(Ordering::Acquire);
        self.is_alive() && now_ms <= due.saturating_add(STUCK_MS)
    }

    /// Wakes this process's thread.
    pub fn wake(&self) {
        let mapping = Arc::clone(&self.shared.asleep_in.lock());
        let header = &mapping.region().header;
        futex::wake_bit(
            &header.sleepers,
            futex::bit_of(self.shared.host.token.get()),
        );
        futex::wake_all(&header.leaders);
    }

    /// Wakes it if it sleeps without an end, for a dial that it is to watch.
    /// Those who lead or stand by look in time.
    pub fn wake_sleeper(&self) {
        let mapping = Arc::clone(&self.shared.asleep_in.lock());
        futex::wake_bit(
            &mapping.region().header.sleepers,
            futex::bit_of(self.shared.host.token.get()),
        );
    }

    /// Gives this process's leases back in place of the thread, which may not
    /// live long enough to do it.
    fn vacate(&self) {
        let host = &self.shared.host;
        let mapping = host.mapping();
        for slot in &mapping.region().clusters {
            claim::release(&slot.lease, host.token);
            claim::release(&slot.deputy, host.token);
        }
        futex::wake_all(&mapping.region().header.leaders);
    }

    /// Ends the thread: gives its leases back and, if `join`, waits for that.
    /// Probes under way end on their own.
    pub fn stop(self, join: bool) {
        self.shared.stop.store(true, Ordering::Release);
        if self.generation != process::generation() {
            // A forked child: the thread is not here, nor may its locks be
            // touched or its memory given back.
            std::mem::forget(self);
            return;
        }
        self.wake();
        if join {
            let _ = self.thread.join();
        } else {
            self.vacate();
        }
    }
}

fn run(shared: &Arc<Shared>) {
    let mut seats: Vec<Seat> = Vec::new();
    let mut known = None;
    let mut version = shared.host.version();
    let mut mapping = shared.host.mapping();
    let bit = futex::bit_of(shared.host.token.get());
    loop {
        let header = &mapping.region().header;
        let (leaders, sleepers) = (
            header.leaders.load(Ordering::Acquire),
            header.sleepers.load(Ordering::Acquire),
        );
        let now = now_ms();
        if shared.stop.load(Ordering::Acquire) {
            break;
        }
        let changed = shared.changed.load(Ordering::Acquire);
        if known != Some(changed) || version != shared.host.version() {
            if version != shared.host.version() {
                seats.clear();
            }
            version = shared.host.version();
            mapping = shared.host.mapping();
            *shared.asleep_in.lock() = Arc::clone(&mapping);
            reseat(shared, &mapping, &mut seats, now);
            known = Some(changed);
            continue;
        }
        let wait = seats.iter_mut().filter_map(|seat| seat.tend(now)).min();
        obey(shared, &mut seats, now);
        shut::overdue_dials(&shared.book, now);
        retire_idle(shared, &mut seats, now);
        let until_look = shared.book.next_look(now).map(|at| at.saturating_sub(now));
        let sleep = wait.into_iter().chain(until_look).min().map(|ms| ms.max(1));
        let due = sleep.map_or(u64::MAX, |ms| now.saturating_add(ms));
        shared.due_ms.store(due, Ordering::Release);
        if !shared.book.set_alarm(due) {
            continue;
        }
        if wait.is_some() {
            futex::wait(&header.leaders, leaders, sleep);
            // Somebody awake has to notice that the file was replaced.
            shared.host.refresh(now_ms());
        } else {
            futex::wait_bit(&header.sleepers, sleepers, bit, sleep);
        }
    }
    drop(seats);
    futex::wake_all(&mapping.region().header.sleepers);
}

/// Shuts this process's sockets to nodes for which that is ordered.
fn obey(shared: &Shared, seats: &mut [Seat], now: u64) {
    for seat in seats {
        for index in seat.orders(now) {
            let definition = seat.definition();
            let shut = shut::node(definition, index, &shared.book);
            if let Some(node) = definition.nodes.get(index).filter(|_| shut > 0) {
                log::warn!("shut {shut} sockets to node {}, which is gone", node.id);
            }
        }
    }
}

/// Gives each definition a seat.
fn reseat(shared: &Shared, mapping: &Arc<Mapping>, seats: &mut Vec<Seat>, now: u64) {
    let charges = shared.charges.lock().clone();
    seats.retain(|seat| charges.iter().any(|c| seat.is_of(&c.definition)));
    for charge in charges {
        if let Some(seat) = seats.iter_mut().find(|s| s.is_of(&charge.definition)) {
            seat.set_leads(charge.leads);
            continue;
        }
        match Cluster::attach(charge.definition, Arc::clone(mapping), now) {
            Ok(cluster) => {
                let start: StartProber = Arc::new(prober::start_thread);
                let mut seat = Seat::new(Arc::new(cluster), shared.host.token, start, now);
                seat.set_leads(charge.leads);
                seats.push(seat);
            }
            Err(error) => log::error!("{error}"),
        }
    }
}

/// Lets go of clusters that nobody on the host has used for their time.
fn retire_idle(shared: &Shared, seats: &mut Vec<Seat>, now: u64) {
    let idle: Vec<u64> = seats.iter().filter_map(|seat| seat.retire(now)).collect();
    if idle.is_empty() {
        return;
    }
    seats.retain(|seat| !idle.contains(&seat.identity()));
    shared
        .charges
        .lock()
        .retain(|c| !idle.contains(&c.definition.identity));
}

#[cfg(test)]
mod tests;
