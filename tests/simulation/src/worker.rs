//! What a worker does: choose, dial, write, report, as `connect()` and the
//! connectors do.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use amm_core::admission::Purpose;
use amm_core::node::Role;
use amm_core::verdict::{ErrorSeen, Phase, Verdict, retry_elsewhere};
use amm_engine::attempt::{Attempt, Next, Step};
use amm_engine::monitor::is_vacant;
use amm_engine::pick::Chosen;
use amm_engine::probe::{Finding, ProbeResult};

use crate::plan::Sickness;
use crate::process::{Handle, Request};
use crate::server::Reach;
use crate::watch::{self, Ended};
use crate::world::{Event, World};

/// A dial under way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dial {
    pub(crate) request: u64,
    pub(crate) chosen: Chosen,
    pub(crate) began: u64,
    pub(crate) limit_ms: u64,
}

/// What is next in a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Work {
    Advance {
        id: u64,
        ticket: u64,
    },
    DialMeets(Dial),
    DialEnds(Dial, Result<u32, u32>),
    AskMeets {
        id: u64,
        chosen: Chosen,
        word: u64,
        began: u64,
        left: u64,
    },
    AskEnds {
        id: u64,
        chosen: Chosen,
        word: u64,
        finding: Found,
    },
    Write {
        id: u64,
    },
    WriteMeets {
        id: u64,
        write: u64,
        handle: Handle,
        sent: u64,
    },
    WriteEnds {
        id: u64,
        handle: Handle,
        outcome: Result<(), u32>,
    },
}

/// A finding that fits into an event.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Found {
    Role(Role),
    Late,
    Refused,
    Nothing,
}

/// A client gives up a statement after this time, ms.
const READ_TIMEOUT_MS: u64 = 8_000;

/// Stands for a request that no longer waits.
const GONE: u64 = 0;

impl Work {
    /// Whether it happens at a server, whatever becomes of the process meanwhile.
    pub(crate) fn is_elsewhere(&self) -> bool {
        matches!(
            self,
            Work::DialMeets(_) | Work::AskMeets { .. } | Work::WriteMeets { .. }
        )
    }

    fn request(&self) -> u64 {
        match self {
            Work::DialMeets(dial) | Work::DialEnds(dial, _) => dial.request,
            Work::Advance { id, .. }
            | Work::AskMeets { id, .. }
            | Work::AskEnds { id, .. }
            | Work::Write { id }
            | Work::WriteMeets { id, .. }
            | Work::WriteEnds { id, .. } => *id,
        }
    }
}

impl World {
    pub(crate) fn begin_request(&mut self, pid: usize) {
        if self.processes[pid].request.is_some() {
            return;
        }
        self.see_to_probing(pid);
        self.requests += 1;
        let key = match self.dice.chance(700) {
            true => self.dice.between(0, 15),
            false => self.dice.roll(),
        };
        let request = Request {
            id: self.requests,
            began: self.now,
            key,
            attempt: None,
            ticket: 0,
            waits: false,
            writes_left: self.dice.between(1, 6),
            transaction: self.dice.chance(300),
            reconnects: 0,
            dials: 0,
            excused: self.processes[pid].sick.is_some(),
        };
        let id = request.id;
        let process = &mut self.processes[pid];
        process.request = Some(request);
        // `isAlive()`: current, and the peer has not closed the socket.
        if let Some(handle) = process.handle {
            let open = self.servers[handle.node].life == handle.life;
            if open && watch::is_current(self, pid, &handle) {
                self.work(pid, Work::Write { id });
                return;
            }
            self.processes[pid].handle = None;
        }
        self.connect(pid);
    }

    fn see_to_probing(&mut self, pid: usize) {
        let now = self.now;
        let process = &mut self.processes[pid];
        process.cluster.touch(now);
        if !self.plan.monitors {
            return;
        }
        if process.seat.is_none() {
            process.start_monitor(now);
            self.tend_soon(pid, 0, 3);
        } else if is_vacant(&process.cluster, now) {
            self.tend_soon(pid, 0, 3);
        }
    }

    fn connect(&mut self, pid: usize) {
        let now = self.now;
        let process = &mut self.processes[pid];
        let cluster = Arc::clone(&process.cluster);
        let Some(request) = &mut process.request else {
            return;
        };
        request.dials = 0;
        request.attempt = Some(Attempt::new(
            cluster,
            Purpose::Write,
            request.key,
            process.token,
            now,
        ));
        self.advance(pid);
    }

    /// Does what is next, if the request it belongs to is still there.
    pub(crate) fn work(&mut self, pid: usize, work: Work) {
        let current = self.processes[pid].request.as_ref().map(|r| r.id);
        let mine = current == Some(work.request()) && !self.processes[pid].dead;
        match work {
            // What was sent is carried out, whoever sent it.
            Work::WriteMeets {
                id,
                write,
                handle,
                sent,
            } => {
                self.write_meets(pid, id, write, handle, sent);
            }
            _ if !mine => {}
            Work::Advance { ticket, .. } => {
                let request = self.processes[pid].request.as_ref();
                if request.is_some_and(|r| r.waits && r.ticket == ticket) {
                    self.advance(pid);
                }
            }
            Work::DialMeets(dial) => self.dial_meets(pid, dial),
            Work::DialEnds(dial, outcome) => self.dial_ends(pid, dial, outcome),
            Work::AskMeets {
                id,
                chosen,
                word,
                began,
                left,
            } => {
                self.ask_meets(pid, id, chosen, word, began, left);
            }
            Work::AskEnds {
                chosen,
                word,
                finding,
                ..
            } => self.asked(pid, chosen, word, finding),
            Work::Write { id } => self.write(pid, id),
            Work::WriteEnds {
                handle, outcome, ..
            } => self.write_ends(pid, handle, outcome),
        }
    }

    fn advance(&mut self, pid: usize) {
        let now = self.now;
        let process = &mut self.processes[pid];
        let Some(request) = &mut process.request else {
            return;
        };
        let (id, key) = (request.id, request.key);
        request.waits = false;
        let Some(attempt) = &mut request.attempt else {
            return;
        };
        match attempt.step(now) {
            Step::Done(Next::Dial(chosen, limit_ms)) => {
                self.note(|_| {
                    format!(
                        "p{pid} r{id} key {key:x} dials s{}{}",
                        chosen.index,
                        if chosen.trial { " on trial" } else { "" }
                    )
                });
                let dial = Dial {
                    request: id,
                    chosen,
                    began: now,
                    limit_ms,
                };
                let slot = self.processes[pid].cluster.node(chosen.index);
                slot.dials.fetch_add(1, Ordering::Relaxed);
                self.report.dials += 1;
                if let Some(request) = &mut self.processes[pid].request {
                    request.dials += 1;
                }
                self.report.trials += u64::from(chosen.trial);
                watch::dial_begins(self, pid, &dial);
                self.soon(0, 2, Event::Work(pid, Work::DialMeets(dial)));
            }
            Step::Done(Next::NoWriter(refusals)) => {
                self.note(|_| format!("p{pid} r{id} NO WRITER {refusals:?}"));
                self.end_request(pid, Ended::NoWriter);
            }
            Step::Done(Next::DeadlineExceeded) => self.end_request(pid, Ended::TooLate),
            Step::Ask(chosen, left) => {
                let word = process
                    .cluster
                    .node(chosen.index)
                    .state
                    .load(Ordering::Relaxed);
                let left = left.min(500);
                let ask = Work::AskMeets {
                    id,
                    chosen,
                    word,
                    began: now,
                    left,
                };
                self.soon(0, 2, Event::Work(pid, ask));
            }
            Step::Wait(_, ms) => {
                request.waits = true;
                request.ticket += 1;
                let ticket = request.ticket;
                self.soon(ms, ms + 1, Event::Work(pid, Work::Advance { id, ticket }));
                watch::waits(self, pid);
            }
        }
    }

    fn dial_meets(&mut self, pid: usize, dial: Dial) {
        let server = &self.servers[dial.chosen.index];
        let (sick, latency) = (self.processes[pid].sick, server.latency);
        let over = self.now >= dial.began + dial.limit_ms;
        let outcome = match server.reach {
            _ if sick == Some(Sickness::NoDescriptors) => Err(2002),
            Reach::Refuses => Err(2002),
            Reach::Hangs | Reach::Stalls if over => {
                Err(if self.dice.chance(500) { 2002 } else { 2006 })
            }
            Reach::Hangs | Reach::Stalls => {
                self.soon(10, 25, Event::Work(pid, Work::DialMeets(dial)));
                return;
            }
            Reach::Full => Err(1040),
            Reach::Up if sick == Some(Sickness::WrongPassword) => Err(1045),
            Reach::Up => Ok(server.life),
        };
        let low = if outcome.is_ok() { 1 } else { 0 };
        self.soon(
            low,
            latency,
            Event::Work(pid, Work::DialEnds(dial, outcome)),
        );
    }

    fn dial_ends(&mut self, pid: usize, dial: Dial, outcome: Result<u32, u32>) {
        let now = self.now;
        let node = dial.chosen.index;
        let life = self.servers[node].life;
        // The server may have gone while it greeted.
        let outcome = match outcome {
            Ok(made) if made != life => Err(2013),
            Ok(_) if self.servers[node].reach == Reach::Hangs => {
                self.soon(10, 25, Event::Work(pid, Work::DialMeets(dial)));
                return;
            }
            outcome => outcome,
        };
        let process = &mut self.processes[pid];
        let (cluster, me) = (Arc::clone(&process.cluster), process.token);
        watch::dial_ends(self, pid, &dial, outcome.is_ok());
        match outcome {
            Ok(life) => {
                let epoch = cluster.succeeded(node, dial.chosen.epoch, me, now);
                self.note(|_| {
                    format!(
                        "p{pid} r{} connected to s{node} epoch {epoch}",
                        dial.request
                    )
                });
                let changes = watch::handle_made(self, pid, &dial, epoch);
                let handle = Handle {
                    node,
                    epoch,
                    life,
                    changes,
                };
                let process = &mut self.processes[pid];
                process.handle = Some(handle);
                if let Some(request) = &mut process.request {
                    request.attempt = None;
                }
                let id = dial.request;
                self.soon(0, 3, Event::Work(pid, Work::Write { id }));
            }
            Err(errno) => {
                self.report.failed_dials += 1;
                let verdict = self.report(pid, node, dial.chosen.epoch, errno, Phase::Dial);
                match retry_elsewhere(verdict) {
                    true => self.advance(pid),
                    false => self.end_request(pid, Ended::OwnMistake),
                }
            }
        }
    }

    fn report(&mut self, pid: usize, node: usize, epoch: u32, errno: u32, phase: Phase) -> Verdict {
        let process = &self.processes[pid];
        let seen = ErrorSeen {
            errno: Some(errno),
            ..ErrorSeen::default()
        };
        let verdict = process
            .cluster
            .report(node, epoch, &seen, phase, process.token, self.now);
        self.note(|w| {
            let state = w.processes[pid].cluster.node(node).load();
            format!(
                "p{pid} reports {errno} of s{node}: {verdict:?}; {:?} {:?} passive {} streak {}",
                state.phase, state.role, state.passive, state.streak
            )
        });
        verdict
    }

    fn ask_meets(&mut self, pid: usize, id: u64, chosen: Chosen, word: u64, began: u64, left: u64) {
        let found = match self.fresh_question(pid, chosen.index) {
            Some(Finding::Answered(judged)) => Found::Role(judged.role),
            Some(Finding::Failed { .. }) => Found::Refused,
            Some(_) => Found::Nothing,
            None if self.now >= began + left => Found::Late,
            None => {
                let again = Work::AskMeets {
                    id,
                    chosen,
                    word,
                    began,
                    left,
                };
                self.soon(10, 25, Event::Work(pid, again));
                return;
            }
        };
        let latency = self.servers[chosen.index].latency;
        let ends = Work::AskEnds {
            id,
            chosen,
            word,
            finding: found,
        };
        self.soon(1, latency, Event::Work(pid, ends));
    }

    fn asked(&mut self, pid: usize, chosen: Chosen, word: u64, found: Found) {
        let now = self.now;
        self.note(|_| format!("p{pid} asked s{}: {found:?}", chosen.index));
        let finding = match found {
            Found::Role(Role::Writer) => {
                Finding::Answered(amm_core::probe::Judgement::writer(None))
            }
            Found::Role(role) => Finding::Answered(amm_core::probe::Judgement::not_writer(
                role,
                None,
                amm_core::probe::Reason::ReadOnly,
            )),
            Found::Late => Finding::Failed { fatal: false },
            Found::Refused => Finding::Failed { fatal: true },
            Found::Nothing => Finding::Inconclusive,
        };
        let result = ProbeResult::of(finding);
        let process = &mut self.processes[pid];
        let attempt = process.request.as_mut().and_then(|r| r.attempt.as_mut());
        if let Some(attempt) = attempt {
            attempt.asked(chosen, word, &result, now);
        }
        let (cluster, host) = (Arc::clone(&process.cluster), process.host);
        self.watch
            .probed(&cluster, host, chosen.index, &result, now);
        self.advance(pid);
    }

    fn write(&mut self, pid: usize, id: u64) {
        let process = &self.processes[pid];
        let (Some(request), Some(handle)) = (&process.request, process.handle) else {
            return;
        };
        if request.writes_left == 0 {
            self.end_request(pid, Ended::Served);
            return;
        }
        let write = id * 100 + request.writes_left;
        // Connectors ask before each statement outside a transaction.
        if !request.transaction && !watch::is_current(self, pid, &handle) {
            self.reconnect(pid);
            return;
        }
        let sent = self.now;
        self.soon(
            0,
            1,
            Event::Work(
                pid,
                Work::WriteMeets {
                    id,
                    write,
                    handle,
                    sent,
                },
            ),
        );
    }

    fn reconnect(&mut self, pid: usize) {
        let process = &mut self.processes[pid];
        process.handle = None;
        let Some(request) = &mut process.request else {
            return;
        };
        request.reconnects += 1;
        match request.reconnects > 12 {
            true => self.end_request(pid, Ended::NoWriter),
            false => self.connect(pid),
        }
    }

    fn write_meets(&mut self, pid: usize, id: u64, write: u64, handle: Handle, sent: u64) {
        let server = &mut self.servers[handle.node];
        let latency = server.latency;
        let outcome = match server.role {
            _ if server.life != handle.life => Err(2013),
            _ if server.reach == Reach::Hangs => {
                let gives_up = id != GONE && self.now >= sent + READ_TIMEOUT_MS;
                if gives_up {
                    let outcome = Err(2006);
                    self.soon(
                        0,
                        1,
                        Event::Work(
                            pid,
                            Work::WriteEnds {
                                id,
                                handle,
                                outcome,
                            },
                        ),
                    );
                }
                // The server has it, and carries it out once it wakes.
                let id = if gives_up { GONE } else { id };
                let again = Work::WriteMeets {
                    id,
                    write,
                    handle,
                    sent,
                };
                self.soon(10, 40, Event::Work(pid, again));
                return;
            }
            Role::Writer => {
                server.executed.push(write);
                watch::executed(self, pid, handle.node, write);
                Ok(())
            }
            Role::Reader => Err(1290),
            Role::Unready | Role::Unknown => Err(1047),
        };
        let ends = Work::WriteEnds {
            id,
            handle,
            outcome,
        };
        self.soon(0, latency, Event::Work(pid, ends));
    }

    fn write_ends(&mut self, pid: usize, handle: Handle, outcome: Result<(), u32>) {
        let outcome = match outcome {
            Ok(()) if self.servers[handle.node].life != handle.life => Err(2013),
            outcome => outcome,
        };
        let Some(request) = &mut self.processes[pid].request else {
            return;
        };
        let Err(errno) = outcome else {
            request.writes_left -= 1;
            let id = request.id;
            self.soon(0, 60, Event::Work(pid, Work::Write { id }));
            return;
        };
        let transaction = request.transaction;
        let known = self.processes[pid].cluster.node(handle.node).load().epoch;
        let verdict = self.report(pid, handle.node, handle.epoch, errno, Phase::InUse);
        if verdict == Verdict::NotWritable && known == handle.epoch {
            watch::refused(self, pid, handle.node);
        }
        match verdict {
            // Refused: nothing happened, so another node may have it.
            Verdict::NotWritable if !transaction => self.reconnect(pid),
            Verdict::NotWritable => self.end_request(pid, Ended::Refused),
            _ => self.end_request(pid, Ended::InDoubt),
        }
    }

    pub(crate) fn end_request(&mut self, pid: usize, ended: Ended) {
        let process = &mut self.processes[pid];
        let Some(request) = process.request.take() else {
            return;
        };
        if ended != Ended::Served || !process.keeps_handles {
            process.handle = None;
        }
        self.report.requests += 1;
        self.report.served += u64::from(ended == Ended::Served);
        self.note(|_| format!("p{pid} r{} ends: {ended:?}", request.id));
        watch::request_ends(self, pid, &request, ended);
        self.soon(20, 500, Event::Request(pid));
    }
}
