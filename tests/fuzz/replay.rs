//! Runs every target over what is kept in its corpus, and over nothing.

use std::path::Path;

use amm_fuzz::TARGETS;

#[test]
fn the_corpus_of_every_target_passes() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for (name, target) in TARGETS {
        target(&[]);
        let mut files: Vec<_> = std::fs::read_dir(corpus.join(name))
            .unwrap_or_else(|error| panic!("no corpus of {name}: {error}"))
            .map(|entry| entry.unwrap().path())
            .collect();
        files.sort();
        assert!(!files.is_empty(), "{name} has no corpus");
        for file in &files {
            // Named first: a crash may end the process.
            eprintln!("{}", file.display());
            target(&std::fs::read(file).unwrap());
        }
        println!("{name}: {} inputs", files.len());
    }
}
