//! What the nodes last said of their cluster's members, as far as this process
//! asked them.
//!
//! A probe's thread hears it, the leader's uses it; it is not shared with other
//! processes, which would have to believe names out of shared memory.

use std::sync::Arc;

use amm_core::probe::View;
use parking_lot::Mutex;

/// What one node said last.
#[derive(Clone, Debug)]
pub struct Heard {
    /// Identity of the node that said it.
    pub node: u64,
    /// When it was heard, ms.
    pub at_ms: u64,
    /// What it said.
    pub view: Arc<View>,
}

/// The last word of each node. Clones are one board.
#[derive(Clone, Debug, Default)]
pub struct Views(Arc<Mutex<Vec<Heard>>>);

impl Views {
    /// Remembers what a node said, in place of what it said before.
    pub fn hear(&self, node: u64, at_ms: u64, view: &View) {
        let heard = Heard {
            node,
            at_ms,
            view: Arc::new(view.clone()),
        };
        let mut all = self.0.lock();
        match all.iter_mut().find(|h| h.node == node) {
            Some(before) => *before = heard,
            None => all.push(heard),
        }
    }

    /// What was heard after `after_ms`, oldest first.
    pub fn since(&self, after_ms: u64) -> Vec<Heard> {
        let all = self.0.lock();
        let mut heard: Vec<Heard> = all.iter().filter(|h| h.at_ms > after_ms).cloned().collect();
        heard.sort_by_key(|h| h.at_ms);
        heard
    }

    /// Forgets what other nodes than these said.
    pub fn keep(&self, nodes: impl Fn(u64) -> bool) {
        self.0.lock().retain(|h| nodes(h.node));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_node_has_its_last_word_and_the_oldest_comes_first() {
        let views = Views::default();
        let said = |authoritative| View {
            authoritative,
            ..View::default()
        };
        views.hear(1, 10, &said(false));
        views.hear(2, 20, &said(true));
        views.clone().hear(1, 30, &said(true));
        let order = |after| -> Vec<u64> { views.since(after).iter().map(|h| h.node).collect() };
        assert_eq!((order(0), order(20)), (vec![2, 1], vec![1]));
        assert!(views.since(0).iter().all(|h| h.view.authoritative));
        views.keep(|node| node == 2);
        assert_eq!(order(0), [2]);
    }
}
