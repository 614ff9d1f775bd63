//! The books are closed and checked.

use std::collections::BTreeSet;

use amm_rig::dials::Dials;
use amm_rig::fault::Injected;
use amm_rig::floor::Tick;
use amm_rig::ledger::Ledger;
use amm_rig::load::Request;
use amm_rig::reconcile::{Blame, Evidence};
use amm_rig::report::{Summary, WINDOW, excuse};
use amm_rig::status::StatusWatch;
use amm_rig::table::Table;
use anyhow::Result;

use crate::stage::Stage;

impl Stage {
    /// Prints the figures; says whether all is as promised.
    pub(crate) fn reckon(
        &self,
        table: &mut Table,
        requests: &[Request],
        faults: &[Injected],
        floor: &[Tick],
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
                Blame::Nobody(why) => faulty.push(excuse(request, &evidence, &why)),
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
                .collect::<BTreeSet<_>>()
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
}
