//! Reading the fields of a packet, none of which need be there.

use super::{Result, WireError};

/// What is left of a packet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a>(&'a [u8]);

const SHORT: WireError = WireError::Protocol("a packet ends too early");

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// All that is left.
    pub(super) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }

    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(SHORT)?;
        self.0 = rest;
        Ok(taken)
    }

    /// As much of `length` as there is.
    pub(super) fn take_most(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// Up to a NUL, which is skipped, or to the end.
    pub(super) fn text(&mut self) -> &'a [u8] {
        match self.0.iter().position(|&byte| byte == 0) {
            Some(end) => {
                let text = self.take_most(end);
                self.take_most(1);
                text
            }
            None => self.rest(),
        }
    }

    pub(super) fn u8(&mut self) -> Result<u8> {
        Ok(self.number(1)? as u8)
    }

    pub(super) fn u16(&mut self) -> Result<u16> {
        Ok(self.number(2)? as u16)
    }

    /// `length` bytes, at most 8, the lowest first.
    fn number(&mut self, length: usize) -> Result<u64> {
        let bytes = self.take(length)?;
        Ok(bytes
            .iter()
            .rev()
            .fold(0, |number, &byte| (number << 8) | u64::from(byte)))
    }

    /// A number whose first byte tells its length; `None`: NULL.
    pub(super) fn length(&mut self) -> Result<Option<u64>> {
        match self.u8()? {
            0xfb => Ok(None),
            0xfc => self.number(2).map(Some),
            0xfd => self.number(3).map(Some),
            0xfe => self.number(8).map(Some),
            0xff => Err(WireError::Protocol("a length that is none")),
            small => Ok(Some(u64::from(small))),
        }
    }

    /// A string behind its length; `None`: NULL.
    pub(super) fn string(&mut self) -> Result<Option<&'a [u8]>> {
        match self.length()? {
            None => Ok(None),
            Some(length) => self
                .take(usize::try_from(length).map_err(|_| SHORT)?)
                .map(Some),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_all_sizes_are_read_and_checked() {
        let mut all =
            Cursor::new(b"\x05\xfc\x01\x02\xfd\x01\x02\x03\xfe\0\0\0\0\0\0\0\x80\xfb\xff");
        assert_eq!(all.length().unwrap(), Some(5));
        assert_eq!(all.length().unwrap(), Some(0x0201));
        assert_eq!(all.length().unwrap(), Some(0x03_0201));
        assert_eq!(all.length().unwrap(), Some(1 << 63));
        assert_eq!(all.length().unwrap(), None);
        assert!(all.length().is_err());
        assert!(all.length().is_err(), "nothing is left");
    }

    #[test]
    fn strings_that_claim_more_than_there_is_are_refused() {
        assert_eq!(Cursor::new(b"\x02ab").string().unwrap(), Some(&b"ab"[..]));
        assert!(Cursor::new(b"\x03ab").string().is_err());
        assert!(
            Cursor::new(b"\xfe\xff\xff\xff\xff\xff\xff\xff\xffab")
                .string()
                .is_err()
        );
        let mut text = Cursor::new(b"ab\0cd");
        assert_eq!(
            (text.text(), text.text(), text.text()),
            (&b"ab"[..], &b"cd"[..], &b""[..])
        );
    }
}
