//! What a cluster may be told, and what it does when told nothing.

use std::time::Duration;

use super::choice::choice;
use super::node::NodeSettings;
use super::secret::Secret;
use crate::discovery::HostPattern;

/// Most nodes that one cluster may have: the size of the shared table.
pub const MAX_NODES: usize = 64;

choice! {
    /// How a cluster tells who may write.
    Flavour {
        /// MariaDB Galera Cluster, Percona XtraDB Cluster.
        Galera = "galera",
        /// MySQL Group Replication, InnoDB Cluster.
        GroupReplication = "group_replication",
        /// Amazon Aurora.
        Aurora = "aurora",
        /// Plain `@@read_only` and `@@super_read_only`, any topology.
        ReadOnly = "read_only",
        /// Find out.
        #[default]
        Auto = "auto",
    }
}

choice! {
    /// How writes use several writers.
    Writers {
        /// By sticky key over all writers.
        Spread = "spread",
        /// Everyone on one preferred writer, the others stand by.
        #[default]
        Single = "single",
    }
}

choice! {
    /// When blocked sockets to a dead node are shut.
    Cut {
        /// When a witness agrees that the node is gone, or where no witness
        /// can exist after [`Settings::cut_unwitnessed_after`].
        #[default]
        Witnessed = "witnessed",
        /// After [`Settings::cut_after`], witness or not.
        Always = "always",
        /// Never.
        Never = "never",
    }
}

choice! {
    /// What happens when a preferred writer comes back, in `single`.
    Failback {
        /// It takes over again.
        #[default]
        Auto = "auto",
        /// Its stand-in stays until an operator says otherwise.
        Manual = "manual",
    }
}

choice! {
    /// What is done about transactions lost to conflicts between writers.
    Conflicts {
        /// They are counted.
        #[default]
        Count = "count",
        /// They are counted, and keys that collide are drawn to one writer.
        Adaptive = "adaptive",
    }
}

choice! {
    /// What a choice of writer sticks to.
    StickyScope {
        /// A request, a queue job, a console command.
        #[default]
        Request = "request",
    }
}

/// How long a failed node is left alone before the next trial.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Backoff {
    /// After the first failure. Default 1 s, 10 ms to 1 h.
    pub base: Duration,
    /// At most, however often it failed. Default 30 s, 10 ms to 1 h, not below `base`.
    pub max: Duration,
    /// Part of each wait that is random, 0 to 1. Default 0.5.
    pub jitter: f64,
}

/// What a choice of writer sticks to, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sticky {
    /// Default: the request.
    pub scope: StickyScope,
    /// Life of a stickiness token. Default 5 s, 0 to 24 h.
    pub ttl: Duration,
}

/// How probes encrypt. Paths are absolute.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tls {
    /// Certificates that are trusted; `None`: those built in.
    pub ca: Option<String>,
    /// Own certificate; only together with `key`.
    pub cert: Option<String>,
    /// Own private key; only together with `cert`.
    pub key: Option<String>,
    /// Whether the server's certificate and name are checked. Default true.
    pub verify: bool,
}

impl Default for Tls {
    fn default() -> Self {
        Self {
            ca: None,
            cert: None,
            key: None,
            verify: true,
        }
    }
}

/// The settings of one cluster, checked.
///
/// Built by [`Settings::try_from_value`](Settings::try_from_value) only.
/// `Debug` shows no credential.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Settings {
    /// How the cluster tells who may write. Default `auto`.
    pub flavour: Flavour,
    /// How writes use several writers. Default `single`.
    pub writers: Writers,
    /// Several writable nodes of flavour `read_only` are meant (circular or
    /// multi-source replication). Default false.
    pub multi_source: bool,
    /// The servers, 1 to [`MAX_NODES`], none twice.
    pub nodes: Vec<NodeSettings>,
    /// User of the probes.
    pub username: Option<Secret>,
    /// Password of the probes; only together with `username`.
    pub password: Option<Secret>,
    /// Between probes of a healthy node. Default 1 s, 10 ms to 1 h.
    pub probe_interval: Duration,
    /// Between probes of a suspect node. Default 100 ms, 10 ms to
    /// `probe_interval`.
    pub probe_interval_suspect: Duration,
    /// Deadline of one probe. Default 500 ms, 10 ms to 60 s.
    pub probe_timeout: Duration,
    /// Time for one dial. Default 1 s, 10 ms to 5 min.
    pub connect_timeout: Duration,
    /// Time for all dials of one connect. Default 3 s, `connect_timeout` to 1 h.
    pub connect_deadline: Duration,
    /// Failures in a row that open a breaker; fatal network errors open at
    /// once. Default 2, 1 to 100.
    pub failures_to_open: u8,
    /// How long a failed node is left alone.
    pub backoff: Backoff,
    /// How long a writer must be seen well after a failure. Default 2 s, 0 to 1 h.
    pub hold_down: Duration,
    /// How long a returning writer takes to get all its keys back. Default
    /// 10 s, 0 to 1 h.
    pub slow_start: Duration,
    /// When blocked sockets to a dead node are shut. Default `witnessed`.
    pub cut: Cut,
    /// How long a node must be down before that. Default 2 s, 100 ms to 1 h.
    pub cut_after: Duration,
    /// The same where no witness can exist. Default 30 s, `cut_after` to 1 h.
    pub cut_unwitnessed_after: Duration,
    /// What a choice of writer sticks to.
    pub sticky: Sticky,
    /// Whether a preferred writer takes over again. Default `auto`.
    pub failback: Failback,
    /// Encryption of probes; `None`: plain.
    pub tls: Option<Tls>,
    /// Readers further behind are passed over, 0 to 24 h; `None`: never.
    pub max_lag: Option<Duration>,
    /// Whether nodes that the cluster itself names are added. Default false.
    pub discover: bool,
    /// The only hosts that may be added; never empty when `discover` is set.
    pub discover_hosts: Vec<HostPattern>,
    /// A cluster unused for this long is probed no more. Default 10 min, 1 s
    /// to 30 days.
    pub idle_after: Duration,
    /// What is done about conflicts. Default `count`.
    pub conflicts: Conflicts,
    /// The first signs stickiness tokens, in place of the extension's own
    /// secret; a second one, which it replaced, is still accepted. At least 16
    /// bytes each.
    pub secrets: Vec<Secret>,
}
