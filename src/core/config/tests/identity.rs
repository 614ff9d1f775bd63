use super::super::*;
use super::{list, map, with};

fn identity<const N: usize>(entries: [(&str, Value); N]) -> ClusterIdentity {
    with(entries).unwrap().identity()
}

fn of(nodes: &[&str]) -> ClusterIdentity {
    let nodes = nodes.iter().map(|node| Value::from(*node)).collect();
    identity([("nodes", Value::List(nodes))])
}

/// Stable wire values: if this fails, hosts and processes of two versions no
/// longer find each other. Change the version in the key instead.
#[test]
fn values_are_pinned() {
    let node = |address: &str| NodeSettings::try_new(address).unwrap().identity().get();
    assert_eq!(node("10.0.0.1"), 0xac4f_4765_c7b5_32af);
    assert_eq!(node("[::1]:3307"), 0x076b_6ba4_fa58_7c3f);
    assert_eq!(node("/run/mysqld/mysqld.sock"), 0x4c53_511a_2303_e24d);
    assert_eq!(
        of(&["10.0.0.1", "10.0.0.2:3307"]).get(),
        0x9dbe_6b0c_450a_dd43
    );
    let galera = identity([
        ("flavour", "galera".into()),
        ("nodes", list(["db1".into()])),
    ]);
    assert_eq!(galera.get(), 0xfc87_bca8_c565_ad75);
}

#[test]
fn settings_names_and_order_do_not_matter() {
    let plain = of(&["db1", "db2"]);
    assert_eq!(of(&["DB2:3306", "Db1"]), plain);
    let tuned = identity([
        ("writers", "spread".into()),
        ("username", "u".into()),
        ("password", "p".into()),
        ("probe_interval", "5s".into()),
        (
            "nodes",
            list([
                map([
                    ("host", "db2".into()),
                    ("weight", Value::Int(7)),
                    ("priority", Value::Int(7)),
                    ("zone", "z".into()),
                    ("role", "reader".into()),
                    ("admin", "disabled".into()),
                ]),
                "db1".into(),
            ]),
        ),
    ]);
    assert_eq!(tuned, plain);
}

#[test]
fn flavour_and_nodes_matter() {
    let mut all = vec![
        of(&["db1"]),
        of(&["db2"]),
        of(&["db1:3307"]),
        of(&["db1", "db2"]),
        of(&["db1d", "b2"]),
        of(&["/db1"]),
        of(&["::1"]),
    ];
    for flavour in ["galera", "group_replication", "aurora", "read_only"] {
        all.push(identity([("flavour", flavour.into())]));
    }
    let count = all.len();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), count);
}

#[test]
fn a_node_is_itself_in_every_cluster() {
    let a = with([
        ("flavour", "galera".into()),
        ("nodes", list(["x".into(), "db1".into()])),
    ])
    .unwrap();
    let alone = NodeSettings::try_new("DB1").unwrap();
    assert_eq!(a.nodes.last().unwrap().identity(), alone.identity());
    assert_eq!(NodeIdentity::try_new(0), None);
    assert_eq!(
        NodeIdentity::try_new(alone.identity().get()),
        Some(alone.identity())
    );
}
