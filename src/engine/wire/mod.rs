//! The little of MySQL's protocol that a probe needs, spoken to a peer that may
//! do anything.
//!
//! A client for applications trusts its server: it waits as long as each read
//! takes, makes room for what a packet announces, and may panic or abort where
//! a length is absurd. Here one deadline holds for everything from the first
//! `connect` to the last row, whatever comes meanwhile; what one conversation
//! may send is bounded ([`MOST_BYTES`]) and every byte of it is checked. The
//! thread is free again when the deadline is over, with nothing left open.
//!
//! It logs in by `mysql_native_password` and `caching_sha2_password`, plain or
//! over TLS, and asks questions in text.

mod crypto;
mod cursor;
mod dial;
mod greeting;
mod login;
mod packet;
mod query;
mod rsa;
mod stream;
mod tls;

use std::io;
use std::net::SocketAddr;

use amm_core::config::Tls;

use crate::clock::now_us;
use packet::Channel;
pub(crate) use query::Table;

/// What one probe may be sent, bytes.
pub(crate) const MOST_BYTES: usize = 512 * 1024;
/// One that is this late, µs, was held up itself: what it then finds late says
/// nothing about the peer.
const HELD_UP_US: u64 = 300_000;

/// Why a conversation did not come to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WireError {
    /// The network, or the peer by means of it.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The deadline is over.
    #[error("no answer within the time given")]
    Late,
    /// This process may not do what is needed.
    #[error("this process cannot probe: {0}")]
    Own(String),
    /// This process has not what is needed now: descriptors, threads, memory,
    /// time to run. Another may have.
    #[error("this process cannot probe now: {0}")]
    Scarce(String),
    /// The server says so; what it says names accounts, its number does not.
    #[error("error {code} ({state})")]
    Server {
        /// MySQL error number.
        code: u16,
        /// SQLSTATE.
        state: String,
    },
    /// What comes is not what the protocol has there.
    #[error("this is not MySQL's protocol: {0}")]
    Protocol(&'static str),
    /// More rows or bytes than any answer to a probe has.
    #[error("it sends more than any answer has")]
    TooMuch,
    /// It wants another proof of who we are, or offers no encryption.
    #[error("{0}")]
    Login(String),
    /// There is no such name as the server's.
    #[error("its name cannot be resolved: {0}")]
    Name(String),
    /// The resolver does not answer, or cannot now.
    #[error("the resolver fails: {0}")]
    Resolver(String),
    /// Certificates, or the files they are in.
    #[error("{0}")]
    Tls(String),
}

/// What a conversation comes to.
pub(crate) type Result<T> = std::result::Result<T, WireError>;

/// When all must be over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    at_us: u64,
}

impl Deadline {
    /// So many milliseconds from now.
    pub(crate) fn after_ms(ms: u64) -> Self {
        Self {
            at_us: now_us().saturating_add(ms.max(1).saturating_mul(1_000)),
        }
    }

    /// The part of what is left that one of `shares` may use.
    pub(crate) fn share(self, shares: usize) -> Self {
        let now = now_us();
        let part = self.at_us.saturating_sub(now) / shares.max(1) as u64;
        Self {
            at_us: (now + part).min(self.at_us),
        }
    }

    /// Microseconds that are left, at least one.
    pub(crate) fn left_us(self) -> Result<u64> {
        let now = now_us();
        if now < self.at_us {
            return Ok(self.at_us - now);
        }
        if now - self.at_us > HELD_UP_US {
            return Err(WireError::Scarce("it was held up".to_owned()));
        }
        Err(WireError::Late)
    }
}

/// Where to dial.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Peer<'a> {
    /// One of these, the first that takes the connection.
    Tcp(&'a [SocketAddr]),
    /// The socket at this path.
    Unix(&'a str),
}

/// Who we are, and how that is told.
#[derive(Clone, Copy)]
pub(crate) struct Credentials<'a> {
    /// User of the probes.
    pub(crate) user: &'a str,
    /// Its password; empty: none.
    pub(crate) password: &'a str,
    /// Encryption, and the name that the server's certificate must have.
    pub(crate) tls: Option<(&'a Tls, &'a str)>,
}

/// A connection that is logged in.
pub(crate) struct Conn {
    channel: Channel,
    peer: Option<SocketAddr>,
    in_order: bool,
}

impl Conn {
    /// Dials and logs in.
    pub(crate) fn open(
        peer: Peer<'_>,
        credentials: Credentials<'_>,
        deadline: Deadline,
    ) -> Result<Self> {
        let (stream, address) = match peer {
            Peer::Tcp(addresses) => dial::tcp(addresses, deadline)?,
            Peer::Unix(path) => (dial::unix(path, deadline)?, None),
        };
        let mut channel = Channel::new(stream);
        login::log_in(&mut channel, credentials)?;
        Ok(Self {
            channel,
            peer: address,
            in_order: true,
        })
    }

    /// Gives the next questions until `deadline`.
    pub(crate) fn begin(&mut self, deadline: Deadline) {
        self.channel.begin(deadline);
    }

    /// The address it is connected to; `None`: a Unix socket.
    pub(crate) fn peer(&self) -> Option<SocketAddr> {
        self.peer
    }

    /// Whether another question may be asked over it.
    pub(crate) fn is_in_order(&self) -> bool {
        self.in_order
    }

    /// Asks, and gives the whole answer as text.
    pub(crate) fn table(&mut self, sql: &str) -> Result<Table> {
        let answer = query::table(&mut self.channel, sql);
        if !matches!(answer, Ok(_) | Err(WireError::Server { .. })) {
            self.in_order = false;
        }
        answer
    }
}

impl Drop for Conn {
    fn drop(&mut self) {
        // Servers count connections that end without a word.
        if self.in_order {
            self.channel.quit();
        }
    }
}

#[cfg(test)]
mod tests;
