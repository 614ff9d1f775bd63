//! The errors that the models must see: each a small edit of the real sources.

/// One edit.
pub struct Mutant {
    /// What is wrong then.
    pub error: &'static str,
    /// The file, below `src/`.
    pub file: &'static str,
    /// What is there, once.
    pub from: &'static str,
    /// What takes its place.
    pub to: &'static str,
    /// The models, one of `tests/models/*.rs`, that must fail.
    pub model: &'static str,
}

macro_rules! mutants {
    ($($model:literal $file:literal { $($error:literal: $from:literal => $to:literal;)* })*) => {
        /// All of them.
        pub const MUTANTS: &[Mutant] = &[$($(Mutant {
            error: $error,
            file: $file,
            from: $from,
            to: $to,
            model: $model,
        },)*)*];
    };
}

mutants! {
    "seqlock" "engine/seqlock.rs" {
        "halves of a word are not compared":
            "if its != low >> 32 || *generation" => "if *generation";
        "words of a record are not compared":
            "|| *generation.get_or_insert(its) != its" => "|| *generation.insert(its) != its";
        "a generation is begun by a store":
            "self.generation
            .compare_exchange(seen, next, Ordering::AcqRel, Ordering::Acquire)
            .map(|_| Term(next))" =>
            "self.generation.store(next, Ordering::Release);
        Ok(Term(next))";
        "a term begins without a generation of its own":
            "match self.begin(seen) {
                Ok(term) => return term,
                Err(now) => seen = now,
            }" =>
            "if true { return Term(seen); } else { seen = 0; }";
        "a write goes on under a term that ended":
            "let Ok(begun) = self.begin(term.0) else {
            return false;
        };" =>
            "let begun = match self.begin(term.0) { Ok(begun) => begun, Err(now) => match self.begin(now) { Ok(begun) => begun, Err(_) => return false } };";
        "a write is not a generation of its own":
            "*term = begun;" => "let _ = begun;";
        "a writer does not look whether it was replaced":
            "while self.generation.load(Ordering::Acquire) == term.0" => "loop";
        "a writer overwrites what it finds":
            "match cell.compare_exchange(seen, mine, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return true,
                Err(now) => seen = now,
            }" =>
            "let _ = &mut seen; cell.store(mine, Ordering::Release); return true;";
        "a writer that found another's cell goes by its old word":
            "Err(now) => seen = now,
            }
        }
        false" =>
            "Err(_) => {
                cell.store(mine, Ordering::Release);
                return true;
            }
            }
        }
        false";
        "a writer sees another's cell, but not its generation":
            "let mut seen = cell.load(Ordering::Acquire);
        // Whoever" =>
            "let mut seen = cell.load(Ordering::Relaxed);
        // Whoever";
        "cells are put without a release":
            "match cell.compare_exchange(seen, mine, Ordering::AcqRel, Ordering::Acquire)" =>
            "match cell.compare_exchange(seen, mine, Ordering::Relaxed, Ordering::Relaxed)";
        "cells are read without an acquire":
            "let high = high.load(Ordering::Acquire);
            let low = low.load(Ordering::Acquire);" =>
            "let high = high.load(Ordering::Relaxed);
            let low = low.load(Ordering::Relaxed);";
        "a write counts as ended when it has begun":
            ".last()
            .map_or(0, |[_, low]| (low.load" => ".first()
            .map_or(0, |[low, _]| (low.load";
        "cells do not say whose they are":
            "let mine = (term.0 & HALF) << 32 | half;" => "let mine = 1 << 32 | half;";
    }
    "claim" "engine/claim.rs" {
        "a claim is taken whoever holds it":
            "(trial::is_free(seen, now_ms, LONGEST_MS) || trial::is_held_by(seen, me))
        && word" => "let _ = now_ms;
    word";
        "a claim never ends by itself":
            "(trial::is_free(seen, now_ms, LONGEST_MS) ||" => "(seen == 0 && now_ms > 0 ||";
        "a claim is taken by a store":
            "&& word
            .compare_exchange(
                seen,
                trial::claim(me, until_ms),
                Ordering::AcqRel,
                Ordering::Acquire,
            )
            .is_ok()" =>
            "&& { word.store(trial::claim(me, until_ms), Ordering::Release); true }";
        "a claim is taken without an acquire":
            "let seen = word.load(Ordering::Acquire);
    (trial::is_free(seen, now_ms, LONGEST_MS) || trial::is_held_by(seen, me))
        && word
            .compare_exchange(
                seen,
                trial::claim(me, until_ms),
                Ordering::AcqRel,
                Ordering::Acquire," =>
            "let seen = word.load(Ordering::Relaxed);
    (trial::is_free(seen, now_ms, LONGEST_MS) || trial::is_held_by(seen, me))
        && word
            .compare_exchange(
                seen,
                trial::claim(me, until_ms),
                Ordering::Release,
                Ordering::Relaxed,";
        "a claim is released whoever holds it":
            "is_of(seen, me)
        && word" => "let _ = me;
    word";
        "a claim is released by a store":
            "&& word
            .compare_exchange(seen, 0, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()" => "&& { word.store(0, Ordering::Release); true }";
        "a claim is released without a release":
            ".compare_exchange(seen, 0, Ordering::AcqRel, Ordering::Acquire)" =>
            ".compare_exchange(seen, 0, Ordering::Relaxed, Ordering::Relaxed)";
        "a claim is not given back":
            ".compare_exchange(seen, 0, Ordering::AcqRel" =>
            ".compare_exchange(seen, seen, Ordering::AcqRel";
    }
    "lease" "engine/lease.rs" {
        "a lease is taken whoever holds it":
            "if !trial::is_free(seen, now_ms, LONGEST_MS) {" => "if false {";
        "a lease never ends by itself":
            "if !trial::is_free(seen, now_ms, LONGEST_MS) {" => "if seen != 0 {";
        "a lease is taken by a store":
            "word.compare_exchange(seen, mine, Ordering::AcqRel, Ordering::Acquire)
            .ok()" => "Some(word.store(mine, Ordering::Release))";
        "a lease is renewed by a store":
            "let kept = word
            .compare_exchange(self.word, next, Ordering::AcqRel, Ordering::Acquire)
            .is_ok();" => "word.store(next, Ordering::Release);
        let kept = true;";
        "a lease is renewed over whatever is there":
            ".compare_exchange(self.word, next, Ordering::AcqRel" =>
            ".compare_exchange(word.load(Ordering::Acquire), next, Ordering::AcqRel";
        "a holder does not look before a renewal is due":
            "return word.load(Ordering::Acquire) == self.word;" => "return true;";
        "a lease forgets what it last wrote":
            "if kept {
            *self = Self {" => "if !kept {
            *self = Self {";
        "a lease is released by a store":
            "let _ = word.compare_exchange(self.word, 0, Ordering::AcqRel, Ordering::Acquire);" =>
            "word.store(0, Ordering::Release);";
        "a lease is not given back":
            "let _ = word.compare_exchange(self.word, 0, Ordering::AcqRel, Ordering::Acquire);" =>
            "let _ = word;";
        "a lease is released without a release":
            "let _ = word.compare_exchange(self.word, 0, Ordering::AcqRel, Ordering::Acquire);" =>
            "let _ = word.compare_exchange(self.word, 0, Ordering::Relaxed, Ordering::Relaxed);";
    }
    "state" "engine/state.rs" {
        "a change is made by a store":
            "self.state
                .compare_exchange(word, next, Ordering::AcqRel, Ordering::Acquire)?;" =>
            "self.state.store(next, Ordering::Release);";
        "a change is made over whatever is there":
            ".compare_exchange(word, next, Ordering::AcqRel, Ordering::Acquire)?" =>
            ".compare_exchange(self.state.load(Ordering::Acquire), next, Ordering::AcqRel, Ordering::Acquire)?";
        "a result that changes nothing is not fenced":
            "} else if self.state.load(Ordering::Acquire) != word {" => "} else if false {";
        "a change that lost is not tried again":
            "Err(current) => word = current," =>
            "Err(current) => return Change { before: NodeState::unpack(word), after: NodeState::unpack(current) },";
        "a time is set over a newer one":
            "self.load().seq != seq
            ||" => "";
        "a time is set by a store":
            "self
                .since
                .compare_exchange(
                    word,
                    since_word(seq, at_ms),
                    Ordering::AcqRel,
                    Ordering::Acquire,
                )
                .is_ok()" =>
            "{ let _ = word; self.since.store(since_word(seq, at_ms), Ordering::Release); true }";
        "the time of a killed change is never set":
            "self.date(word, state.seq, now_ms);" => "";
    }
    "state" "core/breaker.rs" {
        "a new leader leaves no mark":
            "Event::LeaseTaken => next.fence = state.fence.wrapping_add(1)" =>
            "Event::LeaseTaken => next.fence = state.fence";
    }
    "state" "core/node.rs" {
        "the epoch stays when a node is demoted":
            "next.epoch = (self.epoch + 1) & EPOCH_MASK;" => "next.epoch = self.epoch;";
    }
}
