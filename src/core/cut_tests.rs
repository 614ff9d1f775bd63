use super::*;
use proptest::prelude::*;

const NOW: u64 = 100_000;

fn rule(mode: Cut) -> Rule {
    Rule {
        mode,
        after_ms: 2_000,
        unwitnessed_after_ms: 30_000,
        witnesses: true,
        fresh_ms: 3_500,
    }
}

fn word(age_ms: u64, sees: Option<bool>) -> Word {
    Word {
        asked_ms: NOW - age_ms,
        sees,
    }
}

const FINE: Round = Round {
    all_fail: false,
    held_up: false,
};

#[test]
fn what_is_cut_and_what_is_not() {
    let silent = |for_ms: u64| Standing::Silent(NOW - for_ms);
    let gone = [word(500, Some(false))];
    let mute = [word(500, None)];
    type Row<'a> = (&'a str, Cut, Standing, &'a [Word], Option<Why>);
    let table: &[Row<'_>] = &[
        (
            "hang and witness",
            Cut::Witnessed,
            silent(2_000),
            &gone,
            Some(Why::Witnessed),
        ),
        (
            "not for long enough",
            Cut::Witnessed,
            silent(1_999),
            &gone,
            None,
        ),
        ("no hang", Cut::Witnessed, Standing::Well, &gone, None),
        (
            "nobody says anything",
            Cut::Witnessed,
            silent(60_000),
            &[],
            None,
        ),
        (
            "others cannot tell",
            Cut::Witnessed,
            silent(60_000),
            &mute,
            None,
        ),
        (
            "still listed: a pool that is full",
            Cut::Witnessed,
            silent(60_000),
            &[word(500, Some(true))],
            None,
        ),
        (
            "one misses it, one sees it",
            Cut::Witnessed,
            silent(60_000),
            &[word(500, Some(false)), word(500, Some(true))],
            None,
        ),
        (
            "the one that sees it said so long ago",
            Cut::Witnessed,
            silent(60_000),
            &[word(500, Some(false)), word(3_501, Some(true))],
            Some(Why::Witnessed),
        ),
        (
            "a stale witness",
            Cut::Witnessed,
            silent(60_000),
            &[word(3_501, Some(false))],
            None,
        ),
        (
            "a witness from before the silence",
            Cut::Witnessed,
            silent(2_000),
            &[word(2_001, Some(false))],
            None,
        ),
        (
            "a witness from the future",
            Cut::Witnessed,
            silent(2_000),
            &[Word {
                asked_ms: NOW + 1,
                sees: Some(false),
            }],
            None,
        ),
        (
            "always: nobody can say",
            Cut::Always,
            silent(2_000),
            &mute,
            Some(Why::Unwitnessed),
        ),
        (
            "always: a witness agrees",
            Cut::Always,
            silent(2_000),
            &gone,
            Some(Why::Witnessed),
        ),
        (
            "always: still listed",
            Cut::Always,
            silent(60_000),
            &[word(500, Some(true))],
            None,
        ),
        (
            "always: nobody else answers",
            Cut::Always,
            silent(60_000),
            &[],
            None,
        ),
        (
            "always: nobody has answered since",
            Cut::Always,
            silent(2_000),
            &[word(2_001, None)],
            None,
        ),
        ("never", Cut::Never, silent(60_000), &gone, None),
        (
            "no quorum",
            Cut::Witnessed,
            Standing::NoQuorum(NOW - 2_000),
            &[],
            Some(Why::NoQuorum),
        ),
        (
            "no quorum yet",
            Cut::Witnessed,
            Standing::NoQuorum(NOW - 1_999),
            &[],
            None,
        ),
        (
            "no quorum, always",
            Cut::Always,
            Standing::NoQuorum(NOW - 2_000),
            &[],
            Some(Why::NoQuorum),
        ),
        (
            "no quorum, never",
            Cut::Never,
            Standing::NoQuorum(NOW - 2_000),
            &[],
            None,
        ),
    ];
    for (what, mode, standing, words, expected) in table {
        let decided = decide(&rule(*mode), *standing, words, FINE, NOW);
        assert_eq!(decided, *expected, "{what}");
        let held_up = Round {
            held_up: true,
            ..FINE
        };
        assert_eq!(
            decide(&rule(*mode), *standing, words, held_up, NOW),
            None,
            "{what}, held up"
        );
    }
}

#[test]
fn where_no_witness_can_exist_it_takes_longer() {
    let rule = Rule {
        witnesses: false,
        ..rule(Cut::Witnessed)
    };
    let other = [word(500, None)];
    let after =
        |ms: u64, words: &[Word]| decide(&rule, Standing::Silent(NOW - ms), words, FINE, NOW);
    assert_eq!(after(29_999, &other), None);
    assert_eq!(after(30_000, &other), Some(Why::Unwitnessed));
    assert_eq!(
        after(30_000, &[]),
        None,
        "nobody shows that the prober is well"
    );
}

#[test]
fn silence_lasts_until_an_answer_and_starts_anew_when_the_prober_is_in_doubt() {
    use Sign::{Answers, Fails, NoQuorum, Silent, Unknown};
    let all_fail = Round {
        all_fail: true,
        ..FINE
    };
    let held_up = Round {
        held_up: true,
        ..FINE
    };
    let (well, since) = (Standing::Well, Standing::Silent(10));
    for (from, sign, round, to) in [
        (well, Silent, FINE, Standing::Silent(50)),
        (well, Fails, FINE, well),
        (well, Unknown, FINE, well),
        (well, NoQuorum, FINE, Standing::NoQuorum(50)),
        (since, Silent, FINE, since),
        (since, Fails, FINE, since),
        (since, Unknown, FINE, well),
        (since, Answers, FINE, well),
        (since, NoQuorum, FINE, Standing::NoQuorum(50)),
        (since, Silent, all_fail, Standing::Silent(50)),
        (since, Fails, all_fail, Standing::Silent(50)),
        (since, Silent, held_up, Standing::Silent(50)),
        (
            Standing::NoQuorum(10),
            NoQuorum,
            FINE,
            Standing::NoQuorum(10),
        ),
        (
            Standing::NoQuorum(10),
            NoQuorum,
            held_up,
            Standing::NoQuorum(50),
        ),
        (Standing::NoQuorum(10), Answers, FINE, well),
        (Standing::NoQuorum(10), Fails, FINE, well),
        (Standing::NoQuorum(10), Silent, FINE, Standing::Silent(50)),
    ] {
        assert_eq!(
            from.step(sign, round, 50),
            to,
            "{from:?} {sign:?} {round:?}"
        );
    }
}

#[test]
fn a_round_in_which_nobody_answers_is_the_probers_own_fault() {
    use Sign::{Answers, Fails, NoQuorum, Silent, Unknown};
    for (signs, all_fail) in [
        (vec![Silent, Silent, Silent], true),
        (vec![Silent, Fails, Unknown], true),
        (vec![Silent], true),
        (vec![Silent, Answers, Fails], false),
        (vec![Silent, NoQuorum], false),
    ] {
        let round = Round::of(signs.iter().copied(), false);
        assert_eq!(round.all_fail, all_fail, "{signs:?}");
    }
}

fn modes() -> impl Strategy<Value = Cut> {
    prop_oneof![Just(Cut::Witnessed), Just(Cut::Always), Just(Cut::Never)]
}

fn standings() -> impl Strategy<Value = Standing> {
    prop_oneof![
        Just(Standing::Well),
        (0..=2 * NOW).prop_map(Standing::Silent),
        (0..=2 * NOW).prop_map(Standing::NoQuorum),
    ]
}

prop_compose! {
    fn rules()(
        mode in modes(), witnesses: bool, after_ms in 100..5_000u64,
        more in 0..60_000u64, fresh_ms in 0..10_000u64,
    ) -> Rule {
        Rule { mode, after_ms, unwitnessed_after_ms: after_ms + more, witnesses, fresh_ms }
    }
}

prop_compose! {
    fn words()(all in prop::collection::vec((0..=2 * NOW, any::<Option<bool>>()), 0..6)) -> Vec<Word> {
        all.into_iter().map(|(asked_ms, sees)| Word { asked_ms, sees }).collect()
    }
}

/// Signs, 1 to 5 of them, and gaps between looks, ms.
fn signs() -> impl Strategy<Value = Vec<(Sign, bool, bool, u64)>> {
    let sign = prop_oneof![
        Just(Sign::Answers),
        Just(Sign::NoQuorum),
        Just(Sign::Silent),
        Just(Sign::Fails),
        Just(Sign::Unknown),
    ];
    prop::collection::vec((sign, any::<bool>(), any::<bool>(), 1..1_000u64), 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn nothing_but_a_lasting_hang_and_a_fresh_witness_is_cut(
        rule in rules(), standing in standings(), words in words(), all_fail: bool, held_up: bool,
    ) {
        let round = Round { all_fail, held_up };
        let Some(why) = decide(&rule, standing, &words, round, NOW) else { return Ok(()) };
        prop_assert!(!held_up && rule.mode != Cut::Never);
        let since = match standing {
            Standing::Well => return Err(TestCaseError::fail("a node that is well was cut")),
            Standing::NoQuorum(since) => {
                prop_assert_eq!(why, Why::NoQuorum);
                prop_assert!(NOW - since >= rule.after_ms);
                return Ok(());
            }
            Standing::Silent(since) => since,
        };
        prop_assert!(!all_fail && NOW.saturating_sub(since) >= rule.after_ms);
        let heard: Vec<_> = words
            .iter()
            .filter(|w| w.asked_ms >= since && w.asked_ms <= NOW && NOW - w.asked_ms <= rule.fresh_ms)
            .collect();
        prop_assert!(!heard.is_empty());
        prop_assert!(heard.iter().all(|w| w.sees != Some(true)));
        let witnessed = heard.iter().any(|w| w.sees == Some(false));
        prop_assert_eq!(why == Why::Witnessed, witnessed);
        if rule.mode == Cut::Witnessed && rule.witnesses {
            prop_assert!(witnessed);
        }
        if rule.mode == Cut::Witnessed && !rule.witnesses && !witnessed {
            prop_assert!(NOW - since >= rule.unwitnessed_after_ms);
        }
    }

    #[test]
    fn the_clock_never_counts_time_in_which_the_prober_was_in_doubt(looks in signs()) {
        let (mut standing, mut now) = (Standing::Well, 0);
        // When the node last answered or the prober was last in doubt.
        let (mut answered, mut doubtful) = (0, 0);
        for (sign, all_fail, held_up, gap) in looks {
            now += gap;
            let round = Round { all_fail, held_up };
            standing = standing.step(sign, round, now);
            if matches!(sign, Sign::Answers | Sign::NoQuorum) {
                answered = now;
            }
            if all_fail || held_up {
                doubtful = now;
            }
            if let Standing::Silent(since) = standing {
                prop_assert!(since > answered && since >= doubtful);
                prop_assert!(matches!(sign, Sign::Silent | Sign::Fails));
            }
        }
    }
}
