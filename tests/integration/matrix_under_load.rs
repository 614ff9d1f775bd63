//! The fault matrix: a shop on a real cluster, Galera or a MySQL group, under load, one fault
//! after the other, and for each what the host, its requests and the books must
//! show. One line of figures a row.
//!
//! Every row: no acknowledged order is missing or stored twice, no request
//! failed but those that were on the faulty node when the fault struck, and
//! none was sent there once the host knew.

mod support;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use amm_rig::app::App;
use amm_rig::clock::Moment;
use amm_rig::cluster::{Cluster, Node};
use amm_rig::dials::Dials;
use amm_rig::fault::{Fault, Injected};
use amm_rig::floor::{Floor, Tick};
use amm_rig::fpm::Fpm;
use amm_rig::galera::Galera;
use amm_rig::group::Group;
use amm_rig::ledger::Ledger;
use amm_rig::load::{Load, LoadOptions, Request};
use amm_rig::nginx::Nginx;
use amm_rig::php::{Php, PhpOptions};
use amm_rig::reconcile::{Blame, Evidence};
use amm_rig::report::{Summary, WINDOW};
use amm_rig::run_dir::RunDir;
use amm_rig::status::{StatusReader, StatusWatch};
use anyhow::{Context, Result, bail};
use support::{extension, ms};

/// Orders a second. Three members of a group take more of a small machine than
/// three of Galera do.
fn rate(flavour: &str) -> f64 {
    if flavour == "galera" { 80.0 } else { 30.0 }
}

const WORKERS: usize = 24;
const PROBE_INTERVAL: Duration = Duration::from_secs(1);
const PROBE_TIMEOUT: Duration = Duration::from_millis(500);
const CUT_AFTER: Duration = Duration::from_secs(2);
/// What a machine whose two cores run servers, PHP and load together may add.
const SLACK: Duration = Duration::from_millis(500);

/// A fault, and what it must come to besides what every row asserts.
struct Row {
    name: &'static str,
    fault: Fault,
    /// What goes on while it lasts.
    meanwhile: fn(&dyn Node) -> Result<()>,
    check: fn(&Outcome) -> Result<()>,
}

/// What a row came to.
struct Outcome<'a> {
    injected: &'a Injected,
    summary: &'a Summary,
    evidence: &'a Evidence<'a>,
    floor: &'a [Tick],
    /// When a survivor had dropped the node from its view.
    witnessed: Option<Moment>,
}

fn pause(_: &dyn Node) -> Result<()> {
    std::thread::sleep(WINDOW);
    Ok(())
}

/// Writable and read-only in turns, twice a second.
fn flap(node: &dyn Node) -> Result<()> {
    let end = Instant::now() + WINDOW;
    while Instant::now() < end {
        std::thread::sleep(Duration::from_millis(500));
        node.set_read_only(false)?;
        std::thread::sleep(Duration::from_millis(500));
        node.set_read_only(true)?;
    }
    Ok(())
}

fn rows(flavour: &str) -> Result<Vec<Row>> {
    fn row(
        name: &'static str,
        fault: &str,
        meanwhile: fn(&dyn Node) -> Result<()>,
        check: fn(&Outcome) -> Result<()>,
    ) -> Result<Row> {
        Ok(Row {
            name,
            fault: Fault::named(fault)?,
            meanwhile,
            check,
        })
    }
    let mut rows = vec![
        row("kill9", "kill9", pause, |o| o.only_the_first_dial_failed())?,
        row("read_only", "read_only", pause, |o| o.few_were_refused())?,
        row("isolate", "isolate", pause, |o| o.few_were_refused())?,
        row("max_connections", "full", pause, |o| o.nobody_noticed())?,
        row("flapping", "read_only", flap, |o| o.few_were_refused())?,
    ];
    if flavour == "galera" {
        // A group's own: tests/integration/group_faults has its members hang.
        rows.push(row("hang", "hang", pause, |o| o.hung_for_its_bound_only())?);
        rows.push(row("desync", "desync", pause, |o| o.nobody_noticed())?);
    }
    Ok(rows)
}

impl Outcome<'_> {
    fn only_the_first_dial_failed(&self) -> Result<()> {
        // Every worker may have been dialling at that moment; nobody after it.
        let failed = self.failed_dials();
        if failed > WORKERS {
            bail!("{failed} dials failed");
        }
        Ok(())
    }

    fn few_were_refused(&self) -> Result<()> {
        // What reaches the node between the refusal and the report of it.
        if self.summary.on_victim > WORKERS {
            bail!("{} requests were refused", self.summary.on_victim);
        }
        Ok(())
    }

    fn nobody_noticed(&self) -> Result<()> {
        let failed = self.summary.failed - self.summary.cluster_errors;
        if failed > 0 {
            bail!("{failed} requests failed");
        }
        Ok(())
    }

    /// The second guarantee, with its bound counted from the witness's verdict.
    fn hung_for_its_bound_only(&self) -> Result<()> {
        let witnessed = self.witnessed.context("no survivor dropped the node")?;
        let known = self.injected.began + PROBE_INTERVAL + PROBE_TIMEOUT * 2;
        let bound = witnessed.max(known) + CUT_AFTER + Duration::from_secs(1);
        let floor = self.floor_during(self.injected.began);
        for request in self.evidence.that_dialled_the_victim(self.injected) {
            // After it was freed it may have had to commit elsewhere.
            if request.ended > bound + floor {
                bail!(
                    "{} ended {} ms after the bound",
                    request.token,
                    ms(request.ended.since(bound))
                );
            }
        }
        let known = self.evidence.exclusion(self.injected).known;
        let known = known.context("nobody found out")?;
        for request in self.evidence.requests {
            let first = self.evidence.dials.of(&request.token).next();
            if let Some(first) = first
                && first.at > known
                && request.sent < self.injected.healed.unwrap_or(known)
                && request.ended.since(first.at) > floor + SLACK
            {
                bail!(
                    "{} began after the exclusion and took {} ms, the floor is {} ms",
                    request.token,
                    ms(request.ended.since(first.at)),
                    ms(floor)
                );
            }
        }
        Ok(())
    }

    /// The longest a plain client of a survivor had to wait.
    fn floor_during(&self, began: Moment) -> Duration {
        let end = began + WINDOW;
        let ticks = self
            .floor
            .iter()
            .filter(|t| t.ended >= began && t.due < end);
        ticks
            .map(|t| t.ended.since(t.due))
            .max()
            .unwrap_or_default()
    }

    fn failed_dials(&self) -> usize {
        let healed = self.injected.healed.unwrap_or(Moment(u64::MAX));
        self.evidence
            .dials
            .all
            .iter()
            .filter(|dial| dial.node == self.injected.victim && dial.connected.is_none())
            .filter(|dial| dial.at >= self.injected.began && dial.at < healed)
            .count()
    }
}

/// Looks meanwhile when a survivor drops a member from its view.
fn watching<T>(
    survivor: &dyn Node,
    members: usize,
    work: impl FnOnce() -> Result<T>,
) -> Result<(T, Option<Moment>)> {
    let mut root = survivor.server().root()?;
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watching = scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                if survivor.members_seen(&mut root).ok()? < members {
                    return Some(Moment::now());
                }
                std::thread::sleep(Duration::from_millis(10));
            }
            None
        });
        let done = work();
        over.store(true, Ordering::Relaxed);
        Ok((done?, watching.join().ok().flatten()))
    })
}

fn suffer(
    cluster: &dyn Cluster,
    load: &Load,
    row: &Row,
    index: usize,
) -> Result<(Injected, Option<Moment>)> {
    let members = cluster.members();
    let victim = *members.get(index).context("no victim")?;
    let survivor = *members.last().context("no survivor")?;
    let (mut injected, witnessed) = watching(survivor, members.len(), || {
        let injected = row.fault.inject(cluster, index)?;
        (row.meanwhile)(victim)?;
        Ok(injected)
    })?;
    injected.heal(cluster)?;
    let healed = injected.healed.context("healed")?;
    let patience = Instant::now() + Duration::from_secs(60);
    while injected.back.is_none() {
        if Instant::now() > patience {
            bail!("{} takes no orders after {}", injected.victim, row.name);
        }
        std::thread::sleep(Duration::from_millis(50));
        injected.back = load.so_far(|requests| {
            requests
                .iter()
                .filter(|request| request.succeeded() && request.sent > healed)
                .find(|request| request.answer.node.as_deref() == Some(&injected.victim))
                .map(|request| request.ended)
        });
    }
    // Each fault begins on its own: what was piled up is done, and the node's
    // share has grown to what it was.
    while load.under_way() > WORKERS / 4 && Instant::now() < patience {
        std::thread::sleep(Duration::from_millis(50));
    }
    std::thread::sleep(Duration::from_secs(2));
    Ok((injected, witnessed))
}

#[test]
fn each_fault_of_a_galera_cluster_costs_what_it_must_and_nothing_else() -> Result<()> {
    let run = RunDir::create()?;
    let options = amm_rig::galera::Options::default();
    let cluster = Galera::start_in(run, options)?;
    play(&cluster)
}

#[test]
#[cfg_attr(
    not(sid_mysql),
    ignore = "SKIPPED: no MySQL of sid's, see tests/sid.sh"
)]
fn each_fault_of_a_group_costs_what_it_must_and_nothing_else() -> Result<()> {
    let run = RunDir::create()?;
    let options = amm_rig::group::Options::multi_primary();
    let group = Group::start_in(run, options)?;
    play(&group)
}

fn play(cluster: &dyn Cluster) -> Result<()> {
    let only = std::env::var("AMM_MATRIX").unwrap_or_default();
    let wanted = |row: &Row| only.is_empty() || only.split(',').any(|name| name == row.name);
    let run = cluster.run().clone();
    let flavour = cluster.flavour();
    let app = App::deploy(&run, cluster, true)?;
    let options = PhpOptions {
        extension: Some(extension()),
        env: app.env().to_vec(),
        ..PhpOptions::default()
    };
    let php = Php::prepare(&run, options)?;
    let fpm = Fpm::start(&run, &php, WORKERS)?;
    let nginx = Nginx::start(&run, cluster.block(), &fpm, &app.entry())?;
    let reader = StatusReader::start(&run, &php, &app.status_script())?;
    let watch = StatusWatch::start(reader);
    let members = cluster.members();
    let survivor = members.last().context("no nodes")?;
    let load = Load::start(LoadOptions::orders(nginx.address(), rate(flavour)))?;
    let floor = Floor::start(survivor.server(), Duration::from_millis(20))?;
    std::thread::sleep(Duration::from_secs(3));

    let rows: Vec<Row> = rows(flavour)?.into_iter().filter(wanted).collect();
    let mut suffered = Vec::new();
    for (number, row) in rows.iter().enumerate() {
        let (injected, witnessed) = suffer(cluster, &load, row, number % 2).with_context(|| {
            format!(
                "{} of node {}; {}",
                row.name,
                number % 2,
                watch.latest().raw
            )
        })?;
        suffered.push((injected, witnessed));
    }
    let requests = load.finish()?;
    let floor = floor.finish()?;
    let dials = Dials::read(app.dial_log())?;
    let ledger = Ledger::check(cluster, &requests)?;
    let faults: Vec<Injected> = suffered.iter().map(|(i, _)| i.clone()).collect();
    let changes = watch.changes();
    let evidence = Evidence {
        requests: &requests,
        dials: &dials,
        faults: &faults,
        changes: &changes,
    };
    let mut wrong = Vec::new();
    for (row, (injected, witnessed)) in rows.iter().zip(&suffered) {
        let summary = Summary::of(injected, &evidence, &ledger, &floor);
        println!("matrix {flavour}/{}: {summary}", row.name);
        wrong.extend(summary.unexcused.iter().cloned());
        if summary.dials_after_exclusion > 0 {
            wrong.push(format!(
                "{}: {} dials after the exclusion",
                row.name, summary.dials_after_exclusion
            ));
        }
        let outcome = Outcome {
            injected,
            summary: &summary,
            evidence: &evidence,
            floor: &floor,
            witnessed: *witnessed,
        };
        if let Err(error) = (row.check)(&outcome) {
            wrong.push(format!("{}: {error:#}", row.name));
        }
        if let Some(at) = witnessed {
            println!(
                "matrix {flavour}/{}: dropped_by_its_peers_after_ms={}",
                row.name,
                ms(at.since(injected.began))
            );
        }
    }
    let stray: Vec<&Request> = requests
        .iter()
        .filter(|r| !r.succeeded() && matches!(evidence.blame(r), Blame::Nobody(_)))
        .collect();
    println!(
        "matrix {flavour}: rows={} requests={} acked_but_missing={} stored_twice={} unexcused={}",
        rows.len(),
        requests.len(),
        ledger.missing.len(),
        ledger.doubled.len(),
        stray.len()
    );
    assert!(ledger.is_sound(), "{ledger:?}");
    assert!(evidence.unreconciled(cluster)?.is_empty());
    assert!(
        wrong.is_empty() && stray.is_empty(),
        "{wrong:#?}\n{stray:#?}"
    );
    Ok(())
}
