//! Made-up runs, judged.

use std::collections::BTreeSet;

use super::*;
use crate::connects::Connects;
use crate::fault::Fault;
use crate::load::Answer;

const MS: u64 = 1_000_000;

fn request(token: &str, sent: u64, ended: u64, answer: Answer) -> Request {
    Request {
        token: token.into(),
        due: Moment(sent * MS),
        sent: Moment(sent * MS),
        ended: Moment(ended * MS),
        status: 500,
        answer,
    }
}

fn refused(node: &str, errno: u32) -> Answer {
    Answer {
        node: Some(node.into()),
        errno: Some(errno),
        ..Answer::default()
    }
}

fn dial(token: &str, node: &str, at: u64, connected: Option<(u64, u64)>) -> Dial {
    let connected = connected.map(|(at, id)| (Moment(at * MS), id));
    Dial {
        token: token.into(),
        node: node.into(),
        at: Moment(at * MS),
        connected,
        pid: 1,
    }
}

fn injected(name: &str, began: u64, open: &[u64]) -> Injected {
    Injected {
        fault: Fault::named(name).unwrap(),
        index: 0,
        victim: "a:1".into(),
        began: Moment(began * MS),
        effective: Moment((began + 1) * MS),
        connects: Connects {
            open: BTreeSet::from_iter(open.iter().copied()),
            ..Default::default()
        },
        healed: Some(Moment((began + 10_000) * MS)),
        back: Some(Moment((began + 12_000) * MS)),
    }
}

fn dials(all: Vec<Dial>) -> Dials {
    Dials::from_list(all)
}

#[test]
fn a_request_on_the_killed_node_is_excused_only_with_the_servers_word() {
    let requests = [
        request("open", 90, 105, refused("a:1", 2006)),
        request("closed", 90, 105, refused("a:1", 2006)),
        request("elsewhere", 90, 105, refused("b:1", 2006)),
        request("late", 200, 205, refused("a:1", 2002)),
    ];
    let dials = dials(vec![
        dial("open", "a:1", 91, Some((92, 7))),
        dial("closed", "a:1", 91, Some((92, 8))),
        dial("elsewhere", "b:1", 91, Some((92, 7))),
        dial("late", "a:1", 201, None),
    ]);
    let faults = [injected("kill9", 100, &[7])];
    let evidence = Evidence {
        requests: &requests,
        dials: &dials,
        faults: &faults,
        changes: &[],
    };
    assert_eq!(evidence.blame(&requests[0]), Blame::OnVictim(0));
    for request in &requests[1..] {
        assert!(
            matches!(evidence.blame(request), Blame::Nobody(_)),
            "{}",
            request.token
        );
    }
}

#[test]
fn a_deadlock_on_a_survivor_is_the_clusters_own() {
    let requests = [request("t", 90, 3000, refused("b:1", 1213))];
    let dials = dials(vec![dial("t", "b:1", 91, Some((92, 7)))]);
    let faults = [injected("kill9", 100, &[])];
    let evidence = Evidence {
        requests: &requests,
        dials: &dials,
        faults: &faults,
        changes: &[],
    };
    assert_eq!(evidence.blame(&requests[0]), Blame::Cluster);
}

#[test]
fn after_the_first_failed_dial_only_trials_go_to_a_dead_node() {
    let requests = [];
    let dials = dials(vec![
        dial("1", "a:1", 110, None),
        dial("2", "a:1", 111, None),
        dial("1", "b:1", 112, Some((113, 1))),
        dial("2", "b:1", 113, Some((114, 2))),
        dial("3", "a:1", 300, None),
        dial("4", "a:1", 700, None),
        dial("5", "a:1", 1000, None),
        dial("6", "a:1", 1800, None),
    ]);
    let faults = [injected("kill9", 100, &[])];
    let evidence = Evidence {
        requests: &requests,
        dials: &dials,
        faults: &faults,
        changes: &[],
    };
    let exclusion = evidence.exclusion(&faults[0]);
    assert_eq!(exclusion.known, Some(Moment(112 * MS)));
    assert_eq!(exclusion.trials, 2);
    let tokens: Vec<&str> = exclusion
        .afterwards
        .iter()
        .map(|dial| dial.token.as_str())
        .collect();
    assert_eq!(tokens, ["3", "5"]);
}

#[test]
fn a_demoted_node_is_dialled_no_more_after_its_first_refusal() {
    let requests = [
        request("1", 101, 120, refused("a:1", 1290)),
        request("2", 119, 130, refused("a:1", 1290)),
        request("3", 400, 410, refused("a:1", 1290)),
    ];
    let dials = dials(vec![
        dial("1", "a:1", 102, Some((103, 1))),
        dial("2", "a:1", 119, Some((121, 2))),
        dial("3", "a:1", 401, Some((402, 3))),
    ]);
    let faults = [injected("read_only", 100, &[])];
    let evidence = Evidence {
        requests: &requests,
        dials: &dials,
        faults: &faults,
        changes: &[],
    };
    assert_eq!(evidence.blame(&requests[0]), Blame::OnVictim(0));
    assert_eq!(evidence.blame(&requests[1]), Blame::OnVictim(0));
    assert!(matches!(evidence.blame(&requests[2]), Blame::Nobody(_)));
    assert_eq!(evidence.exclusion(&faults[0]).afterwards.len(), 1);
}
