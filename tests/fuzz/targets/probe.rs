//! What servers answer to probes.

use amm_core::config::Flavour;
use amm_core::node::Role;
use amm_core::probe::{
    Judgement, Reason, aurora, auto, galera, grants_write_through, group_replication, read_only,
};

use crate::bytes::Bytes;

const WORDS: &[&str] = &[
    "0",
    "1",
    "2",
    "4",
    "3306",
    "ON",
    "OFF",
    "YES",
    "NO",
    "Primary",
    "non-Primary",
    "Synced",
    "Donor/Desynced",
    "Joined",
    "NONE",
    "ALL",
    "wsrep_ready",
    "wsrep_cluster_status",
    "wsrep_local_state",
    "wsrep_local_state_comment",
    "wsrep_local_index",
    "wsrep_cluster_size",
    "wsrep_incoming_addresses",
    "wsrep_reject_queries",
    "wsrep_on",
    "wsrep_desync",
    "wsrep_sst_method",
    "mariabackup",
    "rsync",
    "read_only",
    "super_read_only",
    "innodb_read_only",
    "aurora_version",
    "aurora_server_id",
    "server_uuid",
    "ONLINE",
    "RECOVERING",
    "UNREACHABLE",
    "ERROR",
    "OFFLINE",
    "PRIMARY",
    "SECONDARY",
    "group_replication_single_primary_mode",
    "group_replication_group_name",
    "hostname",
    "10.0.0.1:3306,10.0.0.2:3306",
    "10.0.0.1:3306",
    "AUTO",
    "a",
    "b",
    "Seconds_Behind_Master",
    "Seconds_Behind_Source",
    "Slave_IO_Running",
    "Slave_SQL_Running",
    "Yes",
    "No",
    "-1",
    "1e99",
    "NaN",
    "99999999999999999999",
];

/// Any rows to every flavour's judge.
pub(crate) fn rows(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    let kind = bytes.byte();
    let first = bytes.rows(WORDS);
    let second = bytes.rows(WORDS);
    let more = match kind >> 6 {
        0 => Err(Reason::Unintelligible),
        _ => Ok(second.as_slice()),
    };
    sound(&galera::judge(&first));
    sound(&group_replication::judge(&first, more));
    sound(&aurora::judge(&first, more));
    let judged = read_only::judge(&first);
    sound(&judged);
    let columns: Vec<String> = second
        .first()
        .into_iter()
        .flatten()
        .flatten()
        .cloned()
        .collect();
    let lag = read_only::lag(&columns, &second);
    sound(&read_only::with_lag(judged, lag));
    let _ = group_replication::lag_ms(&second);
    let _: Flavour = auto::flavour(&first);
    let _ = grants_write_through(&bytes.text());
}

/// Whatever was answered: a writer is one without reservation, and the members
/// have names.
fn sound(judged: &Judgement) {
    assert!(judged.role != Role::Writer || judged.reason.is_none());
    assert!(judged.role == Role::Writer || judged.reason.is_some());
    if let Some(view) = &judged.view {
        assert!(view.members.iter().all(|m| !m.name.is_empty()));
        for member in &view.members {
            let _ = view.sees(&member.name);
        }
    }
}
