//! Nodes that are known by name: answers that change are followed, a resolver
//! that is slow, dead or confused keeps no other node waiting, and says nothing
//! about the node it was asked for. In namespaces of its own, with a name
//! server of its own.

mod support;

use std::fs;
use std::net::{Ipv4Addr, UdpSocket};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use amm_rig::faulty::{Faulty, Script};
use amm_rig::process;
use amm_rig::run_dir::RunDir;
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use support::engine::Watched;
use support::{ms, proc, until};

/// Set in the process that has the namespaces.
const INSIDE: &str = "AMM_TEST_NAMESPACES";
const PORT: u16 = 33_060;
const PATIENCE: Duration = Duration::from_secs(6);
/// Probes are so far apart.
const INTERVAL: Duration = Duration::from_millis(200);
/// What may come on top.
const SLACK: Duration = Duration::from_millis(150);

/// What the name server says.
#[derive(Clone, Debug)]
enum Says {
    /// Its addresses.
    These(Vec<Ipv4Addr>),
    /// The same, so much later.
    Late(Duration, Vec<Ipv4Addr>),
    /// There is no such name.
    NoName,
    /// It cannot tell now.
    Failure,
    /// Nothing.
    Nothing,
}

#[derive(Clone)]
struct NameServer(Arc<Mutex<Says>>);

impl NameServer {
    fn start(says: Says) -> Result<Self> {
        let socket = UdpSocket::bind("127.0.0.1:53")?;
        let its = Self(Arc::new(Mutex::new(says)));
        let server = its.clone();
        std::thread::spawn(move || server.serve(&socket));
        Ok(its)
    }

    fn set(&self, says: Says) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = says;
    }

    fn serve(&self, socket: &UdpSocket) {
        let mut question = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut question) {
            let question = question[..length].to_vec();
            let says = self
                .0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone();
            match says {
                Says::Nothing => {}
                Says::Late(by, addresses) => {
                    let Ok(socket) = socket.try_clone() else {
                        continue;
                    };
                    std::thread::spawn(move || {
                        std::thread::sleep(by);
                        socket.send_to(&answer(&question, 0, &addresses), from)
                    });
                }
                Says::These(addresses) => {
                    drop(socket.send_to(&answer(&question, 0, &addresses), from));
                }
                Says::NoName => drop(socket.send_to(&answer(&question, 3, &[]), from)),
                Says::Failure => drop(socket.send_to(&answer(&question, 2, &[]), from)),
            }
        }
    }
}

/// An answer of RFC 1035 with this code: the addresses, where IPv4 is asked for.
fn answer(question: &[u8], code: u8, addresses: &[Ipv4Addr]) -> Vec<u8> {
    let name = 12
        + question[12..]
            .iter()
            .position(|&byte| byte == 0)
            .unwrap_or(0)
        + 1;
    let asks_v4 = question[name..name + 2] == [0, 1];
    let addresses = if asks_v4 { addresses } else { &[] };
    let mut answer = question[..2].to_vec();
    answer.extend_from_slice(&[
        0x81,
        0x80 | code,
        0,
        1,
        0,
        addresses.len() as u8,
        0,
        0,
        0,
        0,
    ]);
    answer.extend_from_slice(&question[12..name + 4]);
    for address in addresses {
        // The name above, type A, class IN, for one second, four bytes.
        answer.extend_from_slice(&[0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4]);
        answer.extend_from_slice(&address.octets());
    }
    answer
}

fn loopback(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, 0, last)
}

fn start(last: u8) -> Result<Faulty> {
    let address = format!("{}:{PORT}", loopback(last)).parse()?;
    Faulty::start(&address, Script::healthy())
}

fn cluster() -> Value {
    json!({
        "flavour": "read_only",
        "multi_source": true,
        "writers": "spread",
        "nodes": [format!("db.test:{PORT}"), format!("127.0.0.4:{PORT}")],
        "username": "probe",
        "probe_interval": "200ms",
        "probe_timeout": "200ms",
        "hold_down": "100ms",
        "backoff": { "base": "100ms", "max": "200ms" },
    })
}

/// Runs a command of the system's.
fn run(program: &str, arguments: &[&str]) -> Result<()> {
    let status = Command::new(process::program(program)?)
        .args(arguments)
        .status()?;
    ensure!(status.success(), "{program} {arguments:?}: {status}");
    Ok(())
}

/// Has this process's names looked up by the server on 127.0.0.1 alone.
fn make_ours(folder: &Path) -> Result<()> {
    run("ip", &["link", "set", "lo", "up"])?;
    for (file, text) in [
        ("hosts", "127.0.0.1 localhost\n"),
        ("resolv.conf", "nameserver 127.0.0.1\n"),
        ("nsswitch.conf", "hosts: files dns\n"),
    ] {
        let ours = folder.join(file);
        fs::write(&ours, text)?;
        let theirs = fs::canonicalize(Path::new("/etc").join(file))?;
        run(
            "mount",
            &["--bind", &ours.to_string_lossy(), &theirs.to_string_lossy()],
        )?;
    }
    Ok(())
}

/// The longest time without a query since `began`.
fn longest_gap(server: &Faulty, began: Instant) -> Duration {
    let mut last = began;
    let mut longest = Duration::ZERO;
    let times = server.queries().into_iter().filter(|at| *at >= began);
    for at in times.chain([Instant::now()]) {
        longest = longest.max(at - last);
        last = at;
    }
    longest
}

/// Nobody has waited and nobody was found wanting for `time`.
fn stays_well(watched: &Watched, servers: [&Faulty; 2], time: Duration, what: &str) -> Result<()> {
    let began = Instant::now();
    let pid = std::process::id() as i32;
    while began.elapsed() < time {
        for node in watched.status().nodes {
            assert_eq!(
                (node.health, node.probe),
                ("up", "answered"),
                "{what}: {}",
                node.id
            );
        }
        assert!(proc::threads_named(pid, "amm-resolve")? <= 1, "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
    for server in servers {
        let gap = longest_gap(server, began);
        assert!(
            gap <= INTERVAL + SLACK,
            "{what}: {gap:?} without a probe of {}",
            server.id()
        );
    }
    Ok(())
}

#[test]
fn names_are_followed_and_resolvers_trouble_nobody() -> Result<()> {
    if std::env::var_os(INSIDE).is_none() {
        let own = std::env::current_exe()?;
        let status = Command::new(process::program("unshare")?)
            .args(["--mount", "--net"])
            .arg(own)
            .args(["--exact", "names_are_followed_and_resolvers_trouble_nobody"])
            .args(["--nocapture"])
            .env(INSIDE, "1")
            .status()?;
        ensure!(status.success(), "in the namespaces: {status}");
        return Ok(());
    }
    let run = RunDir::create()?;
    make_ours(run.path())?;
    let (one, two) = (
        Says::These(vec![loopback(2)]),
        Says::These(vec![loopback(3)]),
    );
    let names = NameServer::start(one.clone())?;
    let (first, second, other) = (start(2)?, start(3)?, start(4)?);
    let watched = Watched::start(&run, "names", &cluster())?;
    watched.until(PATIENCE, 0, "the name is found", |n| n.probe == "answered")?;
    watched.until(PATIENCE, 1, "the other is found", |n| n.probe == "answered")?;
    assert_eq!((first.open(), second.accepted()), (1, 0));

    // The endpoint moves: the probes move with it, and nothing failed.
    names.set(two.clone());
    let (_, moved) = until(PATIENCE, "it is followed", || {
        let open = (first.open(), second.open());
        Ok((open == (0, 1)).then_some(()).ok_or(format!("{open:?}")))
    })?;
    let seconds = Duration::from_secs;
    stays_well(&watched, [&second, &other], seconds(1), "moved")?;

    // Answers that come late, are none, or do not come: the last good ones hold.
    let late = Says::Late(seconds(10), vec![loopback(3)]);
    names.set(late.clone());
    stays_well(&watched, [&second, &other], seconds(4), "slow")?;
    names.set(Says::Failure);
    stays_well(&watched, [&second, &other], seconds(4), "failing")?;
    names.set(Says::Nothing);
    stays_well(&watched, [&second, &other], seconds(4), "dead")?;

    // One that has no last good ones knows nothing, and bans nobody.
    let fresh = Watched::start(&run, "fresh", &cluster())?;
    fresh.until(PATIENCE, 0, "nothing is known", |n| {
        n.probe == "inconclusive"
    })?;
    let began = Instant::now();
    fresh.until(PATIENCE, 1, "the other is found", |n| n.probe == "answered")?;
    std::thread::sleep(seconds(2));
    assert!(longest_gap(&other, began) <= INTERVAL + SLACK);
    let unknown = &fresh.status().nodes[0];
    assert_eq!((unknown.health, unknown.probe), ("up", "inconclusive"));
    drop(fresh);

    // What the last good address shows counts, whatever the resolver does.
    drop(second);
    let down = watched.until(PATIENCE, 0, "it is gone", |n| n.health == "down")?;
    names.set(one.clone());
    // The look-up under way must come to its end first: 2 attempts of 5 s.
    let back = watched.until(seconds(15), 0, "its successor is found", |n| {
        n.probe == "answered" && n.health == "up"
    })?;

    // A name that is gone fails its node, and only that.
    names.set(Says::NoName);
    let gone = watched.until(PATIENCE, 0, "there is no such name", |n| n.health == "down")?;
    assert_eq!(watched.status().nodes[1].health, "up");
    names.set(one);
    let again = watched.until(PATIENCE, 0, "it is back", |n| n.health == "up")?;

    // Of several addresses the first that takes connections is used.
    let deaf = Faulty::start_deaf(&format!("127.0.0.8:{PORT}").parse()?)?;
    names.set(Says::These(vec![loopback(9), loopback(8), loopback(2)]));
    first.hang_up();
    let accepted = first.accepted();
    until(PATIENCE, "the third is dialled", || {
        let now = first.accepted();
        Ok((now > accepted)
            .then_some(())
            .ok_or(format!("{now} of {accepted}")))
    })?;
    for _ in 0..3 {
        first.hang_up();
        std::thread::sleep(INTERVAL);
        watched.until(PATIENCE, 0, "the third answers", |n| {
            n.health == "up" && n.probe == "answered"
        })?;
    }
    drop(deaf);
    watched.stop().context("the end")?;
    println!(
        "names: moved_ms={} down_by_last_address_ms={} successor_ms={} gone_ms={} again_ms={}",
        ms(moved),
        ms(down),
        ms(back),
        ms(gone),
        ms(again)
    );
    Ok(())
}
