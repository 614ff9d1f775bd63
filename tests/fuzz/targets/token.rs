//! Tokens out of cookies.

use amm_core::token::{Claims, Keys, Refusal};

use crate::bytes::Bytes;

/// Any text is refused; a token with any change is refused too.
pub(crate) fn open(data: &[u8]) {
    let keys = Keys::new(b"a secret of thirty-two bytes or so", None);
    if let Ok(text) = std::str::from_utf8(data) {
        // Nobody finds a signature of 80 bits or more by chance.
        assert!(keys.open(text, 7, 1_000).is_err());
    }
    let mut bytes = Bytes::new(data);
    let claims = Claims {
        cluster: 7,
        node: bytes.word(),
        host: bytes.word() as u32,
        epoch: bytes.word() as u32 & 0x0fff_ffff,
        issued_ms: bytes.word() & 0xff_ffff_ffff,
        ttl_ms: bytes.word() as u32,
        wrote: bytes.byte() & 1 == 1,
        position: None,
    };
    let token = keys.seal(&claims);
    let now = claims
        .issued_ms
        .saturating_add(u64::from(claims.ttl_ms) / 2);
    match keys.open(&token, 7, now) {
        Ok(opened) => assert_eq!(opened, claims),
        Err(refusal) => assert_eq!(refusal, Refusal::Expired),
    }
    assert!(keys.open(&token, 8, now).is_err());
    let mut changed = token.into_bytes();
    let at = usize::from(bytes.byte()) % changed.len();
    if let Some(byte) = changed.get_mut(at) {
        *byte = byte.wrapping_add(bytes.byte() | 1);
    }
    if let Ok(text) = String::from_utf8(changed) {
        assert!(keys.open(&text, 7, now).is_err());
    }
}
