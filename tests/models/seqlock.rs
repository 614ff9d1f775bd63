//! Records are read whole, never backwards, whatever becomes of their writers.

use amm_models::seqlock::{Seqlock, Term};
use amm_models::sync::{AtomicU64, Ordering, killed_at};
use amm_models::{every_interleaving, interleavings};
use loom::sync::Arc;
use loom::thread;

/// More operations than a write of two words has.
const LONG: usize = 16;

type Record = Seqlock<1>;

/// A record whose halves both say `count`.
fn say(count: u64) -> [u64; 1] {
    [count << 32 | count]
}

/// What a record says, if it is whole.
fn said(words: [u64; 1]) -> u64 {
    assert_eq!(words[0] >> 32, words[0] & 0xffff_ffff, "torn: {words:x?}");
    words[0] >> 32
}

/// A reader that asserts that time goes forward.
struct Reader {
    record: Arc<Record>,
    last: (u32, u64),
}

impl Reader {
    fn of(record: &Arc<Record>) -> Self {
        let record = Arc::clone(record);
        Self {
            record,
            last: (0, 0),
        }
    }

    fn read(&mut self) -> Option<u64> {
        let (generation, words) = self.record.read()?;
        let now = (generation, said(words));
        assert!(
            now.0 >= self.last.0 && now.1 >= self.last.1,
            "backwards: {:?}, then {now:?}",
            self.last
        );
        assert_eq!(now.0 == self.last.0, now.1 == self.last.1);
        self.last = now;
        Some(now.1)
    }
}

fn with_a_first_record() -> (Arc<Record>, Term) {
    let record = Arc::new(Record::default());
    let mut term = record.begin_term();
    assert!(record.publish(&mut term, &say(1)));
    (record, term)
}

#[test]
fn a_reader_beside_a_writer() {
    interleavings(2, || {
        let record = Arc::new(Record::default());
        let mut reader = Reader::of(&record);
        let its = Arc::clone(&record);
        let writer = thread::spawn(move || {
            let mut term = its.begin_term();
            assert!(its.publish(&mut term, &say(1)));
            assert!(its.publish(&mut term, &say(2)));
        });
        let reading = thread::spawn(move || {
            reader.read();
            reader.read();
            reader
        });
        writer.join().unwrap();
        let mut reader = reading.join().unwrap();
        assert_eq!(reader.read(), Some(2));
    });
}

#[test]
fn records_of_two_words() {
    interleavings(2, || {
        let record = Arc::new(Seqlock::<2>::default());
        let mut term = record.begin_term();
        assert!(record.publish(&mut term, &[1, 1]));
        let its = Arc::clone(&record);
        let writer = thread::spawn(move || {
            assert!(its.publish(&mut term, &[2, 2]));
        });
        let reading = thread::spawn(move || {
            if let Some((_, [a, b])) = record.read() {
                assert_eq!(a, b, "torn");
            }
        });
        writer.join().unwrap();
        reading.join().unwrap();
    });
}

#[test]
fn a_writer_killed_anywhere_and_its_successor() {
    for at in 0..LONG {
        interleavings(2, move || {
            let (record, mut old) = with_a_first_record();
            let its = Arc::clone(&record);
            let mut reader = Reader::of(&record);
            let writer = thread::spawn(move || {
                killed_at(at, || its.publish(&mut old, &say(2)));
            });
            let reading = thread::spawn(move || {
                reader.read();
                reader
            });
            writer.join().unwrap();
            // A reader may still be at it when the successor comes.
            let mut new = record.begin_term();
            assert!(record.publish(&mut new, &say(3)));
            let mut reader = reading.join().unwrap();
            assert_eq!(reader.read(), Some(3));
        });
    }
}

#[test]
fn a_writer_stopped_anywhere_puts_nothing_back() {
    interleavings(2, || {
        let (record, mut old) = with_a_first_record();
        let (his, hers) = (Arc::clone(&record), Arc::clone(&record));
        let mut reader = Reader::of(&record);
        let stopped = thread::spawn(move || {
            let first = his.publish(&mut old, &say(2));
            let second = his.publish(&mut old, &say(2));
            assert!(first || !second, "a term that ended goes on");
        });
        let successor = thread::spawn(move || {
            let mut new = hers.begin_term();
            assert!(hers.publish(&mut new, &say(3)));
            reader.read();
            reader
        });
        stopped.join().unwrap();
        let mut reader = successor.join().unwrap();
        assert_eq!(reader.read(), Some(3));
    });
}

#[test]
fn two_terms_begun_at_once_are_two() {
    every_interleaving(|| {
        let record = Arc::new(Record::default());
        let its = Arc::clone(&record);
        let other = thread::spawn(move || its.begin_term());
        let mine = record.begin_term();
        assert_ne!(mine, other.join().unwrap());
    });
}

#[test]
fn who_sees_a_record_sees_what_its_writer_stored_before() {
    interleavings(3, || {
        let record = Arc::new(Record::default());
        let before = Arc::new(AtomicU64::new(0));
        let (its, stored) = (Arc::clone(&record), Arc::clone(&before));
        let writer = thread::spawn(move || {
            let mut term = its.begin_term();
            stored.store(1, Ordering::Relaxed);
            assert!(its.publish(&mut term, &say(1)));
        });
        let reading = thread::spawn(move || {
            if record.read().is_some() {
                assert_eq!(before.load(Ordering::Relaxed), 1);
            }
        });
        writer.join().unwrap();
        reading.join().unwrap();
    });
}

#[test]
fn a_generation_that_is_the_latest_can_be_read() {
    interleavings(2, || {
        let (record, mut term) = with_a_first_record();
        let first = record.latest();
        let its = Arc::clone(&record);
        let writer = thread::spawn(move || {
            assert!(its.publish(&mut term, &say(2)));
        });
        let reading = thread::spawn(move || {
            let latest = record.latest();
            match record.read() {
                Some((generation, words)) => {
                    assert!(generation >= latest);
                    assert_eq!(said(words) == 1, generation == first);
                }
                None => assert_eq!(latest, first, "it was not ended"),
            }
        });
        writer.join().unwrap();
        reading.join().unwrap();
    });
}
