//! Everyone on one preferred writer: highest priority, then what the database
//! itself says (a primary, the lowest member index), then configuration order,
//! so that all hosts agree without talking to each other.

use super::{Candidate, Ranking};

/// Ranks the nodes, the preferred writer first.
pub fn rank(candidates: &[Candidate]) -> Ranking {
    Ranking::by_key(candidates, |c| {
        (std::cmp::Reverse(c.priority), c.rank, c.index)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(index: usize, priority: i32, rank: u16) -> Candidate {
        Candidate {
            index,
            identity: 1,
            weight: 1,
            priority,
            rank,
            near: false,
        }
    }

    fn order(nodes: &[Candidate]) -> Vec<usize> {
        rank(nodes).iter().collect()
    }

    #[test]
    fn priority_beats_the_database_which_beats_configuration_order() {
        assert_eq!(
            order(&[node(0, 0, 2), node(1, 0, 1), node(2, 5, 9)]),
            [2, 1, 0]
        );
        assert_eq!(order(&[node(0, 0, u16::MAX), node(1, 0, u16::MAX)]), [0, 1]);
        assert_eq!(order(&[node(0, 0, u16::MAX), node(1, 0, 0)]), [1, 0]);
    }

    #[test]
    fn the_incumbent_can_be_put_first() {
        let ranking = rank(&[node(0, 0, 0), node(1, 0, 1), node(2, 0, 2)]).preferring(2);
        assert_eq!(ranking.iter().collect::<Vec<_>>(), [2, 0, 1]);
        assert_eq!(ranking.preferring(9).iter().collect::<Vec<_>>(), [2, 0, 1]);
    }
}
