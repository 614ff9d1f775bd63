//! Amazon Aurora MySQL.
//!
//! What AWS documents, and where:
//! - `innodb_read_only` is ON on readers and OFF on the writer; after a
//!   failover the old writer restarts and comes back read-only (AWS re:Post,
//!   "Why do I get a read-only error after an Aurora MySQL-Compatible DB
//!   cluster fails over?").
//! - `information_schema.replica_host_status` has a row for each instance;
//!   `SESSION_ID` is `MASTER_SESSION_ID` for the writer (Amazon Aurora User
//!   Guide, "Aurora MySQL–specific information_schema tables"). Each reader
//!   records its lag there (the same, "Replication with Amazon Aurora MySQL").
//! - There is one writer in a cluster, and each instance has an endpoint of
//!   its own (the same, "Amazon Aurora endpoint connections").
//! - `aurora_version` exists on Aurora alone, `@@aurora_server_id` names the
//!   instance, and rows not updated for five minutes are left out, the
//!   writer's excepted; of several that claim to be it the last one updated
//!   counts (AWS's drivers, `aws-advanced-jdbc-wrapper` and its siblings:
//!   their Aurora MySQL dialect and host list provider).
//!
//! What is only assumed: that a live writer updates its row at least every
//! [`RIVAL_MS`]. Where that is wrong a node's own word is believed, which is
//! safe: the storage admits one writer.
//!
//! During a failover the instances' tables disagree for a while, so each is
//! asked for itself, and what one says of others moves no traffic.

use super::variables::Variables;
use super::{Judgement, Member, Presence, Reason, Row, View};
use crate::node::Role;

/// One row an instance: its id, whether it is the writer, its lag in ms, and
/// how long ago, ms, the row was updated.
pub const SQL: &str = "SELECT SERVER_ID, SESSION_ID = 'MASTER_SESSION_ID', \
    REPLICA_LAG_IN_MILLISECONDS, \
    TIMESTAMPDIFF(MICROSECOND, LAST_UPDATE_TIMESTAMP, NOW(6)) DIV 1000 \
    FROM information_schema.replica_host_status \
    WHERE TIMESTAMPDIFF(SECOND, LAST_UPDATE_TIMESTAMP, NOW()) <= 300 \
    OR SESSION_ID = 'MASTER_SESSION_ID'";

/// A row of another writer counts against a node's own word if it was updated
/// within this time, ms.
pub const RIVAL_MS: u64 = 10_000;

/// A row of [`SQL`].
struct Seen<'a> {
    id: &'a str,
    writer: bool,
    lag_ms: Option<u32>,
    age_ms: Option<u64>,
}

/// Whether the variables are those of an Aurora server.
pub(super) fn is_aurora(variables: Variables<'_>) -> bool {
    ["aurora_version", "aurora_server_id"]
        .iter()
        .any(|name| variables.named(name).is_some())
}

/// Judges the rows of [`super::variables::SQL`] and those of [`SQL`], or why
/// there are none: then the node's own word is all there is.
pub fn judge(variables: &[Row], topology: Result<&[Row], Reason>) -> Judgement {
    let all = Variables(variables);
    if !is_aurora(all) && all.get("read_only").is_some() {
        return Judgement::not_writer(Role::Unready, None, Reason::NotAurora);
    }
    let Some(reads) = all.switch("innodb_read_only") else {
        return Judgement::unintelligible();
    };
    let seen: Vec<Seen<'_>> = topology
        .unwrap_or_default()
        .iter()
        .filter_map(|row| seen(row))
        .collect();
    let own = all.named("aurora_server_id");
    let me = own.and_then(|own| seen.iter().find(|s| s.id == own));
    let judged = if reads {
        Judgement {
            lag_ms: me.and_then(|me| me.lag_ms),
            ..Judgement::not_writer(Role::Reader, None, Reason::InnodbReadOnly)
        }
    } else if all.get("read_only").is_some() && !all.off("read_only") {
        Judgement::not_writer(Role::Reader, None, Reason::ReadOnly)
    } else if has_rival(&seen, own, me) {
        Judgement::not_writer(Role::Unready, None, Reason::FailoverInProgress)
    } else {
        Judgement::writer(Some(0))
    };
    Judgement {
        view: view(&seen, own, me),
        ..judged
    }
}

/// Whether the topology names another writer, and with more right than this
/// node, which says that it is one.
fn has_rival(seen: &[Seen<'_>], own: Option<&str>, me: Option<&Seen<'_>>) -> bool {
    let mine = me.filter(|me| me.writer).and_then(|me| me.age_ms);
    seen.iter()
        .filter(|other| other.writer && Some(other.id) != own)
        .filter_map(|other| other.age_ms)
        .any(|age| age <= RIVAL_MS && mine.is_none_or(|mine| age < mine))
}

/// The instances. Those that have left are missing, and one that failed is
/// listed until its row is five minutes old or Aurora removes it.
fn view(seen: &[Seen<'_>], own: Option<&str>, me: Option<&Seen<'_>>) -> Option<View> {
    if seen.is_empty() {
        return None;
    }
    let writers = seen.iter().filter(|s| s.writer).count();
    Some(View {
        // One that does not list itself, or no writer, or two, is behind.
        authoritative: me.is_some() && writers == 1,
        own: own.map(str::to_owned),
        members: seen
            .iter()
            .map(|s| Member {
                name: s.id.to_owned(),
                host: Some(s.id.to_owned()),
                port: None,
                presence: Presence::Present,
                role: Some(match s.writer {
                    true => Role::Writer,
                    false => Role::Reader,
                }),
                lag_ms: s.lag_ms,
            })
            .collect(),
    })
}

fn seen(row: &[Option<String>]) -> Option<Seen<'_>> {
    let [Some(id), Some(writer), lag, age] = row else {
        return None;
    };
    let number = |text: &Option<String>| {
        let number: f64 = text.as_deref()?.parse().ok()?;
        number.is_finite().then_some(number.max(0.0))
    };
    (!id.is_empty()).then(|| Seen {
        id,
        writer: writer == "1",
        // Numbers that are too large for the type become its largest.
        lag_ms: number(lag).map(|ms| ms as u32),
        age_ms: number(age).map(|ms| ms as u64),
    })
}

#[cfg(test)]
#[path = "aurora_tests.rs"]
mod tests;
