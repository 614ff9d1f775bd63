//! Weighted rendezvous hashing: each key orders all nodes by a score of its
//! own, so every host picks the same writer for the same key with no
//! coordination, and losing one of N writers moves only its own keys.
//!
//! The score of a node is `-ln(u) / weight` with `u` the key's and the node's
//! joint hash as a fraction; the lowest wins. That is the one form in which
//! shares are exactly proportional to weights and a change of one weight moves
//! keys only to or from that node. The logarithm comes from a software library,
//! not from the platform's, so that unlike hosts agree to the last bit.

use std::hash::Hasher;

use siphasher::sip::SipHasher13;

use super::{Candidate, Ranking};

/// Seed of the hash of sticky keys. Part of what hosts agree on: changing it
/// moves every key.
const KEY_SEED: (u64, u64) = (0x616d_6d2d_6b65_7973, 0x7265_6e64_657a_7631);

/// Hashes a sticky key (tenant, cart, session …).
pub fn hash_key(key: &[u8]) -> u64 {
    let mut hasher = SipHasher13::new_with_keys(KEY_SEED.0, KEY_SEED.1);
    hasher.write(key);
    hasher.finish()
}

/// Joins two hashes so that every bit of both reaches every bit of the result
/// (the finaliser of splitmix64).
pub fn mix(a: u64, b: u64) -> u64 {
    let mut z = a ^ b.rotate_left(32).wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The key's and the node's joint hash, 53 bits.
fn draw(candidate: &Candidate, key: u64) -> u64 {
    mix(candidate.identity, key) >> 11
}

/// The node's score for the key: lower is better.
pub(super) fn cost(candidate: &Candidate, key: u64) -> f64 {
    let bits = draw(candidate, key);
    // In (0, 1): never 0, so the logarithm is finite.
    let unit = (bits as f64 + 0.5) / (1u64 << 53) as f64;
    -libm::log(unit) / f64::from(candidate.weight.max(1))
}

/// Where on its ramp, in 65,536ths, this key moves to a returning node: each
/// key at one fixed point, so that it moves once.
pub fn ramp_point(identity: u64, key: u64) -> u16 {
    (mix(key, identity) >> 48) as u16
}

/// Ranks the nodes for `key`.
pub fn rank(candidates: &[Candidate], key: u64) -> Ranking {
    let weight = candidates.first().map(|c| c.weight);
    if candidates.iter().all(|c| Some(c.weight) == weight) {
        // Under one weight the largest draw has the lowest score.
        return Ranking::by_key(candidates, |c| std::cmp::Reverse(draw(c, key)));
    }
    Ranking::by_key(candidates, |c| cost(c, key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn nodes(weights: &[u32]) -> Vec<Candidate> {
        weights
            .iter()
            .enumerate()
            .map(|(index, &weight)| Candidate {
                index,
                identity: mix(index as u64 + 1, 77),
                weight,
                priority: 0,
                rank: u16::MAX,
                near: false,
            })
            .collect()
    }

    fn first(candidates: &[Candidate], key: u64) -> usize {
        rank(candidates, key).iter().next().unwrap()
    }

    #[test]
    fn shares_follow_weights() {
        let nodes = nodes(&[1, 2, 5]);
        let mut hits = [0u32; 3];
        for key in 0..80_000u64 {
            hits[first(&nodes, hash_key(&key.to_le_bytes()))] += 1;
        }
        for (hit, weight) in hits.iter().zip([1.0, 2.0, 5.0]) {
            let expected = 10_000.0 * weight;
            assert!(
                (f64::from(*hit) - expected).abs() < expected * 0.05,
                "{hits:?}"
            );
        }
    }

    #[test]
    fn every_host_agrees_on_these_forever() {
        let nodes = nodes(&[1, 1, 3, 1]);
        let picks: Vec<usize> = ["tenant:1", "tenant:2", "cart:9", "", "ä"]
            .iter()
            .map(|key| first(&nodes, hash_key(key.as_bytes())))
            .collect();
        assert_eq!(hash_key(b"tenant:1"), 15_605_867_674_123_386_728);
        assert_eq!(picks, [2, 1, 1, 3, 1]);
    }

    proptest! {
        #[test]
        fn the_short_way_for_equal_weights_gives_the_same_order(key: u64, count in 1usize..64) {
            let nodes = nodes(&vec![3; count]);
            let long: Vec<usize> = Ranking::by_key(&nodes, |c| cost(c, key)).iter().collect();
            prop_assert_eq!(rank(&nodes, key).iter().collect::<Vec<_>>(), long);
        }

        #[test]
        fn losing_a_node_moves_only_its_own_keys(key: u64, count in 2usize..64, lost in 0usize..64) {
            let nodes = nodes(&vec![1; count]);
            let lost = lost % count;
            let before = first(&nodes, key);
            let left: Vec<Candidate> =
                nodes.iter().copied().filter(|c| c.index != lost).collect();
            let after = first(&left, key);
            if before != lost {
                prop_assert_eq!(before, after);
            } else {
                prop_assert_eq!(rank(&nodes, key).iter().nth(1), Some(after));
            }
        }

        #[test]
        fn the_ranking_is_a_permutation(key: u64, count in 0usize..64) {
            let nodes = nodes(&vec![2; count]);
            let mut seen: Vec<usize> = rank(&nodes, key).iter().collect();
            seen.sort_unstable();
            prop_assert_eq!(seen, (0..count).collect::<Vec<_>>());
        }
    }
}
