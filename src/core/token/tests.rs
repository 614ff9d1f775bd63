use proptest::prelude::*;

use super::*;

const CLUSTER: u64 = 0x1122_3344_5566_7788;
const NOW: u64 = 1_790_000_000_000;

fn claims() -> Claims {
    Claims {
        cluster: CLUSTER,
        node: 7,
        host: 9,
        epoch: 3,
        issued_ms: NOW,
        ttl_ms: 5_000,
        wrote: true,
        position: Some(Position::MySql {
            source: [0xab; 16],
            number: u64::MAX,
        }),
    }
}

fn keys() -> Keys {
    Keys::new(b"a secret of thirty-two bytes ...", None)
}

#[test]
fn says_what_was_sealed_and_is_short() {
    let token = keys().seal(&claims());
    assert_eq!(keys().open(&token, CLUSTER, NOW + 4_999), Ok(claims()));
    assert!(token.len() < LONGEST, "{} characters", token.len());
    assert!(
        token
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
    );
}

#[test]
fn its_form_is_a_wire_value() {
    // Computed apart, with another implementation of HMAC-SHA-256.
    let plain = Claims {
        wrote: false,
        position: None,
        ..claims()
    };
    assert_eq!(
        keys().seal(&plain),
        "AQCId2ZVRDMiEQcAAAAAAAAACQAAAAMAAAAAbFDEoAGIEwAAAYFBdNfsu8j6ZDWlDirluQ"
    );
}

#[test]
fn is_refused_for_its_reason() {
    let token = keys().seal(&claims());
    let open = |token: &str, cluster, now| keys().open(token, cluster, now);
    assert_eq!(open(&token, CLUSTER, NOW + 5_000), Err(Refusal::Expired));
    assert_eq!(open(&token, CLUSTER, NOW - 2_001), Err(Refusal::Expired));
    assert!(open(&token, CLUSTER, NOW - 2_000).is_ok(), "clocks differ");
    assert_eq!(open(&token, CLUSTER + 1, NOW), Err(Refusal::Foreign));
    for other in [
        "",
        "a",
        "!!!!",
        &token[1..],
        &format!("{token}AAAA"),
        &"A".repeat(121),
    ] {
        let refused = open(other, CLUSTER, NOW);
        assert!(
            matches!(refused, Err(Refusal::Malformed | Refusal::Forged)),
            "{other}: {refused:?}"
        );
    }
    let stranger = Keys::new(b"another secret of thirty-two byt", None);
    assert_eq!(stranger.open(&token, CLUSTER, NOW), Err(Refusal::Forged));
}

#[test]
fn no_part_of_it_can_be_shortened_away() {
    let token = keys().seal(&claims());
    for length in 0..token.len() {
        assert!(
            keys().open(&token[..length], CLUSTER, NOW).is_err(),
            "{length}"
        );
    }
}

#[test]
fn a_retired_secret_is_accepted_and_signs_nothing() {
    let old = Keys::new(b"the old secret ..", None);
    let both = Keys::new(b"the new secret ..", Some(b"the old secret .."));
    assert!(both.open(&old.seal(&claims()), CLUSTER, NOW).is_ok());
    assert_eq!(
        old.open(&both.seal(&claims()), CLUSTER, NOW),
        Err(Refusal::Forged)
    );
}

#[test]
fn a_writer_that_changed_makes_it_stale_on_any_host() {
    let token = claims();
    assert!(!token.is_stale(9, 3, Some(0), NOW));
    assert!(
        token.is_stale(9, 4, None, NOW),
        "its own host counts epochs"
    );
    // Elsewhere epochs are other numbers: only the time of the change tells.
    assert!(!token.is_stale(8, 55, None, NOW + 1_000));
    assert!(!token.is_stale(8, 55, Some(1_001), NOW + 1_000));
    assert!(token.is_stale(8, 55, Some(1_000), NOW + 1_000));
}

#[test]
fn secrets_are_not_shown() {
    assert_eq!(format!("{:?}", keys()), "Keys(not shown)");
}

#[test]
fn positions_are_written_as_servers_do() {
    let galera = Position::Galera {
        state: *b"\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10",
        number: 42,
    };
    assert_eq!(
        galera.to_string(),
        "01020304-0506-0708-090a-0b0c0d0e0f10:42"
    );
    let maria = Position::MariaDb {
        domain: 0,
        server: 1,
        number: 5,
    };
    assert_eq!(maria.to_string(), "0-1-5");
}

fn positions() -> impl Strategy<Value = Position> {
    prop_oneof![
        any::<([u8; 16], u64)>().prop_map(|(state, number)| Position::Galera { state, number }),
        any::<([u8; 16], u64)>().prop_map(|(source, number)| Position::MySql { source, number }),
        any::<(u32, u32, u64)>().prop_map(|(domain, server, number)| Position::MariaDb {
            domain,
            server,
            number
        }),
    ]
}

proptest! {
    #[test]
    fn any_claims_come_back(
        node: u64, host: u32, epoch: u32, issued in 0..1u64 << 47, ttl in 1..u32::MAX,
        wrote: bool, position in proptest::option::of(positions()),
    ) {
        let sealed = Claims {
            cluster: CLUSTER, node, host, epoch, issued_ms: issued, ttl_ms: ttl, wrote, position,
        };
        let token = keys().seal(&sealed);
        prop_assert!(token.len() <= LONGEST);
        prop_assert_eq!(keys().open(&token, CLUSTER, issued), Ok(sealed));
    }

    #[test]
    fn any_text_is_refused(text in "\\PC{0,130}") {
        prop_assert!(keys().open(&text, CLUSTER, NOW).is_err());
    }

    #[test]
    fn any_change_is_noticed(at in 0usize..110, to in "[A-Za-z0-9_-]") {
        let token = keys().seal(&claims());
        let mut changed: Vec<char> = token.chars().collect();
        let Some(place) = changed.get_mut(at) else { return Ok(()) };
        let Some(to) = to.chars().next() else { return Ok(()) };
        prop_assume!(*place != to);
        *place = to;
        let changed: String = changed.into_iter().collect();
        prop_assert!(keys().open(&changed, CLUSTER, NOW).is_err());
    }
}
