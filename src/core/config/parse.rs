//! From a tree of values to checked settings.
//!
//! One function a group of keys; the rules that join two keys stand beside the
//! keys they join.

use std::time::Duration;

use super::duration::{Range, text};
use super::error::{ConfigError, shown};
use super::node::NodeSettings;
use super::settings::{Backoff, Flavour, MAX_NODES, Settings, Sticky, Tls, Writers};
use super::table::Table;
use super::value::Value;
use crate::discovery::{HostPattern, hosts::ACCEPTED};

const HOUR: u64 = 3_600_000;
const INTERVAL: Range = Range::millis(10, HOUR);
const PROBE_TIMEOUT: Range = Range::millis(10, 60_000);
const DIAL: Range = Range::millis(10, 300_000);
const PAUSE: Range = Range::millis(0, HOUR);
const CUT: Range = Range::millis(100, HOUR);
const DAY: Range = Range::millis(0, 24 * HOUR);
const IDLE: Range = Range::millis(1000, 30 * 24 * HOUR);

/// Fewest bytes of a signing secret: 128 bits.
const SECRET_MIN: usize = 16;

const KEYS: [&str; 27] = [
    "flavour",
    "writers",
    "multi_source",
    "nodes",
    "username",
    "password",
    "probe_interval",
    "probe_interval_suspect",
    "probe_timeout",
    "connect_timeout",
    "connect_deadline",
    "failures_to_open",
    "backoff",
    "hold_down",
    "slow_start",
    "cut",
    "cut_after",
    "cut_unwitnessed_after",
    "sticky",
    "failback",
    "tls",
    "max_lag",
    "discover",
    "discover_hosts",
    "idle_after",
    "conflicts",
    "secret",
];

impl Settings {
    /// Reads the settings of one cluster.
    ///
    /// # Errors
    /// The first mistake found: an unknown or repeated key, a wrong type, a
    /// number out of range, no node, a node given twice, more than
    /// [`MAX_NODES`], or two keys that contradict each other. The error names
    /// no cluster; [`ConfigError::in_cluster`] adds that.
    pub fn try_from_value(value: &Value) -> Result<Self, ConfigError> {
        let table = Table::open(value, "", &KEYS)?;
        let (flavour, writers, multi_source) = read_flavour(&table)?;
        let nodes = read_nodes(&table)?;
        let username = table.secret("username", 1)?;
        let password = table.secret("password", 0)?;
        if password.is_some() && username.is_none() {
            return Err(ConfigError::new(
                "username",
                "nothing",
                "a string, since password is given",
            ));
        }
        let (probe_interval_suspect, probe_interval) = ordered(
            &table,
            (
                "probe_interval_suspect",
                INTERVAL,
                Duration::from_millis(100),
            ),
            ("probe_interval", INTERVAL, Duration::from_secs(1)),
        )?;
        let (connect_timeout, connect_deadline) = ordered(
            &table,
            ("connect_timeout", DIAL, Duration::from_secs(1)),
            ("connect_deadline", INTERVAL, Duration::from_secs(3)),
        )?;
        let (cut_after, cut_unwitnessed_after) = ordered(
            &table,
            ("cut_after", CUT, Duration::from_secs(2)),
            ("cut_unwitnessed_after", CUT, Duration::from_secs(30)),
        )?;
        let (discover, discover_hosts) = read_discovery(&table)?;
        let or = |key, range, seconds| {
            Ok(table
                .duration(key, range)?
                .unwrap_or(Duration::from_secs(seconds)))
        };
        Ok(Self {
            flavour,
            writers,
            multi_source,
            nodes,
            username,
            password,
            probe_interval,
            probe_interval_suspect,
            probe_timeout: table
                .duration("probe_timeout", PROBE_TIMEOUT)?
                .unwrap_or(Duration::from_millis(500)),
            connect_timeout,
            connect_deadline,
            failures_to_open: table.integer("failures_to_open", 1, 100)?.unwrap_or(2),
            backoff: read_backoff(&table)?,
            hold_down: or("hold_down", PAUSE, 2)?,
            slow_start: or("slow_start", PAUSE, 10)?,
            cut: table.choice("cut")?.unwrap_or_default(),
            cut_after,
            cut_unwitnessed_after,
            sticky: read_sticky(&table)?,
            failback: table.choice("failback")?.unwrap_or_default(),
            tls: read_tls(&table)?,
            max_lag: table.duration("max_lag", DAY)?,
            discover,
            discover_hosts,
            idle_after: or("idle_after", IDLE, 600)?,
            conflicts: table.choice("conflicts")?.unwrap_or_default(),
            secrets: table.secrets("secret", SECRET_MIN)?,
        })
    }
}

/// Two nodes that both say `read_only=0` are either an accident or circular
/// replication; only the operator knows which.
fn read_flavour(table: &Table<'_>) -> Result<(Flavour, Writers, bool), ConfigError> {
    let flavour = table.choice("flavour")?.unwrap_or_default();
    let writers = table.choice("writers")?.unwrap_or_default();
    let multi_source = table.boolean("multi_source")?.unwrap_or(false);
    if flavour == Flavour::ReadOnly && writers == Writers::Spread && !multi_source {
        return Err(ConfigError::new(
            "writers",
            "\"spread\"",
            "\"single\" with flavour \"read_only\", unless multi_source = true",
        ));
    }
    Ok((flavour, writers, multi_source))
}

fn read_nodes(table: &Table<'_>) -> Result<Vec<NodeSettings>, ConfigError> {
    let accepted = format!("a list of 1 to {MAX_NODES} nodes");
    let items = match table.get("nodes") {
        None => return Err(ConfigError::new("nodes", "nothing", accepted)),
        Some(Value::List(items)) => items,
        Some(other) => return Err(ConfigError::new("nodes", shown(other), accepted)),
    };
    if items.is_empty() || items.len() > MAX_NODES {
        return Err(ConfigError::new(
            "nodes",
            format!("a list of {}", items.len()),
            accepted,
        ));
    }
    let mut nodes = Vec::with_capacity(items.len());
    let mut ids: Vec<String> = Vec::with_capacity(items.len());
    for (at, item) in items.iter().enumerate() {
        let path = format!("nodes[{at}]");
        let node = NodeSettings::from_value(item, &path)?;
        let id = node.id();
        if let Some(first) = ids.iter().position(|earlier| *earlier == id) {
            let accepted = format!("each node once (nodes[{first}] is the same)");
            return Err(ConfigError::new(path, format!("{id:?}"), accepted));
        }
        nodes.push(node);
        ids.push(id);
    }
    Ok(nodes)
}

fn read_discovery(table: &Table<'_>) -> Result<(bool, Vec<HostPattern>), ConfigError> {
    let discover = table.boolean("discover")?.unwrap_or(false);
    let mut hosts = Vec::new();
    match table.get("discover_hosts") {
        None => {}
        Some(Value::List(items)) => {
            for (at, item) in items.iter().enumerate() {
                let pattern = match item {
                    Value::Str(text) => HostPattern::try_new(text),
                    _ => None,
                };
                let wrong = || {
                    let path = format!("discover_hosts[{at}]");
                    ConfigError::new(path, shown(item), ACCEPTED)
                };
                hosts.push(pattern.ok_or_else(wrong)?);
            }
        }
        Some(other) => return Err(ConfigError::new("discover_hosts", shown(other), ACCEPTED)),
    }
    if discover && hosts.is_empty() {
        return Err(ConfigError::new(
            "discover_hosts",
            "nothing",
            format!("{ACCEPTED}, since discover is true"),
        ));
    }
    Ok((discover, hosts))
}

fn read_backoff(table: &Table<'_>) -> Result<Backoff, ConfigError> {
    let inner = sub_table(table, "backoff", &["base", "max", "jitter"])?;
    let (base, max) = ordered(
        &inner,
        ("base", INTERVAL, Duration::from_secs(1)),
        ("max", INTERVAL, Duration::from_secs(30)),
    )?;
    Ok(Backoff {
        base,
        max,
        jitter: inner.fraction("jitter")?.unwrap_or(0.5),
    })
}

fn read_sticky(table: &Table<'_>) -> Result<Sticky, ConfigError> {
    let inner = sub_table(table, "sticky", &["scope", "ttl"])?;
    Ok(Sticky {
        scope: inner.choice("scope")?.unwrap_or_default(),
        ttl: inner
            .duration("ttl", DAY)?
            .unwrap_or(Duration::from_secs(5)),
    })
}

fn read_tls(table: &Table<'_>) -> Result<Option<Tls>, ConfigError> {
    if table.get("tls").is_none() {
        return Ok(None);
    }
    let inner = sub_table(table, "tls", &["ca", "cert", "key", "verify"])?;
    let tls = Tls {
        ca: inner.file("ca", false)?,
        cert: inner.file("cert", false)?,
        key: inner.file("key", true)?,
        verify: inner.boolean("verify")?.unwrap_or(true),
    };
    let lonely = match (&tls.cert, &tls.key) {
        (Some(_), None) => Some(("tls.key", "tls.cert")),
        (None, Some(_)) => Some(("tls.cert", "tls.key")),
        _ => None,
    };
    match lonely {
        Some((missing, given)) => Err(ConfigError::new(
            missing,
            "nothing",
            format!("an absolute path, since {given} is given"),
        )),
        None => Ok(Some(tls)),
    }
}

/// The map below a key; an absent one has nothing in it.
fn sub_table<'a>(
    table: &Table<'a>,
    key: &str,
    accepted: &[&str],
) -> Result<Table<'a>, ConfigError> {
    const NOTHING: &Value = &Value::List(Vec::new());
    Table::open(
        table.get(key).unwrap_or(NOTHING),
        &table.path(key),
        accepted,
    )
}

/// Two spans of which the first must not exceed the second. A default bends to
/// what is given; two given values that cross are an error.
fn ordered(
    table: &Table<'_>,
    (low_key, low_range, low_default): (&str, Range, Duration),
    (high_key, high_range, high_default): (&str, Range, Duration),
) -> Result<(Duration, Duration), ConfigError> {
    let low = table.duration(low_key, low_range)?;
    let high = table.duration(high_key, high_range)?;
    match (low, high) {
        (Some(low), Some(high)) if low > high => Err(ConfigError::new(
            table.path(low_key),
            text(low),
            format!("at most {} ({})", table.path(high_key), text(high)),
        )),
        (Some(low), Some(high)) => Ok((low, high)),
        (Some(low), None) => Ok((low, high_default.max(low))),
        (None, Some(high)) => Ok((low_default.min(high), high)),
        (None, None) => Ok((low_default, high_default)),
    }
}
