//! Who may publish a roster: whoever has the cluster's credentials.
//!
//! HMAC-SHA-256 over the record, this format's name and the cluster's identity,
//! so that a record of one cluster is none of another. The key is the secret
//! that signs tokens where there is one, and else the probes' user and password. A hash with
//! a key that lies in the same file, or in none (SipHash under a fixed key, as
//! for identities), would keep out accidents but no one else.
//!
//! A seal under a password that can be guessed lets those who may *read* the
//! file try guesses on it. By default nobody but the user that has the
//! password anyway may; for a file that is shared on purpose, set `secret`.

use amm_core::config::{Secret, Settings};
use ring::hmac;

use super::WORDS;
use super::codec::SEAL;

const CONTEXT: &[u8] = b"amm roster v1\0";

/// Keys that were set up; shown by no `Debug`. The first seals, all are accepted,
/// so that a secret can be changed.
#[derive(Clone)]
pub(crate) struct Seal(Vec<hmac::Key>);

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seal(not shown)")
    }
}

impl Seal {
    /// The seal of a cluster with these settings and secrets; `None` where there
    /// is neither a secret nor a login.
    pub(crate) fn new(settings: &Settings, secrets: &[Secret]) -> Option<Self> {
        let password = settings.password.as_ref().map_or("", Secret::expose);
        let login = |user: &Secret| format!("login\0{}\0{password}", user.expose());
        let keys: Vec<String> = match secrets {
            [] => settings.username.iter().map(login).collect(),
            given => given
                .iter()
                .map(|s| format!("secret\0{}", s.expose()))
                .collect(),
        };
        let keys = keys
            .iter()
            .map(|key| hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes()));
        Some(Self(keys.collect())).filter(|seal| !seal.0.is_empty())
    }

    /// Puts the seal on a record.
    pub(super) fn put_on(&self, words: &mut [u64; WORDS], cluster: u64) {
        let Some(key) = self.0.first() else { return };
        let tag = hmac::sign(key, &sealed(words, cluster));
        let (eights, _) = tag.as_ref().as_chunks::<8>();
        for (word, eight) in words[SEAL].iter_mut().zip(eights) {
            *word = u64::from_le_bytes(*eight);
        }
    }

    /// Whether the seal on a record is this one.
    pub(super) fn is_on(&self, words: &[u64; WORDS], cluster: u64) -> bool {
        let tag: Vec<u8> = words[SEAL].iter().flat_map(|w| w.to_le_bytes()).collect();
        let sealed = sealed(words, cluster);
        self.0
            .iter()
            .any(|key| hmac::verify(key, &sealed, &tag).is_ok())
    }
}

/// What the seal is on: everything but itself.
fn sealed(words: &[u64; WORDS], cluster: u64) -> Vec<u8> {
    let mut bytes = CONTEXT.to_vec();
    bytes.extend(cluster.to_le_bytes());
    for (at, word) in words.iter().enumerate() {
        if !SEAL.contains(&at) {
            bytes.extend(word.to_le_bytes());
        }
    }
    bytes
}

const _: () = {
    assert!(SEAL.end - SEAL.start == 256 / 64);
};
