//! The half-open claim: which process may dial a node on trial.
//!
//! One word: who (24 bits) and until when (40 bits of milliseconds on the
//! host's monotonic clock). Zero is free. A claim that was not given back,
//! because its holder was killed, ends by itself.

/// A process's mark in claims and leases: 24 bits, never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token(u32);

const TIME_MASK: u64 = (1 << 40) - 1;

impl Token {
    /// Makes a token of any random bits.
    pub fn new(random: u64) -> Self {
        let bits = (random as u32) & 0xff_ffff;
        Self(if bits == 0 { 1 } else { bits })
    }

    /// The token as a number.
    pub fn get(self) -> u32 {
        self.0
    }
}

/// The word of a claim by `token` that ends at `until_ms`.
pub fn claim(token: Token, until_ms: u64) -> u64 {
    (u64::from(token.0) << 40) | (until_ms & TIME_MASK)
}

/// Whether `word` is free at `now_ms`: empty, ended, or ending further ahead
/// than `longest_ms`, which no claim does unless the word is garbage.
pub fn is_free(word: u64, now_ms: u64, longest_ms: u64) -> bool {
    let until = word & TIME_MASK;
    word == 0 || until <= (now_ms & TIME_MASK) || until > (now_ms & TIME_MASK) + longest_ms
}

/// Whether `word` is a claim of `token`, ended or not.
pub fn is_held_by(word: u64, token: Token) -> bool {
    (word >> 40) as u32 == token.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_holds_until_its_end_and_then_frees_itself() {
        let me = Token::new(7);
        let word = claim(me, 1_500);
        assert!(is_held_by(word, me) && !is_held_by(word, Token::new(8)));
        assert!(!is_free(word, 1_499, 10_000));
        assert!(is_free(word, 1_500, 10_000));
        assert!(is_free(0, 1, 10_000));
    }

    #[test]
    fn garbage_far_in_the_future_is_free() {
        assert!(is_free(claim(Token::new(7), 9_000_000), 1_000, 10_000));
    }
}
