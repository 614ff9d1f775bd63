//! What happens: load, faults one after the other, repairs.

use std::time::{Duration, Instant};

use amm_rig::clock::Moment;
use amm_rig::fault::{Fault, Injected};
use amm_rig::floor::Floor;
use amm_rig::load::{Load, LoadOptions};
use amm_rig::report::WINDOW;
use anyhow::{Result, bail};

use crate::arguments::Arguments;
use crate::show::Show;
use crate::stage::Stage;

impl Stage {
    /// Load, faults, and the reckoning.
    pub(crate) fn play(&self, arguments: &Arguments) -> Result<bool> {
        let last = self.cluster.nodes().len() - 1;
        let load = Load::start(LoadOptions::orders(self.nginx.address(), arguments.rate))?;
        // Faults go to the other nodes in turn: this one is always a survivor.
        let floor = Floor::start(self.cluster.node(last), Duration::from_millis(20))?;
        let mut show = Show::new(self, &load, arguments.rate);
        let pause = Duration::from_secs(if arguments.quick { 2 } else { 5 });
        show.wait("warming up", pause)?;
        self.check_warm(&load)?;
        show.settle()?;
        if !show.keeps_up() {
            bail!(
                "this machine does not manage {} orders per second even while all is well: \
                 try a lower --rate, or when it has less else to do",
                arguments.rate
            );
        }
        show.wait("all is well", pause)?;
        let mut injected = Vec::new();
        for (number, fault) in arguments.faults.iter().enumerate() {
            injected.push(self.suffer(&mut show, *fault, number % last)?);
            show.settle()?;
            show.wait("all is well again", pause / 2)?;
        }
        let requests = show.during("the last requests", || load.finish())?;
        let floor = floor.finish()?;
        self.reckon(&mut show.table, &requests, &injected, &floor)
    }

    /// A load that never worked would show nothing.
    fn check_warm(&self, load: &Load) -> Result<()> {
        let problem = load.so_far(|requests| match requests.iter().find(|r| r.succeeded()) {
            Some(_) => None,
            None => Some(requests.last().cloned()),
        });
        match problem {
            None => Ok(()),
            Some(Some(request)) => {
                bail!(
                    "no order succeeds: status {}, {:?}",
                    request.status,
                    request.answer
                )
            }
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
}
