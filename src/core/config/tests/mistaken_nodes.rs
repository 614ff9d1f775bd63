//! Mistakes in nodes and credentials, and the exact messages.

use super::super::*;
use super::{list, map, node, say, with};

const NODE: &str =
    "\"host\", \"host:port\" (port 1 to 65535), \"[IPv6]:port\" or an absolute socket path";
const HOST: &str =
    "a host name (letters, digits, \".\", \"-\", \"_\", at most 255) or an IP address";

#[test]
fn credentials_are_never_repeated() {
    let key = "-----BEGIN PRIVATE KEY-----pw";
    for (result, message) in [
        (
            with([("username", Value::Int(4711))]),
            "username: given an integer, accepted: a string of 1 to 1024 bytes without NUL",
        ),
        (
            with([("username", "".into())]),
            "username: given a string, accepted: a string of 1 to 1024 bytes without NUL",
        ),
        (
            with([("username", "u".into()), ("password", "pw\0".into())]),
            "password: given a string, accepted: a string of at most 1024 bytes without NUL",
        ),
        (
            with([("secret", "pw".into())]),
            "secret: given a string, accepted: a string of 16 to 1024 bytes without NUL",
        ),
        (
            with([(
                "secret",
                Value::List(vec!["0123456789abcdef".into(), "pw".into()]),
            )]),
            "secret[1]: given a string, accepted: a string of 16 to 1024 bytes without NUL",
        ),
        (
            with([("secret", Value::List(vec![]))]),
            "secret: given a list of 0, accepted: a string, or a list of two: the new one and the one before it",
        ),
        (
            with([("tls", map([("cert", "/c".into()), ("key", key.into())]))]),
            "tls.key: given a string, accepted: an absolute path",
        ),
        (
            with([("cut", "mysql://root:pw@db1/".into())]),
            "cut: given a string (not shown, it looks like a URL), accepted: \"witnessed\", \"always\", \"never\"",
        ),
    ] {
        assert_eq!(say(result), message);
    }
    for text in ["mysql://root:pw@db1", "root:pw@db1", "host=db1;password=pw"] {
        let message =
            format!("nodes[0]: given a string (not shown, it looks like a URL), accepted: {NODE}");
        assert_eq!(say(node(text.into())), message);
        assert!(!say(node(map([("host", text.into())]))).contains("pw"));
    }
}

#[test]
fn nodes() {
    let long = "a".repeat(256);
    for (text, shown) in [
        ("", "\"\"".to_owned()),
        ("db 1", "\"db 1\"".to_owned()),
        ("db1\n", "\"db1\\n\"".to_owned()),
        ("db1\0", "\"db1\\0\"".to_owned()),
        ("db1:0", "\"db1:0\"".to_owned()),
        ("db1:65536", "\"db1:65536\"".to_owned()),
        ("db1:x", "\"db1:x\"".to_owned()),
        ("[::1", "\"[::1\"".to_owned()),
        ("/", "\"/\"".to_owned()),
        (&long, format!("\"{}\"…", "a".repeat(64))),
    ] {
        assert_eq!(
            say(node(text.into())),
            format!("nodes[0]: given {shown}, accepted: {NODE}")
        );
    }
    let or_map = format!("{NODE}, or a map with at least a host");
    for (value, message) in [
        (
            Value::Null,
            format!("nodes[0]: given null, accepted: {or_map}"),
        ),
        (
            Value::Int(3306),
            format!("nodes[0]: given 3306, accepted: {or_map}"),
        ),
        (
            list([]),
            format!("nodes[0]: given a list, accepted: {or_map}"),
        ),
        (
            map([]),
            format!("nodes[0].host: given nothing, accepted: {HOST}"),
        ),
        (
            map([("host", "".into())]),
            format!("nodes[0].host: given \"\", accepted: {HOST}"),
        ),
        (
            map([("host", Value::Int(1))]),
            format!("nodes[0].host: given 1, accepted: {HOST}"),
        ),
    ] {
        assert_eq!(say(node(value)), message);
    }
    for (key, value, message) in [
        (
            "port",
            Value::Int(0),
            "given 0, accepted: an integer from 1 to 65535",
        ),
        (
            "port",
            Value::Int(65536),
            "given 65536, accepted: an integer from 1 to 65535",
        ),
        (
            "port",
            "3306".into(),
            "given \"3306\", accepted: an integer from 1 to 65535",
        ),
        (
            "weight",
            Value::Int(0),
            "given 0, accepted: an integer from 1 to 1000",
        ),
        (
            "weight",
            Value::Int(1001),
            "given 1001, accepted: an integer from 1 to 1000",
        ),
        (
            "priority",
            Value::Int(-1001),
            "given -1001, accepted: an integer from -1000 to 1000",
        ),
        (
            "zone",
            "".into(),
            "given \"\", accepted: a string of 1 to 64 bytes without white space",
        ),
        (
            "role",
            "master".into(),
            "given \"master\", accepted: \"writer\", \"reader\"",
        ),
        (
            "admin",
            "off".into(),
            "given \"off\", accepted: \"enabled\", \"draining\", \"disabled\"",
        ),
        (
            "socket",
            "run/a.sock".into(),
            "given \"run/a.sock\", accepted: an absolute path of at most 107 bytes",
        ),
    ] {
        let result = node(map([("host", "db1".into()), (key, value)]));
        assert_eq!(say(result), format!("nodes[0].{key}: {message}"));
    }
    assert_eq!(
        say(node(map([
            ("host", "db1:3307".into()),
            ("port", Value::Int(3307))
        ]))),
        "nodes[0].host: given \"db1:3307\", accepted: a host without a port, since port is given too"
    );
    let twice = list([
        "a".into(),
        "db1".into(),
        map([("host", "DB1".into()), ("weight", Value::Int(2))]),
    ]);
    assert_eq!(
        say(with([("nodes", twice)])),
        "nodes[2]: given \"db1:3306\", accepted: each node once (nodes[1] is the same)"
    );
    assert!(with([("nodes", list(["::1".into(), "[0:0::1]:3306".into()]))]).is_err());
}
