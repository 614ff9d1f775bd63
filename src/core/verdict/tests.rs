use proptest::prelude::*;

use super::*;

fn errno(number: u32, phase: Phase) -> Verdict {
    said(number, "", phase)
}

fn said(number: u32, message: &str, phase: Phase) -> Verdict {
    classify(
        &ErrorSeen {
            errno: Some(number),
            sqlstate: None,
            message,
        },
        phase,
    )
}

fn text(message: &str, phase: Phase) -> Verdict {
    classify(
        &ErrorSeen {
            message,
            ..ErrorSeen::default()
        },
        phase,
    )
}

/// Every number of the table in the module's documentation: dialling, in use.
#[test]
fn numbers_have_the_documented_verdicts() {
    use Verdict::{Client, Conflict, Down, Lost, NotWritable, Overloaded};
    let table: [(&[u32], Verdict, Verdict); 8] = [
        (&[2002, 2003, 2005, 2070], Down, Down),
        (
            &[
                2006, 2013, 2055, 2012, 2027, 1053, 1077, 1078, 1079, 1080, 3168, 1152, 1154, 1155,
                1156, 1157, 1158, 1159, 1160, 1161, 1184, 1927, 3169, 4031,
            ],
            Down,
            Lost,
        ),
        (&[1290, 1836, 1874, 1792, 3100], NotWritable, NotWritable),
        (
            &[
                1047, 3032, 6400, 3092, 3094, 3096, 3097, 3781, 3782, 3783, 3796, 3799,
            ],
            NotWritable,
            NotWritable,
        ),
        (
            &[1040, 1203, 1226, 1042, 1129, 1637],
            Overloaded,
            Overloaded,
        ),
        (&[1041, 1135], Overloaded, Client),
        (
            &[1205, 1213, 1614, 3572, 3101, 1180, 1020],
            Conflict,
            Conflict,
        ),
        (
            &[
                1044,
                1045,
                1049,
                1130,
                1251,
                1275,
                1698,
                1820,
                1862,
                3118,
                3159,
                3955,
                4151,
                2026,
                2049,
                2054,
                2058,
                2059,
                2061,
                1153,
                2020,
                2008,
                2014,
                2001,
                2004,
                1317,
                1969,
                3024,
                1064,
                1062,
                1146,
                1451,
                1048,
                1366,
                1105,
                3098,
                2019,
                2030,
                2031,
                2034,
                7890,
                1,
                u32::MAX,
            ],
            Client,
            Client,
        ),
    ];
    for (numbers, dial, in_use) in table {
        for number in numbers {
            assert_eq!(errno(*number, Phase::Dial), dial, "{number} dialling");
            assert_eq!(errno(*number, Phase::InUse), in_use, "{number} in use");
        }
    }
}

#[test]
fn a_number_that_names_another_option_blames_nobody() {
    for (message, verdict) in [
        (
            "The MySQL server is running with the --read-only option so it cannot execute this statement",
            Verdict::NotWritable,
        ),
        (
            "The MySQL server is running with the --super-read-only option so it cannot execute this statement",
            Verdict::NotWritable,
        ),
        (
            "The MariaDB server is running with the READ_ONLY=NO_LOCK option so it cannot execute this statement",
            Verdict::NotWritable,
        ),
        (
            "The MySQL server is running with the --secure-file-priv option so it cannot execute this statement \
             (SQL: select 'the --read-only option')",
            Verdict::Client,
        ),
        (
            "The MariaDB server is running with the --skip-grant-tables option so it cannot execute this statement",
            Verdict::Client,
        ),
        (
            "Der MySQL-Server läuft mit der Option --read-only und kann …",
            Verdict::NotWritable,
        ),
        (
            "Der MySQL-Server läuft mit der Option --secure-file-priv und kann …",
            Verdict::Client,
        ),
        ("refused", Verdict::NotWritable),
        ("", Verdict::NotWritable),
    ] {
        assert_eq!(said(1290, message, Phase::InUse), verdict, "{message}");
    }
    let wsrep = "WSREP has not yet prepared node for application use";
    assert_eq!(said(1047, wsrep, Phase::InUse), Verdict::NotWritable);
    assert_eq!(said(1047, "Unknown command", Phase::InUse), Verdict::Client);
    let trigger = "Referenced trigger 't' for the given action time and event type does not exist";
    assert_eq!(said(4031, trigger, Phase::InUse), Verdict::Client);
    let idle = "The client was disconnected by the server because of inactivity. (SQL: x trigger)";
    assert_eq!(said(4031, idle, Phase::InUse), Verdict::Lost);
}

#[test]
fn text_counts_only_without_a_number() {
    assert_eq!(
        said(1064, "MySQL server has gone away", Phase::Dial),
        Verdict::Client
    );
    assert_eq!(
        said(0, "MySQL server has gone away", Phase::InUse),
        Verdict::Lost
    );
    assert_eq!(said(2000, "Connection refused", Phase::Dial), Verdict::Down);
    assert_eq!(said(2000, "Unknown error", Phase::InUse), Verdict::Unknown);
}

#[test]
fn known_texts_have_the_verdict_of_their_number() {
    use Verdict::{Client, Conflict, Down, Lost, NotWritable, Overloaded, Unknown};
    for (message, dial, in_use) in [
        ("MySQL server has gone away", Down, Lost),
        ("Lost connection to MySQL server during query", Down, Lost),
        ("Lost connection to server at 'handshake'", Down, Lost),
        (
            "PDO::__construct(): php_network_getaddresses: getaddrinfo for db failed: Name or service not known",
            Down,
            Down,
        ),
        ("Connection refused", Down, Down),
        ("No route to host", Down, Down),
        ("Connection timed out", Down, Lost),
        (
            "send of 5 bytes failed with errno=32 Broken pipe",
            Down,
            Lost,
        ),
        (
            "Packets out of order. Expected 1 received 0. Packet size=71",
            Down,
            Lost,
        ),
        (
            "PDO::query(): Error while sending QUERY packet. PID=7",
            Down,
            Lost,
        ),
        ("Error while reading greeting packet. PID=7", Down, Lost),
        ("Error while sending mail", Unknown, Unknown),
        ("No such file or directory", Down, Unknown),
        ("Too many connections", Overloaded, Overloaded),
        (
            "Deadlock found when trying to get lock; try restarting transaction",
            Conflict,
            Conflict,
        ),
        (
            "The MySQL server is running with the --super-read-only option so it cannot execute this statement",
            NotWritable,
            NotWritable,
        ),
        (
            "WSREP has not yet prepared node for application use",
            NotWritable,
            NotWritable,
        ),
        (
            "SQLSTATE[HY000] [2002] No such file or directory",
            Down,
            Down,
        ),
        (
            "SQLSTATE[HY000] [1045] Access denied for user",
            Client,
            Client,
        ),
        (
            "SQLSTATE[HY000]: General error: 1836 Running in read-only mode",
            NotWritable,
            NotWritable,
        ),
        (
            "SQLSTATE[40001]: Serialization failure: 1213 Deadlock found",
            Conflict,
            Conflict,
        ),
        (
            "SQLSTATE[08S01]: Communication link failure: 1047 WSREP has not yet",
            NotWritable,
            NotWritable,
        ),
        (
            "SQLSTATE[HY093]: Invalid parameter number",
            Unknown,
            Unknown,
        ),
        ("Class \"Foo\" not found", Unknown, Unknown),
        ("", Unknown, Unknown),
    ] {
        assert_eq!(text(message, Phase::Dial), dial, "{message} dialling");
        assert_eq!(text(message, Phase::InUse), in_use, "{message} in use");
    }
}

#[test]
fn a_sqlstate_alone_says_a_little() {
    let state = |sqlstate: &'static str, phase| {
        classify(
            &ErrorSeen {
                sqlstate: Some(sqlstate),
                ..ErrorSeen::default()
            },
            phase,
        )
    };
    assert_eq!(state("08S01", Phase::InUse), Verdict::Lost);
    assert_eq!(state("08S01", Phase::Dial), Verdict::Down);
    assert_eq!(state("08004", Phase::Dial), Verdict::Client);
    assert_eq!(state("40001", Phase::InUse), Verdict::Conflict);
    assert_eq!(state("40000", Phase::InUse), Verdict::Conflict);
    assert_eq!(state("HY093", Phase::InUse), Verdict::Client);
    for nothing in ["", "00000", "HY000"] {
        assert_eq!(state(nothing, Phase::InUse), Verdict::Unknown);
    }
}

#[test]
fn effects_follow_from_the_verdict() {
    for verdict in Verdict::ALL {
        let excludes = matches!(verdict, Verdict::Down | Verdict::NotWritable);
        let elsewhere = excludes || verdict == Verdict::Overloaded;
        assert_eq!(excludes_node(verdict), excludes, "{verdict:?}");
        assert_eq!(retry_elsewhere(verdict), elsewhere, "{verdict:?}");
    }
    let words: Vec<_> = Verdict::ALL.map(Verdict::as_str).to_vec();
    let expected = [
        "down",
        "not_writable",
        "lost",
        "conflict",
        "overloaded",
        "client",
        "unknown",
    ];
    assert_eq!(words, expected);
}

#[test]
fn a_refusal_names_the_role() {
    for number in [1290, 1836, 1874, 1792, 3100] {
        assert_eq!(role_after(number), Some(RoleAfter::Reader), "{number}");
    }
    for number in [1047, 3032, 6400, 3092, 3781, 3799] {
        assert_eq!(role_after(number), Some(RoleAfter::Unready), "{number}");
    }
    for number in [0, 1045, 1213, 2002, 2006] {
        assert_eq!(role_after(number), None, "{number}");
    }
}

proptest! {
    #[test]
    fn anything_gets_a_verdict(
        errno in proptest::option::of(any::<u32>()),
        sqlstate in proptest::option::of(".{0,6}"),
        message in "\\PC{0,80}",
        prefix in prop_oneof![Just(""), Just("SQLSTATE["), Just("SQLSTATE[HY000] ["), Just("--"), Just("SQLSTATE[HY000]: a: ")],
    ) {
        let message = format!("{prefix}{message}");
        let seen = ErrorSeen { errno, sqlstate: sqlstate.as_deref(), message: &message };
        for phase in [Phase::Dial, Phase::InUse] {
            let verdict = classify(&seen, phase);
            // A refusal always comes with a role.
            let role = seen.number(phase).and_then(role_after);
            prop_assert!(verdict != Verdict::NotWritable || role.is_some());
            prop_assert!(phase == Phase::InUse || verdict != Verdict::Lost);
        }
    }

    #[test]
    fn a_numbered_error_is_never_unknown(number in 1u32..) {
        prop_assume!(number != 2000);
        prop_assert_ne!(errno(number, Phase::InUse), Verdict::Unknown);
    }
}
