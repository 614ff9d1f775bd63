//! Shapes out of bytes. When the bytes are used up, zeros follow.

use amm_core::probe::Row;

pub(crate) struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    pub(crate) fn new(data: &'a [u8]) -> Self {
        Self(data)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or(0)
    }

    pub(crate) fn word(&mut self) -> u64 {
        self.take(8)
            .iter()
            .fold(0, |word, byte| word << 8 | u64::from(*byte))
    }

    /// At most 255 bytes, the first says how many.
    pub(crate) fn piece(&mut self) -> &'a [u8] {
        let len = usize::from(self.byte());
        self.take(len)
    }

    pub(crate) fn text(&mut self) -> String {
        String::from_utf8_lossy(self.piece()).into_owned()
    }

    pub(crate) fn take(&mut self, len: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(len.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// Up to 15 rows of up to 15 columns; columns are one of `words`, NULL, or
    /// any text.
    pub(crate) fn rows(&mut self, words: &[&str]) -> Vec<Row> {
        let shape = self.byte();
        (0..shape >> 4)
            .map(|_| {
                (0..shape & 15)
                    .map(|_| match usize::from(self.byte()) {
                        0 => None,
                        1 => Some(self.text()),
                        at => words
                            .get((at - 2) % words.len().max(1))
                            .map(|w| (*w).to_owned()),
                    })
                    .collect()
            })
            .collect()
    }
}
