//! Who is to blame: every failed request and every dial, laid against the
//! faults that were injected and the servers' own records.
//!
//! A failure is excused only if its request was on the faulty node when the
//! fault struck (shown by the connection's number in that server's own log, or
//! by a dial under way), or if the cluster itself said no: it answers 1213,
//! 3101 or 1180 to transactions that lose a certification, and can answer 1062 on an
//! auto-increment key while its membership changes.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::clock::Moment;
use crate::cluster::Cluster;
use crate::dials::{Dial, Dials};
use crate::fault::{Injected, Kind};
use crate::load::Request;
use crate::status::Change;

/// Between a pick and the log line that tells of it a busy machine may take
/// this long; a dial logged so soon after the exclusion was already under way.
pub const UNDER_WAY: Duration = Duration::from_millis(25);
/// The least time before a half-open trial: half of amm's default backoff of
/// 1 s, which doubles with every failed trial.
pub const FIRST_TRIAL: Duration = Duration::from_millis(500);

/// Everything that is known of a run.
#[derive(Debug)]
pub struct Evidence<'a> {
    /// What was asked and answered.
    pub requests: &'a [Request],
    /// Where the application went.
    pub dials: &'a Dials,
    /// What was done to the nodes, in order.
    pub faults: &'a [Injected],
    /// What amm said of the nodes; empty without it.
    pub changes: &'a [Change],
}

/// Why a request failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Blame {
    /// It was on the node when the fault struck. The fault's number.
    OnVictim(usize),
    /// A survivor answered 1213 (3101, 1180: a group's words for it), or 1062 on an auto-increment key.
    Cluster,
    /// None of that: somebody has to answer for it.
    Nobody(String),
}

/// What a fault did to the dials.
#[derive(Clone, Debug, Default)]
pub struct Exclusion {
    /// When the application's host knew: the end of the first failed dial, or
    /// the first refusal, or amm's status saying so; the earliest of them.
    pub known: Option<Moment>,
    /// The last dial that went to the node, half-open trials aside.
    pub last_dial: Option<Moment>,
    /// Half-open trials, at most one for each backoff.
    pub trials: usize,
    /// Dials that should not have been.
    pub afterwards: Vec<Dial>,
}

impl Evidence<'_> {
    /// Why `request`, which failed, did.
    pub fn blame(&self, request: &Request) -> Blame {
        let mut reason = String::from("no fault was in effect");
        for (number, fault) in self.faults.iter().enumerate() {
            let over = fault.back.unwrap_or(Moment(u64::MAX));
            if request.ended < fault.began || request.sent > over {
                continue;
            }
            match self.was_on(request, fault) {
                Ok(()) => return Blame::OnVictim(number),
                Err(why) => reason = why,
            }
        }
        if is_clusters_own(request) {
            return Blame::Cluster;
        }
        Blame::Nobody(reason)
    }

    /// Whether `request` was on the victim when `fault` struck, or why not.
    fn was_on(&self, request: &Request, fault: &Injected) -> Result<(), String> {
        let victim = &fault.victim;
        let until = match fault.fault.kind {
            Kind::Harmless => return Err(format!("{} harms nobody", fault.fault.name)),
            Kind::Gone => fault.effective,
            Kind::Refusing(_) | Kind::Leaving(_) => {
                self.exclusion(fault)
                    .known
                    .unwrap_or(fault.effective)
                    .max(fault.effective)
                    + UNDER_WAY
            }
        };
        let Some(dial) = self.dials.of(&request.token).rfind(|dial| dial.at <= until) else {
            return Err(format!("it had dialled nobody when {victim} was hit"));
        };
        if dial.node != *victim {
            return Err(format!("it was on {} when {victim} was hit", dial.node));
        }
        if let Kind::Refusing(numbers) | Kind::Leaving(numbers) = fault.fault.kind
            && !request
                .answer
                .errno
                .is_some_and(|errno| numbers.contains(&errno))
        {
            return Err(format!("{victim} does not fail like that"));
        }
        match (fault.fault.kind, dial.connected) {
            (_, None) | (Kind::Refusing(_) | Kind::Leaving(_) | Kind::Harmless, _) => Ok(()),
            (Kind::Gone, Some((at, _))) if at > fault.effective => {
                Err(format!("{victim} let it in after it was hit"))
            }
            (Kind::Gone, Some((_, id))) if fault.connects.open.contains(&id) => Ok(()),
            (Kind::Gone, Some((_, id))) => Err(format!(
                "{victim}'s own log has no open connection {id} at that moment"
            )),
        }
    }

    /// Requests that were on the victim when `fault` struck or went there later,
    /// and ended before it was undone or after.
    pub fn that_dialled_the_victim(&self, fault: &Injected) -> impl Iterator<Item = &Request> {
        let healed = fault.healed.unwrap_or(Moment(u64::MAX));
        let (began, victim) = (fault.began, fault.victim.clone());
        self.requests.iter().filter(move |request| {
            request.ended >= began
                && request.sent < healed
                && self
                    .dials
                    .of(&request.token)
                    .any(|dial| dial.node == victim && dial.at < healed)
        })
    }

    /// How the node was left alone while `fault` lasted.
    pub fn exclusion(&self, fault: &Injected) -> Exclusion {
        let healed = fault.healed.unwrap_or(Moment(u64::MAX));
        let during = || {
            self.dials.all.iter().filter(move |dial| {
                dial.node == fault.victim && dial.at >= fault.began && dial.at < healed
            })
        };
        let known = self.known(fault, during(), healed);
        let mut exclusion = Exclusion {
            known,
            ..Exclusion::default()
        };
        let mut next_trial = known.map(|known| known + FIRST_TRIAL);
        let mut backoff = FIRST_TRIAL;
        for dial in during() {
            let under_way = known.is_none_or(|known| dial.at <= known + UNDER_WAY);
            let may_try = matches!(fault.fault.kind, Kind::Gone | Kind::Harmless);
            if under_way {
                exclusion.last_dial = Some(dial.at);
            } else if may_try && next_trial.is_some_and(|next| dial.at >= next) {
                exclusion.trials += 1;
                backoff = (backoff * 2).min(Duration::from_secs(15));
                next_trial = Some(dial.at + backoff);
            } else {
                exclusion.last_dial = Some(dial.at);
                exclusion.afterwards.push(dial.clone());
            }
        }
        exclusion
    }

    fn known<'d>(
        &self,
        fault: &Injected,
        during: impl Iterator<Item = &'d Dial>,
        healed: Moment,
    ) -> Option<Moment> {
        let mut during_it = self.changes.iter().filter(|change| {
            change.node == fault.victim && change.at >= fault.began && change.at < healed
        });
        if let Kind::Leaving(_) = fault.fault.kind {
            let last_good = during_it.clone().rfind(|change| change.status.writable);
            let from = last_good.map_or(fault.began, |change| change.at);
            return during_it
                .find(|change| change.at >= from && !change.status.writable)
                .map(|change| change.at);
        }
        let said = during_it.find(|change| !change.status.writable);
        let felt = match fault.fault.kind {
            Kind::Harmless | Kind::Leaving(_) => None,
            Kind::Gone => during
                .filter(|dial| dial.connected.is_none())
                .filter_map(|dial| self.end_of(dial))
                .min(),
            Kind::Refusing(numbers) => self
                .requests
                .iter()
                .filter(|request| request.ended >= fault.began && request.sent < healed)
                .filter(|request| {
                    request.answer.node.as_deref() == Some(fault.victim.as_str())
                        && request
                            .answer
                            .errno
                            .is_some_and(|errno| numbers.contains(&errno))
                })
                .map(|request| request.ended)
                .min(),
        };
        said.map(|change| change.at).into_iter().chain(felt).min()
    }

    /// When a dial that led nowhere was over.
    fn end_of(&self, dial: &Dial) -> Option<Moment> {
        match self.dials.next_of(dial) {
            Some(next) => Some(next.at),
            None => self
                .requests
                .iter()
                .find(|request| request.token == dial.token)
                .map(|request| request.ended),
        }
    }

    /// Connections the application claims to have had and of which the server
    /// knows nothing: the logs would not be worth much then.
    pub fn unreconciled(&self, cluster: &dyn Cluster) -> anyhow::Result<Vec<Dial>> {
        let mut seen = BTreeMap::new();
        for node in cluster.members() {
            for incarnation in 1..=node.server().incarnation() {
                for (id, _) in node.connects(incarnation)?.logins {
                    seen.insert((node.server().id(), id), ());
                }
            }
        }
        let claimed = self.dials.all.iter().filter(|dial| {
            dial.connected
                .is_some_and(|(_, id)| !seen.contains_key(&(dial.node.clone(), id)))
        });
        Ok(claimed.cloned().collect())
    }
}

fn is_clusters_own(request: &Request) -> bool {
    let text = request.answer.error.as_deref().unwrap_or_default();
    match request.answer.errno {
        Some(1213 | 3101 | 1180) => true,
        Some(1062) => text.contains("PRIMARY"),
        _ => false,
    }
}

#[cfg(test)]
#[path = "reconcile_tests.rs"]
mod tests;
