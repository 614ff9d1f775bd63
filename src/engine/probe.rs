//! Asking a node what it is, with the flavour's SQL and judgement.

mod failure;

use std::time::Duration;

use amm_core::breaker::Event;
use amm_core::config::{Flavour, Settings, Tls};
use amm_core::node::{Phase, Role};
use amm_core::probe::{
    Judgement, Reason, Row, View, galera, grants_write_through, name_hash, read_only,
};
use mysql::prelude::Queryable;
use mysql::{Conn, OptsBuilder, SslOpts};

use crate::clock::now_us;
use crate::cluster::Cluster;
use crate::definition::{Definition, NodeDefinition};
use crate::node::{Change, ProbeOutcome};

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
            if let Ok(result) = question(&mut conn, definition) {
                self.kept = Some(conn);
                return result;
            }
        }
        match Conn::new(options(&definition.settings, node, self.each)).and_then(|mut conn| {
            let mut result = question(&mut conn, definition)?;
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
    let result = &as_member(cluster, result);
    if let Finding::Answered(Judgement {
        view: Some(view), ..
    }) = &result.finding
    {
        hear(cluster, index, view, now);
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
        node.rtt_us
            .store(result.rtt_us, std::sync::atomic::Ordering::Relaxed);
    }
    if let Finding::Answered(judged) = &result.finding {
        let rank = judged.rank.map_or(0, |r| r.saturating_add(1));
        node.rank.store(rank, std::sync::atomic::Ordering::Relaxed);
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

/// Remembers what a node says of the members, and which of them it is itself.
fn hear(cluster: &Cluster, index: usize, view: &View, now: u64) {
    let Some(node) = cluster.definition.nodes.get(index) else {
        return;
    };
    cluster.views.hear(node.identity, now, view);
    if let Some(own) = &view.own {
        let member = &cluster.node(index).member;
        member.store(name_hash(own), std::sync::atomic::Ordering::Release);
    }
}

/// In a cluster that was found to be Galera, a server that stands alone has
/// lost its provider: it is no replica, and takes no writes.
fn as_member(cluster: &Cluster, result: &ProbeResult) -> ProbeResult {
    let mut result = result.clone();
    if cluster.flavour() == Flavour::Galera && result.flavour == Some(Flavour::ReadOnly) {
        result.flavour = None;
        result.finding =
            Finding::Answered(Judgement::not_writer(Role::Unready, None, Reason::NotReady));
    }
    result
}

fn question(conn: &mut Conn, definition: &Definition) -> mysql::Result<ProbeResult> {
    let began = now_us();
    let (flavour, judgement) = match definition.settings.flavour {
        Flavour::ReadOnly => (Flavour::ReadOnly, ask_read_only(conn)?),
        configured => match ask_galera(conn)? {
            (false, _) if configured == Flavour::Auto => (Flavour::ReadOnly, ask_read_only(conn)?),
            (_, judged) => (Flavour::Galera, judged),
        },
    };
    let rtt_us = now_us().saturating_sub(began).clamp(1, u64::from(u32::MAX)) as u32;
    let flavour = Some(flavour);
    Ok(ProbeResult {
        rtt_us,
        flavour,
        ..ProbeResult::of(Finding::Answered(judgement))
    })
}

/// Whether the node is part of a Galera cluster, and what it then is.
fn ask_galera(conn: &mut Conn) -> mysql::Result<(bool, Judgement)> {
    let mut all = rows(conn, galera::SQL)?;
    let member = galera::is_member(&all);
    all.extend(rows(conn, galera::SQL_VARIABLES)?);
    let judged = galera::judge(&all);
    // A server that was to be in a cluster and is not takes no writes.
    let alone = !member && judged.role != Role::Unready;
    let judged = match alone {
        true => Judgement::not_writer(Role::Unready, None, Reason::NotReady),
        false => judged,
    };
    Ok((member, judged))
}

fn ask_read_only(conn: &mut Conn) -> mysql::Result<Judgement> {
    Ok(read_only::judge(&rows(conn, read_only::SQL)?))
}

/// Whether our user's grants override `read_only`, if they can be seen.
fn writes_through_read_only(conn: &mut Conn) -> Option<bool> {
    let grants = rows(conn, "SHOW GRANTS").ok()?;
    Some(
        grants
            .iter()
            .flatten()
            .flatten()
            .any(|grant| grants_write_through(grant)),
    )
}

fn rows(conn: &mut Conn, sql: &str) -> mysql::Result<Vec<Row>> {
    let text = |value: mysql::Value| match value {
        mysql::Value::NULL => None,
        mysql::Value::Bytes(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
        other => Some(other.as_sql(true)),
    };
    let rows: Vec<mysql::Row> = conn.query(sql)?;
    Ok(rows
        .into_iter()
        .map(|row| row.unwrap().into_iter().map(text).collect())
        .collect())
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
