use proptest::prelude::*;

use super::super::*;

/// Words that get a value deep into the parser, and some that do not.
fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        proptest::sample::select(vec![
            "nodes",
            "host",
            "port",
            "socket",
            "weight",
            "priority",
            "zone",
            "role",
            "admin",
            "flavour",
            "writers",
            "username",
            "password",
            "probe_interval",
            "backoff",
            "base",
            "max",
            "jitter",
            "sticky",
            "scope",
            "ttl",
            "tls",
            "ca",
            "cert",
            "key",
            "verify",
            "discover",
            "discover_hosts",
            "secret",
            "cut",
            "cut_after",
            "cluster",
            "main",
            "galera",
            "spread",
            "single",
            "request",
            "1s",
            "500ms",
            "10 min",
            "db1",
            "db1:3307",
            "[::1]:3307",
            "::1",
            "/run/a.sock",
            "true",
            "1e9s",
            "µs",
            "1µs",
        ])
        .prop_map(str::to_owned),
        "\\PC{0,20}",
        "[0-9.µa-z: \\[\\]%/-]{0,16}",
        any::<String>(),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        (0i64..5000).prop_map(Value::Int),
        any::<f64>().prop_map(Value::Float),
        word().prop_map(Value::Str),
    ];
    leaf.prop_recursive(4, 64, 8, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::List),
            proptest::collection::vec((word(), inner), 0..6).prop_map(Value::Map),
        ]
    })
}

/// A value for each of some known keys, so that the readers are reached.
fn keyed() -> impl Strategy<Value = Value> {
    let keys = vec![
        "nodes",
        "flavour",
        "writers",
        "username",
        "password",
        "probe_interval",
        "backoff",
        "hold_down",
        "sticky",
        "tls",
        "discover",
        "discover_hosts",
        "secret",
        "idle_after",
    ];
    proptest::sample::subsequence(keys, 0..=14).prop_flat_map(|keys| {
        let count = keys.len();
        proptest::collection::vec(value(), count).prop_map(move |values| {
            Value::Map(
                keys.iter()
                    .map(|key| (*key).to_owned())
                    .zip(values)
                    .collect(),
            )
        })
    })
}

fn hosts() -> impl Strategy<Value = Vec<String>> {
    proptest::collection::btree_set("[a-z][a-z0-9-]{0,8}(:[1-9][0-9]{0,3})?", 1..20).prop_map(
        |hosts| {
            // `a` and `a:3306` are one node.
            hosts
                .into_iter()
                .filter(|host| !host.ends_with(":3306"))
                .collect::<Vec<_>>()
        },
    )
}

fn cluster(hosts: &[String]) -> Value {
    let nodes = hosts.iter().map(|host| Value::Str(host.clone())).collect();
    Value::Map(vec![("nodes".to_owned(), Value::List(nodes))])
}

proptest! {
    #[test]
    fn no_value_makes_the_parser_panic(value in prop_oneof![value(), keyed()]) {
        let once = Settings::try_from_value(&value);
        prop_assert_eq!(&once, &Settings::try_from_value(&value), "reading twice differs");
        if let Err(error) = once {
            prop_assert!(!error.key.is_empty() && !error.accepted.is_empty());
            prop_assert!(error.given.chars().count() < 200);
            prop_assert!(!error.to_string().contains(|c: char| c.is_control()));
        }
        let _ = parse_clusters(&value);
        let wrapped = Value::Map(vec![("main".to_owned(), value)]);
        let _ = parse_clusters(&Value::Map(vec![("cluster".to_owned(), wrapped)]));
    }

    #[test]
    fn identity_is_independent_of_order(
        (hosts, shuffled) in hosts().prop_filter("no node", |hosts| !hosts.is_empty())
            .prop_flat_map(|hosts| (Just(hosts.clone()), Just(hosts).prop_shuffle())),
    ) {
        let a = Settings::try_from_value(&cluster(&hosts)).unwrap();
        let b = Settings::try_from_value(&cluster(&shuffled)).unwrap();
        prop_assert_eq!(a.identity(), b.identity());
        prop_assert!(a.identity().get() > 1);
    }

    #[test]
    fn an_id_names_its_node_again(text in "[a-z0-9:.\\[\\]%_-]{1,12}") {
        if let Ok(node) = NodeSettings::try_new(&text) {
            prop_assert_eq!(NodeSettings::try_new(&node.id()), Ok(node));
        }
    }

    #[test]
    fn what_is_given_is_never_a_password(password in "[a-z]{12,20}", value in keyed()) {
        let Value::Map(mut entries) = value else { unreachable!() };
        entries.retain(|(key, _)| key != "password");
        // Too long for a password: an error at that key, or at an earlier one.
        entries.push(("password".to_owned(), Value::Str(password.repeat(100))));
        if let Err(error) = Settings::try_from_value(&Value::Map(entries)) {
            prop_assert!(!error.to_string().contains(&password));
        }
    }
}
