//! A record of several words that readers see whole or not at all.
//!
//! Like every seqlock it has no lock for readers and counts its writes. Unlike
//! the usual one, whose writer makes one counter odd and even again, it must
//! bear writers that end or stop at any instruction and go on much later:
//! leadership is a lease, so a stopped leader may wake in the middle of a write
//! that its successor has long replaced. Therefore
//!
//! - each word of the record is kept in two cells, each with half of the word
//!   and the number (*generation*) of the write it belongs to. A record is whole
//!   if all its cells bear one generation, and no generation has two writers;
//! - cells are exchanged, never overwritten: whoever finds another generation
//!   begun stops, and cannot put back what was replaced;
//! - what a killed writer left half written is no record, and the next write
//!   makes it one again. There is nothing to repair.
//!
//! ```text
//! generation (64)  │ cell 0                        │ cell 1                       │ …
//! last one begun   │ generation (32) bits 63–32    │ generation (32) bits 31–0    │
//! ```
//!
//! The right to write is a [`Term`], which begins with leadership and ends by
//! itself when another begins. All zero is an empty record; any bytes are some
//! record or none, so what is read is to be checked like everything else that
//! comes out of shared memory.

use crate::sync::{AtomicU64, Ordering};

/// Times a reader tries before it calls the record torn. A write takes well
/// under a microsecond, so a second try nearly always finds it done.
const TRIES: usize = 4;
const HALF: u64 = (1 << 32) - 1;

/// A record of `N` words in shared memory.
#[repr(C)]
pub struct Seqlock<const N: usize> {
    generation: AtomicU64,
    cells: [[AtomicU64; 2]; N],
}

/// The right to write a record, until somebody else begins a term.
#[derive(Debug, PartialEq, Eq)]
pub struct Term(u64);

impl<const N: usize> Seqlock<N> {
    /// Begins a term. Whatever writer was before can publish nothing from now
    /// on, even if it is in the middle of it. Call it on taking the lease.
    pub fn begin_term(&self) -> Term {
        let mut seen = self.generation.load(Ordering::Acquire);
        loop {
            match self.begin(seen) {
                Ok(term) => return term,
                Err(now) => seen = now,
            }
        }
    }

    /// Writes the record. False: another's term has begun, and the record is
    /// that writer's.
    #[must_use]
    pub fn publish(&self, term: &mut Term, words: &[u64; N]) -> bool {
        let Ok(begun) = self.begin(term.0) else {
            return false;
        };
        *term = begun;
        for ([high, low], word) in self.cells.iter().zip(words) {
            if !self.put(term, high, word >> 32) || !self.put(term, low, word & HALF) {
                return false;
            }
        }
        true
    }

    /// The record and its generation, which differs between any two writes:
    /// whoever keeps what was read can tell whether it has changed. `None`: none
    /// was written yet, or a write is under way (or was never ended).
    ///
    /// Of two reads the later never gives an older record, and whoever sees a
    /// record sees all that its writer stored before.
    pub fn read(&self) -> Option<(u32, [u64; N])> {
        (0..TRIES).find_map(|_| self.try_read())
    }

    /// The generation of the last write that was ended, by one load; 0: none
    /// was. It has not moved: what was read under it is still the record.
    #[inline]
    pub fn latest(&self) -> u32 {
        self.cells
            .last()
            .map_or(0, |[_, low]| (low.load(Ordering::Acquire) >> 32) as u32)
    }

    fn try_read(&self) -> Option<(u32, [u64; N])> {
        let mut generation = None;
        let mut words = [0; N];
        for ([high, low], word) in self.cells.iter().zip(&mut words) {
            let high = high.load(Ordering::Acquire);
            let low = low.load(Ordering::Acquire);
            let its = high >> 32;
            if its != low >> 32 || *generation.get_or_insert(its) != its {
                return None;
            }
            *word = high << 32 | low & HALF;
        }
        match generation {
            None | Some(0) => None,
            Some(its) => Some((its as u32, words)),
        }
    }

    fn begin(&self, seen: u64) -> Result<Term, u64> {
        // Cells that bear zero were never written.
        let next = match seen.wrapping_add(1) {
            next if next & HALF == 0 => next | 1,
            next => next,
        };
        self.generation
            .compare_exchange(seen, next, Ordering::AcqRel, Ordering::Acquire)
            .map(|_| Term(next))
    }

    /// Puts half a word where an earlier generation's is.
    fn put(&self, term: &Term, cell: &AtomicU64, half: u64) -> bool {
        let mut seen = cell.load(Ordering::Acquire);
        // Whoever sees a later writer's cell sees its generation begun too, so
        // that what is exchanged here is older than this term, or garbage.
        while self.generation.load(Ordering::Acquire) == term.0 {
            let mine = (term.0 & HALF) << 32 | half;
            match cell.compare_exchange(seen, mine, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return true,
                Err(now) => seen = now,
            }
        }
        false
    }
}

impl<const N: usize> Default for Seqlock<N> {
    fn default() -> Self {
        Self {
            generation: AtomicU64::new(0),
            cells: std::array::from_fn(|_| [AtomicU64::new(0), AtomicU64::new(0)]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_was_published_last() {
        let record = Seqlock::<2>::default();
        assert_eq!(record.read(), None);
        let mut term = record.begin_term();
        assert_eq!(record.read(), None);
        assert!(record.publish(&mut term, &[7, u64::MAX]));
        let (first, words) = record.read().unwrap();
        assert_eq!(words, [7, u64::MAX]);
        assert!(record.publish(&mut term, &[7, u64::MAX]));
        assert_ne!(record.read().unwrap().0, first);
    }

    #[test]
    fn a_term_ends_when_another_begins() {
        let record = Seqlock::<1>::default();
        let mut old = record.begin_term();
        assert!(record.publish(&mut old, &[1]));
        let mut new = record.begin_term();
        assert!(!record.publish(&mut old, &[2]));
        assert_eq!(record.read().unwrap().1, [1]);
        assert!(record.publish(&mut new, &[3]));
        assert_eq!(record.read().unwrap().1, [3]);
    }

    #[test]
    fn half_a_write_is_no_record_until_the_next() {
        let record = Seqlock::<2>::default();
        let mut term = record.begin_term();
        assert!(record.publish(&mut term, &[1, 1]));
        let killed = record.begin(term.0).unwrap();
        assert_eq!(record.read().unwrap().1, [1, 1], "nothing is lost yet");
        assert!(record.put(&killed, &record.cells[0][0], 2));
        assert_eq!(record.read(), None);
        let mut successor = record.begin_term();
        assert!(record.publish(&mut successor, &[3, 3]));
        assert_eq!(record.read().unwrap().1, [3, 3]);
    }

    #[test]
    fn any_bytes_are_some_record_or_none_and_can_be_written_over() {
        for (generation, cell) in [(u64::MAX, u64::MAX), (0, u64::MAX), (u64::MAX, 0), (5, 6)] {
            let record = Seqlock::<1> {
                generation: AtomicU64::new(generation),
                cells: [[AtomicU64::new(cell), AtomicU64::new(!cell)]],
            };
            let _ = record.read();
            let mut term = record.begin_term();
            assert!(record.publish(&mut term, &[9]));
            assert_eq!(record.read().unwrap().1, [9]);
        }
    }

    #[test]
    fn under_load_nobody_reads_torn_or_backwards() {
        let record = Seqlock::<4>::default();
        // An interpreter of the program is a thousand times slower.
        let share = if cfg!(miri) { 1_000 } else { 1 };
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    let mut last = 0;
                    for _ in 0..100_000 / share {
                        if let Some((generation, words)) = record.read() {
                            assert_eq!(words, [words[0]; 4]);
                            assert!(generation >= last);
                            last = generation;
                        }
                    }
                });
            }
            for writer in 1..3 {
                let record = &record;
                scope.spawn(move || {
                    let mut term = record.begin_term();
                    for count in 0..20_000u64 / share {
                        if !record.publish(&mut term, &[count << 33 | writer; 4]) {
                            term = record.begin_term();
                        }
                    }
                });
            }
        });
    }
}
