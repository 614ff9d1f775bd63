//! Opens, checks and maps the shared file.
//!
//! Setting up is idempotent: reserve the space, map it, put the magic word
//! where there is zero. Any number of processes may do it at once and any may
//! be killed in the middle; nobody waits for anybody. The space is reserved
//! before it is mapped, since touching a page that a full file system cannot
//! provide would kill the process.

use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::ptr::NonNull;
use std::sync::atomic::Ordering;

use rustix::fs::{self, FileType, Mode, OFlags};
use rustix::io::Errno;
use rustix::mm::{self, MapFlags, ProtFlags};

use super::layout::{MAGIC, Region, VERSION};
use super::truncated::Watch;

/// Where the shared file is and who may use it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// Path of the file.
    pub path: PathBuf,
    /// Permission bits it is created with.
    pub mode: u32,
}

impl Location {
    /// The default: in the system's shared-memory directory, one per effective
    /// user and layout version.
    pub fn default_for_user() -> Self {
        let uid = rustix::process::geteuid().as_raw();
        Self {
            path: PathBuf::from(format!("/dev/shm/amm-{uid}-v{VERSION}")),
            mode: 0o600,
        }
    }

    /// `path` as the directive `amm.shm_path` gives it: a file, or a directory
    /// in which the default name is used. Empty: the default.
    pub fn configured(path: &str, mode: u32) -> Self {
        let default = Self::default_for_user();
        if path.is_empty() {
            return Self { mode, ..default };
        }
        let given = Path::new(path);
        let path = match (given.is_dir(), default.path.file_name()) {
            (true, Some(name)) => given.join(name),
            _ => given.to_owned(),
        };
        Self { path, mode }
    }
}

/// Why the shared file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ShmError {
    /// A system call failed.
    #[error("{path}: cannot {action}: {errno}")]
    System {
        /// The file.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// Why not.
        errno: Errno,
    },
    /// The file is not ours to use.
    #[error("{path}: refused: {reason}")]
    Refused {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

/// A mapped region; unmapped when dropped.
pub struct Mapping {
    region: NonNull<Region>,
    /// Device and inode, to notice that the file was replaced.
    file: Option<(u64, u64)>,
    /// Lets go before the region is unmapped.
    watch: Option<Watch>,
}

// SAFETY: the region consists of atomics only and stays mapped for the life of
// the `Mapping`; sharing it between threads is what atomics are for.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps the shared file at `location`, creating it if it is missing.
    pub fn open(location: &Location) -> Result<Self, ShmError> {
        let path = &location.path;
        let fail = |action| {
            move |errno| ShmError::System {
                path: path.clone(),
                action,
                errno,
            }
        };
        let fd = open_or_create(location).map_err(fail("open the file"))?;
        let stat = fs::fstat(&fd).map_err(fail("examine the file"))?;
        let refuse = |reason: String| ShmError::Refused {
            path: path.clone(),
            reason,
        };
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(refuse("not a regular file".to_owned()));
        }
        let me = rustix::process::geteuid().as_raw();
        let shared_on_purpose = location.mode & 0o066 != 0;
        if stat.st_uid != me && !(shared_on_purpose && stat.st_mode & 0o777 == location.mode) {
            return Err(refuse(format!(
                "owned by user {}, this process runs as user {me}",
                stat.st_uid
            )));
        }
        if stat.st_uid == me && stat.st_mode & 0o777 & !location.mode & 0o022 != 0 {
            return Err(refuse(format!(
                "others may write it (mode {:04o}, amm.shm_mode is {:04o})",
                stat.st_mode & 0o777,
                location.mode
            )));
        }
        let size = size_of::<Region>() as u64;
        match stat.st_size as u64 {
            0 => fs::fallocate(&fd, fs::FallocateFlags::empty(), 0, size)
                .map_err(fail("reserve its space"))?,
            given if given == size => {}
            given => {
                return Err(refuse(format!(
                    "{given} bytes long, this version's file has {size}; remove it or set \
                     amm.shm_path to another file"
                )));
            }
        }
        let region = map(MapFlags::SHARED, Some(&fd)).map_err(fail("map the file"))?;
        let mapping = Self {
            region,
            file: Some((stat.st_dev, stat.st_ino)),
            watch: Watch::begin(region.as_ptr()),
        };
        let magic = &mapping.region().header.magic;
        match magic.compare_exchange(0, MAGIC, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) | Err(MAGIC) => Ok(mapping),
            Err(other) => Err(refuse(format!(
                "it begins with {other:016x}, not with {MAGIC:016x}: not a file of this version; \
                 remove it or set amm.shm_path to another file"
            ))),
        }
    }

    /// A region of this process alone.
    pub fn private() -> Result<Self, ShmError> {
        let region = map(MapFlags::PRIVATE, None).map_err(|errno| ShmError::System {
            path: PathBuf::from("(private memory)"),
            action: "map memory",
            errno,
        })?;
        let mapping = Self {
            region,
            file: None,
            watch: None,
        };
        mapping
            .region()
            .header
            .magic
            .store(MAGIC, Ordering::Release);
        Ok(mapping)
    }

    /// The mapped region.
    #[inline]
    pub fn region(&self) -> &Region {
        // SAFETY: the pointer is page-aligned, spans a whole `Region` (the file
        // was reserved to that size before it was mapped) and stays mapped as
        // long as `self`; any bytes are valid for atomics.
        unsafe { self.region.as_ref() }
    }

    /// Whether other processes see this region.
    pub fn is_shared(&self) -> bool {
        self.file.is_some() && !self.is_replaced()
    }

    /// Whether the file was cut short and private memory is mapped instead.
    pub fn is_replaced(&self) -> bool {
        self.watch.as_ref().is_some_and(Watch::is_replaced)
    }

    /// Whether `location` still names the file that is mapped here, whole.
    pub fn is_still_at(&self, location: &Location) -> bool {
        match (fs::lstat(&location.path), self.file) {
            (Ok(stat), Some(file)) => {
                (stat.st_dev, stat.st_ino) == file
                    && stat.st_size as u64 == size_of::<Region>() as u64
                    && !self.is_replaced()
            }
            _ => false,
        }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        self.watch = None;
        // SAFETY: mapped by `map` with this size, and nothing borrows it any
        // more: `region()` borrows `self`.
        unsafe {
            let _ = mm::munmap(self.region.as_ptr().cast(), size_of::<Region>());
        }
    }
}

fn open_or_create(location: &Location) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDWR | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let mode = Mode::from_raw_mode(location.mode);
    match fs::open(&location.path, flags | OFlags::CREATE | OFlags::EXCL, mode) {
        Ok(fd) => {
            // The umask must not take away what the operator asked for.
            let _ = fs::fchmod(&fd, mode);
            Ok(fd)
        }
        Err(Errno::EXIST) => fs::open(&location.path, flags, mode),
        Err(errno) => Err(errno),
    }
}

fn map(flags: MapFlags, fd: Option<&OwnedFd>) -> Result<NonNull<Region>, Errno> {
    let protection = ProtFlags::READ | ProtFlags::WRITE;
    // SAFETY: a new mapping at an address of the kernel's choice; nothing of
    // Rust's is there.
    let pointer = unsafe {
        match fd {
            Some(fd) => mm::mmap(
                std::ptr::null_mut(),
                size_of::<Region>(),
                protection,
                flags,
                fd.as_fd(),
                0,
            ),
            None => {
                mm::mmap_anonymous(std::ptr::null_mut(), size_of::<Region>(), protection, flags)
            }
        }
    }?;
    NonNull::new(pointer.cast()).ok_or(Errno::NOMEM)
}

#[cfg(test)]
#[path = "map_tests.rs"]
mod tests;
