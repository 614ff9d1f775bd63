//! A cluster as configured, prepared once so that choosing costs little.

use std::time::Duration;

use amm_core::backoff::Backoff;
use amm_core::breaker::Policy;
use amm_core::config::Secret;
use amm_core::config::{Admin, NodeRole, NodeSettings, Settings};
use amm_core::discovery::{Host, Listing, Rules, aurora};
use amm_core::node::AdminOverride;
use amm_core::selection::Candidate;
use amm_core::token::Keys;

use crate::roster::seal::Seal;

/// One node.
#[derive(Clone, Debug)]
pub struct NodeDefinition {
    /// Its settings.
    pub settings: NodeSettings,
    /// `host:port`, or the path of its socket.
    pub id: String,
    /// Stable hash of its identity.
    pub identity: u64,
    /// What selection sees of it; rank and zone are filled in when asked.
    pub candidate: Candidate,
    /// The cluster itself named it, not the configuration.
    pub discovered: bool,
}

impl NodeDefinition {
    fn new(index: usize, settings: NodeSettings, discovered: bool, zone: Option<&str>) -> Self {
        let identity = settings.identity().get();
        Self {
            id: settings.id(),
            identity,
            candidate: Candidate {
                index,
                identity,
                weight: settings.weight,
                priority: settings.priority,
                rank: u16::MAX,
                near: zone.is_some() && settings.zone.as_deref() == zone,
            },
            settings,
            discovered,
        }
    }
}

/// A cluster as configured.
#[derive(Debug)]
pub struct Definition {
    /// Its settings.
    pub settings: Settings,
    /// Stable hash of flavour and nodes: the key of its shared slot.
    pub identity: u64,
    /// Its nodes: the configured ones in their order, then those discovered.
    pub nodes: Vec<NodeDefinition>,
    /// What the breakers go by.
    pub policy: Policy,
    /// Whether some node is configured as a reader.
    pub has_readers: bool,
    /// What tokens are signed with; `None`: there are none.
    pub keys: Option<Keys>,
    /// Which of the members that the cluster lists may be used.
    pub(crate) rules: Rules,
    /// Tells rosters of this cluster from others'; `None` without credentials.
    pub(crate) seal: Option<Seal>,
}

impl Definition {
    /// Prepares `settings` for a process in `zone`.
    pub fn new(settings: Settings, zone: Option<&str>) -> Self {
        let nodes: Vec<NodeDefinition> = settings
            .nodes
            .iter()
            .enumerate()
            .map(|(index, node)| NodeDefinition::new(index, node.clone(), false, zone))
            .collect();
        let policy = Policy {
            failures_to_open: settings.failures_to_open,
            backoff: Backoff {
                base_ms: millis(settings.backoff.base),
                max_ms: millis(settings.backoff.max),
                jitter: settings.backoff.jitter,
            },
            hold_down_ms: millis(settings.hold_down),
            slow_start_ms: millis(settings.slow_start),
        };
        Self {
            identity: settings.identity().get(),
            has_readers: nodes
                .iter()
                .any(|n| n.settings.role == Some(NodeRole::Reader)),
            nodes,
            policy,
            keys: keys(&settings.secrets),
            rules: rules(&settings),
            seal: Seal::new(&settings, &settings.secrets),
            settings,
        }
    }

    /// The same, with `secrets` for its tokens and rosters if it has none of its
    /// own.
    pub fn or_secrets(mut self, secrets: &[Secret]) -> Self {
        if self.keys.is_none() {
            self.keys = keys(secrets);
            self.seal = Seal::new(&self.settings, secrets);
        }
        self
    }

    /// The same cluster with nodes that it listed itself, after those that were
    /// configured: the identity is that of the configuration.
    pub(crate) fn with_members(&self, members: &[Listing]) -> Self {
        let mut nodes = self.nodes.clone();
        let settings = members
            .iter()
            .filter_map(|listing| NodeSettings::try_new(&listing.to_string()).ok());
        for settings in settings {
            nodes.push(NodeDefinition::new(nodes.len(), settings, true, None));
        }
        Self {
            settings: self.settings.clone(),
            nodes,
            keys: self.keys.clone(),
            rules: self.rules.clone(),
            seal: self.seal.clone(),
            ..*self
        }
    }

    /// Whether it has the same nodes, in the same order.
    pub(crate) fn has_nodes_of(&self, other: &Self) -> bool {
        let identities = |d: &Self| d.nodes.iter().map(|n| n.identity).collect::<Vec<_>>();
        identities(self) == identities(other)
    }

    /// The index of the node with this identity.
    pub fn index_of(&self, identity: u64) -> Option<usize> {
        self.nodes.iter().position(|n| n.identity == identity)
    }

    /// The index of the node called `id`, or of the only node of that host.
    pub fn find(&self, id: &str) -> Option<usize> {
        let wanted = id.to_ascii_lowercase();
        if let Some(at) = self
            .nodes
            .iter()
            .position(|n| n.id.to_ascii_lowercase() == wanted)
        {
            return Some(at);
        }
        let mut same_host = self
            .nodes
            .iter()
            .enumerate()
            .filter(|(_, n)| n.settings.host.eq_ignore_ascii_case(id));
        match (same_host.next(), same_host.next()) {
            (Some((at, _)), None) => Some(at),
            _ => None,
        }
    }

    /// The longest a healthy node's last probe may lie back for its monitor to
    /// count as alive, ms.
    pub fn fresh_ms(&self) -> u64 {
        3 * millis(self.settings.probe_interval) + millis(self.settings.probe_timeout)
    }

    /// Whether probes have what they need to log in.
    pub fn can_probe(&self) -> bool {
        self.settings.username.is_some()
    }

    /// What operators' words come to for the node at `index`: this host's
    /// override, or else the configuration.
    pub fn admin(&self, index: usize, on_this_host: AdminOverride) -> Admin {
        match on_this_host {
            AdminOverride::Enabled => Admin::Enabled,
            AdminOverride::Draining => Admin::Draining,
            AdminOverride::Disabled => Admin::Disabled,
            AdminOverride::Unset => self
                .nodes
                .get(index)
                .map_or(Admin::Enabled, |n| n.settings.admin),
        }
    }
}

fn keys(secrets: &[Secret]) -> Option<Keys> {
    let bytes = |secret: &'_ Secret| secret.expose().as_bytes().to_vec();
    let signing = secrets.first().map(bytes)?;
    Some(Keys::new(&signing, secrets.get(1).map(bytes).as_deref()))
}

/// What is accepted of a roster, by the configuration alone.
fn rules(settings: &Settings) -> Rules {
    let by_network = settings.nodes.iter().filter(|n| n.socket.is_none());
    let hosts = by_network.filter_map(|n| Some((Host::try_new(&n.host)?, n.port)));
    let names = settings.nodes.iter().map(|n| n.host.as_str());
    Rules {
        patterns: match settings.discover {
            true => settings.discover_hosts.clone(),
            false => Vec::new(),
        },
        suffixes: aurora::suffixes(names, &settings.discover_hosts),
        configured: hosts.collect(),
        count: settings.nodes.len(),
    }
}

/// Whole milliseconds of a duration.
pub fn millis(duration: Duration) -> u64 {
    duration.as_millis().min(u128::from(u64::MAX)) as u64
}
