//! One line a mistake: what was written, and the exact message.

use super::super::*;
use super::{list, map, node, say, with};

const HOSTS: &str = "a list of host names (\"db2.example.com\"; \"db-*.example.com\" for any part \
    of a label), IP addresses or networks (\"10.0.0.0/24\")";

#[test]
fn the_whole() {
    assert_eq!(
        say(Settings::try_from_value(&Value::Int(1)))
            .split(", accepted")
            .next()
            .unwrap(),
        "(top level): given 1"
    );
    let nothing = "nodes: given nothing, accepted: a list of 1 to 64 nodes";
    assert_eq!(say(Settings::try_from_value(&list([]))), nothing);
    assert_eq!(
        say(Settings::try_from_value(&map([("nodes", Value::Null)]))),
        nothing
    );
    assert_eq!(
        say(with([("nodes", list([]))])),
        "nodes: given a list of 0, accepted: a list of 1 to 64 nodes"
    );
    assert_eq!(
        say(with([("nodes", "db1".into())])),
        "nodes: given \"db1\", accepted: a list of 1 to 64 nodes"
    );
    assert_eq!(
        say(with([("cut", "never".into()), ("cut", "never".into())])),
        "cut: given a second time, accepted: each key once"
    );
}

#[test]
fn unknown_keys() {
    let message = say(with([("probe_intervall", Value::Int(1))]));
    assert!(message.starts_with("probe_intervall: given an unknown key, accepted: flavour, writers, multi_source, nodes, "), "{message}");
    assert!(
        message.ends_with(", secret (did you mean \"probe_interval\"?)"),
        "{message}"
    );
    let message = say(with([("colour", Value::Int(1))]));
    assert!(message.ends_with(", conflicts, secret"), "{message}");
    assert_eq!(
        say(node(map([
            ("host", "db1".into()),
            ("wieght", Value::Int(2))
        ]))),
        "nodes[0].wieght: given an unknown key, accepted: host, port, socket, weight, priority, \
         zone, role, admin (did you mean \"weight\"?)"
    );
    assert_eq!(
        say(with([("backoff", map([("Jitter", Value::Int(1))]))])),
        "backoff.Jitter: given an unknown key, accepted: base, max, jitter (did you mean \"jitter\"?)"
    );
    assert_eq!(
        say(with([("sticky", map([("", Value::Int(1))]))])),
        "sticky.\"\": given an unknown key, accepted: scope, ttl"
    );
    assert_eq!(
        say(with([("tls", map([("mysql://u:pw@h", Value::Int(1))]))])),
        "tls.\"(not shown)\": given an unknown key, accepted: ca, cert, key, verify"
    );
}

#[test]
fn numbers_words_and_flags() {
    let seconds = "such as \"1s\", \"500ms\" or 0.5 (seconds)";
    for (key, value, message) in [
        ("failures_to_open", Value::Int(0), "given 0, accepted: an integer from 1 to 100".to_owned()),
        ("failures_to_open", Value::Int(101), "given 101, accepted: an integer from 1 to 100".to_owned()),
        ("failures_to_open", Value::Int(-1), "given -1, accepted: an integer from 1 to 100".to_owned()),
        ("failures_to_open", Value::Int(i64::MAX), format!("given {}, accepted: an integer from 1 to 100", i64::MAX)),
        ("failures_to_open", Value::Float(2.0), "given 2.0, accepted: an integer from 1 to 100".to_owned()),
        ("failures_to_open", "2".into(), "given \"2\", accepted: an integer from 1 to 100".to_owned()),
        ("multi_source", Value::Int(1), "given 1, accepted: true or false".to_owned()),
        ("discover", "yes".into(), "given \"yes\", accepted: true or false".to_owned()),
        (
            "flavour",
            "mysql".into(),
            "given \"mysql\", accepted: \"galera\", \"group_replication\", \"aurora\", \"read_only\", \"auto\"".to_owned(),
        ),
        ("flavour", "Galera".into(), "given \"Galera\", accepted: \"galera\", \"group_replication\", \"aurora\", \"read_only\", \"auto\"".to_owned()),
        ("writers", Value::Bool(true), "given true, accepted: \"spread\", \"single\"".to_owned()),
        ("cut", "maybe".into(), "given \"maybe\", accepted: \"witnessed\", \"always\", \"never\"".to_owned()),
        ("failback", list([]), "given a list, accepted: \"auto\", \"manual\"".to_owned()),
        ("conflicts", map([]), "given a map, accepted: \"count\", \"adaptive\"".to_owned()),
        ("probe_interval", "9ms".into(), format!("given \"9ms\", accepted: a duration from 10ms to 1h, {seconds}")),
        ("probe_interval", "61min".into(), format!("given \"61min\", accepted: a duration from 10ms to 1h, {seconds}")),
        ("probe_interval_suspect", Value::Int(0), format!("given 0, accepted: a duration from 10ms to 1h, {seconds}")),
        ("probe_timeout", "2min".into(), format!("given \"2min\", accepted: a duration from 10ms to 1m, {seconds}")),
        ("connect_timeout", Value::Float(f64::NAN), format!("given NaN, accepted: a duration from 10ms to 5m, {seconds}")),
        ("connect_deadline", "soon".into(), format!("given \"soon\", accepted: a duration from 10ms to 1h, {seconds}")),
        ("hold_down", Value::Int(-1), format!("given -1, accepted: a duration from 0s to 1h, {seconds}")),
        ("slow_start", Value::Bool(false), format!("given false, accepted: a duration from 0s to 1h, {seconds}")),
        ("cut_after", Value::Int(0), format!("given 0, accepted: a duration from 100ms to 1h, {seconds}")),
        ("cut_unwitnessed_after", "2h".into(), format!("given \"2h\", accepted: a duration from 100ms to 1h, {seconds}")),
        ("max_lag", "2days".into(), format!("given \"2days\", accepted: a duration from 0s to 1day, {seconds}")),
        ("idle_after", "500ms".into(), format!("given \"500ms\", accepted: a duration from 1s to 30days, {seconds}")),
        ("backoff", "1s".into(), "given \"1s\", accepted: a map with the keys base, max, jitter".to_owned()),
        ("sticky", "request".into(), "given \"request\", accepted: a map with the keys scope, ttl".to_owned()),
        ("tls", Value::Bool(true), "given true, accepted: a map with the keys ca, cert, key, verify".to_owned()),
        ("discover_hosts", "db1".into(), format!("given \"db1\", accepted: {HOSTS}")),
    ] {
        assert_eq!(say(with([(key, value)])), format!("{key}: {message}"));
    }
    for (table, key, value, message) in [
        (
            "backoff",
            "jitter",
            Value::Float(1.5),
            "given 1.5, accepted: a number from 0 to 1".to_owned(),
        ),
        (
            "backoff",
            "jitter",
            Value::Int(2),
            "given 2, accepted: a number from 0 to 1".to_owned(),
        ),
        (
            "backoff",
            "jitter",
            Value::Float(f64::NAN),
            "given NaN, accepted: a number from 0 to 1".to_owned(),
        ),
        (
            "backoff",
            "base",
            Value::Int(0),
            format!("given 0, accepted: a duration from 10ms to 1h, {seconds}"),
        ),
        (
            "backoff",
            "max",
            "2h".into(),
            format!("given \"2h\", accepted: a duration from 10ms to 1h, {seconds}"),
        ),
        (
            "sticky",
            "scope",
            "user".into(),
            "given \"user\", accepted: \"request\"".to_owned(),
        ),
        (
            "sticky",
            "ttl",
            Value::Int(-1),
            format!("given -1, accepted: a duration from 0s to 1day, {seconds}"),
        ),
        (
            "tls",
            "ca",
            "ca.pem".into(),
            "given \"ca.pem\", accepted: an absolute path".to_owned(),
        ),
        (
            "tls",
            "verify",
            Value::Int(0),
            "given 0, accepted: true or false".to_owned(),
        ),
    ] {
        assert_eq!(
            say(with([(table, map([(key, value)]))])),
            format!("{table}.{key}: {message}")
        );
    }
}

#[test]
fn keys_that_contradict_each_other() {
    let pem: Value = "/x.pem".into();
    for (result, message) in [
        (
            with([
                ("flavour", "read_only".into()),
                ("writers", "spread".into()),
            ]),
            "writers: given \"spread\", accepted: \"single\" with flavour \"read_only\", unless multi_source = true",
        ),
        (
            with([("password", "pw".into())]),
            "username: given nothing, accepted: a string, since password is given",
        ),
        (
            with([("tls", map([("cert", pem.clone())]))]),
            "tls.key: given nothing, accepted: an absolute path, since tls.cert is given",
        ),
        (
            with([("tls", map([("key", pem)]))]),
            "tls.cert: given nothing, accepted: an absolute path, since tls.key is given",
        ),
        (
            with([
                ("probe_interval", "1s".into()),
                ("probe_interval_suspect", "2s".into()),
            ]),
            "probe_interval_suspect: given 2s, accepted: at most probe_interval (1s)",
        ),
        (
            with([
                ("connect_timeout", "5s".into()),
                ("connect_deadline", "3s".into()),
            ]),
            "connect_timeout: given 5s, accepted: at most connect_deadline (3s)",
        ),
        (
            with([
                ("cut_after", "5s".into()),
                ("cut_unwitnessed_after", "3s".into()),
            ]),
            "cut_after: given 5s, accepted: at most cut_unwitnessed_after (3s)",
        ),
        (
            with([(
                "backoff",
                map([("base", "5s".into()), ("max", "3s".into())]),
            )]),
            "backoff.base: given 5s, accepted: at most backoff.max (3s)",
        ),
    ] {
        assert_eq!(say(result), message);
    }
    let since = format!("discover_hosts: given nothing, accepted: {HOSTS}, since discover is true");
    assert_eq!(say(with([("discover", Value::Bool(true))])), since);
    assert_eq!(
        say(with([
            ("discover", Value::Bool(true)),
            ("discover_hosts", list([]))
        ])),
        since
    );
    assert_eq!(
        say(with([("discover_hosts", list(["a".into(), "b c".into()]))])),
        format!("discover_hosts[1]: given \"b c\", accepted: {HOSTS}")
    );
    for pattern in ["*", "10.0.0.*", "10.0.0.0/33", "db*/24"] {
        assert_eq!(
            say(with([("discover_hosts", list([pattern.into()]))])),
            format!("discover_hosts[0]: given {pattern:?}, accepted: {HOSTS}")
        );
    }
}
