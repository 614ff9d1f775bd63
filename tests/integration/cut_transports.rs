//! Stuck on a server that hangs, over every transport, in every phase, with
//! every driver: the cutter frees the process, which itself probes nothing.

mod support;

use std::sync::Arc;
use std::time::Duration;

use amm_rig::faulty::{Address, Fault, Faulty, Script, Step};
use amm_rig::php::{Php, PhpOptions};
use amm_rig::run_dir::RunDir;
use anyhow::{Context, Result, anyhow, ensure};
use serde_json::{Value, json};
use support::agent::Agent;
use support::{extension, ms, until};

const PROBE_INTERVAL: Duration = Duration::from_millis(300);
const PROBE_TIMEOUT: Duration = Duration::from_millis(200);
const CUT_AFTER: Duration = Duration::from_millis(500);
const BOUND: Duration = PROBE_INTERVAL
    .saturating_add(PROBE_TIMEOUT)
    .saturating_add(PROBE_TIMEOUT)
    .saturating_add(CUT_AFTER)
    .saturating_add(Duration::from_secs(1));

/// Where the process is stuck.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Connect,
    Handshake,
    Query,
}

#[derive(Clone, Copy, Debug)]
struct Case {
    transport: &'static str,
    at: At,
    driver: &'static str,
}

fn address(run: &RunDir, transport: &str, name: &str) -> Result<Address> {
    match transport {
        "v4" => "127.0.0.1:0".parse(),
        "v6" => "[::1]:0".parse(),
        _ => Ok(Address::Unix(run.path().join(format!("{name}.sock")))),
    }
}

fn config(victim: &Faulty, other: &Faulty, case: Case) -> Value {
    json!({
        "flavour": "read_only",
        "nodes": [victim.id(), other.id()],
        "username": "probe",
        "password": "secret",
        "cut": "always",
        "cut_after": format!("{}ms", CUT_AFTER.as_millis()),
        "probe_interval": format!("{}ms", PROBE_INTERVAL.as_millis()),
        "probe_timeout": format!("{}ms", PROBE_TIMEOUT.as_millis()),
        // Out of the way: what is tested is not the limit of dials.
        "connect_timeout": "30s",
        "connect_deadline": "60s",
        "app": { "driver": case.driver },
    })
}

/// How long it took from the beginning of the hang, seen by the process.
fn freed(run: &Arc<RunDir>, php: &Php, case: Case) -> Result<Duration> {
    let name = format!("{}-{:?}-{}", case.transport, case.at, case.driver);
    let at = address(run, case.transport, &name)?;
    let victim = match case.at {
        At::Connect => Faulty::start_deaf(&at)?,
        At::Handshake => Faulty::start(&at, Script::new(Step::Greeting, Fault::Silence))?,
        At::Query => Faulty::start(&at, Script::new(Step::Answer, Fault::Silence))?,
    };
    let other = Faulty::start(&"127.0.0.1:0".parse()?, Script::healthy())?;
    let config = config(&victim, &other, case);
    let off = [("amm.monitor", "off")];
    let mut stuck = Agent::start_apart(run, php, &name, &name, &config, &off)?;
    let mut leader = Agent::start_apart(run, php, &format!("{name}-leader"), &name, &config, &[])?;
    // A dial that fails is a report, and a single one's word: the prober's own
    // is what counts here.
    let answer = std::thread::scope(|scope| -> Result<Value> {
        if case.at == At::Query {
            let connected = stuck.connect("k", "held")?;
            ensure!(connected.node == victim.id(), "{connected:?}");
        }
        let waiting = scope.spawn(|| match case.at {
            At::Query => {
                stuck.ask(json!({ "do": "stay", "name": "held", "sql": ["SELECT SLEEP(60)"] }))
            }
            _ => stuck.ask(json!({ "do": "connect", "key": "k", "name": "held" })),
        });
        // Who probes first may know better than to go there.
        let dialled = until(Duration::from_secs(5), "it dials the victim", || {
            let status = leader.status()?;
            let dials = status["nodes"][victim.id()]["dials"].as_u64();
            Ok((dials >= Some(1))
                .then_some(())
                .ok_or_else(|| status.to_string()))
        });
        leader.ask(json!({ "do": "lead" }))?;
        dialled?;
        waiting.join().map_err(|_| anyhow!("a panic"))?
    })?;
    let moment = |value: &Value| value.as_u64().context("no moment");
    let took = match case.at {
        At::Query => {
            ensure!(
                answer["was_cut"] == true && answer["verdict"] == "lost",
                "{answer}"
            );
            moment(&answer["ended"])? - moment(&answer["began"])?
        }
        _ => {
            let first = &answer["dials"][0];
            ensure!(
                first["node"] == victim.id() && answer["node"] == other.id(),
                "{answer}"
            );
            moment(&first["ended"])? - moment(&first["began"])?
        }
    };
    let status = leader.status()?;
    let cuts = |id: String| status["nodes"][&id]["cuts"].as_u64();
    ensure!(
        cuts(victim.id()) >= Some(1) && cuts(other.id()) == Some(0),
        "{status}"
    );
    Ok(Duration::from_nanos(took))
}

#[test]
fn every_transport_phase_and_driver_is_freed_in_time() -> Result<()> {
    let run = RunDir::create()?;
    let options = PhpOptions {
        extension: Some(extension()),
        ..PhpOptions::default()
    };
    let php = Php::prepare(&run, options)?;
    let mut cases = Vec::new();
    for transport in ["v4", "v6", "unix"] {
        for at in [At::Connect, At::Handshake, At::Query] {
            // A Unix socket whose queue is full refuses at once.
            if (transport, at) == ("unix", At::Connect) {
                continue;
            }
            for driver in ["pdo", "mysqli"] {
                cases.push(Case {
                    transport,
                    at,
                    driver,
                });
            }
        }
    }
    let mut line = "cut_transports:".to_owned();
    for few in cases.chunks(4) {
        let results: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = few
                .iter()
                .map(|case| scope.spawn(|| freed(&run, &php, *case)))
                .collect();
            threads.into_iter().map(|t| t.join()).collect()
        });
        for (case, result) in few.iter().zip(results) {
            let took = result
                .map_err(|_| anyhow!("a panic"))?
                .with_context(|| format!("{case:?}"))?;
            line += &format!(
                " {}_{:?}_{}_ms={}",
                case.transport,
                case.at,
                case.driver,
                ms(took)
            );
            assert!(took <= BOUND, "{case:?}: {took:?}");
        }
    }
    println!("{line}");
    Ok(())
}
