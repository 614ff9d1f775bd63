//! Packets: their headers, their order, and their errors.

use super::cursor::Cursor;
use super::stream::Stream;
use super::tls::Session;
use super::{Deadline, MOST_BYTES, Result, WireError};

const QUIT: u8 = 0x01;
const ERROR: u8 = 0xff;

/// A stream of packets.
pub(super) struct Channel {
    stream: Stream,
    sequence: u8,
}

impl Channel {
    pub(super) fn new(stream: Stream) -> Self {
        Self {
            stream,
            sequence: 0,
        }
    }

    pub(super) fn begin(&mut self, deadline: Deadline) {
        self.stream.begin(deadline);
    }

    /// Encrypts all that follows.
    pub(super) fn encrypt(&mut self, session: Session) -> Result<()> {
        self.stream.encrypt(session)
    }

    /// Whether nobody on the way can read what is sent.
    pub(super) fn is_private(&self) -> bool {
        self.stream.is_private()
    }

    /// Sends the next packet of an exchange.
    pub(super) fn send(&mut self, body: &[u8]) -> Result<()> {
        let [a, b, c, _] = (body.len() as u32).to_le_bytes();
        let mut packet = vec![a, b, c, self.sequence];
        packet.extend_from_slice(body);
        self.sequence = self.sequence.wrapping_add(1);
        self.stream.write(&packet)
    }

    /// Sends the first packet of an exchange.
    pub(super) fn command(&mut self, command: u8, argument: &[u8]) -> Result<()> {
        self.sequence = 0;
        let mut body = vec![command];
        body.extend_from_slice(argument);
        self.send(&body)
    }

    /// The next packet, never empty. An error packet is an error.
    pub(super) fn receive(&mut self) -> Result<Vec<u8>> {
        let mut header = [0; 4];
        self.stream.read(&mut header)?;
        let [a, b, c, sequence] = header;
        let length = u32::from_le_bytes([a, b, c, 0]) as usize;
        if length > MOST_BYTES {
            return Err(WireError::TooMuch);
        }
        let mut body = vec![0; length];
        self.stream.read(&mut body)?;
        match body.first() {
            // Comes out of order when the server goes away.
            Some(&ERROR) => return Err(error(&body)),
            None => return Err(WireError::Protocol("an empty packet")),
            Some(_) if sequence != self.sequence => {
                return Err(WireError::Protocol("packets out of order"));
            }
            Some(_) => {}
        }
        self.sequence = self.sequence.wrapping_add(1);
        Ok(body)
    }

    /// Says goodbye, if that can be done at once.
    pub(super) fn quit(&mut self) {
        self.stream.write_at_once(&[1, 0, 0, 0, QUIT]);
    }
}

fn error(body: &[u8]) -> WireError {
    let mut fields = Cursor::new(body);
    fields.take_most(1);
    let Ok(code) = fields.u16() else {
        return WireError::Protocol("an error without a number");
    };
    let state = match fields.take_most(6) {
        [b'#', state @ ..] if state.len() == 5 && state.is_ascii() => {
            String::from_utf8_lossy(state).into_owned()
        }
        _ => "HY000".to_owned(),
    };
    WireError::Server { code, state }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_with_and_without_a_state() {
        let told = |body: &[u8]| error(body).to_string();
        assert_eq!(
            told(b"\xff\x15\x04#28000Access denied"),
            "error 1045 (28000)"
        );
        assert_eq!(
            told(b"\xff\x10\x04Too many connections"),
            "error 1040 (HY000)"
        );
        assert_eq!(told(b"\xff\x10\x04"), "error 1040 (HY000)");
        assert!(matches!(error(b"\xff\x10"), WireError::Protocol(_)));
    }
}
