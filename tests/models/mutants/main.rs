//! Shows that the models can fail: makes each error of [`edits`] in a copy of
//! the sources and runs the models over it. Ends with 1 if an error goes
//! unseen, no longer fits the sources, or does not compile.
//!
//! usage: mutants [part of an error's name or of a file's]

mod edits;

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use edits::{MUTANTS, Mutant};

/// What the copy is made of.
const PARTS: &[&str] = &["Cargo.toml", "Cargo.lock", "build.rs", "src", "tests"];
/// Longer than any model takes.
const LIMIT_SECONDS: &str = "120";

enum Outcome {
    /// By this test.
    Caught(String),
    Survived,
    Unusable(String),
}

fn main() -> ExitCode {
    let wanted = std::env::args().nth(1).unwrap_or_default();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or(root.join("target"), PathBuf::from);
    match run(&root, &target, &wanted) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("mutants: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(root: &Path, target: &Path, wanted: &str) -> io::Result<bool> {
    let tree = target.join("mutants");
    let _ = std::fs::remove_dir_all(&tree);
    std::fs::create_dir_all(&tree)?;
    for part in PARTS {
        copy(&root.join(part), &tree.join(part))?;
    }
    let chosen: Vec<&Mutant> = MUTANTS
        .iter()
        .filter(|m| m.error.contains(wanted) || m.file.contains(wanted))
        .collect();
    let mut caught = 0;
    for mutant in &chosen {
        let outcome = try_one(&tree, target, mutant)?;
        let said = match &outcome {
            Outcome::Caught(by) => {
                caught += 1;
                format!("caught by {by}")
            }
            Outcome::Survived => "NOT CAUGHT".to_owned(),
            Outcome::Unusable(why) => format!("UNUSABLE: {why}"),
        };
        println!("{}: {}: {said}", mutant.file, mutant.error);
    }
    println!("{caught} of {} errors caught", chosen.len());
    Ok(caught == chosen.len() && caught > 0)
}

fn try_one(tree: &Path, target: &Path, mutant: &Mutant) -> io::Result<Outcome> {
    let file = tree.join("src").join(mutant.file);
    let sound = std::fs::read_to_string(&file)?;
    let outcome = match sound.matches(mutant.from).count() {
        1 => {
            std::fs::write(&file, sound.replacen(mutant.from, mutant.to, 1))?;
            judge(tree, target, mutant.model)
        }
        0 => Ok(Outcome::Unusable("it fits nowhere any more".to_owned())),
        many => Ok(Outcome::Unusable(format!("it fits {many} places"))),
    };
    std::fs::write(&file, sound)?;
    outcome
}

fn judge(tree: &Path, target: &Path, model: &str) -> io::Result<Outcome> {
    let output = Command::new("timeout")
        .args([LIMIT_SECONDS, env!("CARGO")])
        .args(["test", "--quiet", "--offline", "--profile", "models"])
        .args(["-p", "amm-models", "--test", model])
        .current_dir(tree)
        .env("CARGO_TARGET_DIR", target)
        .env("RUSTFLAGS", "-Awarnings")
        .stdin(Stdio::null())
        .output()?;
    let mut said = String::from_utf8_lossy(&output.stdout).into_owned();
    said.push_str(&String::from_utf8_lossy(&output.stderr));
    Ok(match output.status.code() {
        Some(0) => Outcome::Survived,
        Some(124) => Outcome::Unusable("it does not end".to_owned()),
        _ => caught_by(&said),
    })
}

/// The first test that failed, from what the test runner said.
fn caught_by(said: &str) -> Outcome {
    match said
        .lines()
        .find_map(|line| line.strip_suffix(" stdout ----"))
    {
        Some(name) => Outcome::Caught(name.trim_start_matches('-').trim().to_owned()),
        None => Outcome::Unusable(format!("it does not compile, or no test ran:\n{said}")),
    }
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    if !from.is_dir() {
        return std::fs::copy(from, to).map(|_| ());
    }
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        copy(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}
