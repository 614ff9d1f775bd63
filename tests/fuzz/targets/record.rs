//! The record that is published through shared memory, over any cells.

use amm_engine::seqlock::Seqlock;

/// Any cells are some record or none, and can be written over.
pub(crate) fn cells(data: &[u8]) {
    const WORDS: usize = 3;
    let record = Seqlock::<WORDS>::default();
    // SAFETY: a `Seqlock` is an array of atomics, of which any bytes are some
    // value; the copy ends where the record or the data does, and nothing else
    // has a reference to it yet.
    unsafe {
        let to = std::ptr::from_ref(&record).cast::<u8>().cast_mut();
        let len = data.len().min(size_of::<Seqlock<WORDS>>());
        std::ptr::copy_nonoverlapping(data.as_ptr(), to, len);
    }
    let before = record.read();
    assert_eq!(before, record.read());
    let mut stale = record.begin_term();
    let mut term = record.begin_term();
    assert!(!record.publish(&mut stale, &[1; WORDS]));
    assert!(record.publish(&mut term, &[2; WORDS]));
    assert!(record.read().is_some_and(|(_, words)| words == [2; WORDS]));
}
