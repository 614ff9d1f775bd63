//! `status()` as a PHP array.

use amm_core::token::Refusal;
use amm_engine::status::{ClusterStatus, NodeStatus};
use ext_php_rs::boxed::ZBox;
use ext_php_rs::error::Result;
use ext_php_rs::prelude::*;
use ext_php_rs::types::{ZendHashTable, Zval};

pub(super) fn array(name: &str, status: &ClusterStatus) -> PhpResult<ZBox<ZendHashTable>> {
    Ok(cluster(name, status)?)
}

fn cluster(name: &str, status: &ClusterStatus) -> Result<ZBox<ZendHashTable>> {
    let mut table = ZendHashTable::new();
    table.insert("cluster", name)?;
    table.insert("flavour", status.flavour.as_str())?;
    table.insert("writers", status.writers.as_str())?;
    table.insert("shared", status.shared)?;
    table.insert("shared_reason", status.shared_reason.clone())?;
    table.insert("panic", status.panic)?;
    match status.leader {
        Some((pid, age)) => {
            let mut leader = ZendHashTable::new();
            leader.insert("pid", i64::from(pid))?;
            leader.insert("heartbeat_age_ms", age as i64)?;
            table.insert("leader", leader)?;
        }
        None => table.insert("leader", Zval::null())?,
    }
    table.insert("deputy", status.deputy_age_ms.is_some())?;
    let incumbent = status
        .incumbent
        .and_then(|i| status.nodes.get(i))
        .map(|n| n.id.clone());
    table.insert("incumbent", incumbent)?;
    table.insert("scope", super::request::label())?;
    let mut nodes = ZendHashTable::new();
    for one in &status.nodes {
        nodes.insert(one.id.as_str(), node(one)?)?;
    }
    table.insert("nodes", nodes)?;
    match &status.tokens {
        Some(counts) => {
            let mut refused = ZendHashTable::new();
            for (why, count) in Refusal::ALL.iter().zip(counts.refused) {
                refused.insert(why.as_str(), i64::from(count))?;
            }
            let mut tokens = ZendHashTable::new();
            tokens.insert("accepted", i64::from(counts.accepted))?;
            tokens.insert("refused", refused)?;
            table.insert("tokens", tokens)?;
        }
        None => table.insert("tokens", Zval::null())?,
    }
    table.insert("warnings", status.warnings.clone())?;
    Ok(table)
}

fn node(node: &NodeStatus) -> Result<ZBox<ZendHashTable>> {
    let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let mut table = ZendHashTable::new();
    table.insert("host", node.host.as_str())?;
    table.insert("port", i64::from(node.port))?;
    table.insert("zone", node.zone.clone())?;
    table.insert("discovered", node.discovered)?;
    table.insert("role", node.role)?;
    table.insert("role_reason", node.role_reason.map(str::to_owned))?;
    table.insert("health", node.health)?;
    table.insert("breaker", node.breaker)?;
    table.insert("admin", node.admin)?;
    table.insert("writable", node.writable)?;
    table.insert("epoch", i64::from(node.epoch))?;
    table.insert("since_ms", node.since_ms.map(number))?;
    table.insert("probe", node.probe)?;
    table.insert("probe_age_ms", node.probe_age_ms.map(number))?;
    table.insert("rtt_us", node.rtt_us.map(i64::from))?;
    table.insert("lag_ms", node.lag_ms.map(i64::from))?;
    table.insert("picks", number(node.picks))?;
    table.insert("dials", number(node.dials))?;
    table.insert("failures", number(node.failures))?;
    table.insert("conflicts", number(node.conflicts))?;
    table.insert("cuts", i64::from(node.cuts))?;
    match node.last_error {
        Some(error) => {
            let mut last = ZendHashTable::new();
            last.insert("verdict", error.verdict.as_str())?;
            last.insert("errno", i64::from(error.errno))?;
            last.insert("at", number(error.unix_seconds))?;
            table.insert("last_error", last)?;
        }
        None => table.insert("last_error", Zval::null())?,
    }
    Ok(table)
}
