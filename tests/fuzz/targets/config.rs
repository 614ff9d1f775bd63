//! Configuration: a file, the tree that PHP hands over, single words.

use std::sync::Arc;

use amm_core::config::{NodeSettings, Settings, Value};
use amm_engine::config_file;
use amm_engine::definition::Definition;

use crate::bytes::Bytes;

/// A file.
pub(crate) fn text(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    match config_file::parse(text, "amm.toml") {
        Ok(clusters) => clusters.into_iter().for_each(|(_, s)| accepted(s)),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// A tree.
pub(crate) fn tree(data: &[u8]) {
    let tree = value(&mut Bytes::new(data), 0);
    match Settings::try_from_value(&tree) {
        Ok(settings) => accepted(settings),
        Err(error) => assert!(!error.in_cluster("main").to_string().is_empty()),
    }
}

/// One address and one of everything that is written as text.
pub(crate) fn words(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(node) = NodeSettings::try_new(text) {
        // What it is called is how it can be written.
        let again = NodeSettings::try_new(&node.id());
        assert!(node.socket.is_some() || again.is_ok_and(|n| n.identity() == node.identity()));
    }
    let node = || Value::List(vec!["10.0.0.1".into()]);
    for key in [
        "probe_interval",
        "idle_after",
        "hold_down",
        "flavour",
        "failback",
        "cut",
    ] {
        let map = vec![
            ("nodes".to_owned(), node()),
            (key.to_owned(), Value::Str(text.to_owned())),
        ];
        if let Ok(settings) = Settings::try_from_value(&Value::Map(map)) {
            accepted(settings);
        }
    }
}

/// What is accepted can be used, and shows no secret.
fn accepted(settings: Settings) {
    let shown = format!("{settings:?}");
    for secret in [&settings.username, &settings.password]
        .into_iter()
        .flatten()
    {
        let secret = secret.expose();
        // A short one may be part of any word.
        assert!(secret.len() < 12 || !shown.contains(secret) || names(&settings, secret));
    }
    assert_eq!(settings.identity(), settings.clone().identity());
    assert!(settings.connect_timeout <= settings.connect_deadline);
    assert!(settings.probe_interval_suspect <= settings.probe_interval);
    let definition = Arc::new(Definition::new(settings, Some("here")));
    assert!(!definition.nodes.is_empty());
    for (index, node) in definition.nodes.iter().enumerate() {
        assert_eq!(definition.find(&node.id), Some(index));
    }
}

/// Whether a name that is no secret has the same letters.
fn names(settings: &Settings, secret: &str) -> bool {
    let mut plain = settings.clone();
    (plain.username, plain.password) = (None, None);
    format!("{plain:?}").contains(secret)
}

const KEYS: &[&str] = &[
    "flavour",
    "writers",
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
    "base",
    "max",
    "jitter",
    "hold_down",
    "slow_start",
    "cut",
    "cut_after",
    "cut_unwitnessed_after",
    "sticky",
    "scope",
    "ttl",
    "failback",
    "tls",
    "ca",
    "cert",
    "key",
    "verify",
    "max_lag",
    "discover",
    "discover_hosts",
    "idle_after",
    "conflicts",
    "secret",
    "multi_source",
    "host",
    "port",
    "weight",
    "priority",
    "zone",
    "role",
    "admin",
    "socket",
];
const WORDS: &[&str] = &[
    "galera",
    "group_replication",
    "aurora",
    "read_only",
    "auto",
    "spread",
    "single",
    "request",
    "manual",
    "witnessed",
    "always",
    "never",
    "writer",
    "reader",
    "enabled",
    "draining",
    "disabled",
    "10.0.0.1",
    "10.0.0.2:3307",
    "[::1]:3306",
    "db.example",
    "/run/mysqld.sock",
    "1s",
    "100ms",
    "30s",
    "10.0.0.0/8",
    "*.example",
    "first-of-secrets",
    "amm",
    "",
];

fn value(bytes: &mut Bytes<'_>, depth: u8) -> Value {
    let kind = bytes.byte();
    let len = usize::from(kind >> 4);
    match kind % 8 {
        0 => Value::Null,
        1 => Value::Bool(kind & 128 != 0),
        2 => Value::Int(i64::from(bytes.byte())),
        3 => Value::Int(bytes.word() as i64),
        4 => Value::Float(f64::from_bits(bytes.word())),
        5 => Value::Str(word(bytes, WORDS)),
        6 if depth < 4 => Value::List((0..len).map(|_| value(bytes, depth + 1)).collect()),
        7 if depth < 4 => Value::Map(
            (0..len)
                .map(|_| (word(bytes, KEYS), value(bytes, depth + 1)))
                .collect(),
        ),
        _ => Value::Str(bytes.text()),
    }
}

fn word(bytes: &mut Bytes<'_>, words: &[&str]) -> String {
    let at = usize::from(bytes.byte());
    words
        .get(at)
        .map_or_else(|| bytes.text(), |w| (*w).to_owned())
}
