//! The errors that the simulation must see: each a small edit of the real sources.

/// One edit.
pub(crate) struct Mutant {
    /// What is wrong then.
    pub(crate) error: &'static str,
    /// The file, below `src/`.
    pub(crate) file: &'static str,
    /// What is there, once.
    pub(crate) from: &'static str,
    /// What takes its place.
    pub(crate) to: &'static str,
}

macro_rules! mutants {
    ($($file:literal { $($error:literal: $from:literal => $to:literal;)* })*) => {
        /// All of them.
        pub(crate) const MUTANTS: &[Mutant] = &[$($(Mutant {
            error: $error,
            file: $file,
            from: $from,
            to: $to,
        },)*)*];
    };
}

mutants! {
    "core/admission.rs" {
        "no hold-down":
            "Phase::Recovering if well_for >= hold_ms(state, seen.dice, policy) => Admission::Trial," =>
            "Phase::Recovering if well_for < u64::MAX => Admission::Trial,";
        "a recovering node is admitted freely":
            "Phase::Recovering => Admission::Refused(Refusal::HeldDown)," =>
            "Phase::Recovering => Admission::Open,";
        "no backoff":
            "elapsed >= policy.backoff.wait_ms(state.streak, seen.dice);" => "elapsed < u64::MAX;";
        "a reader takes writes":
            "(Role::Reader, Purpose::Write) => Some(Refusal::Reader)," =>
            "(Role::Reader, Purpose::Write) => None,";
    }
    "core/breaker.rs" {
        "a refuted report is held down":
            "_ if refuted => Phase::Closed," => "_ if refuted => Phase::Recovering,";
        "a probe that fails is not believed":
            "Phase::Closed if enough => open(&mut next, false)," => "Phase::Closed if enough => {}";
        "a standby that nobody tries stays out":
            "if state.phase == Phase::Recovering && serves {" => "if state.phase == Phase::Open && serves {";
        "nothing is ever forgiven":
            "next.scar = false;
                next.streak = 0;" => "";
        "a refused write changes nothing":
            "next.role = role;
                next.scar = true;
                // The wait" =>
            "next.scar = true;
                // The wait";
    }
    "core/node.rs" {
        "the epoch stays when the role goes":
            "if next.is_writable() != self.is_writable() {" => "if next.phase != self.phase {";
    }
    "engine/pick.rs" {
        "a trial claim that outlives its holder":
            ".claim_trial(me, now_ms, now_ms + dial + 1_000)" =>
            ".claim_trial(me, now_ms, now_ms + dial + 3_600_000)";
        "anyone may try in a panic":
            "} else if self.claim(index, me, now_ms) {" =>
            "} else if self.claim(index, me, now_ms) || true {";
        "anyone may try a half-open node":
            "if !self.is_distrusted(me, now_ms) && self.claim(index, me, now_ms) {" =>
            "if self.claim(index, me, now_ms) || true {";
        "a panic reaches for what operators disabled":
            "refusal @ (Refusal::Disabled | Refusal::ConfiguredReader)," =>
            "refusal @ Refusal::ConfiguredReader,";
        "a trial makes a second writer":
            "if self.rivals().excludes(index, role) {" => "if false && self.rivals().excludes(index, role) {";
        "keys flicker while a node ramps up":
            "rendezvous::ramp_point(identity, key) < share" =>
            "rendezvous::ramp_point(identity, key ^ now_ms) < share";
        "a panic never ends the ban":
            "None => self.panic(purpose, &ranking, tried, &rivals, me, now_ms)," =>
            "None => Pick::Nobody(Vec::new()),";
    }
    "engine/order.rs" {
        "every host has an order of its own":
            "Writers::Spread => rendezvous::rank(buffer.get(), key)," =>
            "Writers::Spread => rendezvous::rank(buffer.get(), key ^ self.dice(0, 0)),";
        "manual failback is forgotten":
            "ranking.preferring(incumbent)" => "ranking.preferring(incumbent.wrapping_add(64))";
        "every writer is a rival's equal":
            "(several, Some(incumbent)) if several.contains(&incumbent) => Rivals::Only(incumbent)," =>
            "(several, Some(incumbent)) if several.contains(&incumbent) => Rivals::Allowed,";
    }
    "engine/probe.rs" {
        "a result counts whatever happened meanwhile":
            "node.exchange(began, event, true," =>
            "node.exchange(node.state.load(Ordering::Acquire), event, true,";
        "who was refuted is believed again at once":
            "cluster.distrust_reporter(index, now);" => "";
    }
    "engine/monitor/seat.rs" {
        "a leader that cannot probe stays":
            "if leader.is_unable() {" => "if false && leader.is_unable() {";
        "a deputy does not look":
            "Post::Deputy(_) => Some(BEAT_MS)," => "Post::Deputy(_) => Some(100 * BEAT_MS),";
    }
}
