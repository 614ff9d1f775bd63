//! Whether the sockets that PHP processes hold to a node are to be shut.
//!
//! A worker that is stuck in a connect, a handshake or a read on a dead node
//! stays there for as long as its driver lets it, a day by default. Shutting
//! its socket frees it, and leaves what it was doing in doubt. So it is done
//! only on evidence that the *node* is gone, and not the prober, the network
//! around it, or the server's patience:
//!
//! - silence: probes get no answer at all, for the whole of `cut_after`. A
//!   refusal or a reset is an answer of the host; it frees its clients by
//!   itself. Nor does silence count while every probed node fails, or from
//!   before the prober was held up: then it is the prober that is suspected,
//!   and the clock starts anew. For the same reason some other node must have
//!   answered since the silence began;
//! - a witness: another member, asked after the silence began, says that the
//!   node is gone, and none says that it is there. A server whose threads are
//!   all busy greets nobody either, but its peers still list it;
//! - or the node's own word that it has lost its quorum: every COMMIT on it
//!   then waits for ever, and nothing but a shut socket frees who sent it.

use crate::config::Cut;

/// What a node's last probe says of its silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Sign {
    /// It answered, if only to turn the probe away.
    Answers,
    /// It answered that its group has no quorum.
    NoQuorum,
    /// It is down, and nothing at all came back: a hang, or no way to it.
    Silent,
    /// It is down, and its host said so: refused, reset, closed.
    Fails,
    /// Nothing was learnt, or nothing yet.
    #[default]
    Unknown,
}

/// What all nodes together say of the prober, at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Round {
    /// No node answers.
    pub all_fail: bool,
    /// The prober itself was scheduled late.
    pub held_up: bool,
}

impl Round {
    /// Of the signs of all probed nodes.
    pub fn of(signs: impl IntoIterator<Item = Sign>, held_up: bool) -> Self {
        let answers = |sign| matches!(sign, Sign::Answers | Sign::NoQuorum);
        Self {
            all_fail: !signs.into_iter().any(answers),
            held_up,
        }
    }

    /// Whether what looks like a node's fault may be the prober's own.
    fn is_doubtful(self) -> bool {
        self.all_fail || self.held_up
    }
}

/// Since when a node gives reason to cut, on the host's clock in ms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Standing {
    /// No reason.
    #[default]
    Well,
    /// Silent since then.
    Silent(u64),
    /// Without quorum since then.
    NoQuorum(u64),
}

impl Standing {
    /// The standing after one more look at the node.
    #[must_use]
    pub fn step(self, sign: Sign, round: Round, now_ms: u64) -> Self {
        let next = match (self, sign) {
            (Self::Silent(_), Sign::Silent | Sign::Fails) => self,
            (_, Sign::Silent) => Self::Silent(now_ms),
            (Self::NoQuorum(_), Sign::NoQuorum) => self,
            (_, Sign::NoQuorum) => Self::NoQuorum(now_ms),
            (_, Sign::Answers | Sign::Fails | Sign::Unknown) => Self::Well,
        };
        match next {
            Self::Silent(_) if round.is_doubtful() => Self::Silent(now_ms),
            Self::NoQuorum(_) if round.held_up => Self::NoQuorum(now_ms),
            next => next,
        }
    }
}

/// What another node of the cluster contributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word {
    /// When its last answer was asked for, ms.
    pub asked_ms: u64,
    /// Whether it sees the node in question; `None` where its word does not
    /// count or it does not say.
    pub sees: Option<bool>,
}

/// What the configuration and the flavour say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// `cut`.
    pub mode: Cut,
    /// `cut_after`, ms.
    pub after_ms: u64,
    /// `cut_unwitnessed_after`, ms.
    pub unwitnessed_after_ms: u64,
    /// Whether nodes of this flavour can witness; not under `read_only`.
    pub witnesses: bool,
    /// An answer older than this is no witness, ms.
    pub fresh_ms: u64,
}

/// Why sockets are shut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Silent, and another member says it is gone.
    Witnessed,
    /// Silent, and nobody is asked or can be.
    Unwitnessed,
    /// It says itself that its quorum is lost.
    NoQuorum,
}

impl Why {
    /// The words for logs and warnings.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Witnessed => "it hangs or cannot be reached, and another member misses it",
            Self::Unwitnessed => "it hangs or cannot be reached",
            Self::NoQuorum => "its group has lost its quorum, so that writes wait for ever",
        }
    }
}

/// Whether the sockets to a node are to be shut now, and why. `words`: of all
/// other nodes that have answered.
#[must_use]
pub fn decide(
    rule: &Rule,
    standing: Standing,
    words: &[Word],
    round: Round,
    now_ms: u64,
) -> Option<Why> {
    if rule.mode == Cut::Never || round.held_up {
        return None;
    }
    let lasts = |since: u64, limit: u64| now_ms.saturating_sub(since) >= limit;
    let since = match standing {
        Standing::Well => return None,
        Standing::NoQuorum(since) => {
            return lasts(since, rule.after_ms).then_some(Why::NoQuorum);
        }
        Standing::Silent(since) => since,
    };
    if round.all_fail || !lasts(since, rule.after_ms) {
        return None;
    }
    let since_then = |word: &&Word| word.asked_ms >= since && word.asked_ms <= now_ms;
    let fresh = |word: &&Word| !lasts(word.asked_ms, rule.fresh_ms.saturating_add(1));
    let heard = || words.iter().filter(since_then).filter(fresh);
    if heard().any(|word| word.sees == Some(true)) {
        return None;
    }
    if heard().any(|word| word.sees == Some(false)) {
        return Some(Why::Witnessed);
    }
    // Without a witness another node's answer must at least show that the
    // prober and its network are well.
    heard().next()?;
    match rule.mode {
        Cut::Always => Some(Why::Unwitnessed),
        Cut::Witnessed if !rule.witnesses => {
            lasts(since, rule.unwitnessed_after_ms).then_some(Why::Unwitnessed)
        }
        Cut::Witnessed | Cut::Never => None,
    }
}

#[cfg(test)]
#[path = "cut_tests.rs"]
mod tests;
