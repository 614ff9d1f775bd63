//! What a group is started with.

use std::time::Duration;

/// How to run a group.
#[derive(Clone, Debug)]
pub struct Options {
    /// Number of nodes.
    pub nodes: usize,
    /// One primary and the others read-only, or all of them writers.
    pub single_primary: bool,
    /// `group_replication_member_expel_timeout`, in whole seconds: how long a
    /// silent member may stay once the others call it unreachable, which they
    /// do after five seconds.
    pub expel_timeout: Duration,
    /// `group_replication_unreachable_majority_timeout`, in whole seconds: how
    /// long a member without a majority lets writes wait; zero is for ever.
    pub majority_timeout: Duration,
    /// `group_replication_autorejoin_tries` of an expelled member.
    pub autorejoin_tries: u32,
    /// `max_connections` of each node.
    pub max_connections: u32,
    /// How long a node may take to start or to rejoin.
    pub start_timeout: Duration,
    /// More arguments for `mysqld`, after the rig's own.
    pub extra: Vec<String>,
}

impl Options {
    /// Three nodes that all take writes.
    pub fn multi_primary() -> Self {
        Self {
            nodes: 3,
            single_primary: false,
            expel_timeout: Duration::ZERO,
            majority_timeout: Duration::ZERO,
            autorejoin_tries: 3,
            max_connections: 150,
            start_timeout: Duration::from_secs(60),
            extra: Vec::new(),
        }
    }

    /// Three nodes of which the group makes one its primary.
    pub fn single_primary() -> Self {
        Self {
            single_primary: true,
            ..Self::multi_primary()
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::multi_primary()
    }
}
