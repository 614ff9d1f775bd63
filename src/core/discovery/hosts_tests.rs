use proptest::prelude::*;

use super::*;

fn allows(pattern: &str, host: &str, port: u16) -> bool {
    let pattern = HostPattern::try_new(pattern).unwrap();
    Host::try_new(host).is_some_and(|host| pattern.allows(&host, port))
}

#[test]
fn patterns_allow_what_they_say() {
    for (pattern, allowed, refused) in [
        (
            "db2",
            vec!["db2", "DB2", "db2."],
            vec!["db", "db22", "db2.example.com"],
        ),
        (
            "DB2.Example.com.",
            vec!["db2.example.com"],
            vec!["db2.example.org", "db2"],
        ),
        (
            "*.example.com",
            vec!["a.example.com", "a-b.EXAMPLE.com."],
            vec![
                "example.com",
                "a.b.example.com",
                "a.example.com.evil.org",
                "aexample.com",
            ],
        ),
        (
            "db-*.example.com",
            vec!["db-1.example.com", "db-eu-7.example.com"],
            vec!["db1.example.com", "xdb-1.example.com", "db-1.x.example.com"],
        ),
        (
            "*-db*a.*.svc.local",
            vec!["x-dba.ns.svc.local", "a-db-db-2a.ns.svc.local"],
            vec!["x-db2b.ns.svc.local", "x-dba.a.ns.svc.local"],
        ),
        (
            "10.0.0.2",
            vec!["10.0.0.2", "::ffff:10.0.0.2"],
            vec!["10.0.0.20", "10.0.0.3"],
        ),
        (
            "10.0.0.0/24",
            vec!["10.0.0.0", "10.0.0.255", "::ffff:a00:7"],
            vec!["10.0.1.0", "9.255.255.255", "a.example.com", "::a00:7"],
        ),
        ("10.0.0.77/24", vec!["10.0.0.1"], vec!["10.0.1.1"]),
        (
            "10.0.0.4/31",
            vec!["10.0.0.4", "10.0.0.5"],
            vec!["10.0.0.3", "10.0.0.6"],
        ),
        ("0.0.0.0/0", vec!["1.2.3.4"], vec!["::1", "localhost"]),
        (
            "2001:DB8::/64",
            vec!["2001:db8::1", "[2001:db8:0:0:f::]"],
            vec!["2001:db8:0:1::", "1.2.3.4"],
        ),
        (
            "::1",
            vec!["::1", "0:0:0:0:0:0:0:1"],
            vec!["127.0.0.1", "fe80::1%eth0", "localhost"],
        ),
        (
            "::/0",
            vec!["2001:db8::1"],
            vec!["10.0.0.1", "fe80::1%eth0"],
        ),
    ] {
        for host in allowed {
            assert!(allows(pattern, host, 3306), "{pattern} allows {host}");
        }
        for host in refused {
            assert!(!allows(pattern, host, 3306), "{pattern} refuses {host}");
        }
    }
}

#[test]
fn a_port_narrows_a_pattern() {
    for (pattern, host) in [
        ("db2:3307", "db2"),
        ("*.example.com:3307", "a.example.com"),
        ("10.0.0.2:3307", "10.0.0.2"),
        ("[2001:db8::2]:3307", "2001:db8::2"),
    ] {
        assert!(allows(pattern, host, 3307), "{pattern}");
        assert!(!allows(pattern, host, 3306), "{pattern}");
    }
}

#[test]
fn what_is_no_pattern_is_refused() {
    for text in [
        "",
        "*",
        "*.*",
        "**",
        "a.*",
        "*.",
        ".",
        "a..b",
        ".a",
        "10.0.0.*",
        "10.*.0.1",
        "*1",
        "10.0.0.0/33",
        "10.0.0.0/",
        "10.0.0.0/+8",
        "10.0.0.0/8/8",
        "2001:db8::/129",
        "::ffff:0:0/96",
        "db1/24",
        "db*/24",
        "10.0.0.0/24:3306",
        "db1:0",
        "db*:x",
        "db*:3306:1",
        "fe80::1%eth0",
        "127.1",
        "2130706433",
        "0x7f000001",
        "a.0x7f",
        "256.0.0.1",
        "[*]",
        "[::*]",
        "::*",
        "bü*.com",
        "a b",
        "mysql://db1",
        "root@db1",
    ] {
        assert_eq!(HostPattern::try_new(text), None, "{text:?}");
    }
}

#[test]
fn a_text_that_resolvers_take_for_an_address_is_no_host() {
    for text in [
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1x.1",
        "10.0.0.256",
        "a..b",
        "1.2.3.0x4",
    ] {
        assert_eq!(Host::try_new(text), None, "{text}");
    }
    assert!(Host::try_new("0xdb").is_none() && Host::try_new("0xdbz").is_some());
}

#[test]
fn any_address_and_groups_cannot_be_dialled() {
    for (text, dialable) in [
        ("0.0.0.0", false),
        ("::", false),
        ("::ffff:0.0.0.0", false),
        ("224.0.0.1", false),
        ("255.255.255.255", false),
        ("ff02::1", false),
        ("127.0.0.1", true),
        ("db1", true),
    ] {
        assert_eq!(
            Host::try_new(text).unwrap().is_dialable(),
            dialable,
            "{text}"
        );
    }
}

/// What a `*` means, said the slow way.
fn matches_slowly(pattern: &[u8], label: &[u8]) -> bool {
    match pattern.split_first() {
        None => label.is_empty(),
        Some((b'*', rest)) => (0..=label.len()).any(|n| matches_slowly(rest, &label[n..])),
        Some((byte, rest)) => label.first() == Some(byte) && matches_slowly(rest, &label[1..]),
    }
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic_and_nothing_matches_across_kinds(
        pattern in "[a-c0-9*.:/\\[\\]-]{0,24}", host in "[a-c0-9.:-]{0,24}", port: u16,
    ) {
        if let (Some(pattern), Some(host)) = (HostPattern::try_new(&pattern), Host::try_new(&host))
            && pattern.allows(&host, port)
        {
            let name = matches!(pattern.what, What::Name(_));
            prop_assert_eq!(name, matches!(host, Host::Name(_)));
        }
    }

    #[test]
    fn a_star_stands_for_any_part_of_a_label(pattern in "[ab*]{0,8}", label in "[ab]{0,10}") {
        prop_assert_eq!(
            matches(pattern.as_bytes(), label.as_bytes()),
            matches_slowly(pattern.as_bytes(), label.as_bytes())
        );
    }

    #[test]
    fn a_host_reads_back_as_itself(text in "[a-z0-9.:-]{1,20}") {
        if let Some(host) = Host::try_new(&text) {
            prop_assert_eq!(Host::try_new(&host.to_string()), Some(host));
        }
    }

    #[test]
    fn a_network_allows_its_own_addresses_alone(bits: u32, prefix in 0u32..=32, other: u32) {
        let pattern = HostPattern::try_new(&format!("{}/{prefix}", Ipv4Addr::from(bits))).unwrap();
        let same = prefix == 0 || (bits ^ other) >> (32 - prefix) == 0;
        let host = Host::Address(IpAddr::V4(Ipv4Addr::from(other)));
        prop_assert_eq!(pattern.allows(&host, 1), same);
    }
}
