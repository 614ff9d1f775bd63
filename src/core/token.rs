//! Stickiness that outlives a request: what a session or a cookie carries.
//!
//! A token names a writer, not an address, and is bound to one cluster, to a
//! time and to a state of that writer. Whoever holds it can read nothing in it
//! that matters and change nothing without being refused: it is signed with
//! HMAC-SHA-256, cut to 128 bits, over the whole of it.
//!
//! ```text
//! version:u8 flags:u8 cluster:u64 node:u64 host:u32 epoch:u32 issued:u48 ttl:u32
//! position (0, 17 or 25 bytes, see [`position`])
//! mac:16 bytes
//! ```
//! All numbers are little-endian; the whole is base64 without padding, in the
//! alphabet that needs no escaping in a URL: at most 110 characters.
//!
//! An epoch is a number of one host's memory. On the host that made the token
//! it says exactly whether the writer is as it was; on another one the writer
//! must not have changed since the token was made, see [`Claims::is_stale`].

mod position;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use sha2::Sha256;

pub use position::Position;

const VERSION: u8 = 1;
/// Keeps these signatures apart from all others made with the same secret.
const DOMAIN: &[u8] = b"amm token v1\0";
const WROTE: u8 = 1;
const HEAD: usize = 36;
const MAC: usize = 16;
/// No token is longer than this many characters; longer ones are not looked at.
pub const LONGEST: usize = 120;
/// Clocks of a site's hosts may differ by this much, ms.
const SKEW_MS: u64 = 2_000;

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// Identity of the cluster.
    pub cluster: u64,
    /// Identity of the writer.
    pub node: u64,
    /// A mark of the host that made it.
    pub host: u32,
    /// The writer's epoch on that host.
    pub epoch: u32,
    /// When it was made, ms since 1970 (48 bits).
    pub issued_ms: u64,
    /// How long it is good for, ms.
    pub ttl_ms: u32,
    /// Whether writes were made in the scope that carried it.
    pub wrote: bool,
    /// Where the last of them stands in the cluster's order, if that is known.
    pub position: Option<Position>,
}

/// Why a token is not accepted. Told to operators by number, never to whoever
/// sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Refusal {
    /// Not of the form of a token, or of another version.
    Malformed = 0,
    /// Not signed with any of the secrets.
    Forged = 1,
    /// Its time is over, or lies in the future.
    Expired = 2,
    /// Of another cluster.
    Foreign = 3,
    /// Its writer has changed since, or is no longer there.
    Stale = 4,
}

impl Refusal {
    /// All there are, by number.
    pub const ALL: [Refusal; 5] = [
        Refusal::Malformed,
        Refusal::Forged,
        Refusal::Expired,
        Refusal::Foreign,
        Refusal::Stale,
    ];

    /// The word in status.
    pub fn as_str(self) -> &'static str {
        match self {
            Refusal::Malformed => "malformed",
            Refusal::Forged => "forged",
            Refusal::Expired => "expired",
            Refusal::Foreign => "foreign",
            Refusal::Stale => "stale",
        }
    }
}

/// The secrets in force: the first signs, all are accepted. Two of them let a
/// site change its secret without losing anybody's stickiness.
#[derive(Clone)]
pub struct Keys {
    signing: Hmac<Sha256>,
    retired: Option<Hmac<Sha256>>,
}

impl Keys {
    /// From secrets of any bytes; `retired` is accepted and signs nothing.
    pub fn new(signing: &[u8], retired: Option<&[u8]>) -> Self {
        Self {
            signing: keyed(signing),
            retired: retired.map(keyed),
        }
    }

    /// The token that says `claims`.
    pub fn seal(&self, claims: &Claims) -> String {
        let mut bytes = encode(claims);
        let mac = sign(&self.signing, &bytes).finalize().into_bytes();
        bytes.extend_from_slice(mac.get(..MAC).unwrap_or_default());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// What `token` says, if it was made with one of the secrets for `cluster`
    /// and its time is not over at `now_ms` (since 1970).
    pub fn open(&self, token: &str, cluster: u64, now_ms: u64) -> Result<Claims, Refusal> {
        if token.len() > LONGEST {
            return Err(Refusal::Malformed);
        }
        let bytes = URL_SAFE_NO_PAD
            .decode(token)
            .map_err(|_| Refusal::Malformed)?;
        let body = bytes.len().checked_sub(MAC).ok_or(Refusal::Malformed)?;
        let (body, mac) = bytes.split_at_checked(body).ok_or(Refusal::Malformed)?;
        if body.first() != Some(&VERSION) {
            return Err(Refusal::Malformed);
        }
        let fits = |key: &Hmac<Sha256>| sign(key, body).verify_truncated_left(mac).is_ok();
        if !fits(&self.signing) && !self.retired.as_ref().is_some_and(fits) {
            return Err(Refusal::Forged);
        }
        let claims = decode(body).ok_or(Refusal::Malformed)?;
        if claims.cluster != cluster {
            return Err(Refusal::Foreign);
        }
        let ends_ms = claims.issued_ms + u64::from(claims.ttl_ms);
        if now_ms >= ends_ms || claims.issued_ms > now_ms + SKEW_MS {
            return Err(Refusal::Expired);
        }
        Ok(claims)
    }
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys(not shown)")
    }
}

impl Claims {
    /// Whether the writer is another than it was: on the token's own host its
    /// epoch has moved, on another one its writability changed after the token
    /// was made. `since_ms`: how long ago it last changed, `None` if never.
    pub fn is_stale(&self, host: u32, epoch: u32, since_ms: Option<u64>, now_ms: u64) -> bool {
        if self.host == host {
            return self.epoch != epoch;
        }
        let age_ms = now_ms.saturating_sub(self.issued_ms);
        since_ms.is_some_and(|since| since <= age_ms)
    }
}

fn keyed(secret: &[u8]) -> Hmac<Sha256> {
    // Keys of any length are taken: a longer one than a block is hashed first.
    let mut key = <Hmac<Sha256> as Mac>::new_from_slice(secret)
        .unwrap_or_else(|_| <Hmac<Sha256> as Mac>::new(&Default::default()));
    key.update(DOMAIN);
    key
}

fn sign(key: &Hmac<Sha256>, bytes: &[u8]) -> Hmac<Sha256> {
    let mut mac = key.clone();
    mac.update(bytes);
    mac
}

fn encode(claims: &Claims) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEAD + Position::LONGEST + MAC);
    bytes.push(VERSION);
    bytes.push(if claims.wrote { WROTE } else { 0 });
    bytes.extend_from_slice(&claims.cluster.to_le_bytes());
    bytes.extend_from_slice(&claims.node.to_le_bytes());
    bytes.extend_from_slice(&claims.host.to_le_bytes());
    bytes.extend_from_slice(&claims.epoch.to_le_bytes());
    bytes.extend_from_slice(claims.issued_ms.to_le_bytes().get(..6).unwrap_or_default());
    bytes.extend_from_slice(&claims.ttl_ms.to_le_bytes());
    if let Some(position) = &claims.position {
        position.encode(&mut bytes);
    }
    bytes
}

fn decode(bytes: &[u8]) -> Option<Claims> {
    let (head, rest) = bytes.split_at_checked(HEAD)?;
    let mut head = head.get(2..)?;
    let claims = Claims {
        wrote: bytes.get(1)? & WROTE != 0,
        cluster: number(&mut head, 8)?,
        node: number(&mut head, 8)?,
        host: number(&mut head, 4)? as u32,
        epoch: number(&mut head, 4)? as u32,
        issued_ms: number(&mut head, 6)?,
        ttl_ms: number(&mut head, 4)? as u32,
        position: match rest {
            [] => None,
            rest => Some(Position::decode(rest)?),
        },
    };
    Some(claims)
}

/// Takes a number of `length` bytes off the front.
fn number(bytes: &mut &[u8], length: usize) -> Option<u64> {
    let (taken, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    let mut wide = [0; 8];
    wide.get_mut(..length)?.copy_from_slice(taken);
    Some(u64::from_le_bytes(wide))
}

#[cfg(test)]
mod tests;
