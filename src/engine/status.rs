//! Everything an operator wants to see of a cluster, in one look.

use std::sync::atomic::Ordering;

use amm_core::admission::{Admission, Purpose};
use amm_core::config::{Admin, Conflicts, Flavour, NodeRole, Writers};
use amm_core::node::{AdminOverride, Role};

use crate::clock::now_ms;
use crate::cluster::Cluster;
use crate::host::Host;
use crate::lease;
use crate::node::{LastError, ProbeOutcome};
use crate::tokens::Counts;

/// A cluster at one moment.
#[derive(Clone, Debug)]
pub struct ClusterStatus {
    /// Flavour in force; `auto` until it was found out.
    pub flavour: Flavour,
    /// How writers are chosen.
    pub writers: Writers,
    /// Whether other processes see the same health.
    pub shared: bool,
    /// Why not.
    pub shared_reason: Option<String>,
    /// Whether no node is writable, so that automatic bans are ignored.
    pub panic: bool,
    /// Pid and heartbeat age, ms, of the process that probes.
    pub leader: Option<(u32, u64)>,
    /// Heartbeat age, ms, of the process that stands by.
    pub deputy_age_ms: Option<u64>,
    /// Node that `single` has settled on.
    pub incumbent: Option<usize>,
    /// The nodes: the configured ones in their order, then those discovered.
    pub nodes: Vec<NodeStatus>,
    /// Tokens accepted and refused; `None` where no secret is set.
    pub tokens: Option<Counts>,
    /// What an operator should look at.
    pub warnings: Vec<String>,
}

/// A node at one moment.
#[derive(Clone, Debug)]
pub struct NodeStatus {
    /// `host:port` or socket path.
    pub id: String,
    /// Configured host.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Configured zone.
    pub zone: Option<String>,
    /// Whether the cluster itself named it, not the configuration.
    pub discovered: bool,
    /// Observed role.
    pub role: &'static str,
    /// Why it is not a writer, in words.
    pub role_reason: Option<&'static str>,
    /// Observed health.
    pub health: &'static str,
    /// `closed`, `half-open` or `open`.
    pub breaker: &'static str,
    /// `enabled`, `draining` or `disabled`.
    pub admin: &'static str,
    /// Whether it takes new writes now.
    pub writable: bool,
    /// Epoch.
    pub epoch: u32,
    /// Time since the breaker's phase began, ms; `None` if it never changed.
    pub since_ms: Option<u64>,
    /// Time since the last probe ended, ms.
    pub probe_age_ms: Option<u64>,
    /// What the last probe came to.
    pub probe: &'static str,
    /// Round trip of the last probe, µs.
    pub rtt_us: Option<u32>,
    /// How far it is behind the writers, ms, where that is known.
    pub lag_ms: Option<u32>,
    /// Times it was chosen.
    pub picks: u64,
    /// Dials begun.
    pub dials: u64,
    /// Failures by its fault.
    pub failures: u64,
    /// Conflicts.
    pub conflicts: u64,
    /// Orders to shut the sockets to it.
    pub cuts: u32,
    /// How long ago such an order that stands was last given, ms.
    pub cut_age_ms: Option<u64>,
    /// The last error.
    pub last_error: Option<LastError>,
}

/// Looks at the cluster.
pub fn of(cluster: &Cluster, host: &Host) -> ClusterStatus {
    let now = now_ms();
    let shared = cluster.shared();
    let nodes: Vec<NodeStatus> = (0..cluster.definition.nodes.len())
        .filter_map(|i| node(cluster, i, now))
        .collect();
    let leader = lease::age_ms(&shared.lease, now)
        .map(|age| (shared.leader_pid.load(Ordering::Relaxed), age));
    let mut status = ClusterStatus {
        flavour: cluster.flavour(),
        writers: cluster.writers(),
        shared: cluster.mapping.is_shared() && host.private_reason().is_none(),
        shared_reason: host.private_reason(),
        panic: cluster.is_panicking(now),
        leader,
        deputy_age_ms: lease::age_ms(&shared.deputy, now),
        incumbent: cluster.incumbent(),
        nodes,
        tokens: cluster
            .definition
            .keys
            .is_some()
            .then(|| cluster.token_counts()),
        warnings: Vec::new(),
    };
    status.warnings = warnings(cluster, &status);
    status
}

fn node(cluster: &Cluster, index: usize, now: u64) -> Option<NodeStatus> {
    let configured = cluster.definition.nodes.get(index)?;
    let slot = cluster.node(index);
    let glance = cluster.glance(index, Purpose::Write, now);
    let probe = slot.last_probe();
    let probed = probe.outcome != ProbeOutcome::None;
    let since = slot.since_ms(glance.state, now);
    let rtt = slot.rtt_us.load(Ordering::Relaxed);
    Some(NodeStatus {
        id: configured.id.clone(),
        host: configured.settings.host.clone(),
        port: configured.settings.port,
        zone: configured.settings.zone.clone(),
        discovered: configured.discovered,
        role: glance.state.role.as_str(),
        role_reason: match glance.state.role {
            Role::Writer if probe.outcome != ProbeOutcome::Untold => None,
            _ => probe.reason.map(|r| r.as_str()),
        },
        health: glance.state.health.as_str(),
        breaker: glance.admission.breaker(glance.state),
        admin: match glance.admin {
            Admin::Enabled => "enabled",
            Admin::Draining => "draining",
            Admin::Disabled => "disabled",
        },
        writable: matches!(glance.admission, Admission::Open | Admission::Ramp(_)),
        epoch: glance.state.epoch,
        since_ms: (since > 0).then(|| now.saturating_sub(since)),
        probe_age_ms: probed.then(|| now.saturating_sub(probe.at_ms)),
        probe: match probe.outcome {
            ProbeOutcome::None => "none",
            ProbeOutcome::Answered => "answered",
            ProbeOutcome::Failed | ProbeOutcome::Silent => "failed",
            ProbeOutcome::NoLogin => "login refused",
            ProbeOutcome::Inconclusive => "inconclusive",
            ProbeOutcome::Untold => "role not told",
            ProbeOutcome::Unable => "impossible",
        },
        rtt_us: (rtt > 0).then_some(rtt),
        lag_ms: slot.lag_ms(),
        picks: slot.picks.load(Ordering::Relaxed),
        dials: slot.dials.load(Ordering::Relaxed),
        failures: slot.failures.load(Ordering::Relaxed),
        conflicts: slot.conflicts.load(Ordering::Relaxed),
        cuts: slot.cuts.load(Ordering::Relaxed),
        cut_age_ms: cluster.cut_age_ms(index, now),
        last_error: slot.last_error(),
    })
}

fn warnings(cluster: &Cluster, status: &ClusterStatus) -> Vec<String> {
    let mut warnings = Vec::new();
    if let Some(reason) = &status.shared_reason {
        warnings.push(format!(
            "health is not shared with other processes: {reason}"
        ));
    }
    if !cluster.definition.can_probe() {
        warnings.push(
            "no username is configured, so nodes are not probed: a failed node is found again \
             by trial dials alone"
                .to_owned(),
        );
    } else if status.leader.is_none() {
        warnings.push("no process probes this cluster now".to_owned());
    }
    for (index, node) in status.nodes.iter().enumerate() {
        if node.probe == "login refused" {
            warnings.push(format!(
                "{}: the probe's login is refused; its role is not known. Check username, \
                 password and tls",
                node.id
            ));
        }
        if node.probe == "role not told" {
            warnings.push(format!(
                "{}: the probe is let in, but its role is not known: {}",
                node.id,
                node.role_reason
                    .unwrap_or("its answer cannot be understood")
            ));
        }
        if let Some(age) = node.cut_age_ms {
            warnings.push(format!(
                "{}: sockets to it are being shut, last {age} ms ago: it hangs, cannot be reached \
                 or has lost its quorum",
                node.id
            ));
        }
        if node.probe == "impossible" {
            warnings.push(format!(
                "{}: the process that probes cannot try (no descriptors, threads, memory or \
                 rights left); its health is as it was known last",
                node.id
            ));
        }
        let configured = cluster
            .definition
            .nodes
            .get(index)
            .map(|n| n.settings.admin);
        let set = cluster.node(index).load().admin;
        if set != AdminOverride::Unset && configured.is_some_and(|c| c.as_str() != node.admin) {
            warnings.push(format!(
                "{}: {} on this host, against its configuration",
                node.id, node.admin
            ));
        }
    }
    warnings.extend(crate::roster::warnings(cluster));
    if cluster.writes_through_read_only() {
        warnings.push(
            "the probes' user may write on read-only servers (SUPER, READ ONLY ADMIN or \
             CONNECTION_ADMIN); if the application's user may too, a demoted writer will take \
             its writes"
                .to_owned(),
        );
    }
    let reads = |index: usize| {
        let configured = cluster.definition.nodes.get(index);
        configured.is_some_and(|n| n.settings.role == Some(NodeRole::Reader))
    };
    let writable: Vec<&str> = status
        .nodes
        .iter()
        .enumerate()
        .filter(|(index, node)| node.role == "writer" && node.breaker == "closed" && !reads(*index))
        .map(|(_, node)| node.id.as_str())
        .collect();
    if cluster.flavour() == Flavour::ReadOnly
        && !cluster.definition.settings.multi_source
        && writable.len() > 1
    {
        warnings.push(format!(
            "{} all say read_only = 0; without multi_source only one of them can be the writer",
            writable.join(" and ")
        ));
    }
    warnings.extend(lag(cluster, status, &reads));
    let settings = &cluster.definition.settings;
    let idle: Vec<&str> = [(
        "conflicts = \"adaptive\"",
        settings.conflicts == Conflicts::Adaptive,
    )]
    .into_iter()
    .filter_map(|(key, given)| given.then_some(key))
    .collect();
    if !idle.is_empty() {
        warnings.push(format!("not in force in this version: {}", idle.join(", ")));
    }
    if status.writers != cluster.definition.settings.writers {
        warnings.push(format!(
            "writers = \"spread\" is not in force: {}",
            match status.flavour {
                Flavour::GroupReplication =>
                    "the group is not known to have several primaries".into(),
                flavour => format!("flavour is {}", flavour.as_str()),
            }
        ));
    }
    warnings
}

/// Readers that `max_lag` holds back, and those it cannot hold back.
fn lag(cluster: &Cluster, status: &ClusterStatus, reads: &dyn Fn(usize) -> bool) -> Vec<String> {
    if cluster.definition.settings.max_lag.is_none() {
        return Vec::new();
    }
    let now = now_ms();
    let readers = status.nodes.iter().enumerate().filter(|(index, node)| {
        (node.role == "reader" || reads(*index)) && node.probe == "answered"
    });
    readers
        .filter_map(|(index, node)| match node.lag_ms {
            Some(_) if cluster.is_behind(index, now) => Some(format!(
                "{}: further behind than max_lag, passed over while another node serves reads",
                node.id
            )),
            Some(_) => None,
            None => Some(format!(
                "{}: its lag is not known, so max_lag does not hold it back",
                node.id
            )),
        })
        .collect()
}
