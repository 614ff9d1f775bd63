use super::super::*;
use super::{list, map};

fn cluster(entries: Value) -> Result<Vec<(String, Settings)>, ConfigError> {
    parse_clusters(&map([("cluster", entries)]))
}

fn one(host: &str) -> Value {
    map([("nodes", list([host.into()]))])
}

#[test]
fn clusters_come_in_the_order_written() {
    let parsed = cluster(map([("shop", one("a")), ("main-2.x_Y", one("b"))])).unwrap();
    let names: Vec<_> = parsed.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["shop", "main-2.x_Y"]);
    assert_eq!(
        parsed.first().unwrap().1.nodes.first().unwrap().id(),
        "a:3306"
    );
}

#[test]
fn an_empty_file_defines_nothing() {
    for empty in [
        map([]),
        list([]),
        map([("cluster", map([]))]),
        map([("cluster", list([]))]),
    ] {
        assert_eq!(parse_clusters(&empty), Ok(Vec::new()));
    }
}

#[test]
fn mistakes_name_their_cluster() {
    let node = map([("host", "db1".into()), ("weight", Value::Int(0))]);
    let nodes = list(["a".into(), "b".into(), node]);
    assert_eq!(
        cluster(map([("main", map([("nodes", nodes)]))]))
            .unwrap_err()
            .to_string(),
        "cluster \"main\": nodes[2].weight: given 0, accepted: an integer from 1 to 1000"
    );
    for (result, message) in [
        (
            parse_clusters(&map([("clusters", map([]))])),
            "clusters: given an unknown key, accepted: cluster (did you mean \"cluster\"?)",
        ),
        (
            parse_clusters(&Value::Bool(true)),
            "(top level): given true, accepted: a map with the keys cluster",
        ),
        (
            cluster(Value::Int(1)),
            "cluster: given 1, accepted: tables named [cluster.<name>]",
        ),
        (
            cluster(map([("a", one("x")), ("a", one("y"))])),
            "cluster.a: given a second time, accepted: each name once",
        ),
    ] {
        assert_eq!(result.unwrap_err().to_string(), message);
    }
}

#[test]
fn names_are_plain_and_short() {
    let longest = "n".repeat(64);
    for name in ["main", "a.b_c-9", &longest] {
        assert_eq!(cluster_name(name).as_deref(), Ok(name));
    }
    let long = "n".repeat(65);
    for name in ["", "a b", "ä", "a/b", "a\0", &long] {
        let error = cluster_name(name).unwrap_err();
        assert_eq!(error.key, "cluster");
        assert_eq!(
            error.accepted,
            "a name of 1 to 64 letters, digits, \".\", \"_\" or \"-\""
        );
        assert!(cluster(map([(name, one("a"))])).is_err(), "{name:?}");
    }
}
