//! The figures of each fault, and the verdict on the whole run.

use std::fmt;
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::clock::Moment;
use crate::fault::Injected;
use crate::floor::Tick;
use crate::ledger::Ledger;
use crate::load::Request;
use crate::reconcile::{Blame, Evidence};

/// A fault's figures cover the requests that were under way at some moment
/// from its injection until this long after.
pub const WINDOW: Duration = Duration::from_secs(10);

/// Latencies, in milliseconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Latency {
    /// Half are faster.
    pub p50: f64,
    /// One in a hundred is slower.
    pub p99: f64,
    /// The slowest.
    pub max: f64,
}

impl Latency {
    /// Of so many durations.
    pub fn of(durations: impl Iterator<Item = Duration>) -> Self {
        let Ok(mut histogram) = Histogram::<u64>::new_with_max(3_600_000_000, 3) else {
            return Self::default();
        };
        for duration in durations {
            histogram.saturating_record(duration.as_micros() as u64);
        }
        let quantile = |q: f64| histogram.value_at_quantile(q) as f64 / 1000.0;
        Self {
            p50: quantile(0.5),
            p99: quantile(0.99),
            max: histogram.max() as f64 / 1000.0,
        }
    }
}

/// One fault's line.
#[derive(Clone, Debug)]
pub struct Summary {
    /// The fault's name.
    pub fault: &'static str,
    /// The node it was done to.
    pub victim: String,
    /// Requests in the window.
    pub requests: usize,
    /// Of them, not acknowledged, for whatever reason.
    pub failed: usize,
    /// Of those, on the node when the fault struck.
    pub on_victim: usize,
    /// Of those, refused by the cluster itself: 1213, 1062 on an auto-increment key.
    pub cluster_errors: usize,
    /// The rest of those, with the reason why nothing excuses them.
    pub unexcused: Vec<String>,
    /// Of all requests in the window.
    pub latency: Latency,
    /// Of the plain client on a survivor.
    pub floor: Latency,
    /// Of the requests that had dialled the node when or after the fault struck,
    /// the time from the fault to the end of the last; none if there were none.
    pub slowest_on_victim: Option<Duration>,
    /// From the fault to the last dial that went to the node; none if none did.
    pub excluded_after: Option<Duration>,
    /// Half-open trials while it lasted.
    pub trials: usize,
    /// Dials to the node after it was known to be gone, trials aside.
    pub dials_after_exclusion: usize,
    /// Acknowledged in the window, and absent from a node.
    pub missing: usize,
    /// From the repair to the first order the node took again.
    pub back_after: Option<Duration>,
}

impl Summary {
    /// The figures of `fault`.
    pub fn of(fault: &Injected, evidence: &Evidence, ledger: &Ledger, floor: &[Tick]) -> Self {
        let end = fault.began + WINDOW;
        let in_window = |due: Moment, ended: Moment| ended >= fault.began && due < end;
        let requests: Vec<&Request> = evidence
            .requests
            .iter()
            .filter(|request| in_window(request.due, request.ended))
            .collect();
        let mut summary = Self {
            fault: fault.fault.name,
            victim: fault.victim.clone(),
            requests: requests.len(),
            failed: 0,
            on_victim: 0,
            cluster_errors: 0,
            unexcused: Vec::new(),
            latency: Latency::of(requests.iter().map(|request| request.latency())),
            floor: Latency::of(
                floor
                    .iter()
                    .filter(|tick| in_window(tick.due, tick.ended))
                    .map(|tick| tick.ended.since(tick.due)),
            ),
            slowest_on_victim: evidence
                .that_dialled_the_victim(fault)
                .map(|request| request.ended.since(fault.began))
                .max(),
            excluded_after: None,
            trials: 0,
            dials_after_exclusion: 0,
            missing: requests
                .iter()
                .filter(|r| ledger.missing.contains(&r.token))
                .count(),
            back_after: fault
                .healed
                .zip(fault.back)
                .map(|(healed, back)| back.since(healed)),
        };
        for request in requests.iter().filter(|request| !request.succeeded()) {
            summary.failed += 1;
            match evidence.blame(request) {
                Blame::OnVictim(_) => summary.on_victim += 1,
                Blame::Cluster => summary.cluster_errors += 1,
                Blame::Nobody(why) => summary.unexcused.push(excuse(request, evidence, &why)),
            }
        }
        let exclusion = evidence.exclusion(fault);
        summary.excluded_after = exclusion.last_dial.map(|last| last.since(fault.began));
        summary.trials = exclusion.trials;
        summary.dials_after_exclusion = exclusion.afterwards.len();
        summary
    }
}

/// A failure in one line: when it was sent after each fault, what came, where
/// it had dialled, and why nothing excuses it.
pub fn excuse(request: &Request, evidence: &Evidence, why: &str) -> String {
    let answer = &request.answer;
    let ms = |time: Moment, since: Moment| time.since(since).as_millis();
    let fault = evidence
        .faults
        .iter()
        .rfind(|fault| fault.began <= request.ended);
    let when = match fault {
        Some(fault) if request.sent >= fault.began => {
            format!(
                "sent {} ms after {}",
                ms(request.sent, fault.began),
                fault.fault.name
            )
        }
        Some(fault) => {
            format!(
                "sent {} ms before {}",
                ms(fault.began, request.sent),
                fault.fault.name
            )
        }
        None => "sent before any fault".into(),
    };
    let dials: Vec<String> = evidence
        .dials
        .of(&request.token)
        .map(|dial| match dial.connected {
            Some((at, id)) => format!(
                "{} after {} ms, connection {id} after {} ms",
                dial.node,
                ms(dial.at, request.sent),
                ms(at, request.sent)
            ),
            None => format!(
                "{} after {} ms, no connection",
                dial.node,
                ms(dial.at, request.sent)
            ),
        })
        .collect();
    let error: String = answer
        .error
        .as_deref()
        .unwrap_or("no text")
        .chars()
        .take(200)
        .collect();
    format!(
        "{}: {when}, status {} after {} ms, errno {}, {} ({error}); dialled {}; {why}",
        request.token,
        request.status,
        ms(request.ended, request.sent),
        answer.errno.map_or("-".into(), |errno| errno.to_string()),
        answer.class.as_deref().unwrap_or("-"),
        if dials.is_empty() {
            "nobody".into()
        } else {
            dials.join(", then ")
        },
    )
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let ms = |duration: Option<Duration>| match duration {
            Some(duration) => format!("{:.0}", duration.as_secs_f64() * 1000.0),
            None => "0".into(),
        };
        write!(
            f,
            "fault={} requests={} failed={} p50_ms={:.0} p99_ms={:.0} max_ms={:.0} \
             excluded_after_ms={} acked_but_missing={} floor_p99_ms={:.0} floor_max_ms={:.0} \
             on_killed_node={} slowest_on_it_ms={} cluster_errors={} unexcused={} dials_after_exclusion={} trials={}",
            self.fault,
            self.requests,
            self.failed,
            self.latency.p50,
            self.latency.p99,
            self.latency.max,
            ms(self.excluded_after),
            self.missing,
            self.floor.p99,
            self.floor.max,
            self.on_victim,
            ms(self.slowest_on_victim),
            self.cluster_errors,
            self.unexcused.len(),
            self.dials_after_exclusion,
            self.trials,
        )?;
        match self.back_after {
            Some(_) => write!(f, " back_after_ms={}", ms(self.back_after)),
            None => write!(f, " back_after_ms=never"),
        }
    }
}
