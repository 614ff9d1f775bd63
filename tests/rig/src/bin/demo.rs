//! `make demo`: a shop on a real three-node Galera cluster, under load, while
//! its database servers fail.
//!
//! Ends with one line per fault. The exit code is 1 if an acknowledged order is
//! missing or stored twice, if a request failed that was not on the faulty node
//! when the fault struck, or if a request was started on a node already known
//! to be gone.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use amm_rig::app::App;
use amm_rig::clock::Moment;
use amm_rig::dials::Dials;
use amm_rig::fault::{FAULTS, Fault, Injected};
use amm_rig::floor::Floor;
use amm_rig::fpm::Fpm;
use amm_rig::galera::{Galera, Options, ROOT_PASSWORD};
use amm_rig::interrupt;
use amm_rig::ledger::Ledger;
use amm_rig::load::{Load, LoadOptions, Request};
use amm_rig::nginx::Nginx;
use amm_rig::php::{Php, PhpOptions};
use amm_rig::reconcile::{Blame, Evidence};
use amm_rig::report::{Latency, Summary, WINDOW, excuse};
use amm_rig::run_dir::RunDir;
use amm_rig::status::{NodeStatus, StatusReader, StatusWatch};
use amm_rig::table::{Row, Table, View};
use anyhow::{Context, Result, bail};

const USAGE: &str = "\
usage: demo --extension PATH [options]
  --extension PATH   the amm.so to load
  --without-amm      Laravel alone, for comparison (instead of --extension)
  --faults A,B       what to do to the cluster (default kill9,read_only)
  --rate N           orders per second (default 150)
  --workers N        php-fpm workers (default 16)
  --suspect SECONDS  silence after which the cluster drops a node (default 1)
  --quick            shorter pauses
  --keep             leave everything running until Ctrl-C";

#[derive(Debug)]
struct Arguments {
    extension: Option<PathBuf>,
    faults: Vec<Fault>,
    rate: f64,
    workers: usize,
    suspect: Duration,
    quick: bool,
    keep: bool,
}

impl Arguments {
    fn parse(mut words: impl Iterator<Item = String>) -> Result<Self> {
        let (mut extension, mut without) = (None, false);
        let mut faults = "kill9,read_only".to_owned();
        let (mut rate, mut workers, mut suspect) = (150.0, 16, 1.0);
        let (mut quick, mut keep) = (false, false);
        while let Some(word) = words.next() {
            let mut value = || {
                words
                    .next()
                    .with_context(|| format!("{word} needs a value"))
            };
            match word.as_str() {
                "--extension" => extension = Some(PathBuf::from(value()?)),
                "--without-amm" => without = true,
                "--faults" => faults = value()?,
                "--rate" => rate = value()?.parse().context("--rate takes a number")?,
                "--workers" => workers = value()?.parse().context("--workers takes a number")?,
                "--suspect" => suspect = value()?.parse().context("--suspect takes seconds")?,
                "--quick" => quick = true,
                "--keep" => keep = true,
                "--help" | "-h" => bail!("{USAGE}\nfaults: {}", names()),
                other => bail!("{other} is not known\n{USAGE}"),
            }
        }
        if extension.is_some() == without {
            bail!("either --extension PATH or --without-amm is needed\n{USAGE}");
        }
        if !(1.0..=5000.0).contains(&rate) || workers == 0 || !(0.2..=60.0).contains(&suspect) {
            bail!("--rate takes 1 to 5000, --workers at least 1, --suspect 0.2 to 60");
        }
        Ok(Self {
            extension,
            faults: faults.split(',').map(Fault::named).collect::<Result<_>>()?,
            rate,
            workers,
            suspect: Duration::from_secs_f64(suspect),
            quick,
            keep,
        })
    }
}

fn names() -> String {
    FAULTS
        .iter()
        .map(|fault| fault.name)
        .collect::<Vec<_>>()
        .join(", ")
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse(std::env::args().skip(1))?;
    let stage = Stage::set(&arguments)?;
    let sound = stage.play(&arguments)?;
    if !arguments.keep {
        stage.explain_by_hand(&arguments);
    }
    Ok(if sound {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Everything that runs.
struct Stage {
    // In the order they are to end.
    watch: Option<StatusWatch>,
    nginx: Nginx,
    _fpm: Fpm,
    app: App,
    cluster: Galera,
    _run: Arc<RunDir>,
}

impl Stage {
    fn set(arguments: &Arguments) -> Result<Self> {
        let step = Steps::default();
        let run = RunDir::create()?;
        let cluster = Galera::start_in(run.clone(), Options::detecting_in(arguments.suspect))
            .context("the Galera cluster does not start")?;
        let ids: Vec<String> = cluster.nodes().iter().map(|node| node.id()).collect();
        step.done(&format!("Galera cluster: {}", ids.join(", ")));
        let with_amm = arguments.extension.is_some();
        let app = App::deploy(&run, &cluster, with_amm)?;
        let options = PhpOptions {
            extension: arguments.extension.clone(),
            env: app.env().to_vec(),
            ..PhpOptions::default()
        };
        let php = Php::prepare(&run, options)?;
        let fpm = Fpm::start(&run, &php, arguments.workers)?;
        step.done(&format!(
            "php-fpm {}, {} workers",
            php.version(),
            arguments.workers
        ));
        let nginx = Nginx::start(&run, cluster.block(), &fpm, &app.entry())?;
        step.done(&format!("nginx and the shop: http://{}", nginx.address()));
        let watch = match with_amm {
            true => Some(StatusWatch::start(StatusReader::start(
                &run,
                &php,
                &app.status_script(),
            )?)),
            false => None,
        };
        Ok(Self {
            watch,
            nginx,
            _fpm: fpm,
            app,
            cluster,
            _run: run,
        })
    }

    /// Load, faults, and the reckoning.
    fn play(&self, arguments: &Arguments) -> Result<bool> {
        let last = self.cluster.nodes().len() - 1;
        let load = Load::start(LoadOptions::orders(self.nginx.address(), arguments.rate))?;
        // Faults go to the other nodes in turn: this one is always a survivor.
        let floor = Floor::start(self.cluster.node(last), Duration::from_millis(20))?;
        let mut show = Show::new(self, &load, arguments.rate);
        let pause = Duration::from_secs(if arguments.quick { 2 } else { 5 });
        show.wait("warming up", pause)?;
        self.check_warm(&load)?;
        show.wait("all is well", pause)?;
        let mut injected = Vec::new();
        for (number, fault) in arguments.faults.iter().enumerate() {
            injected.push(self.suffer(&mut show, *fault, number % last)?);
            show.settle()?;
            show.wait("all is well again", pause / 2)?;
        }
        let requests = show.during("the last requests", || load.finish())?;
        let floor = floor.finish()?;
        let sound = self.reckon(&mut show.table, &requests, &injected, &floor)?;
        if arguments.keep {
            self.stay(arguments)?;
        }
        Ok(sound)
    }

    /// A load that never worked would show nothing.
    fn check_warm(&self, load: &Load) -> Result<()> {
        let problem = load.so_far(|requests| match requests.iter().find(|r| r.succeeded()) {
            Some(_) => None,
            None => Some(requests.last().cloned()),
        });
        match problem {
            None => Ok(()),
            Some(Some(request)) => bail!("no order succeeds: {}", excuse(&request, "warming up")),
            Some(None) => bail!("no order is answered"),
        }
    }

    fn suffer(&self, show: &mut Show, fault: Fault, index: usize) -> Result<Injected> {
        let victim = self.cluster.node(index).id();
        show.table
            .say(&format!("--- {}: {} on {victim}", fault.name, fault.what));
        let phase = format!("{} on {victim}", fault.name);
        let mut injected = show.during(&phase, || fault.inject(&self.cluster, index))?;
        show.wait(
            &phase,
            WINDOW.saturating_sub(Moment::now().since(injected.began)),
        )?;
        show.table.say(&format!("--- {victim} is being repaired"));
        show.during("repairing", || injected.heal(&self.cluster))?;
        let healed = injected.healed.unwrap_or(injected.began);
        let patience = Instant::now() + Duration::from_secs(45);
        while injected.back.is_none() && Instant::now() < patience {
            show.wait(&format!("waiting for {victim}"), Duration::from_millis(200))?;
            injected.back = show.load.so_far(|requests| {
                requests
                    .iter()
                    .filter(|request| request.succeeded() && request.sent > healed)
                    .find(|request| request.answer.node.as_deref() == Some(&victim))
                    .map(|request| request.ended)
            });
        }
        let said = match injected.back {
            Some(back) => {
                format!(
                    "takes orders again after {:.1} s",
                    back.since(healed).as_secs_f64()
                )
            }
            None => "has taken no order since".into(),
        };
        show.table.say(&format!("--- {victim} {said}"));
        Ok(injected)
    }

    fn reckon(
        &self,
        table: &mut Table,
        requests: &[Request],
        faults: &[Injected],
        floor: &[amm_rig::floor::Tick],
    ) -> Result<bool> {
        let dials = Dials::read(self.app.dial_log())?;
        let changes = self
            .watch
            .as_ref()
            .map(StatusWatch::changes)
            .unwrap_or_default();
        let ledger = Ledger::check(&self.cluster, requests)?;
        let evidence = Evidence {
            requests,
            dials: &dials,
            faults,
            changes: &changes,
        };
        let unreconciled = evidence.unreconciled(&self.cluster)?;
        let mut faulty = Vec::new();
        let mut other_cluster_errors = 0;
        for request in requests.iter().filter(|request| !request.succeeded()) {
            match evidence.blame(request) {
                Blame::Nobody(why) => faulty.push(excuse(request, &why)),
                Blame::Cluster => other_cluster_errors += 1,
                Blame::OnVictim(_) => {}
            }
        }
        let summaries: Vec<Summary> = faults
            .iter()
            .map(|fault| Summary::of(fault, &evidence, &ledger, floor))
            .collect();
        let late: usize = summaries
            .iter()
            .map(|summary| summary.dials_after_exclusion)
            .sum();
        table.say("");
        table.say(&format!(
            "orders: {} sent, {} acknowledged; nodes hold {:?}",
            requests.len(),
            requests
                .iter()
                .filter(|request| request.succeeded())
                .count(),
            ledger.stored.values().collect::<Vec<_>>(),
        ));
        table.say(&format!(
            "acknowledged but missing: {}; stored twice: {}; answered with an error yet stored: {}",
            ledger.missing.len(),
            ledger.doubled.len(),
            ledger.stored_in_doubt.len(),
        ));
        table.say(&format!(
            "dials: {} by {} processes; connections the servers do not know of: {}; \
             1213 and 1062 from the cluster itself, over the whole run: {other_cluster_errors}",
            dials.all.len(),
            dials
                .all
                .iter()
                .map(|dial| dial.pid)
                .collect::<std::collections::BTreeSet<_>>()
                .len(),
            unreconciled.len(),
        ));
        for line in &ledger.halves {
            table.say(&format!("TORN {line}"));
        }
        for line in faulty.iter().take(20) {
            table.say(&format!("NOT EXCUSED {line}"));
        }
        if faulty.len() > 20 {
            table.say(&format!("NOT EXCUSED and {} more", faulty.len() - 20));
        }
        if let Some(error) = self.watch.as_ref().and_then(StatusWatch::error) {
            table.say(&format!("status: {error}"));
        }
        table.say(&format!(
            "\nfigures cover the requests under way from a fault until {} s after it; \
             floor: a plain client of a survivor",
            WINDOW.as_secs()
        ));
        for summary in &summaries {
            table.say(&summary.to_string());
        }
        let routed_well = self.watch.is_none() || (faulty.is_empty() && late == 0);
        Ok(ledger.is_sound() && unreconciled.is_empty() && routed_well)
    }

    fn explain_by_hand(&self, arguments: &Arguments) {
        let how = match &arguments.extension {
            Some(path) => format!("--extension {}", path.display()),
            None => "--without-amm".into(),
        };
        println!(
            "\nTo try it by hand, keep it running:\n  \
             cargo run -p amm-rig --release --bin demo -- {how} --keep\n\
             It then prints the shop's URLs and the commands to break a node."
        );
    }

    /// Light load and the table until Ctrl-C.
    fn stay(&self, arguments: &Arguments) -> Result<()> {
        let web = self.nginx.address();
        println!(
            "\nThe shop stays open, with 20 orders per second, until Ctrl-C.\n  \
             curl -X POST 'http://{web}/order?token=mine'\n  \
             curl http://{web}/status"
        );
        for node in self.cluster.nodes() {
            println!(
                "  {}: kill -9 {pid} | kill -STOP {pid} | kill -CONT {pid} | \
                 mariadb -uroot -p{ROOT_PASSWORD} -S {socket}",
                node.id(),
                pid = node.pid().unwrap_or_default(),
                socket = node.socket().display(),
            );
        }
        println!("A node that was killed is started again after 15 s (with another pid).\n");
        let rate = arguments.rate.min(20.0);
        let load = Load::start(LoadOptions::orders(web, rate))?;
        let mut show = Show::new(self, &load, rate);
        let mut gone = vec![None; self.cluster.nodes().len()];
        loop {
            show.wait("Ctrl-C ends it", Duration::from_millis(500))?;
            for (index, node) in self.cluster.nodes().iter().enumerate() {
                let since = *gone[index].get_or_insert_with(Instant::now);
                if node.is_running() {
                    gone[index] = None;
                } else if since.elapsed() > Duration::from_secs(15) {
                    show.table.say(&format!("--- starting {}", node.id()));
                    let started = show.during("starting a node", || node.start());
                    let said = match started {
                        Ok(()) => {
                            format!("runs, with pid {}", node.pid().unwrap_or_default())
                        }
                        Err(error) => format!("does not start: {error:#}"),
                    };
                    show.table.say(&format!("--- {} {said}", node.id()));
                    gone[index] = None;
                }
            }
        }
    }
}

/// Says how long each step of the preparation took.
struct Steps(std::cell::Cell<Instant>);

impl Default for Steps {
    fn default() -> Self {
        Self(std::cell::Cell::new(Instant::now()))
    }
}

impl Steps {
    fn done(&self, what: &str) {
        println!(
            "{:>6.1} s  {what}",
            self.0.replace(Instant::now()).elapsed().as_secs_f64()
        );
    }
}

/// Draws while others work.
struct Show<'a> {
    stage: &'a Stage,
    load: &'a Load,
    rate: f64,
    table: Table,
    drawn: Instant,
}

impl<'a> Show<'a> {
    fn new(stage: &'a Stage, load: &'a Load, rate: f64) -> Self {
        Self {
            stage,
            load,
            rate,
            table: Table::default(),
            drawn: Instant::now(),
        }
    }

    fn wait(&mut self, phase: &str, time: Duration) -> Result<()> {
        let until = Instant::now() + time;
        while Instant::now() < until {
            self.draw(phase);
            std::thread::sleep(until.saturating_duration_since(Instant::now()).min(TICK));
        }
        Ok(())
    }

    /// Until what a fault has piled up is done: each fault begins on its own.
    fn settle(&mut self) -> Result<()> {
        let patience = Instant::now() + Duration::from_secs(30);
        let few = (self.rate / 10.0).max(4.0) as usize;
        while self.load.under_way() > few && Instant::now() < patience {
            self.wait("working off the backlog", Duration::from_millis(100))?;
        }
        Ok(())
    }

    fn during<T: Send>(
        &mut self,
        phase: &str,
        work: impl FnOnce() -> Result<T> + Send,
    ) -> Result<T> {
        std::thread::scope(|scope| {
            let worker = scope.spawn(work);
            while !worker.is_finished() {
                self.draw(phase);
                std::thread::sleep(TICK);
            }
            worker.join().unwrap_or_else(|_| bail!("{phase} failed"))
        })
    }

    fn draw(&mut self, phase: &str) {
        if self.drawn.elapsed() < self.table.period() || interrupt::ending() {
            return;
        }
        self.drawn = Instant::now();
        let view = self.view(phase);
        self.table.draw(&view);
    }

    fn view(&self, phase: &str) -> View {
        let mut rows: BTreeMap<String, Row> = BTreeMap::new();
        let amm = self
            .stage
            .watch
            .as_ref()
            .map(StatusWatch::latest)
            .unwrap_or_default();
        for node in self.stage.cluster.nodes() {
            let status = match &self.stage.watch {
                Some(_) => amm.nodes.get(&node.id()).cloned().unwrap_or_default(),
                None => NodeStatus {
                    role: "-".into(),
                    ..NodeStatus::default()
                },
            };
            rows.insert(
                node.id(),
                Row {
                    status,
                    ..Row::default()
                },
            );
        }
        let horizon = Moment::now();
        let load = self.load.so_far(|requests| {
            for request in requests {
                let row = request.answer.node.as_ref().and_then(|node| rows.get_mut(node));
                if let Some(row) = row {
                    match request.succeeded() {
                        true => row.requests += 1,
                        false => row.errors += 1,
                    }
                }
            }
            let recent: Vec<&Request> = requests
                .iter()
                .rev()
                .take_while(|request| horizon.since(request.ended) < Duration::from_secs(2))
                .collect();
            let latency = Latency::of(recent.iter().map(|request| request.latency()));
            format!(
                "{:.0}/s wanted, {:.0}/s done, {} failed in all; last 2 s: p50 {:.0} p99 {:.0} max {:.0} ms",
                self.rate,
                recent.len() as f64 / 2.0,
                requests.iter().filter(|request| !request.succeeded()).count(),
                latency.p50,
                latency.p99,
                latency.max,
            )
        });
        View {
            rows,
            phase: phase.into(),
            load,
        }
    }
}

const TICK: Duration = Duration::from_millis(50);
