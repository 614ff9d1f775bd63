//! The live table, kept up to date while something else goes on.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use amm_rig::clock::Moment;
use amm_rig::interrupt;
use amm_rig::load::{Load, Request};
use amm_rig::report::Latency;
use amm_rig::status::{NodeStatus, StatusWatch};
use amm_rig::table::{Row, Table, View};
use anyhow::{Result, bail};

use crate::stage::Stage;

/// Draws while others work.
pub(crate) struct Show<'a> {
    stage: &'a Stage,
    pub(crate) load: &'a Load,
    rate: f64,
    pub(crate) table: Table,
    drawn: Instant,
}

impl<'a> Show<'a> {
    pub(crate) fn new(stage: &'a Stage, load: &'a Load, rate: f64) -> Self {
        Self {
            stage,
            load,
            rate,
            table: Table::default(),
            drawn: Instant::now(),
        }
    }

    pub(crate) fn wait(&mut self, phase: &str, time: Duration) -> Result<()> {
        let until = Instant::now() + time;
        while Instant::now() < until {
            self.draw(phase);
            std::thread::sleep(until.saturating_duration_since(Instant::now()).min(TICK));
        }
        Ok(())
    }

    /// Waits until what was piled up is done: each fault begins on its own.
    pub(crate) fn settle(&mut self) -> Result<()> {
        let patience = Instant::now() + Duration::from_secs(30);
        while !self.keeps_up() && Instant::now() < patience {
            self.wait("working off the backlog", Duration::from_millis(100))?;
        }
        Ok(())
    }

    /// Whether no more requests are under way than a tenth of a second brings.
    pub(crate) fn keeps_up(&self) -> bool {
        self.load.under_way() <= (self.rate / 10.0).max(4.0) as usize
    }

    pub(crate) fn during<T: Send>(
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
