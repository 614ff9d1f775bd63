//! What changed in a cluster since the last look, in words for a log.

use std::sync::atomic::Ordering;

use amm_core::config::Admin;
use amm_core::node::{Health, NodeState, Phase, Role};

use crate::cluster::Cluster;

/// What of a node is worth a line when it changes.
type Seen = (Role, Health, Phase, Admin);

/// The last look at a cluster.
#[derive(Default)]
pub struct Changes {
    nodes: Vec<Look>,
    leader: Option<u32>,
}

/// The last look at a node.
struct Look {
    node: u64,
    id: String,
    word: u64,
    seen: Seen,
}

impl Changes {
    /// Looks, and gives a line for everything that is not as it was. The first
    /// look tells of every node.
    pub fn look(&mut self, cluster: &Cluster, now_ms: u64) -> Vec<String> {
        let mut lines = Vec::new();
        let shared = cluster.shared();
        let leader = cluster
            .is_led(now_ms)
            .then(|| shared.leader_pid.load(Ordering::Relaxed));
        if leader != self.leader {
            lines.push(match leader {
                Some(pid) if pid == crate::process::pid() => "this process probes".to_owned(),
                Some(pid) => format!("process {pid} probes"),
                None => "nobody probes".to_owned(),
            });
            self.leader = leader;
        }
        for index in 0..cluster.definition.nodes.len() {
            let word = cluster.node(index).state.load(Ordering::Acquire);
            let node = cluster
                .definition
                .nodes
                .get(index)
                .map_or(0, |n| n.identity);
            let before = self.nodes.iter_mut().find(|n| n.node == node);
            // Mostly nothing has changed at all.
            if before.as_ref().is_some_and(|before| before.word == word) {
                continue;
            }
            let state = NodeState::unpack(word);
            let admin = cluster.definition.admin(index, state.admin);
            let seen = (state.role, state.health, state.phase, admin);
            match before {
                Some(before) => {
                    before.word = word;
                    if std::mem::replace(&mut before.seen, seen) == seen {
                        continue;
                    }
                }
                None => self.nodes.push(Look {
                    node,
                    id: cluster.node_id(index).to_owned(),
                    word,
                    seen,
                }),
            }
            lines.push(describe(cluster, index, &seen));
        }
        self.nodes.retain(|n| {
            let stays = cluster.definition.index_of(n.node).is_some();
            if !stays {
                lines.push(format!("{} has left its cluster", n.id));
            }
            stays
        });
        lines
    }
}

fn describe(cluster: &Cluster, index: usize, seen: &Seen) -> String {
    let (role, health, phase, admin) = *seen;
    let reason = cluster.node(index).last_probe().reason;
    let reason = reason
        .filter(|_| !matches!(role, Role::Writer | Role::Unknown))
        .map_or_else(String::new, |reason| format!(" ({})", reason.as_str()));
    let admin = match admin {
        Admin::Enabled => String::new(),
        other => format!(", {}", other.as_str()),
    };
    let breaker = match phase {
        Phase::Closed => "closed",
        Phase::Open => "open",
        Phase::Recovering => "open, held down",
    };
    format!(
        "{} is {}, role {}{reason}, breaker {breaker}{admin}",
        cluster.node_id(index),
        health.as_str(),
        role.as_str(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::now_ms;
    use crate::testing;
    use amm_core::breaker::Event;
    use amm_core::node::AdminOverride;

    #[test]
    fn each_change_is_told_once() {
        let cluster = testing::cluster(&["10.0.0.1", "10.0.0.2"], &testing::spread());
        let mut changes = Changes::default();
        let first = changes.look(&cluster, now_ms());
        assert_eq!(
            first,
            [
                "10.0.0.1:3306 is up, role unknown, breaker closed",
                "10.0.0.2:3306 is up, role unknown, breaker closed"
            ]
        );
        assert!(changes.look(&cluster, now_ms()).is_empty());
        let policy = &cluster.definition.policy;
        let say = |event| cluster.node(1).apply(event, true, policy, now_ms());
        say(Event::ProbeFailed { fatal: true });
        say(Event::Admin(AdminOverride::Draining));
        let lines = changes.look(&cluster, now_ms());
        assert_eq!(
            lines,
            ["10.0.0.2:3306 is down, role unknown, breaker open, draining"]
        );
        // A lease that changes hands changes the word, and nothing to tell.
        say(Event::LeaseTaken);
        assert!(changes.look(&cluster, now_ms()).is_empty());
    }
}
