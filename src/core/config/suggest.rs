//! The key that was probably meant.

/// The accepted key nearest to an unknown one, if it is near enough to be a
/// slip: the same but for case and `-` for `_`, or at most two edits away and
/// no more than a third of the key.
pub(super) fn nearest<'a>(given: &str, accepted: &[&'a str]) -> Option<&'a str> {
    // Longer than any key by more than two: no need to measure.
    if given.len() > 64 {
        return None;
    }
    let given = given.to_ascii_lowercase().replace('-', "_");
    accepted
        .iter()
        .map(|key| (distance(&given, key), *key))
        .filter(|(edits, key)| *edits <= 2 && *edits * 3 <= key.len())
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, key)| key)
}

/// Insertions, deletions and substitutions between two texts (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, y) in row.iter_mut().skip(1).zip(b.chars()) {
            let above = *cell;
            *cell = (diagonal + usize::from(x != y))
                .min(above + 1)
                .min(left + 1);
            diagonal = above;
            left = *cell;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_edits() {
        for (a, b, edits) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("abc", "abc", 0),
        ] {
            assert_eq!(distance(a, b), edits, "{a} {b}");
        }
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("flaw", "lawn"), 2);
    }

    #[test]
    fn suggests_slips_and_nothing_else() {
        let keys = ["nodes", "probe_interval", "probe_timeout", "tls", "cut"];
        assert_eq!(nearest("node", &keys), Some("nodes"));
        assert_eq!(nearest("Probe-Interval", &keys), Some("probe_interval"));
        assert_eq!(nearest("probe_timout", &keys), Some("probe_timeout"));
        assert_eq!(nearest("tsl", &keys), None);
        assert_eq!(nearest("timeout", &keys), None);
        assert_eq!(nearest(&"x".repeat(100_000), &keys), None);
    }
}
