//! What amm reads from others: configuration, servers, errors, cookies, shared
//! memory. Each target takes any bytes and must neither panic, hang nor reach
//! out of bounds, and asserts what else must hold.
//!
//! `libfuzzer` drives them by coverage, and what it found worth keeping is in
//! `corpus/<target>`; `cargo test` runs the targets over that.

mod bytes;
mod targets {
    pub(crate) mod config;
    pub(crate) mod errors;
    pub(crate) mod peer;
    pub(crate) mod probe;
    pub(crate) mod record;
    pub(crate) mod region;
    pub(crate) mod roster;
    pub(crate) mod token;
}

/// A target by its name, which is also that of its corpus.
pub type Target = fn(&[u8]);

/// All targets.
pub const TARGETS: &[(&str, Target)] = &[
    ("config_text", targets::config::text),
    ("config_tree", targets::config::tree),
    ("config_words", targets::config::words),
    ("errors", targets::errors::classify),
    ("peer", targets::peer::answer),
    ("probe_rows", targets::probe::rows),
    ("record", targets::record::cells),
    ("region", targets::region::bytes),
    ("roster", targets::roster::lists),
    ("token", targets::token::open),
];

/// Runs the target called `name`.
///
/// # Panics
/// If there is none, and where the target finds an error.
pub fn run(name: &str, data: &[u8]) {
    let target = TARGETS.iter().find(|(known, _)| *known == name);
    let (_, target) = target.unwrap_or_else(|| panic!("no target {name}"));
    target(data);
}
