//! Survives that the shared file is cut short while it is mapped.
//!
//! A page of a mapping that its file no longer reaches cannot be read: the
//! kernel sends SIGBUS, which ends the process. Nobody has to mean harm for
//! that; copying something over the file begins by emptying it. So a page fault
//! of that kind within one of our mappings puts private memory in its place:
//! the process works by itself, and notices at its next look at the file.
//!
//! The handler does nothing for any other address: then the one that was there
//! before is called, or the process ends as it would have without us.

use std::mem::MaybeUninit;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use once_cell::sync::Lazy;

use super::layout::Region;

/// Mappings that are watched at once; a process has one, and a second while it
/// changes over.
const PLACES: usize = 16;

/// Where a watched mapping begins (0: free), and whether it was replaced.
struct Place {
    start: AtomicUsize,
    replaced: AtomicBool,
}

static WATCHED: [Place; PLACES] = [const {
    Place {
        start: AtomicUsize::new(0),
        replaced: AtomicBool::new(false),
    }
}; PLACES];

/// The handler that was there before ours.
static BEFORE: Lazy<Option<libc::sigaction>> = Lazy::new(install);

/// Watches one mapping for as long as it lives.
pub(super) struct Watch(&'static Place);

impl Watch {
    /// Watches the region mapped at `start`. `None`: too many are watched.
    pub(super) fn begin(start: *const Region) -> Option<Self> {
        Lazy::force(&BEFORE).as_ref()?;
        let place = WATCHED.iter().find(|place| {
            place
                .start
                .compare_exchange(0, start.addr(), Ordering::AcqRel, Ordering::Acquire)
                .is_ok()
        })?;
        place.replaced.store(false, Ordering::Release);
        Some(Self(place))
    }

    /// Whether the mapping is private memory now.
    pub(super) fn is_replaced(&self) -> bool {
        self.0.replaced.load(Ordering::Acquire)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.start.store(0, Ordering::Release);
    }
}

fn install() -> Option<libc::sigaction> {
    let mut before = MaybeUninit::uninit();
    // SAFETY: an action of all zero is one with no flags, an empty mask and the
    // default handler; `sigaction` reads it and, on success, writes `before`,
    // which is read only then. The handler stays mapped: the library is linked
    // with `-z nodelete`.
    unsafe {
        let mut ours: libc::sigaction = MaybeUninit::zeroed().assume_init();
        ours.sa_sigaction = on_bus_error as *const () as usize;
        ours.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        match libc::sigaction(libc::SIGBUS, &raw const ours, before.as_mut_ptr()) {
            0 => Some(before.assume_init()),
            _ => None,
        }
    }
}

/// Runs in the thread that touched the page, between two of its instructions:
/// no lock, no allocation.
extern "C" fn on_bus_error(
    signal: libc::c_int,
    info: *mut libc::siginfo_t,
    context: *mut libc::c_void,
) {
    // SAFETY: the kernel hands a valid `info` to a handler with SA_SIGINFO.
    let address = unsafe { (*info).si_addr() }.addr();
    let within = |place: &&Place| {
        let start = place.start.load(Ordering::Acquire);
        start != 0 && (start..start + size_of::<Region>()).contains(&address)
    };
    match WATCHED.iter().find(within) {
        Some(place) if replace(place.start.load(Ordering::Acquire)) => {
            place.replaced.store(true, Ordering::Release);
        }
        _ => not_ours(signal, info, context),
    }
}

/// Puts zeros in place of the whole region: half of it would be of the file.
fn replace(start: usize) -> bool {
    // SAFETY: `errno` is this thread's own.
    let errno = unsafe { *libc::__errno_location() };
    // SAFETY: the range is a region that its `Watch` says is mapped; only
    // atomics lie in it, of which any bytes are some value, so exchanging the
    // memory below is like another process's stores. `mmap` is one system call.
    let mapped = unsafe {
        libc::mmap(
            ptr::with_exposed_provenance_mut(start),
            size_of::<Region>(),
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED,
            -1,
            0,
        )
    };
    // SAFETY: as above.
    unsafe { *libc::__errno_location() = errno };
    mapped != libc::MAP_FAILED
}

/// What would have happened without us.
fn not_ours(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    type Informed = extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void);
    type Plain = extern "C" fn(libc::c_int);
    let before = Lazy::get(&BEFORE).and_then(Option::as_ref);
    match before {
        Some(before)
            if before.sa_sigaction != libc::SIG_DFL && before.sa_sigaction != libc::SIG_IGN =>
        {
            // SAFETY: the address of a handler of the kind that its flags say,
            // as `sigaction` gave it.
            unsafe {
                if before.sa_flags & libc::SA_SIGINFO != 0 {
                    std::mem::transmute::<usize, Informed>(before.sa_sigaction)(
                        signal, info, context,
                    );
                } else {
                    std::mem::transmute::<usize, Plain>(before.sa_sigaction)(signal);
                }
            }
        }
        _ => {
            // SAFETY: the default action takes over; the instruction is run
            // again when this returns, and ends the process.
            unsafe {
                libc::signal(signal, libc::SIG_DFL);
                // One that another process sent does not come again by itself.
                if (*info).si_code <= 0 {
                    libc::raise(signal);
                }
            }
        }
    }
}
