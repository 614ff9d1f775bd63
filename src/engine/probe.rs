//! Asking a node what it is, with the flavour's SQL and judgement.

mod failure;
mod question;

use std::net::SocketAddr;
use std::sync::atomic::Ordering;

use amm_core::breaker::Event;
use amm_core::config::{Flavour, Secret};
use amm_core::node::{NodeState, Phase, Role};
use amm_core::probe::{Judgement, Reason, is_missed, name_hash};

use crate::cluster::Cluster;
use crate::definition::{Definition, NodeDefinition, millis};
use crate::node::ProbeOutcome;
use crate::resolve::Resolver;
use crate::state::Change;
use crate::wire::{Conn, Credentials, Deadline, Peer, Result, WireError};
use question::{question, writes_through_read_only};

/// What a probe found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The node logged us in; this is what it is.
    Answered(Judgement),
    /// It could not be reached (`fatal`) or did not answer in time.
    Failed {
        /// Refused, reset, unreachable: once is enough.
        fatal: bool,
    },
    /// It is there, but does not let us in.
    NoLogin,
    /// It is there but full, or nothing is known of where it is.
    Inconclusive,
    /// This process could not even try: no descriptors, no memory, no rights, or
    /// it was held up.
    Unable,
}

/// A finding with its circumstances.
#[derive(Clone, Debug)]
pub struct ProbeResult {
    /// What was found.
    pub finding: Finding,
    /// Round trip of the question, µs; 0 where it was not answered.
    pub rtt_us: u32,
    /// Whether nothing at all came back: a hang, or no way to the node. False
    /// where its host refused, reset or closed.
    pub silent: bool,
    /// MySQL error number, if that is what ended it.
    pub errno: Option<u16>,
    /// What ended it, for the log; no credentials are in it.
    pub detail: Option<String>,
    /// The flavour that the answer shows.
    pub flavour: Option<Flavour>,
    /// Whether our user may write on read-only servers; asked once a connection.
    pub writes_through: Option<bool>,
    /// What was lacking is this process's own, so that another may do better.
    pub scarce: bool,
}

/// A connection to one node that is kept between probes.
#[derive(Default)]
pub struct Prober {
    kept: Option<Conn>,
    resolver: Resolver,
}

/// Asks the node over a fresh connection, for a caller who waits: within
/// `left_ms` or `probe_timeout`, whichever is shorter, whatever the node does.
pub fn ask(definition: &Definition, index: usize, left_ms: u64) -> ProbeResult {
    let whole = millis(definition.settings.probe_timeout).min(left_ms);
    Prober::default().ask_within(definition, index, true, Deadline::after_ms(whole))
}

impl Prober {
    /// Asks the node; is over after `probe_timeout`, whatever the node does.
    /// `afresh`: over a new connection, since a kept one says nothing about
    /// whether the node still accepts any.
    pub fn ask(&mut self, definition: &Definition, index: usize, afresh: bool) -> ProbeResult {
        let deadline = Deadline::after_ms(millis(definition.settings.probe_timeout));
        self.ask_within(definition, index, afresh, deadline)
    }

    fn ask_within(
        &mut self,
        definition: &Definition,
        index: usize,
        afresh: bool,
        deadline: Deadline,
    ) -> ProbeResult {
        let Some(node) = definition.nodes.get(index) else {
            return ProbeResult::of(Finding::Inconclusive);
        };
        if afresh {
            self.kept = None;
        }
        let addresses = match &node.settings.socket {
            Some(_) => Ok(Vec::new()),
            None => {
                let (host, port) = (&node.settings.host, node.settings.port);
                self.resolver.addresses(host, port, afresh, deadline)
            }
        };
        if let Some(mut conn) = self.kept.take()
            && !has_moved(&conn, &addresses)
        {
            conn.begin(deadline);
            match question(&mut conn, definition, node) {
                Ok(result) => {
                    self.kept = conn.is_in_order().then_some(conn);
                    return result;
                }
                Err(error @ (WireError::Late | WireError::Own(_) | WireError::Scarce(_))) => {
                    return failure::failure(&error);
                }
                // A kept connection may have been closed for idleness or by a
                // restart; only a new one can tell that from a dead server.
                Err(_) => {}
            }
        }
        let dialled = addresses.and_then(|to| open(definition, node, &to, deadline));
        let asked = dialled.and_then(|mut conn| {
            let mut result = question(&mut conn, definition, node)?;
            result.writes_through = writes_through_read_only(&mut conn);
            Ok((conn, result))
        });
        match asked {
            Ok((conn, result)) => {
                self.kept = conn.is_in_order().then_some(conn);
                result
            }
            Err(error) => failure::failure(&error),
        }
    }
}

/// Whether the node's name has come to mean other addresses than that of this
/// connection, or none at all.
fn has_moved(conn: &Conn, addresses: &Result<Vec<SocketAddr>>) -> bool {
    match (conn.peer(), addresses) {
        (Some(peer), Ok(addresses)) => !addresses.contains(&peer),
        (Some(_), Err(WireError::Name(_))) => true,
        _ => false,
    }
}

/// Dials the node at one of `addresses`, unless it is reached through a socket,
/// and logs in.
fn open(
    definition: &Definition,
    node: &NodeDefinition,
    addresses: &[SocketAddr],
    deadline: Deadline,
) -> Result<Conn> {
    let settings = &definition.settings;
    let credentials = Credentials {
        user: settings.username.as_ref().map_or("", Secret::expose),
        password: settings.password.as_ref().map_or("", Secret::expose),
        tls: settings
            .tls
            .as_ref()
            .map(|tls| (tls, node.settings.host.as_str())),
    };
    let peer = match &node.settings.socket {
        Some(path) => Peer::Unix(path),
        None => Peer::Tcp(addresses),
    };
    Conn::open(peer, credentials, deadline)
}

impl ProbeResult {
    /// A finding and nothing else.
    pub fn of(finding: Finding) -> Self {
        Self {
            finding,
            rtt_us: 0,
            silent: false,
            errno: None,
            detail: None,
            flavour: None,
            writes_through: None,
            scarce: false,
        }
    }

    /// A probe whose time was over before it ended.
    pub fn late() -> Self {
        let detail = Some("no answer within probe_timeout".to_owned());
        Self {
            detail,
            silent: true,
            ..Self::of(Finding::Failed { fatal: false })
        }
    }
}

/// Records a result that came at `now`, provided that nothing changed since the
/// node's state was `began`. Gives the change, or `None` if the result came too
/// late.
pub fn publish(
    cluster: &Cluster,
    index: usize,
    began: u64,
    result: &ProbeResult,
    now: u64,
) -> Option<Change> {
    if result.finding == Finding::Unable {
        // Nothing was learnt, so what was known stays, as long as it is fresh.
        let node = cluster.node(index);
        if !node.is_watched(now, cluster.definition.fresh_ms()) {
            node.record_probe(now, ProbeOutcome::Unable, None);
        }
        return None;
    }
    let node = cluster.node(index);
    let result = &in_its_cluster(cluster, index, result, now);
    if let Finding::Answered(Judgement {
        view: Some(view), ..
    }) = &result.finding
        && let Some(node) = cluster.definition.nodes.get(index)
    {
        cluster.views.hear(node.identity, now, view);
    }
    let (event, outcome, reason) = match &result.finding {
        Finding::Answered(judged) => {
            // Whoever lets us in is there, whatever its role: that stays what
            // it was.
            let (role, outcome) = match judged.role {
                Role::Unknown => (NodeState::unpack(began).role, ProbeOutcome::Untold),
                role => (role, ProbeOutcome::Answered),
            };
            (Some(Event::ProbeAnswered(role)), outcome, judged.reason)
        }
        Finding::Failed { fatal } => (
            Some(Event::ProbeFailed { fatal: *fatal }),
            match result.silent {
                true => ProbeOutcome::Silent,
                false => ProbeOutcome::Failed,
            },
            None,
        ),
        Finding::NoLogin => (None, ProbeOutcome::NoLogin, None),
        Finding::Inconclusive | Finding::Unable => (None, ProbeOutcome::Inconclusive, None),
    };
    let change = match event {
        Some(event) => Some(
            node.exchange(began, event, true, &cluster.definition.policy, now)
                .ok()?,
        ),
        None => None,
    };
    node.record_probe(now, outcome, reason);
    if result.rtt_us > 0 {
        node.rtt_us.store(result.rtt_us, Ordering::Relaxed);
    }
    if let Finding::Answered(judged) = &result.finding {
        remember(cluster, index, judged);
    }
    if let Some(flavour) = result.flavour {
        cluster.remember_flavour(flavour);
    }
    if let Some(writes_through) = result.writes_through {
        cluster.remember_privilege(writes_through);
    }
    if let Some(change) = change
        && change.before != change.after
    {
        let refuted = change.before.passive && change.after.phase == Phase::Closed;
        if refuted && change.after.is_writable() {
            cluster.distrust_reporter(index, now);
        }
        if change.before.epoch != change.after.epoch || change.before.phase != change.after.phase {
            cluster.announce_change();
        }
    }
    change
}

/// Stores what an answer tells beside the role.
fn remember(cluster: &Cluster, index: usize, judged: &Judgement) {
    let node = cluster.node(index);
    let rank = judged.rank.map_or(0, |r| r.saturating_add(1));
    node.rank.store(rank, Ordering::Relaxed);
    let lag = judged.lag_ms.map_or(0, |ms| ms.saturating_add(1));
    node.lag_ms.store(lag, Ordering::Relaxed);
    // Only who belongs to the cluster knows its name in it, and how it works.
    if let Some(view) = judged.view.as_ref().filter(|view| view.authoritative) {
        cluster.remember_several_writers(judged.several_writers);
        if let Some(own) = &view.own {
            node.member.store(name_hash(own), Ordering::Release);
        }
    }
}

/// A result seen in its cluster: a server that stands alone where others are a
/// cluster has left it and takes no writes, nor does one that its group goes on
/// without, and one that is a last resort is a writer where there is no better.
fn in_its_cluster(cluster: &Cluster, index: usize, result: &ProbeResult, now: u64) -> ProbeResult {
    let mut result = result.clone();
    if result.flavour == Some(Flavour::ReadOnly) {
        let reason = match cluster.flavour() {
            Flavour::Galera => Some(Reason::NotReplicating),
            Flavour::GroupReplication => Some(Reason::NotMember),
            Flavour::Aurora => Some(Reason::NotAurora),
            Flavour::ReadOnly | Flavour::Auto => None,
        };
        if let Some(reason) = reason {
            result.flavour = None;
            result.finding = Finding::Answered(Judgement::not_writer(Role::Unready, None, reason));
        }
    }
    if let Finding::Answered(judged) = &mut result.finding
        && result.flavour == Some(Flavour::GroupReplication)
        && matches!(judged.role, Role::Writer | Role::Reader)
        && is_missed_by_others(cluster, index, judged, now)
    {
        judged.role = Role::Unready;
        judged.reason = Some(Reason::NotMember);
    }
    if let Finding::Answered(judged) = &mut result.finding
        && judged.last_resort
        && !cluster.has_writer_beside(index)
    {
        judged.role = Role::Writer;
        judged.reason = None;
    }
    result
}

/// Whether those of the group that answered lately go on without this node.
fn is_missed_by_others(cluster: &Cluster, index: usize, judged: &Judgement, now: u64) -> bool {
    let settings = &cluster.definition.settings;
    let lately = 2 * settings.probe_interval + settings.probe_timeout;
    let heard = cluster
        .views
        .since(now.saturating_sub(lately.as_millis() as u64));
    let Some(node) = cluster.definition.nodes.get(index) else {
        return false;
    };
    let others = heard.iter().filter(|heard| heard.node != node.identity);
    let own = judged.view.as_ref().and_then(|view| view.own.as_deref());
    own.is_some_and(|own| is_missed(own, others.map(|heard| heard.view.as_ref())))
}

#[cfg(test)]
#[path = "probe_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "probe/publish_tests.rs"]
mod publish_tests;
