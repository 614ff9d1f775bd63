use super::*;

const KEY: &str = "-----BEGIN PUBLIC KEY-----
MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDaTXs5tUFHanmjJXCfKdCoOC44
gnxAkiBef6g9HhEouFdjwWqKSvmrp9wrQ1/zOPjSpmZDSidpIl9WCiNsdWjcdPGe
XyVrkC2SdVpG5p0zVnhgN3OiRaRfaP9gh5y7WO5YnQve7P4SzgHJDNUgTOISRlKp
gjuu8C542zXhPhWaOwIDAQAB
-----END PUBLIC KEY-----
";
/// The other half of it.
const PRIVATE: &str = "039818fa4740aee352e35bbf71ef674f0db5bd1a70df4348a325a8e870b149a1\
    5756fe1d39efa812aa6dd68c826ce7b83907a251634c28cff70fdc94deb94423\
    ad410d5002ad77cd806fedee380897ff32542bc1c0a7cec630332aeb4114a160\
    b34c8fc70c66223ad1af0b0754f53445a7797106d6e6583171b4ff89497228f9";
const SALT_: &[u8; SALT] = b"abcdefghijklmnopqrst";

#[test]
fn whoever_has_the_other_half_reads_the_password() {
    let sealed = encrypt(b"secret", SALT_, KEY.as_bytes(), &[7; HASH]).unwrap();
    assert_eq!(sealed.len(), 128);
    let der = SubjectPublicKeyInfoDer::from_pem_slice(KEY.as_bytes()).unwrap();
    let (modulus, exponent) = public_key(&der).unwrap();
    assert_eq!(exponent, [1, 0, 1]);
    let private = BigUint::parse_bytes(PRIVATE.as_bytes(), 16).unwrap();
    let opened = BigUint::from_bytes_be(&sealed)
        .modpow(&private, &BigUint::from_bytes_be(modulus))
        .to_bytes_be();
    // The leading zero is not in the number.
    let (seed, block) = opened.split_at(HASH);
    let seed = xor(seed, &mask(block, HASH));
    assert_eq!(seed, [7; HASH]);
    let block = xor(block, &mask(&seed, block.len()));
    let mixed: Vec<u8> = b"secret\0".iter().zip(SALT_).map(|(a, b)| a ^ b).collect();
    assert_eq!(block[..HASH], sha1(&[]));
    assert!(block.ends_with(&[&[1], &mixed[..]].concat()));
}

#[test]
fn keys_that_are_none_are_refused() {
    let refused = |pem: &[u8]| encrypt(b"secret", SALT_, pem, &[7; HASH]).is_err();
    assert!(refused(b""));
    assert!(refused(
        b"-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n"
    ));
    assert!(refused(
        b"-----BEGIN PUBLIC KEY-----\nMIGf\n-----END PUBLIC KEY-----\n"
    ));
    assert!(refused(&KEY.as_bytes()[..150]));
    let der = SubjectPublicKeyInfoDer::from_pem_slice(KEY.as_bytes()).unwrap();
    for at in 0..der.len() {
        // Any length in it may lie.
        for bits in [0x01, 0x80, 0xff] {
            let mut changed = der.to_vec();
            changed[at] ^= bits;
            let _ = public_key(&changed);
        }
        assert!(public_key(&der[..at]).is_err());
    }
}

#[test]
fn a_password_that_no_key_can_hold_is_no_panic() {
    let long = [b'x'; 200];
    assert!(encrypt(&long, SALT_, KEY.as_bytes(), &[7; HASH]).is_err());
}
