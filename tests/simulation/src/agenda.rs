//! What will happen, in the order of time. What is due in the same millisecond
//! comes in an order that the seed decides.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

/// Events to come.
pub(crate) struct Agenda<E> {
    heap: BinaryHeap<Reverse<Entry<E>>>,
    count: u64,
}

struct Entry<E> {
    at: (u64, u64, u64),
    event: E,
}

impl<E> Agenda<E> {
    pub(crate) fn new() -> Self {
        Self {
            heap: BinaryHeap::new(),
            count: 0,
        }
    }

    /// Puts `event` at `at_ms`; of events at one moment the lower `tie` is first.
    pub(crate) fn put(&mut self, at_ms: u64, tie: u64, event: E) {
        self.count += 1;
        let at = (at_ms, tie, self.count);
        self.heap.push(Reverse(Entry { at, event }));
    }

    /// The next event and its time.
    pub(crate) fn next(&mut self) -> Option<(u64, E)> {
        let Reverse(entry) = self.heap.pop()?;
        Some((entry.at.0, entry.event))
    }
}

impl<E> PartialEq for Entry<E> {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

impl<E> Eq for Entry<E> {}

impl<E> PartialOrd for Entry<E> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> Ord for Entry<E> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.at.cmp(&other.at)
    }
}
