use std::time::Duration;

use super::super::*;
use super::{list, map, with};
use crate::discovery::HostPattern;

#[test]
fn defaults_are_the_documented_ones() {
    let settings = with([]).unwrap();
    let expected = Settings {
        flavour: Flavour::Auto,
        writers: Writers::Single,
        multi_source: false,
        nodes: vec![NodeSettings {
            host: "db1".to_owned(),
            port: 3306,
            socket: None,
            weight: 1,
            priority: 0,
            zone: None,
            role: None,
            admin: Admin::Enabled,
        }],
        username: None,
        password: None,
        probe_interval: Duration::from_secs(1),
        probe_interval_suspect: Duration::from_millis(100),
        probe_timeout: Duration::from_millis(500),
        connect_timeout: Duration::from_secs(1),
        connect_deadline: Duration::from_secs(3),
        failures_to_open: 2,
        backoff: Backoff {
            base: Duration::from_secs(1),
            max: Duration::from_secs(30),
            jitter: 0.5,
        },
        hold_down: Duration::from_secs(2),
        slow_start: Duration::from_secs(10),
        cut: Cut::Witnessed,
        cut_after: Duration::from_secs(2),
        cut_unwitnessed_after: Duration::from_secs(30),
        sticky: Sticky {
            scope: StickyScope::Request,
            ttl: Duration::from_secs(5),
        },
        failback: Failback::Auto,
        tls: None,
        max_lag: None,
        discover: false,
        discover_hosts: Vec::new(),
        idle_after: Duration::from_secs(600),
        conflicts: Conflicts::Count,
        secrets: Vec::new(),
    };
    assert_eq!(settings, expected);
}

#[test]
fn every_key_reaches_its_field() {
    let node = map([
        ("host", "DB3".into()),
        ("port", Value::Int(3307)),
        ("weight", Value::Int(1000)),
        ("priority", Value::Int(-1000)),
        ("zone", "eu-1a".into()),
        ("role", "reader".into()),
        ("admin", "draining".into()),
    ]);
    let settings = with([
        ("flavour", "read_only".into()),
        ("writers", "spread".into()),
        ("multi_source", Value::Bool(true)),
        (
            "nodes",
            list(["10.0.0.1".into(), "10.0.0.2:3307".into(), node]),
        ),
        ("username", "amm".into()),
        ("password", "".into()),
        ("probe_interval", "2s".into()),
        ("probe_interval_suspect", "50ms".into()),
        ("probe_timeout", Value::Float(0.25)),
        ("connect_timeout", Value::Int(2)),
        ("connect_deadline", "4s".into()),
        ("failures_to_open", Value::Int(100)),
        (
            "backoff",
            map([
                ("base", "2s".into()),
                ("max", "1 min".into()),
                ("jitter", Value::Int(1)),
            ]),
        ),
        ("hold_down", Value::Int(0)),
        ("slow_start", "0s".into()),
        ("cut", "always".into()),
        ("cut_after", "3s".into()),
        ("cut_unwitnessed_after", "40s".into()),
        (
            "sticky",
            map([("scope", "request".into()), ("ttl", "1h".into())]),
        ),
        ("failback", "manual".into()),
        (
            "tls",
            map([
                ("ca", "/ca.pem".into()),
                ("cert", "/cert.pem".into()),
                ("key", "/key.pem".into()),
                ("verify", Value::Bool(false)),
            ]),
        ),
        ("max_lag", "10s".into()),
        ("discover", Value::Bool(true)),
        (
            "discover_hosts",
            list(["*.Example.com".into(), "10.0.0.0/24".into()]),
        ),
        ("idle_after", "10 min".into()),
        ("conflicts", "adaptive".into()),
        (
            "secret",
            Value::List(vec!["0123456789abcdef".into(), "fedcba9876543210".into()]),
        ),
    ])
    .unwrap();
    let expected = Settings {
        flavour: Flavour::ReadOnly,
        writers: Writers::Spread,
        multi_source: true,
        nodes: vec![
            NodeSettings::try_new("10.0.0.1").unwrap(),
            NodeSettings::try_new("10.0.0.2:3307").unwrap(),
            NodeSettings {
                host: "db3".to_owned(),
                port: 3307,
                socket: None,
                weight: 1000,
                priority: -1000,
                zone: Some("eu-1a".to_owned()),
                role: Some(NodeRole::Reader),
                admin: Admin::Draining,
            },
        ],
        username: Some(Secret::new("amm")),
        password: Some(Secret::new("")),
        probe_interval: Duration::from_secs(2),
        probe_interval_suspect: Duration::from_millis(50),
        probe_timeout: Duration::from_millis(250),
        connect_timeout: Duration::from_secs(2),
        connect_deadline: Duration::from_secs(4),
        failures_to_open: 100,
        backoff: Backoff {
            base: Duration::from_secs(2),
            max: Duration::from_secs(60),
            jitter: 1.0,
        },
        hold_down: Duration::ZERO,
        slow_start: Duration::ZERO,
        cut: Cut::Always,
        cut_after: Duration::from_secs(3),
        cut_unwitnessed_after: Duration::from_secs(40),
        sticky: Sticky {
            scope: StickyScope::Request,
            ttl: Duration::from_secs(3600),
        },
        failback: Failback::Manual,
        tls: Some(Tls {
            ca: Some("/ca.pem".to_owned()),
            cert: Some("/cert.pem".to_owned()),
            key: Some("/key.pem".to_owned()),
            verify: false,
        }),
        max_lag: Some(Duration::from_secs(10)),
        discover: true,
        discover_hosts: ["*.example.com", "10.0.0.0/24"]
            .map(|p| HostPattern::try_new(p).unwrap())
            .into(),
        idle_after: Duration::from_secs(600),
        conflicts: Conflicts::Adaptive,
        secrets: vec![
            Secret::new("0123456789abcdef"),
            Secret::new("fedcba9876543210"),
        ],
    };
    assert_eq!(settings, expected);
}

#[test]
fn every_flavour_is_read() {
    for (word, flavour) in [
        ("galera", Flavour::Galera),
        ("group_replication", Flavour::GroupReplication),
        ("aurora", Flavour::Aurora),
        ("read_only", Flavour::ReadOnly),
        ("auto", Flavour::Auto),
    ] {
        assert_eq!(with([("flavour", word.into())]).unwrap().flavour, flavour);
        assert_eq!(flavour.as_str(), word);
    }
}

#[test]
fn defaults_bend_to_what_is_given() {
    let fast = with([
        ("probe_interval", "50ms".into()),
        ("connect_deadline", "300ms".into()),
        ("cut_after", "40s".into()),
        ("backoff", map([("base", "45s".into())])),
    ])
    .unwrap();
    assert_eq!(fast.probe_interval_suspect, Duration::from_millis(50));
    assert_eq!(fast.connect_timeout, Duration::from_millis(300));
    assert_eq!(fast.cut_unwitnessed_after, Duration::from_secs(40));
    assert_eq!(fast.backoff.max, Duration::from_secs(45));
    let slow = with([
        ("probe_interval_suspect", "5s".into()),
        ("connect_timeout", "10s".into()),
        ("cut_unwitnessed_after", "1s".into()),
        ("backoff", map([("max", "500ms".into())])),
    ])
    .unwrap();
    assert_eq!(slow.probe_interval, Duration::from_secs(5));
    assert_eq!(slow.connect_deadline, Duration::from_secs(10));
    assert_eq!(slow.cut_after, Duration::from_secs(1));
    assert_eq!(slow.backoff.base, Duration::from_millis(500));
}

#[test]
fn null_means_not_given_and_an_empty_list_is_an_empty_map() {
    let plain = with([]).unwrap();
    assert_eq!(
        with([
            ("password", Value::Null),
            ("tls", Value::Null),
            ("probe_interval", Value::Null),
            ("backoff", list([])),
            ("sticky", list([])),
        ]),
        Ok(plain)
    );
    assert_eq!(with([("tls", list([]))]).unwrap().tls, Some(Tls::default()));
    assert_eq!(with([("tls", map([]))]).unwrap().tls, Some(Tls::default()));
}

#[test]
fn nodes_have_ids_that_name_them_again() {
    let from_map = |entries| {
        let settings = with([("nodes", list([entries]))]).unwrap();
        settings.nodes.into_iter().next().unwrap()
    };
    for (node, id) in [
        (from_map("DB1".into()), "db1:3306"),
        (from_map("db1:3307".into()), "db1:3307"),
        (from_map("::1".into()), "[::1]:3306"),
        (from_map("[::1]:3307".into()), "[::1]:3307"),
        (from_map("/run/mysqld.sock".into()), "/run/mysqld.sock"),
        (
            from_map(map([("socket", "/run/mysqld.sock".into())])),
            "/run/mysqld.sock",
        ),
        (
            from_map(map([
                ("host", "localhost".into()),
                ("socket", "/run/a.sock".into()),
            ])),
            "/run/a.sock",
        ),
        (
            from_map(map([
                ("host", "db1".into()),
                ("socket", "/run/a.sock".into()),
            ])),
            "db1:3306",
        ),
        (from_map(map([("host", "db1:3308".into())])), "db1:3308"),
        (
            from_map(map([("host", "::1".into()), ("port", Value::Int(3308))])),
            "[::1]:3308",
        ),
        (from_map(map([("host", "[::1]".into())])), "[::1]:3306"),
    ] {
        assert_eq!(node.id(), id);
        assert_eq!(
            NodeSettings::try_new(id).unwrap().identity(),
            node.identity(),
            "{id}"
        );
    }
    let local = from_map(map([("socket", "/run/mysqld.sock".into())]));
    assert_eq!((local.host.as_str(), local.port), ("localhost", 3306));
}

#[test]
fn sixty_four_nodes_fit() {
    let nodes =
        |count: usize| Value::List((0..count).map(|n| Value::Str(format!("db{n}"))).collect());
    assert_eq!(with([("nodes", nodes(64))]).unwrap().nodes.len(), 64);
    assert_eq!(
        with([("nodes", nodes(65))]).unwrap_err().to_string(),
        "nodes: given a list of 65, accepted: a list of 1 to 64 nodes"
    );
}

#[test]
fn debug_shows_no_credential() {
    let settings = with([
        ("username", "root-user".into()),
        ("password", "hunter2".into()),
        ("secret", "0123456789abcdef".into()),
    ])
    .unwrap();
    let shown = format!("{settings:?}");
    for credential in ["root-user", "hunter2", "0123456789abcdef"] {
        assert!(!shown.contains(credential), "{shown}");
    }
}
