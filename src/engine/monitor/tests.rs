use super::*;
use crate::cluster::Cluster;
use crate::lease;
use crate::shm::Location;
use crate::testing::definition;
use amm_core::config::Value;
use amm_core::node::Health;
use amm_core::trial::{self, Token};
use std::net::TcpListener;

fn host(name: &str) -> Arc<Host> {
    let path = crate::testing::folder().join(format!("amm-monitor-{}-{name}", std::process::id()));
    Arc::new(Host::open(Location { path, mode: 0o600 }, now_ms()).unwrap())
}

fn probed(port: u16) -> Arc<Definition> {
    let keys = [
        ("flavour", Value::from("galera")),
        ("username", "amm".into()),
    ];
    definition(&[&format!("127.0.0.1:{port}")], &keys)
}

fn look(host: &Host, definition: &Arc<Definition>) -> Cluster {
    Cluster::attach(Arc::clone(definition), host.mapping(), now_ms()).unwrap()
}

/// Milliseconds until `happened`, at most `limit`.
fn until(limit: u64, happened: impl Fn() -> bool) -> u64 {
    let began = now_ms();
    while !happened() {
        assert!(now_ms() - began <= limit, "not within {limit} ms");
        std::thread::park_timeout(std::time::Duration::from_millis(2));
    }
    now_ms() - began
}

fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

#[test]
fn a_node_that_refuses_connections_is_found_down_by_its_probe() {
    let host = host("down");
    let definition = probed(closed_port());
    let cluster = look(&host, &definition);
    let monitor = Monitor::start(Arc::clone(&host)).unwrap();
    monitor.care_for(&definition, false);
    until(2_000, || cluster.node(0).load().health == Health::Down);
    assert!(cluster.is_watched(0, now_ms()));
    monitor.stop(true);
    assert!(!cluster.is_led(now_ms()), "the lease is given back");
}

#[test]
fn a_node_that_greets_nobody_is_found_late_and_others_are_not_kept_waiting() {
    let host = host("hung");
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let hung = silent.local_addr().unwrap().port();
    let refused = closed_port();
    let keys = [
        ("flavour", Value::from("galera")),
        ("username", "amm".into()),
    ];
    let nodes = [format!("127.0.0.1:{hung}"), format!("127.0.0.1:{refused}")];
    let definition = definition(&[&nodes[0], &nodes[1]], &keys);
    let cluster = look(&host, &definition);
    let monitor = Monitor::start(Arc::clone(&host)).unwrap();
    monitor.care_for(&definition, false);
    until(2_000, || cluster.node(1).load().health == Health::Down);
    let hung_node = cluster.node(0).load().health;
    assert_ne!(
        hung_node,
        Health::Down,
        "the refusing node waited for the hung one"
    );
    until(3_000, || cluster.node(0).load().health == Health::Down);
    monitor.stop(true);
}

#[test]
fn a_deputy_takes_over_within_a_second() {
    let definition = probed(closed_port());
    let (first, second) = (host("lease"), host("lease"));
    let cluster = look(&first, &definition);
    // A leader that was killed: its claim stands, nobody renews it.
    let now = now_ms();
    cluster.shared().lease.store(
        trial::claim(Token::new(9), now + lease::TTL_MS),
        Ordering::Release,
    );
    let monitors: Vec<Monitor> = [&first, &second]
        .map(|host| {
            let monitor = Monitor::start(Arc::clone(host)).unwrap();
            monitor.care_for(&definition, false);
            monitor
        })
        .into();
    let holds =
        |host: &Host| trial::is_held_by(cluster.shared().lease.load(Ordering::Acquire), host.token);
    let took = until(1_000, || holds(&first) || holds(&second));
    assert!(
        took >= 400,
        "the dead leader's claim had to end first, {took} ms"
    );
    // The one that leads ends in order: the other follows at once.
    let (leader, deputy) = if holds(&first) {
        (0, &second)
    } else {
        (1, &first)
    };
    let mut monitors = monitors;
    monitors.remove(leader).stop(true);
    until(1_000, || holds(deputy));
    monitors.remove(0).stop(true);
}

/// A prober that has nothing to tell but for how often it lacked the means.
struct Idle {
    unable: Arc<AtomicU32>,
}

impl prober::NodeProber for Idle {
    fn is_alive(&self) -> bool {
        true
    }

    fn progress(&self) -> prober::Progress {
        prober::Progress::Idle
    }

    fn probe(&self, _now_ms: u64, _word: u64, _afresh: bool) {}

    fn abandon(&self) {}

    fn unable(&self) -> u32 {
        self.unable.load(Ordering::Relaxed)
    }
}

fn idle(unable: &Arc<AtomicU32>) -> prober::StartProber {
    let unable = Arc::clone(unable);
    Arc::new(move |_, _| {
        Ok(Box::new(Idle {
            unable: Arc::clone(&unable),
        }))
    })
}

/// Two seats of one cluster: the first starts its probers like that, the second
/// well.
fn two_seats(first: prober::StartProber) -> (Seat, Seat, Arc<Cluster>) {
    let mapping = Arc::new(Mapping::private().unwrap());
    let cluster = Arc::new(Cluster::attach(probed(1), mapping, 1_000).unwrap());
    let seat = |token, start| Seat::new(Arc::clone(&cluster), Token::new(token), start, 1_000);
    (seat(1, first), seat(2, idle(&Arc::default())), cluster)
}

fn leads(cluster: &Cluster, token: u64) -> bool {
    let lease = cluster.shared().lease.load(Ordering::Acquire);
    trial::is_held_by(lease, Token::new(token))
}

#[test]
fn a_leader_without_means_hands_over_to_its_deputy_and_stays_away() {
    let unable = Arc::new(AtomicU32::new(0));
    let (mut poor, mut other, cluster) = two_seats(idle(&unable));
    poor.tend(1_000);
    other.tend(1_010);
    unable.store(2, Ordering::Relaxed);
    poor.tend(1_020);
    other.tend(1_021);
    assert!(leads(&cluster, 2));
    // It comes back as a deputy, long after.
    let mut now = 1_100;
    while now < 4_000 {
        assert!(poor.tend(now).is_some_and(|ms| ms <= 3_000));
        assert_eq!(lease::age_ms(&cluster.shared().deputy, now), None);
        other.tend(now);
        now += 100;
    }
    poor.tend(now + 100);
    assert!(lease::age_ms(&cluster.shared().deputy, now + 100).is_some());
}

#[test]
fn a_leader_that_gets_no_threads_says_so_and_hands_over() {
    let (mut poor, mut other, cluster) =
        two_seats(Arc::new(|_, _| Err(std::io::ErrorKind::WouldBlock.into())));
    poor.tend(1_000);
    other.tend(1_001);
    let outcome = cluster.node(0).last_probe().outcome;
    assert_eq!(outcome, crate::node::ProbeOutcome::Unable);
    assert!(cluster.node(0).load().is_writable(), "nobody is banned");
    let mut now = 1_000;
    while leads(&cluster, 1) {
        now += 100;
        assert!(now <= 2_500);
        poor.tend(now);
        other.tend(now);
    }
    assert!(now >= 2_000, "two attempts, a second apart: {now}");
    other.tend(now + 1);
    assert!(leads(&cluster, 2));
}
