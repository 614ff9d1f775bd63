//! Errors as applications see them.

use amm_core::verdict::{ErrorSeen, Phase, Verdict, classify as judge, role_after};

use crate::bytes::Bytes;

/// Any number, SQLSTATE and message.
pub(crate) fn classify(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    let errno = match bytes.byte() % 3 {
        0 => None,
        1 => Some(u32::from(bytes.byte()) << 8 | u32::from(bytes.byte())),
        _ => Some(bytes.word() as u32),
    };
    let (sqlstate, message) = (bytes.text(), bytes.text());
    let seen = ErrorSeen {
        errno,
        sqlstate: Some(&sqlstate),
        message: &message,
    };
    for phase in [Phase::Dial, Phase::InUse] {
        let verdict = judge(&seen, phase);
        assert_eq!(verdict, judge(&seen, phase));
        // What was lost in use was lost, and a dial loses nothing in use.
        assert!(phase == Phase::InUse || verdict != Verdict::Lost);
        if let Some(number) = seen.number(phase) {
            let _ = role_after(number);
        }
    }
}
