//! In which order nodes are wanted. Selection knows nothing of health: it
//! ranks, and whoever asks skips what is not admitted.

pub mod rendezvous;
pub mod single;

/// Most nodes a cluster may have.
pub const MAX_NODES: usize = 64;

/// What selection may know of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Place in the configuration; also the node's index in the answer.
    pub index: usize,
    /// Stable hash of the node's identity, the same on every host.
    pub identity: u64,
    /// Share of the keys relative to the other nodes, at least 1.
    pub weight: u32,
    /// Higher is preferred (single).
    pub priority: i32,
    /// What the database itself says of precedence, lower is preferred
    /// (single); `u16::MAX` where it says nothing.
    pub rank: u16,
    /// Whether the node is in the caller's own zone (readers).
    pub near: bool,
}

/// Node indices, best first, without an allocation.
#[derive(Clone, Copy, Debug)]
pub struct Ranking {
    order: [u8; MAX_NODES],
    len: usize,
}

impl Ranking {
    /// Sorts `candidates` by `key`, lowest first; equal keys keep their order.
    /// Candidates past [`MAX_NODES`] are left out.
    pub fn by_key<K: PartialOrd + Copy>(
        candidates: &[Candidate],
        key: impl Fn(&Candidate) -> K,
    ) -> Self {
        let mut keys: [Option<(K, u8)>; MAX_NODES] = [None; MAX_NODES];
        let mut len = 0;
        for (slot, candidate) in keys.iter_mut().zip(candidates) {
            *slot = Some((key(candidate), candidate.index as u8));
            len += 1;
        }
        if let Some(used) = keys.get_mut(..len) {
            used.sort_by(|a, b| match (a, b) {
                (Some((a, _)), Some((b, _))) => {
                    a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal)
                }
                _ => std::cmp::Ordering::Equal,
            });
        }
        let mut order = [0u8; MAX_NODES];
        for (to, from) in order.iter_mut().zip(keys.iter()) {
            *to = from.map_or(0, |(_, index)| index);
        }
        Self { order, len }
    }

    /// The same ranking with `index` moved to the front, if it is in it.
    pub fn preferring(mut self, index: usize) -> Self {
        let used = self.order.get_mut(..self.len).unwrap_or_default();
        if let Some(at) = used.iter().position(|&i| usize::from(i) == index)
            && let Some(head) = used.get_mut(..=at)
        {
            head.rotate_right(1);
        }
        self
    }

    /// The indices, best first.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.order.iter().take(self.len).map(|&i| usize::from(i))
    }

    /// How many nodes are ranked.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no node is ranked.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

/// Nodes for a read: those of the caller's zone first, then by sticky key.
pub fn readers(candidates: &[Candidate], key: u64) -> Ranking {
    Ranking::by_key(candidates, |c| (!c.near, rendezvous::cost(c, key)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(index: usize, near: bool) -> Candidate {
        Candidate {
            index,
            identity: 7 + index as u64,
            weight: 1,
            priority: 0,
            rank: 0,
            near,
        }
    }

    #[test]
    fn equal_keys_keep_their_order() {
        let nodes = [node(2, false), node(0, false), node(1, false)];
        let ranking = Ranking::by_key(&nodes, |_| 0);
        assert_eq!(ranking.iter().collect::<Vec<_>>(), [2, 0, 1]);
    }

    #[test]
    fn readers_of_the_own_zone_come_first_whatever_the_key() {
        let nodes = [node(0, false), node(1, true), node(2, false), node(3, true)];
        for key in 0..200 {
            let order: Vec<usize> = readers(&nodes, key).iter().collect();
            let mut near = order.get(..2).unwrap_or_default().to_vec();
            near.sort_unstable();
            assert_eq!(near, [1, 3]);
        }
    }
}
