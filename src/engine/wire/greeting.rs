//! What a server says first.

use super::cursor::Cursor;
use super::{Result, WireError};

/// The only version of the protocol.
const VERSION: u8 = 10;
pub(super) const LONG_PASSWORD: u32 = 1;
pub(super) const PROTOCOL_41: u32 = 1 << 9;
pub(super) const TLS: u32 = 1 << 11;
pub(super) const TRANSACTIONS: u32 = 1 << 13;
pub(super) const SECURE_CONNECTION: u32 = 1 << 15;
pub(super) const PLUGIN_AUTH: u32 = 1 << 19;
/// Length of a challenge.
pub(super) const SALT: usize = 20;

/// A greeting, as far as a login needs it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Greeting {
    pub(super) capabilities: u32,
    /// The challenge, as long as one ought to be whatever came.
    pub(super) salt: [u8; SALT],
    /// The way to log in that the server expects.
    pub(super) plugin: Vec<u8>,
}

impl Greeting {
    pub(super) fn parse(packet: &[u8]) -> Result<Self> {
        let mut fields = Cursor::new(packet);
        if fields.u8()? != VERSION {
            return Err(WireError::Protocol("another version of the protocol"));
        }
        // The version of the server, and the number of the connection.
        fields.text();
        fields.take(4)?;
        let first = fields.take(8)?;
        fields.take(1)?;
        let mut capabilities = u32::from(fields.u16()?);
        let (mut second, mut plugin) = (&b""[..], &b""[..]);
        if !fields.is_empty() {
            // Character set and status.
            fields.take(3)?;
            capabilities |= u32::from(fields.u16()?) << 16;
            let length = usize::from(fields.u8()?);
            fields.take_most(10);
            second = fields.take_most(length.saturating_sub(8).max(13));
            plugin = fields.text();
        }
        if capabilities & PROTOCOL_41 == 0 {
            return Err(WireError::Protocol("a server older than 4.1"));
        }
        Ok(Self {
            capabilities,
            salt: salt(&[first, second].concat()),
            plugin: plugin.to_vec(),
        })
    }
}

/// A challenge from what a server sent as one.
pub(super) fn salt(bytes: &[u8]) -> [u8; SALT] {
    let mut salt = [0; SALT];
    for (to, from) in salt.iter_mut().zip(bytes) {
        *to = *from;
    }
    salt
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole() -> Vec<u8> {
        let mut packet = b"\x0a8.4.0\0\x07\0\0\0saltsalt\0\x00\x8a\x2d\x02\0\x08\0\x15".to_vec();
        packet.extend_from_slice(&[0; 10]);
        packet.extend_from_slice(b"saltsaltsalt\0caching_sha2_password\0");
        packet
    }

    #[test]
    fn a_greeting_of_today() {
        let seen = Greeting::parse(&whole()).unwrap();
        assert_eq!(seen.plugin, b"caching_sha2_password");
        assert_eq!(&seen.salt, b"saltsaltsaltsaltsalt");
        assert!(seen.capabilities & TLS != 0 && seen.capabilities & PLUGIN_AUTH != 0);
    }

    #[test]
    fn any_part_of_it_is_read_or_refused() {
        let whole = whole();
        for length in 0..whole.len() {
            // Neither panics nor reads past the end.
            let _ = Greeting::parse(&whole[..length]);
        }
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 0xff;
            let _ = Greeting::parse(&changed);
        }
        assert!(Greeting::parse(b"").is_err());
        assert!(Greeting::parse(b"\x09 3.20").is_err());
    }
}
