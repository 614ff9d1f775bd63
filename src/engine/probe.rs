//! Asking a node what it is, with the flavour's SQL and judgement.

mod failure;
mod question;

use std::sync::atomic::Ordering;
use std::time::Duration;

use amm_core::breaker::Event;
use amm_core::config::{Flavour, Settings, Tls};
use amm_core::node::{Phase, Role};
use amm_core::probe::{Judgement, Reason, name_hash};
use mysql::{Conn, OptsBuilder, SslOpts};

use crate::cluster::Cluster;
use crate::definition::{Definition, NodeDefinition};
use crate::node::{Change, ProbeOutcome};
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
    /// It is there but full, or this process could not even try.
    Inconclusive,
}

/// A finding with its circumstances.
#[derive(Clone, Debug)]
pub struct ProbeResult {
    /// What was found.
    pub finding: Finding,
    /// Round trip of the question, µs; 0 where it was not answered.
    pub rtt_us: u32,
    /// MySQL error number, if that is what ended it.
    pub errno: Option<u16>,
    /// What ended it, for the log; no credentials are in it.
    pub detail: Option<String>,
    /// The flavour that the answer shows.
    pub flavour: Option<Flavour>,
    /// Whether our user may write on read-only servers; asked once a connection.
    pub writes_through: Option<bool>,
}

/// A connection to one node that is kept between probes.
#[derive(Default)]
pub struct Prober {
    kept: Option<Conn>,
    /// Limit of each round trip, if not `probe_timeout`.
    each: Option<Duration>,
}

/// Round trips of a login and a question, at most.
const ROUND_TRIPS: u32 = 6;

/// Asks the node over a fresh connection, for a caller who waits: within about
/// `left_ms` or `probe_timeout`, whichever is shorter.
pub fn ask(definition: &Definition, index: usize, left_ms: u64) -> ProbeResult {
    let whole = definition
        .settings
        .probe_timeout
        .min(Duration::from_millis(left_ms));
    let each = (whole / ROUND_TRIPS).max(Duration::from_millis(5));
    Prober {
        kept: None,
        each: Some(each),
    }
    .ask(definition, index, true)
}

impl Prober {
    /// Asks the node. `afresh`: over a new connection, since a kept one says
    /// nothing about whether the node still accepts any.
    pub fn ask(&mut self, definition: &Definition, index: usize, afresh: bool) -> ProbeResult {
        let Some(node) = definition.nodes.get(index) else {
            return ProbeResult::of(Finding::Inconclusive);
        };
        if afresh {
            self.kept = None;
        }
        if let Some(mut conn) = self.kept.take() {
            // A kept connection may have been closed for idleness or by a
            // restart; only a new one can tell that from a dead server.
            if let Ok(result) = question(&mut conn, definition, node) {
                self.kept = Some(conn);
                return result;
            }
        }
        match Conn::new(options(&definition.settings, node, self.each)).and_then(|mut conn| {
            let mut result = question(&mut conn, definition, node)?;
            result.writes_through = writes_through_read_only(&mut conn);
            Ok((conn, result))
        }) {
            Ok((conn, result)) => {
                self.kept = Some(conn);
                result
            }
            Err(error) => failure::failure(&error, definition.settings.tls.is_some()),
        }
    }
}

impl ProbeResult {
    /// A finding and nothing else.
    pub fn of(finding: Finding) -> Self {
        Self {
            finding,
            rtt_us: 0,
            errno: None,
            detail: None,
            flavour: None,
            writes_through: None,
        }
    }

    /// A probe whose time was over before it ended.
    pub fn late() -> Self {
        let detail = Some("no answer within probe_timeout".to_owned());
        Self {
            detail,
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
    let node = cluster.node(index);
    let result = &in_its_cluster(cluster, index, result);
    if let Finding::Answered(Judgement {
        view: Some(view), ..
    }) = &result.finding
        && let Some(node) = cluster.definition.nodes.get(index)
    {
        cluster.views.hear(node.identity, now, view);
    }
    let (event, outcome, reason) = match &result.finding {
        Finding::Answered(judged) => {
            let known = judged.role != amm_core::node::Role::Unknown;
            let outcome = if known {
                ProbeOutcome::Answered
            } else {
                ProbeOutcome::Inconclusive
            };
            (
                known.then_some(Event::ProbeAnswered(judged.role)),
                outcome,
                judged.reason,
            )
        }
        Finding::Failed { fatal } => (
            Some(Event::ProbeFailed { fatal: *fatal }),
            ProbeOutcome::Failed,
            None,
        ),
        Finding::NoLogin => (None, ProbeOutcome::NoLogin, None),
        Finding::Inconclusive => (None, ProbeOutcome::Inconclusive, None),
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
/// cluster has left it and takes no writes, and one that is a last resort is a
/// writer where there is no better.
fn in_its_cluster(cluster: &Cluster, index: usize, result: &ProbeResult) -> ProbeResult {
    let mut result = result.clone();
    if result.flavour == Some(Flavour::ReadOnly) {
        let reason = match cluster.flavour() {
            Flavour::Galera => Some(Reason::NotReplicating),
            Flavour::GroupReplication => Some(Reason::NotMember),
            _ => None,
        };
        if let Some(reason) = reason {
            result.flavour = None;
            result.finding = Finding::Answered(Judgement::not_writer(Role::Unready, None, reason));
        }
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

fn options(settings: &Settings, node: &NodeDefinition, each: Option<Duration>) -> OptsBuilder {
    let limit = Some(
        each.unwrap_or(settings.probe_timeout)
            .max(Duration::from_millis(1)),
    );
    let secret = |s: &amm_core::config::Secret| s.expose().to_owned();
    OptsBuilder::new()
        .ip_or_hostname(Some(node.settings.host.clone()))
        .tcp_port(node.settings.port)
        .socket(node.settings.socket.clone())
        .prefer_socket(false)
        .user(settings.username.as_ref().map(secret))
        .pass(settings.password.as_ref().map(secret))
        .tcp_connect_timeout(limit)
        .read_timeout(limit)
        .write_timeout(limit)
        .tcp_user_timeout_ms(Some(crate::socket::PROBE_MARK_MS))
        .stmt_cache_size(0)
        .ssl_opts(settings.tls.as_ref().map(ssl))
}

fn ssl(tls: &Tls) -> SslOpts {
    let mut opts = SslOpts::default();
    if let Some(ca) = &tls.ca {
        opts = opts.with_root_cert_path(Some(std::path::PathBuf::from(ca)));
    }
    if let (Some(cert), Some(key)) = (&tls.cert, &tls.key) {
        opts = opts.with_client_identity(Some(mysql::ClientIdentity::new(
            std::path::PathBuf::from(cert),
            std::path::PathBuf::from(key),
        )));
    }
    opts.with_danger_accept_invalid_certs(!tls.verify)
        .with_danger_skip_domain_validation(!tls.verify)
}

#[cfg(test)]
#[path = "probe_tests.rs"]
mod tests;
