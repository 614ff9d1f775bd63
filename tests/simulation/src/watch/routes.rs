//! Which keys move when a node goes or comes back (`spread`), and who stays when
//! the preferred writer is back (`single`, `failback = "manual"`).

use amm_core::admission::{Admission, Purpose};
use amm_core::config::{Failback, Writers};
use amm_core::trial::Token;
use amm_engine::pick::{NodeSet, Pick};

use crate::world::World;

const KEYS: u64 = 24;

/// How a node is admitted, as far as it matters where keys go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Open,
    Ramp,
    Out,
}

/// Where keys went at one moment.
pub(crate) struct Routes {
    ways: Vec<Way>,
    epochs: Vec<u32>,
    keys: Vec<usize>,
}

pub(crate) fn look(world: &mut World, host: usize) {
    if !world.now.is_multiple_of(100) {
        return;
    }
    let before = world.watch.hosts[host].routes.take();
    let Some(routes) = routes(world, host) else {
        return;
    };
    let cluster = &world.hosts[host].cluster;
    let settings = &world.plan.definition.settings;
    if cluster.writers() == Writers::Single {
        let stays = settings.failback == Failback::Manual && !world.plan.is_exclusive();
        let incumbent = cluster.incumbent().filter(|_| stays);
        if let Some(node) = incumbent
            && routes.ways[node] == Way::Open
            && routes.keys[0] != node
        {
            let what = format!("h{host} goes to s{}, from s{node}", routes.keys[0]);
            let rule = "with manual failback the stand-in stays";
            world.watch.breaks(rule, world.now, what);
        }
        return;
    }
    if let Some(before) = &before {
        for key in 0..KEYS as usize {
            let (from, to) = (before.keys[key], routes.keys[key]);
            if from == to {
                continue;
            }
            // A node that went, and its own keys; or one that is coming back.
            let went = routes.ways[from] != Way::Open || routes.epochs[from] != before.epochs[from];
            let comes = before.ways[to] != Way::Open;
            let rule = match (went, comes) {
                (_, true) => continue,
                (true, false)
                    if routes.ways[from] == Way::Ramp
                        && routes.epochs[from] == before.epochs[from] =>
                {
                    "each key moves once while a node ramps up"
                }
                (true, false) => continue,
                (false, false) => "a node that goes moves only its own keys",
            };
            let what = format!(
                "h{host}, key {key}: s{from} {:?} to s{to} {:?}",
                routes.ways[from], routes.ways[to]
            );
            world.watch.breaks(rule, world.now, what);
            return;
        }
    }
    world.watch.hosts[host].routes = Some(routes);
}

/// `None` while a trial or a panic is due, when asking would take a claim.
fn routes(world: &World, host: usize) -> Option<Routes> {
    let cluster = &world.hosts[host].cluster;
    let nodes = 0..world.servers.len();
    let ways = nodes
        .clone()
        .map(
            |node| match cluster.glance(node, Purpose::Write, world.now).admission {
                Admission::Open => Some(Way::Open),
                Admission::Ramp(_) => Some(Way::Ramp),
                Admission::Refused(_) => Some(Way::Out),
                Admission::Trial => None,
            },
        )
        .collect::<Option<Vec<Way>>>()?;
    if !ways.contains(&Way::Open) {
        return None;
    }
    let single = cluster.writers() == Writers::Single;
    let keys = (0..KEYS).map(|key| {
        // Asking would settle `single` on the answer.
        if single {
            return cluster.candidates(key, world.now).first().map(|c| c.index);
        }
        let nobody = Token::new(0xff_ffff);
        match cluster.pick(Purpose::Write, key, NodeSet::default(), nobody, world.now) {
            Pick::Chosen(chosen) if !chosen.trial => Some(chosen.index),
            _ => None,
        }
    });
    Some(Routes {
        ways,
        epochs: nodes.map(|node| cluster.node(node).load().epoch).collect(),
        keys: keys.collect::<Option<Vec<usize>>>()?,
    })
}
