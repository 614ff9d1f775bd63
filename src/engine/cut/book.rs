//! What this process holds to its nodes: handles that `connect()` returned,
//! and dials under way.
//!
//! PHP's thread writes it, the monitor's thread reads it and shuts. The lock is
//! held for a push, a copy of a list, or a few calls of `shutdown`, never for a
//! look at the system. A forked child gets a book of its own, since its
//! parent's thread may have held the lock: see [`crate::process`].

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use super::descriptor::Duplicate;
use crate::definition::Definition;
use crate::process;
use crate::socket::{Before, SocketMark};

/// Sockets remembered that were shut before anyone knew whose they are.
const LATELY: usize = 64;
/// Handles listed before those that are gone are looked for.
const FEW: usize = 16;

/// Between two looks at a dial whose limit has passed, ms.
const AGAIN_MS: u64 = 50;

/// A handle that `connect()` returned, as the cutter sees it.
#[derive(Debug)]
pub struct Handle {
    /// Its socket.
    pub mark: SocketMark,
    node: u64,
    cut: AtomicBool,
}

impl Handle {
    /// Whether this process shut its socket because its node was gone.
    pub fn was_cut(&self) -> bool {
        self.cut.load(Ordering::Acquire)
    }
}

/// A dial under way.
#[derive(Clone, Debug)]
pub(super) struct Dial {
    number: u64,
    pub(super) definition: Arc<Definition>,
    pub(super) index: usize,
    pub(super) before: Before,
    /// When its limit passes, or after that when it is looked at again, ms.
    look_ms: u64,
    expired: bool,
}

/// The list of one process.
#[derive(Debug)]
pub struct Book {
    generation: u32,
    inner: Mutex<Inner>,
    /// When the thread looks next by itself, ms; `u64::MAX`: when woken.
    alarm_ms: AtomicU64,
    /// Until when a dial may come that finds the thread awake, ms.
    linger_ms: AtomicU64,
}

#[derive(Debug, Default)]
struct Inner {
    handles: Vec<Weak<Handle>>,
    prune_at: usize,
    dials: Vec<Dial>,
    numbers: u64,
    lately: VecDeque<SocketMark>,
}

impl Default for Book {
    fn default() -> Self {
        Self {
            generation: process::generation(),
            inner: Mutex::default(),
            alarm_ms: AtomicU64::new(u64::MAX),
            linger_ms: AtomicU64::new(0),
        }
    }
}

impl Book {
    /// Lists a handle to the node with this identity.
    pub fn list(&self, mark: SocketMark, node: u64) -> Arc<Handle> {
        let handle = |cut| {
            Arc::new(Handle {
                mark,
                node,
                cut: AtomicBool::new(cut),
            })
        };
        if self.is_parents() {
            return handle(false);
        }
        let mut inner = self.inner.lock();
        let handle = handle(inner.lately.iter().any(|m| m.is_same_socket(mark)));
        if inner.handles.len() >= inner.prune_at.max(FEW) {
            inner.handles.retain(|h| h.strong_count() > 0);
            inner.prune_at = 2 * inner.handles.len();
        }
        inner.handles.push(Arc::downgrade(&handle));
        handle
    }

    /// Notes that a dial of a node begins, which may take `limit_ms`. Gives its
    /// number, and whether the monitor's thread has to be woken for it.
    pub fn begin(
        &self,
        definition: &Arc<Definition>,
        index: usize,
        before: Before,
        now_ms: u64,
        limit_ms: u64,
    ) -> (u64, bool) {
        if self.is_parents() {
            return (0, false);
        }
        let until_ms = now_ms.saturating_add(limit_ms);
        let number = {
            let mut inner = self.inner.lock();
            inner.numbers += 1;
            let number = inner.numbers;
            inner.dials.push(Dial {
                number,
                definition: Arc::clone(definition),
                index,
                before,
                look_ms: until_ms,
                expired: false,
            });
            number
        };
        self.linger_ms.fetch_max(until_ms, Ordering::Relaxed);
        // Paired with the one in `set_alarm`: either the thread sees this dial,
        // or this sees when the thread will look.
        fence(Ordering::SeqCst);
        (number, until_ms < self.alarm_ms.load(Ordering::Relaxed))
    }

    /// The dial is over, well or not. True: its limit passed and its socket was
    /// shut, so that whatever it returned is of no use.
    pub fn end(&self, number: u64) -> bool {
        if self.is_parents() {
            return false;
        }
        let mut inner = self.inner.lock();
        let at = inner.dials.iter().position(|d| d.number == number);
        at.is_some_and(|at| inner.dials.swap_remove(at).expired)
    }

    /// Dials that did not end in order, as when a fatal error leaps over them,
    /// are over too: the request ends.
    pub fn end_all(&self) {
        if !self.is_parents() {
            self.inner.lock().dials.clear();
        }
    }

    /// The handles to a node.
    pub(super) fn handles_of(&self, node: u64) -> Vec<Arc<Handle>> {
        let inner = self.inner.lock();
        let live = inner.handles.iter().filter_map(Weak::upgrade);
        live.filter(|handle| handle.node == node).collect()
    }

    /// The dials of a node that are under way.
    pub(super) fn dials_of(&self, node: u64) -> Vec<Dial> {
        let is_of = |d: &&Dial| {
            let dialled = d.definition.nodes.get(d.index);
            dialled.is_some_and(|n| n.identity == node)
        };
        self.inner
            .lock()
            .dials
            .iter()
            .filter(is_of)
            .cloned()
            .collect()
    }

    /// The dials whose limit has passed, each once in [`AGAIN_MS`]: it may not
    /// have come to open its socket yet, or may open another.
    pub(super) fn overdue(&self, now_ms: u64) -> Vec<Dial> {
        let mut inner = self.inner.lock();
        let late = inner.dials.iter_mut().filter(|d| d.look_ms <= now_ms);
        late.map(|dial| {
            dial.look_ms = now_ms.saturating_add(AGAIN_MS);
            dial.clone()
        })
        .collect()
    }

    /// Shuts the socket of a listed handle. The flag first: PHP's thread wakes
    /// at once and asks.
    pub(super) fn shut_handle(handle: &Handle, socket: &Duplicate) {
        handle.cut.store(true, Ordering::Release);
        socket.shut();
    }

    /// Shuts sockets of a dial, unless it is over by now or they are those of a
    /// handle that a dial within it returned. `late`: for its limit, and not
    /// for its node. Gives how many were shut.
    pub(super) fn shut_dial(&self, dial: &Dial, sockets: &[Duplicate], late: bool) -> usize {
        let mut inner = self.inner.lock();
        let listed: Vec<SocketMark> = inner
            .handles
            .iter()
            .filter_map(Weak::upgrade)
            .map(|handle| handle.mark)
            .collect();
        let own: Vec<&Duplicate> = sockets
            .iter()
            .filter(|s| !listed.iter().any(|l| l.is_same_socket(s.mark())))
            .collect();
        let open = inner.dials.iter_mut().find(|d| d.number == dial.number);
        let Some(open) = open else { return 0 };
        if own.is_empty() {
            return 0;
        }
        open.expired |= late;
        for socket in &own {
            if !late {
                inner.remember(socket.mark());
            }
            socket.shut();
        }
        own.len()
    }

    /// Shuts a socket that was found by its peer. If a handle is listed for it,
    /// now or soon, that one was cut.
    pub(super) fn shut_found(&self, socket: &Duplicate) {
        let mut inner = self.inner.lock();
        let mut live = inner.handles.iter().filter_map(Weak::upgrade);
        match live.find(|handle| handle.mark.is_same_socket(socket.mark())) {
            Some(handle) => handle.cut.store(true, Ordering::Release),
            None => inner.remember(socket.mark()),
        }
        drop(inner);
        socket.shut();
    }

    /// When the thread has to look at the dials again, ms; `None`: when woken.
    /// For as long as dials go on it looks once a limit and is not woken by
    /// each of them.
    pub fn next_look(&self, now_ms: u64) -> Option<u64> {
        let inner = self.inner.lock();
        let first = inner.dials.iter().map(|d| d.look_ms).min();
        let linger = self.linger_ms.load(Ordering::Relaxed);
        let linger = (linger > now_ms).then_some(linger);
        first.into_iter().chain(linger).min()
    }

    /// Announces when the thread looks next; false: a dial has begun that is
    /// due before.
    pub fn set_alarm(&self, at_ms: u64) -> bool {
        self.alarm_ms.store(at_ms, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        let inner = self.inner.lock();
        inner.dials.iter().all(|d| d.look_ms >= at_ms)
    }

    #[cfg(test)]
    pub(super) fn listed(&self) -> usize {
        self.inner.lock().handles.len()
    }

    fn is_parents(&self) -> bool {
        self.generation != process::generation()
    }
}

impl Inner {
    fn remember(&mut self, mark: SocketMark) {
        if self.lately.len() >= LATELY {
            self.lately.pop_front();
        }
        self.lately.push_back(mark);
    }
}
