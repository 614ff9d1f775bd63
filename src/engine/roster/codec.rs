//! A roster as words.
//!
//! ```text
//! word 0      format (8)  entries (8)  nameless (16)  left out (16)  0
//! words 1–4   seal
//! words 5–    per entry: length (8)  port (16)  bare (8)  0, then the host,
//!             8 bytes a word, padded with 0
//!             the rest is 0
//! ```
//!
//! One roster has one form: what decodes encodes to the same words again.

use amm_core::discovery::Listing;

use super::{Roster, WORDS};

const FORMAT: u64 = 1;
/// Where the seal is.
pub(super) const SEAL: std::ops::Range<usize> = 1..5;
const FIRST: usize = 5;

/// Encodes as many members as there is room for; the seal is left zero.
pub(super) fn encode(roster: &Roster) -> [u64; WORDS] {
    let mut words = [0; WORDS];
    let (mut count, mut left_out) = (0u64, u64::from(roster.left_out));
    let mut at = FIRST;
    for listing in &roster.listings {
        let host = listing.host.to_string();
        let bytes = host.as_bytes();
        let end = at + 1 + bytes.len().div_ceil(8);
        let room = words.get_mut(at..end).and_then(<[u64]>::split_first_mut);
        let Some((head, rest)) = room.filter(|_| count < 255 && bytes.len() < 256) else {
            left_out += 1;
            continue;
        };
        *head = bytes.len() as u64 | u64::from(listing.port) << 8 | u64::from(listing.bare) << 24;
        for (word, chunk) in rest.iter_mut().zip(bytes.chunks(8)) {
            let mut eight = [0; 8];
            eight
                .iter_mut()
                .zip(chunk)
                .for_each(|(to, from)| *to = *from);
            *word = u64::from_le_bytes(eight);
        }
        count += 1;
        at = end;
    }
    words[0] = FORMAT
        | count << 8
        | u64::from(roster.nameless) << 16
        | left_out.min(u64::from(u16::MAX)) << 32;
    words
}

/// Decodes any words; `None`: they are no roster.
pub(super) fn decode(words: &[u64; WORDS]) -> Option<Roster> {
    let head = words[0];
    let mut roster = Roster {
        listings: Vec::new(),
        nameless: (head >> 16) as u16,
        left_out: (head >> 32) as u16,
    };
    if head & 0xff != FORMAT || head >> 48 != 0 {
        return None;
    }
    let mut at = FIRST;
    for _ in 0..(head >> 8) as u8 {
        let head = *words.get(at)?;
        let length = (head & 0xff) as usize;
        let bare = match head >> 24 {
            0 => false,
            1 => true,
            _ => return None,
        };
        let end = at + 1 + length.div_ceil(8);
        let bytes: Vec<u8> = words
            .get(at + 1..end)?
            .iter()
            .flat_map(|word| word.to_le_bytes())
            .collect();
        let host = std::str::from_utf8(bytes.get(..length)?).ok()?;
        roster
            .listings
            .push(Listing::try_new(host, (head >> 8) as u16, bare)?);
        at = end;
    }
    let mut canonical = encode(&roster);
    canonical[SEAL].copy_from_slice(&words[SEAL]);
    (canonical == *words).then_some(roster)
}
