//! What a seed decides beforehand: the configuration and what befalls whom, when.

use std::sync::Arc;

use amm_core::config::{Settings, Value};
use amm_core::node::{AdminOverride, Role};
use amm_engine::definition::Definition;

use crate::dice::Dice;
use crate::server::{Change, Reach, Server};

/// The kind of trouble a run is about; each makes other guarantees checkable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Theme {
    /// Servers stay well; clients, probers and processes do not.
    Clients,
    /// One server at a time fails, and comes back.
    OneServer,
    /// A server goes up and down.
    Flapping,
    /// All servers go, and come back.
    Blackout,
    /// The writer's role moves.
    Switchover,
    /// Anything at any time.
    Chaos,
}

/// Whom a deed befalls among a host's processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    Leader,
    Deputy,
    Any,
}

/// What is wrong with a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sickness {
    /// Out of file descriptors: every dial and every fresh probe fails at once.
    NoDescriptors,
    /// Its password is wrong.
    WrongPassword,
}

/// What befalls somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    Server(usize, Change),
    Flap {
        server: usize,
        up_ms: u64,
        down_ms: u64,
        hang: bool,
    },
    Kill(usize, Who),
    Pause(usize, Who, u64),
    Sick(usize, Who, Sickness, u64),
    ProbePassword(bool),
    Operator(usize, usize, AdminOverride),
}

/// What a seed decides beforehand.
pub(crate) struct Plan {
    pub(crate) theme: Theme,
    pub(crate) definition: Arc<Definition>,
    pub(crate) servers: Vec<Server>,
    /// Processes of each host.
    pub(crate) workers: Vec<usize>,
    /// Whether the processes of a host run monitors.
    pub(crate) monitors: bool,
    /// Whether processes are killed and stopped at any step.
    pub(crate) violent: bool,
    pub(crate) deeds: Vec<(u64, Deed)>,
    /// From here on nothing befalls anyone.
    pub(crate) calm_ms: u64,
    pub(crate) end_ms: u64,
}

/// When a run begins, ms: not zero, which would look like "never".
pub(crate) const START_MS: u64 = 1_000_000;

impl Plan {
    pub(crate) fn new(dice: &mut Dice, long: bool) -> Self {
        use Theme::*;
        let theme = dice.one_of(&[
            Clients, OneServer, OneServer, Flapping, Blackout, Switchover, Chaos, Chaos,
        ]);
        let read_only = theme == Switchover || dice.chance(250);
        let multi_source = read_only && theme != Switchover && dice.chance(300);
        let nodes = dice.between(if theme == Blackout { 1 } else { 2 }, 5) as usize;
        let probed = dice.chance(850);
        let backoff_max = dice.one_of(&[4_000u64, 8_000, 30_000]);
        let hold = dice.one_of(&[500u64, 2_000, 2_000]);
        let ramp = dice.one_of(&[0u64, 2_000, 10_000]);
        let settings = settings(
            dice,
            nodes,
            probed,
            (read_only, multi_source),
            (hold, ramp, backoff_max),
        );
        let first = dice.below(nodes);
        let servers = (0..nodes)
            .map(|i| {
                let role = match read_only && !multi_source && i != first {
                    true => Role::Reader,
                    false => Role::Writer,
                };
                Server::new(role, i as u16, dice.one_of(&[2u64, 5, 20]))
            })
            .collect();
        let workers: Vec<usize> = (0..dice.between(1, 3))
            .map(|_| dice.between(2, 6) as usize)
            .collect();
        let trouble = if long { 120_000 } else { 30_000 };
        let calm_ms = START_MS + 3_000 + trouble;
        let mut plan = Self {
            theme,
            definition: Arc::new(Definition::new(settings, None)),
            servers,
            workers,
            monitors: probed && dice.chance(930),
            violent: dice.chance(500),
            deeds: Vec::new(),
            calm_ms,
            end_ms: calm_ms + 2 * backoff_max.max(hold) + ramp + 16_000,
        };
        plan.fill(dice, first);
        plan.deeds.sort_by_key(|(at, _)| *at);
        plan
    }

    /// Whether two writers at once are an accident.
    pub(crate) fn is_exclusive(&self) -> bool {
        let settings = &self.definition.settings;
        settings.flavour == amm_core::config::Flavour::ReadOnly && !settings.multi_source
    }

    fn fill(&mut self, dice: &mut Dice, mut writer: usize) {
        let mut at = START_MS + dice.between(0, 6_000);
        while at < self.calm_ms - 4_000 {
            let span = dice.between(200, 9_000).min(self.calm_ms - 1_000 - at);
            match self.theme {
                Theme::Clients => self.client_trouble(dice, at, span),
                Theme::OneServer => {
                    let server = dice.below(self.servers.len());
                    self.server_trouble(dice, server, at, span);
                    if dice.chance(500) {
                        self.client_trouble(dice, at + dice.clone().between(0, 500), span / 2);
                    }
                    at += span;
                }
                Theme::Flapping => {
                    let server = dice.below(self.servers.len());
                    let long = dice.between(8_000, 25_000).min(self.calm_ms - 1_000 - at);
                    let deed = Deed::Flap {
                        server,
                        up_ms: dice.between(300, 3_000),
                        down_ms: dice.between(300, 3_000),
                        hang: dice.chance(300),
                    };
                    self.put(at, Deed::Server(server, Change::Flaps(at + long)));
                    self.put(at, deed);
                    at += long;
                }
                Theme::Blackout => {
                    let mut ends = at + span;
                    let together = dice.chance(500);
                    for server in 0..self.servers.len() {
                        let reach = dice.one_of(&[Reach::Refuses, Reach::Refuses, Reach::Hangs]);
                        let begins = at + dice.below(if together { 5 } else { 1_500 }) as u64;
                        self.put(begins, Deed::Server(server, Change::Reach(reach)));
                        let back =
                            at + 1_600 + span + dice.below(if together { 5 } else { 1_500 }) as u64;
                        self.put(back, Deed::Server(server, Change::Reach(Reach::Up)));
                        ends = ends.max(back);
                    }
                    at = ends + dice.between(0, 15_000);
                }
                Theme::Switchover => {
                    let next = dice.below(self.servers.len());
                    self.switch_over(dice, at, span, writer, next);
                    writer = next;
                    at += span + 1_000;
                }
                Theme::Chaos => {
                    let server = dice.below(self.servers.len());
                    match dice.below(10) {
                        0..6 => self.server_trouble(dice, server, at, span),
                        6..9 => self.client_trouble(dice, at, span),
                        _ => self.operator_trouble(dice, at, span),
                    }
                }
            }
            at += dice.between(100, 6_000);
        }
        self.restore(writer);
    }

    /// When the trouble is over everyone is well, whatever was forgotten.
    fn restore(&mut self, writer: usize) {
        let at = self.calm_ms;
        for server in 0..self.servers.len() {
            let role = match self.is_exclusive() && server != writer {
                true => Role::Reader,
                false => Role::Writer,
            };
            let usual = self.servers[server].latency;
            self.put(at, Deed::Server(server, Change::Flaps(0)));
            self.put(at, Deed::Server(server, Change::Reach(Reach::Up)));
            self.put(at, Deed::Server(server, Change::Role(role)));
            self.put(at, Deed::Server(server, Change::Latency(usual)));
            for host in 0..self.workers.len() {
                self.put(at, Deed::Operator(host, server, AdminOverride::Unset));
            }
        }
        self.put(at, Deed::ProbePassword(true));
    }

    fn put(&mut self, at: u64, deed: Deed) {
        self.deeds.push((at, deed));
    }

    fn server_trouble(&mut self, dice: &mut Dice, server: usize, at: u64, span: u64) {
        let ends = (at + span).min(self.calm_ms);
        let usual = self.servers[server].latency;
        let reach = |reach| Change::Reach(reach);
        let (change, back) = match dice.below(12) {
            0..4 => (reach(Reach::Refuses), reach(Reach::Up)),
            4..7 => (reach(Reach::Hangs), reach(Reach::Up)),
            7 => (reach(Reach::Stalls), reach(Reach::Up)),
            8 => (reach(Reach::Full), reach(Reach::Up)),
            9 => (
                Change::Latency(dice.between(50, 450)),
                Change::Latency(usual),
            ),
            role => {
                // Under `read_only` roles move by switchovers alone.
                if self.is_exclusive() {
                    return;
                }
                let lost = if role == 10 {
                    Role::Unready
                } else {
                    Role::Reader
                };
                (Change::Role(lost), Change::Role(Role::Writer))
            }
        };
        self.put(at, Deed::Server(server, change));
        self.put(ends, Deed::Server(server, back));
        let joins = matches!(change, Change::Reach(Reach::Refuses | Reach::Hangs));
        if joins && !self.is_exclusive() && dice.chance(400) {
            self.put(ends, Deed::Server(server, Change::Role(Role::Unready)));
            let joined = (ends + dice.between(50, 2_000)).min(self.calm_ms);
            self.put(joined, Deed::Server(server, Change::Role(Role::Writer)));
        }
    }

    fn client_trouble(&mut self, dice: &mut Dice, at: u64, span: u64) {
        let host = dice.below(self.workers.len());
        let who = dice.one_of(&[Who::Leader, Who::Leader, Who::Deputy, Who::Any]);
        let deed = match dice.below(10) {
            0..3 => Deed::Kill(host, who),
            3..5 => Deed::Pause(host, who, span / 2),
            5..8 => Deed::Sick(host, who, Sickness::NoDescriptors, span),
            8 => Deed::Sick(host, who, Sickness::WrongPassword, span),
            _ => {
                self.put((at + span).min(self.calm_ms), Deed::ProbePassword(true));
                Deed::ProbePassword(false)
            }
        };
        self.put(at, deed);
    }

    fn operator_trouble(&mut self, dice: &mut Dice, at: u64, span: u64) {
        let host = dice.below(self.workers.len());
        let server = dice.below(self.servers.len());
        let says = dice.one_of(&[AdminOverride::Disabled, AdminOverride::Draining]);
        self.put(at, Deed::Operator(host, server, says));
        let back = dice.one_of(&[AdminOverride::Unset, AdminOverride::Enabled]);
        self.put(at + span, Deed::Operator(host, server, back));
    }

    /// The writer's role moves from `old` to `new`: planned (demote, then
    /// promote) or because the old one is gone, which may come back as a writer.
    fn switch_over(&mut self, dice: &mut Dice, at: u64, span: u64, old: usize, new: usize) {
        let gap = dice.between(0, 2_500).min(span);
        let gone = dice.chance(500);
        if gone {
            let reach = dice.one_of(&[Reach::Refuses, Reach::Hangs]);
            self.put(at, Deed::Server(old, Change::Reach(reach)));
            self.put(at + span, Deed::Server(old, Change::Reach(Reach::Up)));
        }
        if old == new {
            return;
        }
        let lingers = gone && dice.chance(400);
        let demoted = match (gone, lingers) {
            (false, _) => at,
            // Back as a writer beside the new one, until somebody notices.
            (true, true) => at + span + dice.between(0, 4_000),
            (true, false) => at + span,
        };
        self.put(
            demoted.min(self.calm_ms),
            Deed::Server(old, Change::Role(Role::Reader)),
        );
        self.put(at + gap, Deed::Server(new, Change::Role(Role::Writer)));
    }
}

fn settings(
    dice: &mut Dice,
    nodes: usize,
    probed: bool,
    (read_only, multi_source): (bool, bool),
    (hold, ramp, backoff_max): (u64, u64, u64),
) -> Settings {
    let ms = |ms: u64| Value::Str(format!("{ms}ms"));
    let weighted = dice.chance(200);
    let preferred = dice.chance(200);
    let list = (0..nodes)
        .map(|i| {
            let mut node = vec![("host".to_owned(), Value::Str(format!("10.0.0.{}", i + 1)))];
            if weighted {
                node.push(("weight".to_owned(), Value::Int(dice.between(1, 4) as i64)));
            }
            if preferred {
                node.push(("priority".to_owned(), Value::Int(dice.between(0, 2) as i64)));
            }
            Value::Map(node)
        })
        .collect();
    let spread = if read_only {
        multi_source
    } else {
        dice.chance(500)
    };
    let mut keys = vec![
        ("nodes", Value::List(list)),
        (
            "flavour",
            if read_only { "read_only" } else { "galera" }.into(),
        ),
        ("writers", if spread { "spread" } else { "single" }.into()),
        ("multi_source", Value::Bool(multi_source)),
        ("hold_down", ms(hold)),
        ("slow_start", ms(ramp)),
        (
            "probe_interval",
            ms(dice.one_of(&[500, 1_000, 1_000, 2_000])),
        ),
        ("failures_to_open", Value::Int(dice.between(1, 3) as i64)),
        (
            "backoff",
            Value::Map(vec![
                ("base".to_owned(), ms(1_000)),
                ("max".to_owned(), ms(backoff_max)),
            ]),
        ),
        ("failback", dice.one_of(&["auto", "auto", "manual"]).into()),
    ];
    if probed {
        keys.push(("username", "amm".into()));
    }
    let map = keys.into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
    match Settings::try_from_value(&Value::Map(map)) {
        Ok(settings) => settings,
        Err(error) => panic!("the plan's own configuration is refused: {error}"),
    }
}
