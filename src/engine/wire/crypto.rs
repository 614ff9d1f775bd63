//! Proving a password without telling it.

use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256};

pub(super) fn sha1(parts: &[&[u8]]) -> Vec<u8> {
    digest(&SHA1_FOR_LEGACY_USE_ONLY, parts)
}

fn sha256(parts: &[&[u8]]) -> Vec<u8> {
    digest(&SHA256, parts)
}

fn digest(algorithm: &'static ring::digest::Algorithm, parts: &[&[u8]]) -> Vec<u8> {
    let mut context = Context::new(algorithm);
    for part in parts {
        context.update(part);
    }
    context.finish().as_ref().to_vec()
}

pub(super) fn xor(left: &[u8], right: &[u8]) -> Vec<u8> {
    left.iter().zip(right).map(|(l, r)| l ^ r).collect()
}

/// The answer of `mysql_native_password` to a challenge.
pub(super) fn native(password: &[u8], salt: &[u8]) -> Vec<u8> {
    let once = sha1(&[password]);
    let twice = sha1(&[&once]);
    xor(&once, &sha1(&[salt, &twice]))
}

/// The first answer of `caching_sha2_password` to a challenge.
pub(super) fn caching_sha2(password: &[u8], salt: &[u8]) -> Vec<u8> {
    let once = sha256(&[password]);
    let twice = sha256(&[&once]);
    xor(&once, &sha256(&[&twice, salt]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn the_digests_are_the_known_ones() {
        assert_eq!(
            hex(&sha1(&[b"a", b"bc"])),
            "a9993e364706816aba3e25717850c26c9cd0d89d"
        );
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hex(&sha256(&[b"abc"])), abc);
    }

    #[test]
    fn a_server_that_knows_the_hash_alone_finds_the_password_proved() {
        let salt = b"saltsaltsaltsaltsalt";
        // It keeps SHA1(SHA1(password)), and undoes the exclusive or.
        let stored = sha1(&[&sha1(&[b"secret"])]);
        let once = xor(&native(b"secret", salt), &sha1(&[salt, &stored]));
        assert_eq!(sha1(&[&once]), stored);
        let stored = sha256(&[&sha256(&[b"secret"])]);
        let once = xor(&caching_sha2(b"secret", salt), &sha256(&[&stored, salt]));
        assert_eq!(sha256(&[&once]), stored);
    }
}
