use super::*;
use std::sync::atomic::AtomicU32;

fn at(ip: &str) -> SocketAddr {
    SocketAddr::new(ip.parse().unwrap(), 0)
}

fn resolver(how: LookUp) -> Resolver {
    Resolver {
        how: Some(how),
        ..Resolver::default()
    }
}

fn ask(resolver: &Resolver, eagerly: bool, ms: u64) -> (Result<Vec<SocketAddr>>, u64) {
    let began = now_ms();
    let answer = resolver.addresses("db.example", 3306, eagerly, Deadline::after_ms(ms));
    (answer, now_ms() - began)
}

/// As if the last answer were so old.
fn age(resolver: &Resolver, ms: u64) {
    let mut known = resolver.name.known.lock();
    known.ended_ms = known.ended_ms.map(|ended| ended.saturating_sub(ms));
}

fn settle(resolver: &Resolver) {
    let mut known = resolver.name.known.lock();
    let limit = Duration::from_secs(5);
    let told = &resolver.name.told;
    told.wait_while_for(&mut known, |known| known.under_way, limit);
}

#[test]
fn an_address_is_its_own_answer() {
    let never: LookUp = |_| Answer::Failed("asked".to_owned());
    let resolver = resolver(never);
    let deadline = Deadline::after_ms(100);
    let answer = resolver.addresses("::1", 7, true, deadline).unwrap();
    assert_eq!(answer, ["[::1]:7".parse().unwrap()]);
}

#[test]
fn an_answer_that_changes_is_followed() {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    let resolver = resolver(|_| {
        let call = CALLS.fetch_add(1, Ordering::Relaxed);
        Answer::Addresses(vec![at(&format!("10.0.0.{call}"))])
    });
    let first = ask(&resolver, false, 1_000).0.unwrap();
    assert_eq!(first, ["10.0.0.0:3306".parse().unwrap()]);
    assert_eq!(
        ask(&resolver, false, 1_000).0.unwrap(),
        first,
        "it is fresh"
    );
    age(&resolver, FRESH_MS);
    // The old answer is given at once; the new one is for the next question.
    assert_eq!(ask(&resolver, false, 1_000).0.unwrap(), first);
    settle(&resolver);
    let second = ask(&resolver, false, 1_000).0.unwrap();
    assert_eq!(second, ["10.0.0.1:3306".parse().unwrap()]);
    // After a failure the new one is waited for.
    age(&resolver, FRESH_AFTER_FAILURE_MS);
    let third = ask(&resolver, true, 1_000).0.unwrap();
    assert_eq!(third, ["10.0.0.2:3306".parse().unwrap()]);
}

#[test]
fn a_slow_resolver_is_not_waited_for_beyond_the_deadline() {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    let resolver = resolver(|_| {
        CALLS.fetch_add(1, Ordering::Relaxed);
        std::thread::park_timeout(Duration::from_millis(600));
        Answer::Addresses(vec![at("10.0.0.9")])
    });
    for _ in 0..2 {
        let (answer, took) = ask(&resolver, true, 100);
        assert!(matches!(answer, Err(WireError::Resolver(_))));
        assert!((99..170).contains(&took), "{took} ms");
    }
    settle(&resolver);
    assert_eq!(CALLS.load(Ordering::Relaxed), 1, "one look-up at a time");
    age(&resolver, FRESH_AFTER_FAILURE_MS);
    // Now there is something to go by, and little is spared for newer answers.
    let (answer, took) = ask(&resolver, true, 200);
    assert_eq!(answer.unwrap(), ["10.0.0.9:3306".parse().unwrap()]);
    assert!((49..110).contains(&took), "{took} ms");
}

#[test]
fn a_resolver_that_fails_leaves_what_was_good() {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    let resolver = resolver(|_| match CALLS.fetch_add(1, Ordering::Relaxed) {
        0 => Answer::Failed("try again".to_owned()),
        1 => Answer::Addresses(vec![at("10.0.0.1")]),
        2 => Answer::Failed("try again".to_owned()),
        _ => Answer::NoSuchName("not known".to_owned()),
    });
    let error = ask(&resolver, false, 1_000).0.unwrap_err();
    assert!(matches!(error, WireError::Resolver(_)), "{error}");
    let next = |resolver: &Resolver| {
        age(resolver, FRESH_MS);
        ask(resolver, true, 1_000).0
    };
    let good = next(&resolver).unwrap();
    assert_eq!(next(&resolver).unwrap(), good, "the last good ones");
    assert!(
        matches!(next(&resolver), Err(WireError::Name(_))),
        "it is gone"
    );
}

#[test]
fn look_ups_are_counted_anew_in_a_forked_child() {
    let word = |generation: u64, count: u64| generation << 32 | count;
    assert_eq!(Slot::count(word(3, 64), 3), 64);
    assert_eq!(Slot::count(word(3, 64), 4), 0);
}
