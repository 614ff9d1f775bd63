//! A cluster as configured, prepared once so that choosing costs little.

use std::time::Duration;

use amm_core::backoff::Backoff;
use amm_core::breaker::Policy;
use amm_core::config::Secret;
use amm_core::config::{Admin, NodeRole, NodeSettings, Settings};
use amm_core::node::AdminOverride;
use amm_core::selection::Candidate;
use amm_core::token::Keys;

/// One configured node.
#[derive(Debug)]
pub struct NodeDefinition {
    /// Its settings.
    pub settings: NodeSettings,
    /// `host:port`, or the path of its socket.
    pub id: String,
    /// Stable hash of its identity.
    pub identity: u64,
    /// What selection sees of it; rank and zone are filled in when asked.
    pub candidate: Candidate,
}

/// A cluster as configured.
#[derive(Debug)]
pub struct Definition {
    /// Its settings.
    pub settings: Settings,
    /// Stable hash of flavour and nodes: the key of its shared slot.
    pub identity: u64,
    /// Its nodes, in configuration order.
    pub nodes: Vec<NodeDefinition>,
    /// What the breakers go by.
    pub policy: Policy,
    /// Whether some node is configured as a reader.
    pub has_readers: bool,
    /// What tokens are signed with; `None`: there are none.
    pub keys: Option<Keys>,
}

impl Definition {
    /// Prepares `settings` for a process in `zone`.
    pub fn new(settings: Settings, zone: Option<&str>) -> Self {
        let nodes: Vec<NodeDefinition> = settings
            .nodes
            .iter()
            .enumerate()
            .map(|(index, node)| {
                let identity = node.identity().get();
                NodeDefinition {
                    settings: node.clone(),
                    id: node.id(),
                    identity,
                    candidate: Candidate {
                        index,
                        identity,
                        weight: node.weight,
                        priority: node.priority,
                        rank: u16::MAX,
                        near: zone.is_some() && node.zone.as_deref() == zone,
                    },
                }
            })
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
            settings,
        }
    }

    /// The same, with `secrets` for its tokens if it has none of its own.
    pub fn or_secrets(mut self, secrets: &[Secret]) -> Self {
        self.keys = self.keys.or_else(|| keys(secrets));
        self
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

/// Whole milliseconds of a duration.
pub fn millis(duration: Duration) -> u64 {
    duration.as_millis().min(u128::from(u64::MAX)) as u64
}
