use super::*;

fn scratch(name: &str) -> Location {
    let dir = crate::testing::folder().join(format!("amm-map-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).unwrap();
    Location {
        path: dir.join("region"),
        mode: 0o600,
    }
}

fn refusal(location: &Location) -> String {
    Mapping::open(location).err().expect("refused").to_string()
}

#[test]
fn two_mappings_of_one_file_share_it() {
    let at = scratch("share");
    let (a, b) = (Mapping::open(&at).unwrap(), Mapping::open(&at).unwrap());
    a.region().clusters[3].used_ms.store(99, Ordering::Relaxed);
    assert_eq!(b.region().clusters[3].used_ms.load(Ordering::Relaxed), 99);
    assert!(a.is_shared() && a.is_still_at(&at));
    std::fs::remove_file(&at.path).unwrap();
    assert!(!a.is_still_at(&at));
    let replaced = Mapping::open(&at).unwrap();
    assert_eq!(
        replaced.region().clusters[3]
            .used_ms
            .load(Ordering::Relaxed),
        0
    );
    assert!(!a.is_still_at(&at));
}

#[test]
fn an_abandoned_empty_file_is_completed() {
    let at = scratch("empty");
    std::fs::write(&at.path, b"").unwrap();
    assert!(Mapping::open(&at).is_ok());
    assert_eq!(
        std::fs::metadata(&at.path).unwrap().len(),
        size_of::<Region>() as u64
    );
}

#[test]
fn a_link_is_refused() {
    let at = scratch("link");
    let target = at.path.with_extension("target");
    std::fs::write(&target, b"precious").unwrap();
    std::os::unix::fs::symlink(&target, &at.path).unwrap();
    assert!(refusal(&at).contains("cannot open the file"));
    assert_eq!(std::fs::read(&target).unwrap(), b"precious");
}

#[test]
fn a_file_of_another_size_or_kind_is_refused_untouched() {
    let at = scratch("size");
    std::fs::write(&at.path, b"hello").unwrap();
    assert!(refusal(&at).contains("5 bytes long"));
    assert_eq!(std::fs::read(&at.path).unwrap(), b"hello");
    std::fs::remove_file(&at.path).unwrap();
    std::fs::create_dir(&at.path).unwrap();
    assert!(refusal(&at).contains("cannot open the file"));
}

#[test]
fn foreign_bytes_are_refused() {
    let at = scratch("magic");
    std::fs::write(&at.path, vec![0x41; size_of::<Region>()]).unwrap();
    assert!(refusal(&at).contains("4141414141414141"));
}

#[test]
fn a_file_that_others_may_write_is_refused_unless_wanted() {
    use std::os::unix::fs::PermissionsExt;
    let at = scratch("mode");
    drop(Mapping::open(&at).unwrap());
    std::fs::set_permissions(&at.path, std::fs::Permissions::from_mode(0o666)).unwrap();
    assert!(refusal(&at).contains("others may write it"));
    let wanted = Location { mode: 0o666, ..at };
    assert!(Mapping::open(&wanted).is_ok());
}

#[test]
fn a_missing_folder_says_so() {
    let at = Location {
        path: "/nonexistent/amm".into(),
        mode: 0o600,
    };
    assert!(refusal(&at).contains("/nonexistent/amm: cannot open the file"));
}

#[test]
fn a_file_cut_short_while_mapped_ends_nobody_and_is_made_whole_again() {
    let at = scratch("truncated");
    let mapping = Mapping::open(&at).unwrap();
    mapping.region().clusters[63]
        .used_ms
        .store(7, Ordering::Relaxed);
    let file = std::fs::File::options().write(true).open(&at.path).unwrap();
    file.set_len(0).unwrap();
    assert!(!mapping.is_still_at(&at), "seen before it is touched");
    let word = &mapping.region().clusters[63].used_ms;
    assert_eq!(word.load(Ordering::Relaxed), 0);
    word.store(8, Ordering::Relaxed);
    assert_eq!(word.load(Ordering::Relaxed), 8, "works by itself");
    assert!(!mapping.is_shared() && !mapping.is_still_at(&at));
    let again = Mapping::open(&at).unwrap();
    assert!(again.is_shared() && again.is_still_at(&at));
    assert!(!mapping.is_shared(), "another's watch is not this one's");
    file.set_len(4096).unwrap();
    again.region().clusters[63]
        .used_ms
        .store(9, Ordering::Relaxed);
    assert!(refusal(&at).contains("4096 bytes long"));
}
