//! Shows that the simulation can fail: makes each error of [`edits`] in a copy of
//! the sources and runs seeds over it. Ends with 1 if an error goes unseen, no
//! longer fits the sources, or does not compile.
//!
//! usage: mutants [part of an error's name or of a file's]

mod edits;

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use edits::{MUTANTS, Mutant};

/// What the copy is made of.
const PARTS: &[&str] = &["Cargo.toml", "Cargo.lock", "build.rs", "src", "tests"];
/// Seeds that an error is given to show itself in.
const SEEDS: &str = "0..3000";

fn main() -> ExitCode {
    let wanted = std::env::args().nth(1).unwrap_or_default();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or(root.join("target"), PathBuf::from);
    match run(&root, &target.join("simulation-mutants"), &wanted) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("mutants: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(root: &Path, folder: &Path, wanted: &str) -> io::Result<bool> {
    let (tree, target) = (folder.join("tree"), folder.join("target"));
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
        let (seen, said) = try_one(&tree, &target, mutant)?;
        caught += usize::from(seen);
        println!("{}: {}: {said}", mutant.file, mutant.error);
    }
    println!("{caught} of {} errors caught", chosen.len());
    Ok(caught == chosen.len() && caught > 0)
}

/// Whether the error was seen, and what is to be said of it.
fn try_one(tree: &Path, target: &Path, mutant: &Mutant) -> io::Result<(bool, String)> {
    let file = tree.join("src").join(mutant.file);
    let sound = std::fs::read_to_string(&file)?;
    let fits = sound.matches(mutant.from).count();
    if fits != 1 {
        return Ok((false, format!("UNUSABLE: it fits {fits} places")));
    }
    std::fs::write(&file, sound.replacen(mutant.from, mutant.to, 1))?;
    let outcome = judge(tree, target);
    std::fs::write(&file, sound)?;
    outcome
}

fn judge(tree: &Path, target: &Path) -> io::Result<(bool, String)> {
    let output = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--offline", "--profile", "models"])
        .args(["-p", "amm-simulation", "--bin", "simulate", "--"])
        .args(["--seeds", SEEDS, "--first"])
        .current_dir(tree)
        .env("CARGO_TARGET_DIR", target)
        .env("RUSTFLAGS", "-Awarnings")
        .stdin(Stdio::null())
        .output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    Ok(match said.lines().find(|line| line.starts_with("seed ")) {
        Some(line) => (true, format!("caught, {line}")),
        None if output.status.success() => (false, "NOT CAUGHT".to_owned()),
        None => {
            let why = String::from_utf8_lossy(&output.stderr);
            (false, format!("UNUSABLE: {why}"))
        }
    })
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
