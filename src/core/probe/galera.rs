//! Galera and Percona XtraDB Cluster.
//!
//! A non-primary node still accepts connections and answers `SELECT`s without
//! tables, so only its status variables tell. A donor takes writes as long as
//! its state transfer does not block it, but its peers do that better: it is a
//! last resort.
//!
//! Members know each other by their incoming addresses, listed in the order of
//! their index. A member that has none (an arbitrator) has an empty entry, and
//! one that could not find out its own shows `AUTO`.

use super::variables::Variables;
use super::{Judgement, Member, Presence, Reason, Row, View};
use crate::node::Role;

/// Name and value pairs; no table is read, so a non-primary node answers too.
pub const SQL: &str = "SHOW GLOBAL STATUS WHERE Variable_name IN \
    ('wsrep_ready', 'wsrep_cluster_status', 'wsrep_local_state', 'wsrep_local_index', \
     'wsrep_cluster_size', 'wsrep_incoming_addresses')";

const DONOR: u32 = 2;
const SYNCED: u32 = 4;
/// Ways of sending a donor's state that leave it writable; the others hold a
/// global lock meanwhile.
const NON_BLOCKING: [&str; 4] = ["mariabackup", "xtrabackup-v2", "xtrabackup", "clone"];

/// Judges the rows of [`super::variables::SQL`] and of [`SQL`] in one list.
pub fn judge(rows: &[Row]) -> Judgement {
    let all = Variables(rows);
    // Whatever it is, its cluster is one of several writers.
    Judgement {
        several_writers: true,
        ..judge_node(all)
    }
}

fn judge_node(all: Variables<'_>) -> Judgement {
    let provided = all.named("wsrep_provider").is_some();
    // A plain server that was to be a member takes no writes either.
    let plain = all.get("read_only").is_some() && all.get("wsrep_cluster_status").is_none();
    if all.off("wsrep_on") || !provided && (plain || all.get("wsrep_provider").is_some()) {
        return unready(None, Reason::NotReplicating);
    }
    let Some(status) = all.get("wsrep_cluster_status") else {
        return Judgement::unintelligible();
    };
    let rank = all.number::<u16>("wsrep_local_index");
    let primary = status.eq_ignore_ascii_case("Primary");
    let ready = all.switch("wsrep_ready");
    let state = all.number::<u32>("wsrep_local_state");
    let serves = primary && ready == Some(true) && matches!(state, Some(SYNCED | DONOR));
    let judged = match (ready, state) {
        _ if !primary => unready(rank, Reason::NonPrimary),
        // One whose provider is not connected has no local state.
        (Some(false), None) => unready(rank, Reason::NotReady),
        (None, _) | (_, None) => return Judgement::unintelligible(),
        (Some(ready), Some(state)) => serving(all, rank, ready, state),
    };
    Judgement {
        view: view(all, serves),
        ..judged
    }
}

fn unready(rank: Option<u16>, reason: Reason) -> Judgement {
    Judgement::not_writer(Role::Unready, rank, reason)
}

/// Judges a member of the primary component.
fn serving(all: Variables<'_>, rank: Option<u16>, ready: bool, state: u32) -> Judgement {
    if state != DONOR && state != SYNCED {
        unready(rank, Reason::Joining)
    } else if !ready {
        unready(rank, Reason::NotReady)
    } else if all
        .get("wsrep_reject_queries")
        .is_some_and(|v| !v.eq_ignore_ascii_case("NONE"))
    {
        unready(rank, Reason::RejectsQueries)
    } else if all.on("super_read_only") {
        Judgement::not_writer(Role::Reader, rank, Reason::SuperReadOnly)
    } else if all.get("read_only").is_some_and(|_| !all.off("read_only")) {
        Judgement::not_writer(Role::Reader, rank, Reason::ReadOnly)
    } else if state == DONOR {
        Judgement {
            last_resort: !donation_blocks(all),
            ..unready(rank, Reason::Donor)
        }
    } else {
        Judgement::writer(rank)
    }
}

/// Whether a node in state donor may be locked: unless an operator has desynced
/// it, or states are sent in a way that does not lock it.
fn donation_blocks(all: Variables<'_>) -> bool {
    let method = all.get("wsrep_sst_method").unwrap_or_default();
    !all.on("wsrep_desync") && !NON_BLOCKING.iter().any(|m| m.eq_ignore_ascii_case(method))
}

/// The members, if the node lists them.
fn view(all: Variables<'_>, serves: bool) -> Option<View> {
    let entries: Vec<&str> = all
        .get("wsrep_incoming_addresses")?
        .split(',')
        .map(str::trim)
        .collect();
    // While the view changes the two may be of different views, and an index
    // into the wrong list would be another node's name.
    let whole = all.number::<usize>("wsrep_cluster_size") == Some(entries.len());
    let own = all
        .number::<usize>("wsrep_local_index")
        .filter(|_| whole)
        .and_then(|index| entries.get(index))
        .filter(|name| !name.is_empty())
        .map(|name| (*name).to_owned());
    let members = entries
        .iter()
        .filter(|name| !name.is_empty())
        .map(|name| {
            let (host, port) = address(name);
            Member {
                name: (*name).to_owned(),
                host,
                port,
                presence: Presence::Present,
                role: None,
                lag_ms: None,
            }
        })
        .collect();
    Some(View {
        authoritative: serves && whole,
        own,
        members,
    })
}

/// Host and port of an incoming address: `host:port`, `[v6]:port`, `host`, a
/// bare IPv6 address. Nothing where the member does not know its own.
fn address(text: &str) -> (Option<String>, Option<u16>) {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((host, "")) => (host, None),
            Some((host, port)) => (host, port.strip_prefix(':')),
            None => return (None, None),
        },
        None => match text.split_once(':') {
            Some((_, rest)) if rest.contains(':') => (text, None),
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let unknown = ["", "auto", "unspecified", "0.0.0.0", "::"]
        .iter()
        .any(|word| word.eq_ignore_ascii_case(host));
    if unknown {
        return (None, None);
    }
    match port.map(str::parse::<u16>) {
        None => (Some(host.to_owned()), None),
        Some(Ok(port)) if port > 0 => (Some(host.to_owned()), Some(port)),
        // A port of 0, or none at all, is the default one.
        Some(Ok(_)) => (Some(host.to_owned()), None),
        Some(Err(_)) => (None, None),
    }
}

#[cfg(test)]
#[path = "galera_tests.rs"]
mod tests;
