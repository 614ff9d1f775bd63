//! Everything at one moment, and what happens next.

use std::rc::Rc;
use std::sync::atomic::Ordering;

use amm_core::breaker::Event as Seen;
use amm_core::config::Flavour;
use amm_core::node::Role;
use amm_core::probe::{Judgement, Reason};
use amm_core::trial::{self, Token};
use amm_engine::cluster::Cluster;
use amm_engine::monitor::conclude;
use amm_engine::probe::{Finding, ProbeResult};

use crate::agenda::Agenda;
use crate::dice::Dice;
use crate::host::Host;
use crate::plan::{Deed, Plan, START_MS, Sickness, Who};
use crate::prober::Probe;
use crate::process::Process;
use crate::server::{Change, Reach, Server};
use crate::watch::{Broken, Watch};
use crate::worker::Work;

/// What is due at some moment.
pub(crate) enum Event {
    Deed(Deed),
    Spawn(usize),
    Tend(usize),
    ProbeMeets(usize, Rc<Probe>, u64),
    ProbeEnds(usize, Rc<Probe>, u64),
    Resume(usize),
    Well(usize),
    Request(usize),
    Work(usize, Work),
    Look,
}

/// What a run came to.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Its seed.
    pub seed: u64,
    /// Steps taken.
    pub steps: u64,
    /// Requests that ended.
    pub requests: u64,
    /// Requests that were served.
    pub served: u64,
    /// Dials begun.
    pub dials: u64,
    /// Dials that held a trial claim.
    pub trials: u64,
    /// Dials that failed.
    pub failed_dials: u64,
    /// Probes begun.
    pub probes: u64,
    /// Processes killed.
    pub kills: u64,
    /// Processes stopped.
    pub stops: u64,
    /// The guarantee that was broken, if one was.
    pub broken: Option<Broken>,
}

pub(crate) struct World {
    pub(crate) now: u64,
    pub(crate) dice: Dice,
    agenda: Agenda<Event>,
    pub(crate) plan: Plan,
    pub(crate) servers: Vec<Server>,
    pub(crate) hosts: Vec<Host>,
    pub(crate) processes: Vec<Process>,
    pub(crate) watch: Watch,
    pub(crate) report: Report,
    /// Whether the probes' password is right.
    pub(crate) password: bool,
    pub(crate) requests: u64,
    trace: bool,
}

/// Runs `seed` to its end or to the first broken guarantee. `long`: more of it;
/// `trace`: every step on standard output.
pub fn run(seed: u64, long: bool, trace: bool) -> Report {
    let mut dice = Dice::new(seed);
    let plan = Plan::new(&mut dice, long);
    let mut world = World::new(plan, dice, trace);
    world.report.seed = seed;
    world.play();
    world.report
}

impl World {
    fn new(mut plan: Plan, mut dice: Dice, trace: bool) -> Self {
        let servers = std::mem::take(&mut plan.servers);
        let hosts: Vec<Host> = plan
            .workers
            .iter()
            .map(|_| Host::new(&plan.definition, dice.roll(), START_MS))
            .collect();
        let watch = Watch::new(hosts.len(), servers.len());
        let mut world = Self {
            now: START_MS,
            dice,
            agenda: Agenda::new(),
            servers,
            hosts,
            processes: Vec::new(),
            watch,
            report: Report::default(),
            password: true,
            requests: 0,
            trace,
            plan,
        };
        for (at, deed) in world.plan.deeds.clone() {
            world.at(at, Event::Deed(deed));
        }
        for host in 0..world.hosts.len() {
            for _ in 0..world.plan.workers[host] {
                let at = START_MS + world.dice.between(0, 3_000);
                world.at(at, Event::Spawn(host));
            }
        }
        world.at(START_MS, Event::Look);
        world
    }

    fn play(&mut self) {
        self.note(|w| {
            format!(
                "{:?}: {} servers, workers {:?}, monitors {}, {:?}",
                w.plan.theme,
                w.servers.len(),
                w.plan.workers,
                w.plan.monitors,
                w.plan.definition.policy
            )
        });
        while let Some((at, event)) = self.agenda.next() {
            if at > self.plan.end_ms {
                break;
            }
            self.now = at;
            self.report.steps += 1;
            self.step(event);
            self.settle();
            if let Some(broken) = self.watch.broken.take() {
                self.note(|_| format!("BROKEN {broken}"));
                self.report.broken = Some(broken);
                return;
            }
        }
        crate::watch::at_the_end(self);
        self.report.broken = self.watch.broken.take();
    }

    pub(crate) fn note(&self, line: impl FnOnce(&Self) -> String) {
        if self.trace {
            println!("{:>7} {}", self.now - START_MS, line(self));
        }
    }

    pub(crate) fn at(&mut self, at: u64, event: Event) {
        let tie = self.dice.roll();
        self.agenda.put(at, tie, event);
    }

    /// Puts an event `low` to `high` ms from now.
    pub(crate) fn soon(&mut self, low: u64, high: u64, event: Event) {
        let at = self.now + self.dice.between(low, high);
        self.at(at, event);
    }

    pub(crate) fn is_calm(&self) -> bool {
        self.now >= self.plan.calm_ms
    }

    fn step(&mut self, event: Event) {
        match event {
            Event::Deed(deed) => self.befall(deed),
            Event::Spawn(host) => self.spawn(host),
            Event::Look => {
                crate::watch::look(self);
                self.at(self.now + 50, Event::Look);
            }
            Event::Resume(pid) => self.resume(pid),
            Event::Well(pid) => {
                let process = &mut self.processes[pid];
                process.sick = None;
                process.sound_since = self.now;
            }
            // Servers answer whether or not anyone listens.
            Event::ProbeMeets(pid, probe, began) => self.probe_meets(pid, &probe, began),
            Event::Work(pid, work) if work.is_elsewhere() => self.work(pid, work),
            Event::Tend(pid)
            | Event::ProbeEnds(pid, ..)
            | Event::Request(pid)
            | Event::Work(pid, _) => {
                if self.processes[pid].dead {
                    return;
                }
                if self.processes[pid].stopped {
                    self.processes[pid].deferred.push(event);
                    return;
                }
                self.of_process(pid, event);
            }
        }
    }

    fn of_process(&mut self, pid: usize, event: Event) {
        match event {
            Event::Tend(_) => self.tend(pid),
            Event::ProbeEnds(_, probe, began) => self.probe_ends(pid, &probe, began),
            Event::Request(_) => self.begin_request(pid),
            Event::Work(_, work) => {
                if self.plan.violent && !self.is_calm() && self.dice.chance(2) {
                    match self.dice.chance(500) {
                        true => {
                            self.kill(pid);
                            return;
                        }
                        false => {
                            let ms = self.dice.between(10, 5_000);
                            self.stop(pid, ms);
                            self.processes[pid].deferred.push(Event::Work(pid, work));
                            return;
                        }
                    }
                }
                self.work(pid, work);
            }
            _ => {}
        }
    }

    /// Lets those go on who were woken, and starts what was begun.
    fn settle(&mut self) {
        for pid in 0..self.processes.len() {
            let begun = std::mem::take(&mut *self.processes[pid].begun.borrow_mut());
            for probe in begun {
                self.report.probes += 1;
                let began = probe.began_ms.get();
                let latency = self.servers[probe.node].latency;
                self.soon(1, 1 + latency / 2, Event::ProbeMeets(pid, probe, began));
            }
        }
        for host in 0..self.hosts.len() {
            let (leaders, sleepers, changes) = self.hosts[host].woken();
            if leaders || sleepers || changes {
                for pid in 0..self.processes.len() {
                    let process = &self.processes[pid];
                    if process.host != host || process.dead {
                        continue;
                    }
                    let waits = process.request.as_ref().filter(|r| r.waits);
                    let waiting = waits.map(|r| (r.id, r.ticket));
                    let due = process.seat.is_some()
                        && (leaders && !process.sleeps || sleepers && process.sleeps);
                    if due {
                        self.tend_soon(pid, 0, 2);
                    }
                    if let Some((id, ticket)) = waiting.filter(|_| changes) {
                        self.soon(0, 2, Event::Work(pid, Work::Advance { id, ticket }));
                    }
                }
            }
            crate::watch::observe(self, host);
        }
    }

    fn spawn(&mut self, host: usize) {
        let pid = self.processes.len();
        let token = Token::new(0x01_0001 + pid as u64 * 0x1_03);
        let cluster = self.hosts[host].join(self.now);
        let keeps = self.dice.chance(400);
        self.processes
            .push(Process::new(host, token, cluster, keeps, self.now));
        self.note(|_| format!("h{host} p{pid} begins"));
        self.soon(0, 500, Event::Request(pid));
    }

    pub(crate) fn kill(&mut self, pid: usize) {
        let host = self.processes[pid].host;
        self.note(|_| format!("h{host} p{pid} KILLED"));
        crate::watch::disturbed(self, pid);
        self.processes[pid].kill();
        self.report.kills += 1;
        self.soon(10, 1_500, Event::Spawn(host));
    }

    pub(crate) fn stop(&mut self, pid: usize, ms: u64) {
        let host = self.processes[pid].host;
        self.note(|_| format!("h{host} p{pid} STOPPED for {ms} ms"));
        crate::watch::disturbed(self, pid);
        let process = &mut self.processes[pid];
        process.stopped = true;
        if let Some(request) = &mut process.request {
            request.excused = true;
        }
        self.report.stops += 1;
        self.at(self.now + ms, Event::Resume(pid));
    }

    fn resume(&mut self, pid: usize) {
        if self.processes[pid].dead || !self.processes[pid].stopped {
            return;
        }
        crate::watch::disturbed(self, pid);
        let process = &mut self.processes[pid];
        process.stopped = false;
        process.sound_since = self.now;
        let deferred = std::mem::take(&mut process.deferred);
        self.note(|_| format!("p{pid} goes on"));
        for event in deferred {
            self.soon(0, 3, event);
        }
    }

    fn find(&mut self, host: usize, who: Who) -> Option<usize> {
        let shared = self.hosts[host].cluster.shared();
        let word = match who {
            Who::Leader => shared.lease.load(Ordering::Relaxed),
            Who::Deputy => shared.deputy.load(Ordering::Relaxed),
            Who::Any => 0,
        };
        let alive = |p: &Process| p.host == host && !p.dead && !p.stopped;
        let post = self
            .processes
            .iter()
            .position(|p| alive(p) && word != 0 && trial::is_held_by(word, p.token));
        let all: Vec<usize> = (0..self.processes.len())
            .filter(|pid| alive(&self.processes[*pid]))
            .collect();
        post.or_else(|| (!all.is_empty()).then(|| self.dice.one_of(&all)))
    }

    fn befall(&mut self, deed: Deed) {
        self.note(|_| format!("DEED {deed:?}"));
        match deed {
            Deed::Server(server, change) => self.change(server, change),
            Deed::Flap {
                server,
                up_ms,
                down_ms,
                hang,
            } => {
                if self.servers[server].flaps_until <= self.now {
                    self.change(server, Change::Reach(Reach::Up));
                    return;
                }
                // A pause that no probe need meet is none that anyone could see.
                let timeout = self.plan.definition.settings.probe_timeout.as_millis() as u64;
                let unseen = hang && down_ms < timeout + 300;
                self.servers[server].flaps_up = if unseen { u64::MAX / 2 } else { up_ms };
                let up = self.servers[server].reach == Reach::Up;
                let (reach, ms) = match (up, hang) {
                    (false, _) => (Reach::Up, up_ms),
                    (true, false) => (Reach::Refuses, down_ms),
                    (true, true) => (Reach::Hangs, down_ms),
                };
                self.change(server, Change::Reach(reach));
                self.at(self.now + ms, Event::Deed(deed));
            }
            Deed::Kill(host, who) => {
                if let Some(pid) = self.find(host, who) {
                    self.kill(pid);
                }
            }
            Deed::Pause(host, who, ms) => {
                if let Some(pid) = self.find(host, who) {
                    self.stop(pid, ms);
                }
            }
            Deed::Sick(host, who, sickness, ms) => {
                if let Some(pid) = self.find(host, who) {
                    crate::watch::disturbed(self, pid);
                    let process = &mut self.processes[pid];
                    process.sick = Some(sickness);
                    if let Some(request) = &mut process.request {
                        request.excused = true;
                    }
                    self.note(|_| format!("p{pid} is sick: {sickness:?}"));
                    self.at(self.now + ms, Event::Well(pid));
                }
            }
            Deed::ProbePassword(right) => {
                self.password = right;
                for host in 0..self.hosts.len() {
                    self.watch.hosts[host].disturbed_ms = self.now;
                }
            }
            Deed::Operator(host, node, says) => {
                let policy = &self.plan.definition.policy;
                let cluster = &self.hosts[host].cluster;
                cluster
                    .node(node)
                    .apply(Seen::Admin(says), true, policy, self.now);
                cluster.announce_change();
                self.watch.hosts[host].nodes[node].clean = false;
            }
        }
    }

    fn change(&mut self, server: usize, change: Change) {
        self.note(|_| format!("s{server} {change:?}"));
        let now = self.now;
        self.servers[server].change(change, now);
        let gone = self.servers[server].is_gone();
        self.watch.server_changed(server, gone);
        if self.servers.iter().all(|s| !s.is_well()) {
            self.watch.blackout_ms = Some(now);
        }
    }

    // Monitors.

    pub(crate) fn tend_soon(&mut self, pid: usize, low: u64, high: u64) {
        let at = self.now + self.dice.between(low, high);
        let process = &mut self.processes[pid];
        if process.tend_at > self.now && process.tend_at <= at {
            return;
        }
        process.tend_at = at;
        self.at(at, Event::Tend(pid));
    }

    fn tend(&mut self, pid: usize) {
        let late = self.dice.chance(10);
        let process = &mut self.processes[pid];
        if process.tend_at > self.now {
            return;
        }
        process.tend_at = 0;
        let Some(seat) = &mut process.seat else {
            return;
        };
        let wait = seat.tend(self.now);
        process.sleeps = wait.is_none();
        if let Some(ms) = wait {
            let ms = ms.clamp(1, 1_000);
            self.tend_soon(pid, ms, ms + if late { 60 } else { 1 });
        }
    }

    /// The probe's question is at the server, or still waits there.
    fn probe_meets(&mut self, pid: usize, probe: &Rc<Probe>, began: u64) {
        if self.processes[pid].dead || probe.began_ms.get() != began || !probe.busy.get() {
            return;
        }
        let timeout = self.plan.definition.settings.probe_timeout.as_millis() as u64;
        let server = &self.servers[probe.node];
        let open = !probe.afresh.get() && probe.kept.get() == server.life;
        let found = match open {
            true if server.reach == Reach::Hangs => None,
            true => Some(judged(&self.hosts[0].cluster, server)),
            false => self.fresh_question(pid, probe.node),
        };
        let waited = self.now - began;
        let found = found.or((waited >= timeout + self.dice.clone().below(200) as u64)
            .then_some(Finding::Failed { fatal: false }));
        let Some(found) = found else {
            self.soon(10, 25, Event::ProbeMeets(pid, Rc::clone(probe), began));
            return;
        };
        probe.kept.set(match found {
            Finding::Answered(_) => server.life,
            _ => 0,
        });
        *probe.found.borrow_mut() = Some(ProbeResult::of(found));
        let latency = server.latency;
        // Now and then the thread that waits for the answer is kept waiting.
        let more = if self.dice.chance(20) { 400 } else { 0 };
        self.soon(
            0,
            latency + more,
            Event::ProbeEnds(pid, Rc::clone(probe), began),
        );
    }

    fn probe_ends(&mut self, pid: usize, probe: &Rc<Probe>, began: u64) {
        if probe.began_ms.get() != began || !probe.busy.get() {
            return;
        }
        let Some(result) = probe.found.borrow_mut().take() else {
            return;
        };
        let process = &self.processes[pid];
        self.note(|_| {
            format!(
                "h{} p{pid} probe of s{} found {:?}{}",
                process.host,
                probe.node,
                result.finding,
                if probe.abandoned.get() { " (void)" } else { "" }
            )
        });
        let cluster = &process.cluster;
        if !probe.abandoned.get() {
            conclude(cluster, probe.node, probe.word.get(), &result, self.now);
        }
        probe.unable.set(match result.finding {
            Finding::Unable => probe.unable.get() + 1,
            _ => 0,
        });
        probe.busy.set(false);
        amm_engine::futex::wake_all(&cluster.mapping.region().header.leaders);
        let host = process.host;
        self.watch
            .probed(cluster, host, probe.node, &result, self.now);
    }

    /// What a new connection that logs in and asks finds; `None`: silence so far.
    pub(crate) fn fresh_question(&self, pid: usize, node: usize) -> Option<Finding> {
        let server = &self.servers[node];
        if self.processes[pid].sick == Some(Sickness::NoDescriptors) {
            return Some(Finding::Unable);
        }
        match server.reach {
            Reach::Hangs | Reach::Stalls => None,
            Reach::Refuses => Some(Finding::Failed { fatal: true }),
            Reach::Full => Some(Finding::Inconclusive),
            Reach::Up if !self.password => Some(Finding::NoLogin),
            Reach::Up => Some(judged(&self.hosts[0].cluster, server)),
        }
    }
}

fn judged(cluster: &Cluster, server: &Server) -> Finding {
    let rank = (cluster.flavour() == Flavour::Galera).then_some(server.rank);
    Finding::Answered(match server.role {
        Role::Writer => Judgement::writer(rank),
        role => Judgement::not_writer(role, rank, Reason::ReadOnly),
    })
}
