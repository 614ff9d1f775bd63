//! Who this process is, also after a fork.
//!
//! A forked child is another process with the memory of its parent: it must not
//! give back its parent's claims nor touch a lock that a thread of the parent
//! held at that moment. A handler that the C library runs in every forked child
//! moves [`generation`], and whoever keeps something per process compares it.
//! That costs one load where asking for the pid would cost a system call.

use std::sync::atomic::{AtomicU32, Ordering};

use amm_core::trial::Token;
use once_cell::sync::Lazy;

static GENERATION: AtomicU32 = AtomicU32::new(1);

static HANDLER: Lazy<()> = Lazy::new(|| {
    // SAFETY: `forked` is async-signal-safe (one atomic add) and stays mapped:
    // the library is linked with `-z nodelete`.
    unsafe {
        libc::pthread_atfork(None, None, Some(forked));
    }
});

extern "C" fn forked() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
}

/// A number that differs between a process and its forked children.
#[inline]
pub fn generation() -> u32 {
    GENERATION.load(Ordering::Relaxed)
}

/// Starts watching for forks. Cheap when repeated.
pub fn watch_forks() {
    Lazy::force(&HANDLER);
}

/// 64 bits from the kernel's generator.
pub fn random() -> u64 {
    let mut bytes = [0u8; 8];
    match rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty()) {
        Ok(_) => u64::from_ne_bytes(bytes),
        // Without the generator (a seccomp filter): unlike between processes
        // and calls, which is all that tokens and scopes need.
        Err(_) => amm_core::selection::rendezvous::mix(
            crate::clock::now_us(),
            u64::from(pid()) ^ (u64::from(generation()) << 32),
        ),
    }
}

/// A mark for this process's claims.
pub fn token() -> Token {
    Token::new(random())
}

/// The process id, as this pid namespace sees it.
pub fn pid() -> u32 {
    rustix::process::getpid()
        .as_raw_nonzero()
        .get()
        .unsigned_abs()
}

/// Runs `start` with all signals blocked, so that a thread it starts never has
/// any delivered; but for those that a thread brings upon itself, which would
/// end the process where they are blocked.
pub(crate) fn with_signals_blocked<T>(start: impl FnOnce() -> T) -> T {
    let mut all = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
    let mut before = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: `sigfillset` writes `all` before anything reads it;
    // `pthread_sigmask` reads it and, on success, writes `before`, which is read only then.
    unsafe {
        libc::sigfillset(all.as_mut_ptr());
        for own in [libc::SIGBUS, libc::SIGSEGV, libc::SIGFPE, libc::SIGILL] {
            libc::sigdelset(all.as_mut_ptr(), own);
        }
        let blocked =
            libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr()) == 0;
        let result = start();
        if blocked {
            libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), std::ptr::null_mut());
        }
        result
    }
}
