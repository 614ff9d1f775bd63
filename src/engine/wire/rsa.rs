//! A password for the eyes of a server's key alone: RSA with OAEP padding, as
//! `caching_sha2_password` has it where the connection is not encrypted and
//! the server has not seen the account lately.
//!
//! The key comes from the peer, so anything may be in it.

use num_bigint::BigUint;
use rustls::pki_types::SubjectPublicKeyInfoDer;
use rustls::pki_types::pem::PemObject;

use super::crypto::{sha1, xor};
use super::cursor::Cursor;
use super::greeting::SALT;
use super::{Result, WireError};

const HASH: usize = 20;
const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const BITS: u8 = 0x03;
/// Lengths of moduli that are taken, bytes: 1,024 to 8,192 bits.
const MODULUS: std::ops::RangeInclusive<usize> = 128..=1024;
/// The longest exponent, bytes. Longer ones would cost the time of the probe.
const EXPONENT: usize = 4;

const BAD_KEY: WireError = WireError::Protocol("a key that is none");

/// Encrypts `password`, mixed with the challenge, with the key in `pem`. `seed`
/// is random.
pub(super) fn encrypt(
    password: &[u8],
    salt: &[u8; SALT],
    pem: &[u8],
    seed: &[u8; HASH],
) -> Result<Vec<u8>> {
    let key = SubjectPublicKeyInfoDer::from_pem_slice(pem).map_err(|_| BAD_KEY)?;
    let (modulus, exponent) = public_key(&key)?;
    let mut message: Vec<u8> = password.to_vec();
    message.push(0);
    let message: Vec<u8> = message
        .iter()
        .zip(salt.iter().cycle())
        .map(|(byte, salt)| byte ^ salt)
        .collect();
    let padded = BigUint::from_bytes_be(&pad(&message, modulus.len(), seed)?);
    let number = padded.modpow(
        &BigUint::from_bytes_be(exponent),
        &BigUint::from_bytes_be(modulus),
    );
    let bytes = number.to_bytes_be();
    let mut sealed = vec![0; modulus.len().saturating_sub(bytes.len())];
    sealed.extend_from_slice(&bytes);
    Ok(sealed)
}

/// EME-OAEP of RFC 8017 with SHA-1 and an empty label.
fn pad(message: &[u8], length: usize, seed: &[u8; HASH]) -> Result<Vec<u8>> {
    let filling = length
        .checked_sub(message.len() + 2 * HASH + 2)
        .ok_or_else(|| WireError::Login("the password is too long for the server's key".into()))?;
    let mut block = sha1(&[]);
    block.resize(HASH + filling, 0);
    block.push(1);
    block.extend_from_slice(message);
    let block = xor(&block, &mask(seed, block.len()));
    let seed = xor(seed, &mask(&block, HASH));
    Ok([&[0], &seed[..], &block[..]].concat())
}

fn mask(seed: &[u8], length: usize) -> Vec<u8> {
    let mut mask: Vec<u8> = (0u32..)
        .take(length.div_ceil(HASH))
        .flat_map(|count| sha1(&[seed, &count.to_be_bytes()]))
        .collect();
    mask.truncate(length);
    mask
}

/// Modulus and exponent, without leading zeros.
fn public_key(der: &[u8]) -> Result<(&[u8], &[u8])> {
    let mut info = Cursor::new(element(&mut Cursor::new(der), SEQUENCE)?);
    // The algorithm: a key of another one does not have what follows.
    element(&mut info, SEQUENCE)?;
    let bits = element(&mut info, BITS)?;
    let (0, key) = bits.split_first().map(|(u, k)| (*u, k)).ok_or(BAD_KEY)? else {
        return Err(BAD_KEY);
    };
    let mut key = Cursor::new(element(&mut Cursor::new(key), SEQUENCE)?);
    let modulus = positive(element(&mut key, INTEGER)?);
    let exponent = positive(element(&mut key, INTEGER)?);
    let odd = modulus.last().is_some_and(|byte| byte & 1 == 1);
    if !MODULUS.contains(&modulus.len()) || !odd || exponent.len() > EXPONENT || exponent.is_empty()
    {
        return Err(BAD_KEY);
    }
    Ok((modulus, exponent))
}

fn positive(mut bytes: &[u8]) -> &[u8] {
    while let Some((0, rest)) = bytes.split_first() {
        bytes = rest;
    }
    bytes
}

/// The content of the next element of DER, which must be of this kind.
fn element<'a>(from: &mut Cursor<'a>, kind: u8) -> Result<&'a [u8]> {
    if from.u8()? != kind {
        return Err(BAD_KEY);
    }
    let length = match from.u8()? {
        short @ 0..=0x7f => usize::from(short),
        0x81 => usize::from(from.u8()?),
        0x82 => usize::from(from.u8()?) << 8 | usize::from(from.u8()?),
        _ => return Err(BAD_KEY),
    };
    from.take(length)
}

#[cfg(test)]
#[path = "rsa_tests.rs"]
mod tests;
