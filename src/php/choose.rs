//! Choosing a node without dialling it: the scope's own choice while it is
//! good, or else a new one that the scope then sticks to.

use amm_core::admission::Purpose;
use amm_engine::attempt::{Attempt, Next};
use amm_engine::clock::now_ms;
use ext_php_rs::prelude::*;
use ext_php_rs::types::Zval;

use super::cluster::{Cluster, host};
use super::node::{self, Node, NodeRef};
use super::{connect, exceptions, request, worker};

impl Cluster {
    /// The scope's choice while it is good; else a new one.
    pub(super) fn choose(&self, purpose: Purpose, slot: Option<u64>) -> PhpResult<NodeRef> {
        if let Some(kept) = request::choice(self.whose(), slot, purpose)
            && kept
                .object()
                .and_then(node::of)
                .is_some_and(Node::is_current)
        {
            self.note(slot, purpose, &kept);
            return Ok(NodeRef(kept));
        }
        let shared = self.shared()?;
        worker::see_to_probing(&shared, now_ms());
        let me = host()?.token;
        let mut attempt = Attempt::new(&*shared, purpose, self.key_or_own(slot), me, now_ms());
        match attempt.advance() {
            Next::Dial(chosen, _) => {
                let node = node::object(&shared, chosen, purpose, None)?;
                connect::count_pick(&shared, chosen.index);
                // A trial is one dial, not yet a place to stay.
                if !chosen.trial {
                    self.keep(slot, purpose, &node.0);
                }
                Ok(node)
            }
            Next::NoWriter(refusals) => Err(exceptions::no_writer(connect::explain(
                &self.name, &shared, purpose, &refusals,
            ))),
            Next::DeadlineExceeded => {
                Err(exceptions::deadline(connect::too_late(&self.name, &shared)))
            }
        }
    }

    /// Has the scope stick to a choice.
    pub(super) fn keep(&self, slot: Option<u64>, purpose: Purpose, node: &Zval) {
        if request::stick(self.whose(), slot, purpose, node) {
            self.note(slot, purpose, node);
        }
    }

    fn note(&self, slot: Option<u64>, purpose: Purpose, node: &Zval) {
        if slot.is_none() && purpose == Purpose::Write && node.is_object() {
            // SAFETY: an object, as was just asked.
            let object = unsafe { node.value.obj };
            self.recent.set((request::stamp(), object));
        }
    }
}
