//! `Cluster::token()` and `Cluster::resume()`.

use amm_core::admission::Purpose;
use amm_engine::clock::{now_ms, unix_ms};
use amm_engine::pick::Chosen;
use amm_engine::tokens::Carried;
use ext_php_rs::prelude::*;

use super::cluster::Cluster;
use super::{exceptions, node, request, worker};

/// A token of the scope's writer, which is chosen now if it was not before.
pub(super) fn make(cluster: &Cluster) -> PhpResult<String> {
    let no_secret = || {
        exceptions::config(format!(
            "cluster \"{}\" has no tokens: set amm.secret in php.ini, or its key secret, the same \
             on all hosts (at least 16 random bytes)",
            cluster.name
        ))
    };
    if cluster.definition.keys.is_none() {
        return Err(no_secret());
    }
    let kept = cluster.choose(Purpose::Write, None)?;
    let chosen = kept.0.object().and_then(node::of);
    let token = chosen.and_then(|node| {
        let carried = Carried {
            index: node.index,
            epoch: node.epoch,
            wrote: request::wrote(cluster.whose()),
            position: None,
        };
        node.cluster.token(&carried, unix_ms())
    });
    token.ok_or_else(no_secret)
}

/// Has the scope stick to the writer that a token names.
pub(super) fn resume(cluster: &Cluster, token: &[u8]) -> bool {
    let Ok(shared) = cluster.shared() else {
        return false;
    };
    let now = now_ms();
    worker::see_to_probing(&shared, now);
    // What is no text is no token either, and counted as such.
    let token = std::str::from_utf8(token).unwrap_or_default();
    let Some(carried) = shared.resume(token, unix_ms(), now) else {
        return false;
    };
    let chosen = Chosen {
        index: carried.index,
        epoch: carried.epoch,
        trial: false,
        ask_first: false,
    };
    let Ok(node) = node::object(&shared, chosen, Purpose::Write, None) else {
        return false;
    };
    cluster.keep(None, Purpose::Write, &node.0);
    if carried.wrote {
        request::mark_wrote(cluster.whose());
    }
    true
}
