//! The books: every acknowledged order must be on every node exactly once.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use anyhow::{Context, Result};
use mysql::prelude::Queryable;

use crate::accounts::DATABASE;
use crate::cluster::Cluster;
use crate::load::Request;

/// What the cluster holds, against what was promised.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// Acknowledged, and absent from at least one node.
    pub missing: BTreeSet<String>,
    /// On some node more than once, acknowledged or not.
    pub doubled: BTreeSet<String>,
    /// Answered with an error, and stored all the same: in doubt for the
    /// client, and no harm as long as nobody repeated it.
    pub stored_in_doubt: BTreeSet<String>,
    /// Rows nobody asked for.
    pub unknown: usize,
    /// Whether the second write of every order's transaction is there too.
    pub halves: Vec<String>,
    /// Orders stored, by node.
    pub stored: BTreeMap<String, usize>,
}

impl Ledger {
    /// Reads all nodes and compares.
    pub fn check(cluster: &dyn Cluster, requests: &[Request]) -> Result<Self> {
        let mut ledger = Self::default();
        let asked: HashMap<&str, &Request> = requests
            .iter()
            .map(|request| (request.token.as_str(), request))
            .collect();
        for node in cluster.members() {
            let node = node.server();
            let mut root = node.root()?;
            // Each node is first to have what the others have.
            root.query_drop(match cluster.flavour() {
                "galera" => "SET SESSION wsrep_sync_wait = 1",
                _ => "SET SESSION group_replication_consistency = 'BEFORE'",
            })?;
            let rows: Vec<(String, u32)> = root
                .query(format!(
                    "SELECT token, COUNT(*) FROM {DATABASE}.orders GROUP BY token"
                ))
                .with_context(|| format!("cannot read the orders of {}", node.id()))?;
            let sold: u64 = root
                .query_first(format!("SELECT SUM(sold) FROM {DATABASE}.articles"))?
                .unwrap_or_default();
            let stored: HashMap<&str, u32> = rows
                .iter()
                .map(|(token, count)| (token.as_str(), *count))
                .collect();
            let orders = stored.values().map(|count| *count as usize).sum::<usize>();
            if orders as u64 != sold {
                ledger
                    .halves
                    .push(format!("{}: {orders} orders, {sold} sold", node.id()));
            }
            for (token, count) in &stored {
                match asked.get(token) {
                    None => ledger.unknown += 1,
                    Some(request) if !request.succeeded() => {
                        ledger.stored_in_doubt.insert((*token).into());
                    }
                    Some(_) => {}
                }
                if *count > 1 {
                    ledger.doubled.insert((*token).into());
                }
            }
            let absent = requests
                .iter()
                .filter(|request| request.succeeded())
                .filter(|request| !stored.contains_key(request.token.as_str()));
            ledger
                .missing
                .extend(absent.map(|request| request.token.clone()));
            ledger.stored.insert(node.id(), orders);
        }
        Ok(ledger)
    }

    /// Whether nothing is lost, doubled or torn.
    pub fn is_sound(&self) -> bool {
        self.missing.is_empty() && self.doubled.is_empty() && self.halves.is_empty()
    }
}
