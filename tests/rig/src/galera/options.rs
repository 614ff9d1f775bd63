//! What a cluster is started with.

use std::time::Duration;

/// How to run a cluster.
#[derive(Clone, Debug)]
pub struct Options {
    /// Number of nodes.
    pub nodes: usize,
    /// Silence after which the others vote on a member; Galera's own default
    /// is 5 s. All commits stall for about this long and a bit more.
    pub suspect_timeout: Duration,
    /// Silence after which a member is out without a vote.
    pub inactive_timeout: Duration,
    /// `max_connections` of each node.
    pub max_connections: u32,
    /// How long a node may take to start or to rejoin.
    pub start_timeout: Duration,
    /// More arguments for `mariadbd`, after the rig's own.
    pub extra: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self::detecting_in(Duration::from_secs(1))
    }
}

impl Options {
    /// Three nodes that suspect a silent member after `suspect`, and drop it
    /// without a vote after three times that.
    pub fn detecting_in(suspect: Duration) -> Self {
        Self {
            nodes: 3,
            suspect_timeout: suspect,
            inactive_timeout: suspect * 3,
            max_connections: 300,
            start_timeout: Duration::from_secs(60),
            extra: Vec::new(),
        }
    }

    /// Galera's group-communication timeouts. Keep-alives and checks have to
    /// come at least three times within `suspect_timeout`; membership messages
    /// are repeated as often, or nodes that join with timeouts this short throw
    /// each other out again.
    pub(crate) fn detection(&self) -> String {
        let often = (self.suspect_timeout * 3 / 10)
            .min(Duration::from_secs(1))
            .as_secs_f64();
        format!(
            "evs.keepalive_period=PT{often:.3}S;evs.inactive_check_period=PT{often:.3}S;\
             evs.join_retrans_period=PT{often:.3}S;evs.install_timeout=PT{:.3}S;\
             evs.suspect_timeout=PT{:.3}S;evs.inactive_timeout=PT{:.3}S",
            self.inactive_timeout.as_secs_f64(),
            self.suspect_timeout.as_secs_f64(),
            self.inactive_timeout.as_secs_f64(),
        )
    }
}
