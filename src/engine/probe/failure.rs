//! What a probe that failed says of the node: nothing, or that it is not there,
//! or that it does not let us in.

use std::io;

use amm_core::probe::{Judgement, Reason};
use amm_core::verdict::{RoleAfter, Verdict, role_after};

use super::{Finding, ProbeResult};

/// What the error that ended a probe says of the node. `tls`: the probe was to
/// be encrypted.
pub(super) fn failure(error: &mysql::Error, tls: bool) -> ProbeResult {
    use mysql::DriverError as Driver;
    let (finding, errno) = match error {
        mysql::Error::MySqlError(server) => (refusal(server.code), Some(server.code)),
        mysql::Error::IoError(io) => (broken(io.kind(), tls), None),
        mysql::Error::CodecError(codec) => {
            let io = std::error::Error::source(codec).and_then(|e| e.downcast_ref::<io::Error>());
            let kind = io.map_or(io::ErrorKind::BrokenPipe, io::Error::kind);
            (broken(kind, tls), None)
        }
        mysql::Error::DriverError(driver) => {
            let finding = match driver {
                Driver::CouldNotConnect(Some((_, text, kind))) => unreachable(*kind, text),
                Driver::ConnectTimeout | Driver::Timeout => Finding::Failed { fatal: false },
                // It wants or offers other ways of proving who we are.
                Driver::TlsNotSupported
                | Driver::UnknownAuthPlugin(_)
                | Driver::OldMysqlPasswordDisabled
                | Driver::CleartextPluginDisabled
                | Driver::InvalidParsecSalt => Finding::NoLogin,
                // What is there speaks another protocol.
                _ => Finding::Failed { fatal: true },
            };
            (finding, None)
        }
        // Certificates that do not match are a matter of configuration.
        mysql::Error::TlsError(_) => (Finding::NoLogin, None),
        _ => (Finding::Inconclusive, None),
    };
    // A server's own words name the account; its number says as much.
    let detail = match error {
        mysql::Error::MySqlError(server) => format!("error {} ({})", server.code, server.state),
        other => other.to_string(),
    };
    ProbeResult {
        errno,
        detail: Some(detail),
        ..ProbeResult::of(finding)
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

/// What an error on a connection that was made means. `tls`: it was to be
/// encrypted, and what is wrong with certificates and the files they are in
/// comes as an I/O error too.
fn broken(kind: io::ErrorKind, tls: bool) -> Finding {
    match kind {
        io::ErrorKind::InvalidData
        | io::ErrorKind::InvalidInput
        | io::ErrorKind::NotFound
        | io::ErrorKind::PermissionDenied
            if tls =>
        {
            Finding::NoLogin
        }
        _ => unreachable(kind, ""),
    }
}

/// What a network error means. Only what the peer or the way to it does counts
/// against the node; no descriptors, no memory, no ports are this process's own.
fn unreachable(kind: io::ErrorKind, text: &str) -> Finding {
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
        _ if text.contains("lookup address") => Finding::Failed { fatal: false },
        _ => Finding::Inconclusive,
    }
}
