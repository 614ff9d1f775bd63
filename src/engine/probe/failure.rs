//! What a probe that failed says of the node: nothing, or that it is not there,
//! or that it does not let us in.

use std::io;

use amm_core::probe::{Judgement, Reason};
use amm_core::verdict::{RoleAfter, Verdict, role_after};

use super::{Finding, ProbeResult};
use crate::wire::WireError;

/// What the error that ended a probe says of the node.
pub(super) fn failure(error: &WireError) -> ProbeResult {
    let (finding, errno) = match error {
        WireError::Server { code, .. } => (refusal(*code), Some(*code)),
        WireError::Io(io) => (unreachable(io.kind()), None),
        WireError::Late => (Finding::Failed { fatal: false }, None),
        // What is there speaks another protocol, or none.
        WireError::Protocol(_) | WireError::TooMuch => (Finding::Failed { fatal: true }, None),
        // It wants or offers other ways of proving who we are, or certificates
        // do not match: a matter of configuration.
        WireError::Login(_) | WireError::Tls(_) => (Finding::NoLogin, None),
        WireError::Name(_) => (Finding::Failed { fatal: false }, None),
        WireError::Resolver(_) => (Finding::Inconclusive, None),
        WireError::Own(_) | WireError::Scarce(_) => (Finding::Unable, None),
    };
    ProbeResult {
        silent: is_silent(error),
        errno,
        detail: Some(error.to_string()),
        scarce: matches!(error, WireError::Scarce(_)),
        ..ProbeResult::of(finding)
    }
}

/// Whether the node and its host kept silent, so that nothing says that they
/// are there.
fn is_silent(error: &WireError) -> bool {
    match error {
        WireError::Late => true,
        WireError::Io(io) => matches!(
            io.kind(),
            io::ErrorKind::TimedOut
                | io::ErrorKind::WouldBlock
                | io::ErrorKind::HostUnreachable
                | io::ErrorKind::NetworkUnreachable
        ),
        _ => false,
    }
}

/// What it means that the server itself refused us.
fn refusal(errno: u16) -> Finding {
    use amm_core::node::Role;
    use amm_core::verdict::{ErrorSeen, Phase as When, classify};
    let seen = ErrorSeen {
        errno: Some(u32::from(errno)),
        ..ErrorSeen::default()
    };
    match classify(&seen, When::Dial) {
        Verdict::NotWritable => Finding::Answered(Judgement {
            role: match role_after(u32::from(errno)) {
                Some(RoleAfter::Reader) => Role::Reader,
                Some(RoleAfter::Unready) | None => Role::Unready,
            },
            reason: Some(match errno {
                3032 | 6400 => Reason::OfflineMode,
                _ => Reason::NotReady,
            }),
            ..Judgement::default()
        }),
        Verdict::Down | Verdict::Lost => Finding::Failed { fatal: true },
        Verdict::Overloaded => Finding::Inconclusive,
        _ => Finding::NoLogin,
    }
}

/// What a network error means. Only what the peer or the way to it does counts
/// against the node; no descriptors, no memory, no ports are this process's own.
fn unreachable(kind: io::ErrorKind) -> Finding {
    match kind {
        io::ErrorKind::ConnectionRefused
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::NotConnected
        | io::ErrorKind::UnexpectedEof
        | io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::InvalidData
        | io::ErrorKind::NotFound => Finding::Failed { fatal: true },
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Finding::Failed { fatal: false },
        _ => Finding::Unable,
    }
}
