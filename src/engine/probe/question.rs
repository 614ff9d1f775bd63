//! What a probe asks over its connection: the variables, which tell the
//! flavour, then what that flavour has to say of its members. One round trip
//! where that is all, two for members of a cluster, one more for a replica's lag.

use amm_core::config::{Flavour, NodeRole};
use amm_core::node::Role;
use amm_core::probe::read_only::Lag;
use amm_core::probe::{
    Judgement, Reason, Row, aurora, auto, galera, grants_write_through, group_replication,
    read_only, variables,
};

use super::{Finding, ProbeResult};
use crate::clock::now_us;
use crate::definition::{Definition, NodeDefinition};
use crate::wire::{Conn, Result, Table, WireError};

/// Asks the node what it is.
pub(super) fn question(
    conn: &mut Conn,
    definition: &Definition,
    node: &NodeDefinition,
) -> Result<ProbeResult> {
    let began = now_us();
    let variables = rows(conn, variables::SQL)?;
    let rtt_us = now_us().saturating_sub(began).clamp(1, u64::from(u32::MAX)) as u32;
    if let Some(judged) = outsider(conn, definition, &variables, node)? {
        return Ok(ProbeResult {
            rtt_us,
            ..ProbeResult::of(Finding::Answered(judged))
        });
    }
    let flavour = match definition.settings.flavour {
        Flavour::Auto => auto::flavour(&variables),
        configured => configured,
    };
    let judgement = match flavour {
        Flavour::Galera => {
            let mut all = variables;
            all.extend(rows(conn, galera::SQL)?);
            galera::judge(&all)
        }
        Flavour::GroupReplication => {
            let members = told(rows(conn, group_replication::SQL))?;
            let members = members.as_deref().map_err(|reason| *reason);
            let judged = group_replication::judge(&variables, members);
            with_applier_lag(conn, judged)?
        }
        Flavour::Aurora => {
            let topology = told(rows(conn, aurora::SQL))?;
            aurora::judge(&variables, topology.as_deref().map_err(|reason| *reason))
        }
        Flavour::ReadOnly | Flavour::Auto => {
            let judged = read_only::judge(&variables);
            with_replica_lag(conn, judged, node)?
        }
    };
    Ok(ProbeResult {
        rtt_us,
        flavour: Some(flavour),
        ..ProbeResult::of(Finding::Answered(judgement))
    })
}

/// A secondary's judgement with its lag, where the account may see it.
fn with_applier_lag(conn: &mut Conn, judged: Judgement) -> Result<Judgement> {
    if judged.role != Role::Reader {
        return Ok(judged);
    }
    let lag = told(rows(conn, group_replication::LAG_SQL))?;
    Ok(Judgement {
        lag_ms: lag.ok().and_then(|rows| group_replication::lag_ms(&rows)),
        ..judged
    })
}

/// The judgement of a replica that is no member of the cluster but configured
/// as a reader of it. It must be seen to replicate: a member that has lost its
/// cluster looks the same otherwise.
fn outsider(
    conn: &mut Conn,
    definition: &Definition,
    variables: &[Row],
    node: &NodeDefinition,
) -> Result<Option<Judgement>> {
    let outside = definition.settings.flavour != Flavour::ReadOnly
        && node.settings.role == Some(NodeRole::Reader)
        && auto::flavour(variables) == Flavour::ReadOnly;
    if !outside {
        return Ok(None);
    }
    Ok(match replica_lag(conn)? {
        Lag::Unknown => None,
        lag => Some(read_only::with_lag(read_only::judge(variables), lag)),
    })
}

/// A replica's judgement with its lag, where the account may see it. A node
/// that is configured as a reader is one whatever it says.
fn with_replica_lag(
    conn: &mut Conn,
    judged: Judgement,
    node: &NodeDefinition,
) -> Result<Judgement> {
    let reader = judged.role == Role::Reader || node.settings.role == Some(NodeRole::Reader);
    if !reader {
        return Ok(judged);
    }
    Ok(read_only::with_lag(judged, replica_lag(conn)?))
}

fn replica_lag(conn: &mut Conn) -> Result<Lag> {
    for sql in read_only::LAG_SQL {
        match told(conn.table(sql))? {
            Ok(Table { columns, rows }) => return Ok(read_only::lag(&columns, &rows)),
            // A server that does not know these words knows the others.
            Err(Reason::Unintelligible) => {}
            Err(_) => break,
        }
    }
    Ok(Lag::Unknown)
}

/// Whether our user's grants override `read_only`, if they can be seen.
pub(super) fn writes_through_read_only(conn: &mut Conn) -> Option<bool> {
    let grants = rows(conn, "SHOW GRANTS").ok()?;
    Some(
        grants
            .iter()
            .flatten()
            .flatten()
            .any(|grant| grants_write_through(grant)),
    )
}

/// Takes a question that the server refused for an answer of its own kind, and
/// leaves what is wrong with server or connection an error.
fn told<T>(answer: Result<T>) -> Result<std::result::Result<T, Reason>> {
    match answer {
        Ok(answer) => Ok(Ok(answer)),
        Err(WireError::Server { code, state }) => match Reason::of_refused_question(code) {
            Some(reason) => Ok(Err(reason)),
            None => Err(WireError::Server { code, state }),
        },
        Err(error) => Err(error),
    }
}

fn rows(conn: &mut Conn, sql: &str) -> Result<Vec<Row>> {
    Ok(conn.table(sql)?.rows)
}
