//! Processes of every kind are killed, stopped and woken at random while they
//! attach, dial, claim, probe and publish. Meanwhile and afterwards nothing may
//! be stuck, lost or mis-shared. `AMM_LONG=1` does it for a minute; `AMM_SEED`
//! repeats a run's choices, though not its timing.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use amm_engine::clock::now_ms;
use amm_engine::lease;
use amm_engine::shm::{Location, Mapping};
use amm_rig::fpm::FpmOptions;
use amm_rig::process::Process;
use amm_rig::run_dir::RunDir;
use anyhow::{Context, Result, anyhow, ensure};
use serde_json::{Value, json};
use support::agent::Agent;
use support::doubles::Doubles;
use support::engine::definition;
use support::pool::{Pages, Pool};
use support::service::{Service, config_file};
use support::{ms, proc, until};

const WORKERS: usize = 8;
const CLIENTS: usize = 4;
const CHURNERS: usize = 4;
/// No process that was not stopped itself may be kept waiting longer, on a
/// machine that is busy with killing.
const BOUND: Duration = Duration::from_secs(3);

/// What is done to all of them.
#[derive(Default)]
struct Figures {
    kills: AtomicU64,
    stops: AtomicU64,
    churned: AtomicU64,
    served: AtomicU64,
    cut_off: AtomicU64,
    slowest_us: AtomicU64,
    /// The process that leads the first cluster, as last seen.
    leader: AtomicI32,
    /// Workers that were stopped at some time: what they served says nothing.
    stopped: Mutex<BTreeSet<i32>>,
}

/// xorshift64*.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % limit
    }
}

/// The clusters, all of them in one shared file: which nodes they have, and
/// what each node has to look like throughout.
///
/// | | whole | mixed | part | gone | own |
/// | --- | --- | --- | --- | --- | --- |
/// | nodes | first 0 1 2 3 | second 0 1 2 3 | first 0 1 | third 0 1 | first 0 |
/// | dead | 3 | | | all | |
/// | reader | | 0 | | | |
/// | operator | 2 draining | 1 disabled | 0 draining | | |
struct Stage {
    first: Doubles,
    second: Doubles,
    third: Doubles,
}

impl Stage {
    fn configs(&self) -> BTreeMap<&'static str, Value> {
        let keys = json!({ "probe_interval": "200ms", "backoff": { "base": "1m", "max": "1m" } });
        let of = |doubles: &Doubles, nodes: &[usize]| {
            let mut config = doubles.config(keys.clone());
            config["nodes"] = nodes.iter().map(|node| doubles.id(*node)).collect();
            config
        };
        BTreeMap::from([
            ("whole", of(&self.first, &[0, 1, 2, 3])),
            ("mixed", of(&self.second, &[0, 1, 2, 3])),
            ("part", of(&self.first, &[0, 1])),
            ("gone", of(&self.third, &[0, 1])),
            ("own", of(&self.first, &[0])),
        ])
    }

    /// What a cluster's `status()` must show of the nodes that are not plain.
    fn wrong(&self, name: &str, status: &Value) -> Option<String> {
        let seen = |id: String, key: &str| status["nodes"][id][key].clone();
        let expected = match name {
            "whole" => vec![
                (self.first.id(3), "health", json!("down")),
                (self.first.id(3), "writable", json!(false)),
                (self.first.id(2), "admin", json!("draining")),
                (self.first.id(0), "admin", json!("enabled")),
                (self.first.id(1), "admin", json!("enabled")),
            ],
            "mixed" => vec![
                (self.second.id(0), "role", json!("reader")),
                (self.second.id(0), "writable", json!(false)),
                (self.second.id(1), "admin", json!("disabled")),
                (self.second.id(1), "writable", json!(false)),
                (self.second.id(2), "admin", json!("enabled")),
                (self.second.id(2), "role", json!("writer")),
            ],
            "part" => vec![
                (self.first.id(0), "admin", json!("draining")),
                (self.first.id(1), "admin", json!("enabled")),
            ],
            _ => Vec::new(),
        };
        expected.into_iter().find_map(|(id, key, value)| {
            let found = seen(id.clone(), key);
            (found != value).then(|| format!("{name}: {id}: {key} is {found}, not {value}"))
        })
    }
}

/// Requests without end; what the pool's killed workers had under way is cut
/// off, anything else has to go well.
fn client(pool: &Pool, figures: &Figures, done: &AtomicBool, number: usize) -> Result<()> {
    let mut turn = number;
    while !done.load(Ordering::Acquire) {
        turn += 1;
        let config = ["whole", "mixed", "part"][turn % 3];
        let Ok(reply) = pool.get(&format!("config={config}")) else {
            figures.cut_off.fetch_add(1, Ordering::Relaxed);
            continue;
        };
        ensure!(reply.status == 200, "{config}: {reply:?}");
        figures.served.fetch_add(1, Ordering::Relaxed);
        let pid = reply.body["pid"].as_i64().unwrap_or(0) as i32;
        let stopped = figures.stopped.lock().map_err(|_| anyhow!("a panic"))?;
        if !stopped.contains(&pid) {
            let took = reply.body["took_us"].as_u64().context("no time")?;
            figures.slowest_us.fetch_max(took, Ordering::Relaxed);
        }
    }
    Ok(())
}

/// Short-lived processes without end.
fn churn(
    run: &RunDir,
    pages: &Pages,
    pids: &Mutex<BTreeMap<usize, i32>>,
    figures: &Figures,
    done: &AtomicBool,
    number: usize,
) -> Result<()> {
    let folder = run.path().join("site").display().to_string();
    let script = run.path().join("site/churn.php");
    let log = run.path().join(format!("churn-{number}.log"));
    while !done.load(Ordering::Acquire) {
        let arguments = [folder.as_str(), "whole", "gone", "own", "mixed", "part"];
        let command = pages.php.script(&script, &arguments);
        let process = Process::spawn(run, "churn", command, libc::SIGKILL, &log)?;
        let mut all = pids.lock().map_err(|_| anyhow!("a panic"))?;
        all.insert(number, process.pid());
        drop(all);
        process.wait(Duration::from_secs(20))?;
        figures.churned.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

/// Kills and stops at random until it is told to end; wakes all it stopped.
fn kill(
    run: &RunDir,
    pages: &Pages,
    pool: &Pool,
    pids: &Mutex<BTreeMap<usize, i32>>,
    figures: &Figures,
    lasting: Duration,
    mut dice: Dice,
) -> Result<Service> {
    let mut service = Service::start(run, &pages.php)?;
    let mut asleep: Vec<(i32, Instant)> = Vec::new();
    let send = |pid: i32, signal: i32| {
        // SAFETY: kill has no memory effects. The pid was just listed as that of
        // a child of this test's; one that has ended since is not there, and
        // numbers are not given again so soon.
        unsafe { libc::kill(pid, signal) == 0 }
    };
    let began = Instant::now();
    while began.elapsed() < lasting {
        std::thread::sleep(Duration::from_micros(500 + dice.below(10_000)));
        let now = Instant::now();
        asleep.retain(|(pid, until)| *until > now || !send(*pid, libc::SIGCONT));
        if service.wait(Duration::ZERO).is_ok() {
            service = Service::start(run, &pages.php)?;
        }
        let kind = dice.below(100);
        let targets = match kind {
            0..3 => vec![service.pid()],
            3..40 => proc::children(pool.fpm.pid()),
            40..45 => vec![figures.leader.load(Ordering::Relaxed)],
            _ => {
                let parents: Vec<i32> = {
                    let all = pids.lock().map_err(|_| anyhow!("a panic"))?;
                    all.values().copied().collect()
                };
                let mut all = parents.clone();
                for parent in parents {
                    all.extend(proc::children(parent));
                }
                all
            }
        };
        let chosen = dice.below(targets.len().max(1) as u64) as usize;
        let Some(&target) = targets.get(chosen).filter(|pid| **pid > 0) else {
            continue;
        };
        if dice.below(10) == 0 {
            if send(target, libc::SIGSTOP) {
                figures.stops.fetch_add(1, Ordering::Relaxed);
                let mut stopped = figures.stopped.lock().map_err(|_| anyhow!("a panic"))?;
                stopped.insert(target);
                let time = Duration::from_millis(20 + dice.below(1_800));
                asleep.push((target, Instant::now() + time));
            }
        } else if send(target, libc::SIGKILL) {
            figures.kills.fetch_add(1, Ordering::Relaxed);
        }
    }
    for (pid, _) in asleep {
        send(pid, libc::SIGCONT);
    }
    if service.wait(Duration::ZERO).is_ok() {
        service = Service::start(run, &pages.php)?;
    }
    Ok(service)
}

/// What observers saw while it went on.
struct Seen {
    looks: u64,
    leaders: BTreeSet<u64>,
    leaderless: Duration,
    probe_gap_ms: u64,
}

/// Looks at the clusters all the time.
fn observe(
    agents: &mut BTreeMap<&str, Agent>,
    stage: &Stage,
    figures: &Figures,
    done: &AtomicBool,
) -> Result<Seen> {
    let mut seen = Seen {
        looks: 0,
        leaders: BTreeSet::new(),
        leaderless: Duration::ZERO,
        probe_gap_ms: 0,
    };
    let mut led = Instant::now();
    while !done.load(Ordering::Acquire) {
        for (name, agent) in agents.iter_mut() {
            let status = agent.status()?;
            if let Some(wrong) = stage.wrong(name, &status) {
                return Err(anyhow!("{wrong}: {status}"));
            }
            if *name == "whole" {
                match status["leader"]["pid"].as_u64() {
                    Some(pid) => {
                        figures.leader.store(pid as i32, Ordering::Relaxed);
                        seen.leaders.insert(pid);
                        seen.leaderless = seen.leaderless.max(led.elapsed());
                        led = Instant::now();
                    }
                    None => seen.leaderless = seen.leaderless.max(led.elapsed()),
                }
                let age = status["nodes"][stage.first.id(0)]["probe_age_ms"].as_u64();
                seen.probe_gap_ms = seen.probe_gap_ms.max(age.unwrap_or(0));
            }
            seen.looks += 1;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(seen)
}

/// The shared file holds the clusters there are and no others, each with its
/// own nodes, and no claim that is over without looking it.
fn examine(folder: &Path, stage: &Stage) -> Result<()> {
    // As it is at this moment, in a file of our own: theirs is theirs alone.
    let shared = fs::read_dir(folder)?
        .next()
        .context("no shared file")??
        .path();
    let path = folder.with_file_name("shm-snapshot");
    fs::copy(&shared, &path)?;
    let mapping = Mapping::open(&Location { path, mode: 0o600 })?;
    let mut expected = BTreeMap::new();
    for config in stage.configs().values() {
        let definition = definition(config)?;
        let nodes: BTreeSet<u64> = definition.nodes.iter().map(|node| node.identity).collect();
        expected.insert(definition.identity, nodes);
    }
    let mut found = BTreeMap::new();
    let now = now_ms();
    for slot in &mapping.region().clusters {
        let identity = slot.identity.load(Ordering::Acquire);
        if identity == 0 {
            continue;
        }
        let nodes: BTreeSet<u64> = slot
            .nodes
            .iter()
            .map(|node| node.identity.load(Ordering::Acquire))
            .filter(|identity| *identity != 0)
            .collect();
        ensure!(
            found.insert(identity, nodes).is_none(),
            "a cluster has two slots"
        );
        for word in slot
            .nodes
            .iter()
            .map(|node| &node.trial)
            .chain(&slot.waiters)
        {
            let claim = word.load(Ordering::Acquire);
            let free = amm_core::trial::is_free(claim, now, 5_000);
            ensure!(free, "a claim outlives its holder: {claim:x} at {now}");
        }
        for word in [&slot.lease, &slot.deputy] {
            let age = lease::age_ms(word, now).unwrap_or(0);
            ensure!(age <= lease::TTL_MS, "a lease {age} ms old");
        }
    }
    ensure!(found == expected, "found {found:?}, expected {expected:?}");
    Ok(())
}

#[test]
fn whatever_is_killed_nothing_is_stuck_lost_or_mis_shared() -> Result<()> {
    let long = std::env::var_os("AMM_LONG").is_some();
    let lasting = Duration::from_secs(if long { 60 } else { 15 });
    let seed = match std::env::var("AMM_SEED") {
        Ok(seed) => seed.parse()?,
        Err(_) => now_ms() | 1,
    };
    let run = RunDir::create()?;
    let mut stage = Stage {
        first: Doubles::start(4)?,
        second: Doubles::start(4)?,
        third: Doubles::start(2)?,
    };
    stage.second.set_read_only(0, true)?;
    (0..2).for_each(|index| stage.third.down(index));
    let configs = stage.configs();
    let named: Vec<(&str, &Value)> = configs
        .iter()
        .map(|(name, config)| (*name, config))
        .collect();
    let more = "probe_interval = \"200ms\"\nbackoff = { base = \"1m\", max = \"1m\" }";
    let toml = config_file(run.path(), &stage.first.ids(), more)?;
    let toml = toml.display().to_string();
    let ini = [("amm.config", toml.as_str()), ("amm.log_level", "off")];
    let pages = Pages::prepare(&run, &named, &ini)?;
    fs::write(
        run.path().join("site/churn.php"),
        include_str!("pages/churn.php"),
    )?;
    let pool = pages.serve(&run, &FpmOptions::new(WORKERS))?;
    let off = [("amm.monitor", "off")];
    let mut agents = BTreeMap::new();
    for name in ["whole", "mixed", "part"] {
        let agent = Agent::start(&run, &pages.php, name, &configs[name], &off)?;
        agents.insert(name, agent);
    }

    // Bring everything into its state before.
    pool.ask(&format!("config=whole&do=drain&node={}", stage.first.id(2)))?;
    pool.ask(&format!(
        "config=mixed&do=disable&node={}",
        stage.second.id(1)
    ))?;
    pool.ask(&format!("config=part&do=drain&node={}", stage.first.id(0)))?;
    stage.first.down(3);
    for (name, agent) in &mut agents {
        until(Duration::from_secs(5), "the clusters are as wanted", || {
            pool.ask(&format!("config={name}"))?;
            let status = agent.status()?;
            Ok(stage.wrong(name, &status).map_or(Ok(()), Err))
        })?;
    }

    let figures = Figures::default();
    let (done, pids) = (AtomicBool::new(false), Mutex::new(BTreeMap::new()));
    let (service, seen) = std::thread::scope(|scope| -> Result<(Service, Seen)> {
        let mut others = Vec::new();
        for number in 0..CLIENTS {
            let (pool, figures, done) = (&pool, &figures, &done);
            others.push(scope.spawn(move || client(pool, figures, done, number)));
        }
        for number in 0..CHURNERS {
            let (run, pages, pids, figures, done) = (&run, &pages, &pids, &figures, &done);
            others.push(scope.spawn(move || churn(run, pages, pids, figures, done, number)));
        }
        let observer = scope.spawn(|| observe(&mut agents, &stage, &figures, &done));
        let dice = Dice(seed | 1);
        let service = kill(&run, &pages, &pool, &pids, &figures, lasting, dice);
        done.store(true, Ordering::Release);
        let seen = observer.join().map_err(|_| anyhow!("a panic"))?;
        for other in others {
            other.join().map_err(|_| anyhow!("a panic"))??;
        }
        Ok((service?, seen?))
    })?;
    for number in 0..CHURNERS {
        let said = fs::read_to_string(run.path().join(format!("churn-{number}.log")))?;
        ensure!(said.is_empty(), "seed {seed}: a writer was refused: {said}");
    }
    assert_eq!(pool.crashes_but(libc::SIGKILL)?, Vec::<String>::new());

    // Afterwards: led within a second, and a new process has a writer at once.
    let whole = agents.get_mut("whole").context("no observer")?;
    let ((), led) = until(Duration::from_secs(1), "somebody leads and probes", || {
        let status = whole.status()?;
        let age = status["nodes"][stage.first.id(0)]["probe_age_ms"].as_u64();
        let led = status["leader"].is_object() && age.is_some_and(|age| age < 400);
        Ok(if led { Ok(()) } else { Err(status.to_string()) })
    })?;
    let mut slowest_fresh = 0;
    for name in ["whole", "mixed", "part", "own"] {
        let mut fresh = Agent::start(
            &run,
            &pages.php,
            &format!("fresh-{name}"),
            &configs[name],
            &off,
        )?;
        let connected = fresh.connect("k", "k")?;
        slowest_fresh = slowest_fresh.max(connected.took_us);
        if let Some(wrong) = stage.wrong(name, &fresh.status()?) {
            return Err(anyhow!("seed {seed}: afterwards: {wrong}"));
        }
    }
    ensure!(
        slowest_fresh < 500_000,
        "a new process got its writer after {slowest_fresh} us"
    );
    // The longest claim is that of a dial: `connect_timeout` and a second.
    std::thread::sleep(Duration::from_millis(2_100));
    examine(&run.path().join("shm"), &stage)?;
    // What was gone for all that time is back with the first request.
    (0..2).try_for_each(|index| stage.third.up(index))?;
    let mut back = Agent::start(&run, &pages.php, "back", &configs["gone"], &off)?;
    let returned = back.connect("k", "k")?;
    ensure!(returned.took_us < 500_000, "{returned:?}");
    drop(service);

    let load = |figure: &AtomicU64| figure.load(Ordering::Relaxed);
    let slowest = Duration::from_micros(load(&figures.slowest_us));
    println!(
        "torture: seed={seed} seconds={} kills={} stops={} requests={} cut_off={} processes={} looks={} leaders={} \
         longest_without_leader_ms={} longest_probe_gap_ms={} slowest_connect_ms={} led_afterwards_ms={} \
         fresh_process_us={slowest_fresh} first_after_outage_us={}",
        lasting.as_secs(),
        load(&figures.kills),
        load(&figures.stops),
        load(&figures.served),
        load(&figures.cut_off),
        load(&figures.churned),
        seen.looks,
        seen.leaders.len(),
        ms(seen.leaderless),
        seen.probe_gap_ms,
        ms(slowest),
        ms(led),
        returned.took_us,
    );
    ensure!(
        load(&figures.kills) > lasting.as_secs() * 20,
        "too few kills"
    );
    ensure!(
        load(&figures.served) > lasting.as_secs() * 20,
        "too few requests"
    );
    // Leaders are killed one after the other: each costs the others a lease.
    ensure!(
        seen.probe_gap_ms < 5_000,
        "seed {seed}: no probe for {} ms",
        seen.probe_gap_ms
    );
    ensure!(slowest < BOUND, "seed {seed}: a connect took {slowest:?}");
    Ok(())
}
