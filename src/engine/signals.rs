//! Waiting for the signals that end or reload a foreground process.
//!
//! For as long as a [`Watch`] lives its signals are blocked in the calling
//! thread and fetched instead of delivered, so that no handler is installed and
//! none has to be put back: PHP's own, or those of `pcntl_signal()`, are
//! untouched and in force again afterwards. Other threads of this library block
//! all signals; a signal sent to the process therefore waits until it is fetched.

use std::io::IsTerminal;
use std::mem::MaybeUninit;

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// SIGTERM, SIGINT, and SIGHUP of a terminal that is gone.
    End,
    /// SIGHUP where no terminal is attached.
    Reload,
}

/// Signals held back and fetched by this thread, until it is dropped.
pub struct Watch {
    watched: libc::sigset_t,
    before: libc::sigset_t,
    hangup: Request,
}

impl Watch {
    /// Begins. A signal that this process was told to ignore (`nohup`, a shell's
    /// background job) stays ignored.
    pub fn begin() -> std::io::Result<Self> {
        let terminal = std::io::stdin().is_terminal();
        let mut watched = MaybeUninit::uninit();
        // SAFETY: writes the set.
        let mut watched = unsafe {
            libc::sigemptyset(watched.as_mut_ptr());
            watched.assume_init()
        };
        for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP] {
            if !is_ignored(signal) {
                // SAFETY: adds a valid signal to a set that was initialised.
                unsafe { libc::sigaddset(&raw mut watched, signal) };
            }
        }
        let mut before = MaybeUninit::uninit();
        // SAFETY: reads the set and, on success, writes `before`, which is read
        // only then.
        let failed = unsafe {
            libc::pthread_sigmask(libc::SIG_BLOCK, &raw const watched, before.as_mut_ptr())
        };
        if failed != 0 {
            return Err(std::io::Error::from_raw_os_error(failed));
        }
        Ok(Self {
            watched,
            // SAFETY: the call succeeded and so wrote it.
            before: unsafe { before.assume_init() },
            hangup: match terminal {
                true => Request::End,
                false => Request::Reload,
            },
        })
    }

    /// Waits for one of them, at most this long. May return early.
    pub fn wait(&self, ms: u64) -> Option<Request> {
        let timeout = libc::timespec {
            tv_sec: i64::try_from(ms / 1_000).unwrap_or(i64::MAX),
            tv_nsec: ((ms % 1_000) * 1_000_000) as _,
        };
        // SAFETY: reads the set and the time; asks for no further information.
        let signal = unsafe {
            libc::sigtimedwait(
                &raw const self.watched,
                std::ptr::null_mut(),
                &raw const timeout,
            )
        };
        match signal {
            libc::SIGHUP => Some(self.hangup),
            signal if signal > 0 => Some(Request::End),
            _ => None,
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // SAFETY: the mask that was in force before, as the system gave it.
        unsafe {
            libc::pthread_sigmask(
                libc::SIG_SETMASK,
                &raw const self.before,
                std::ptr::null_mut(),
            );
        }
    }
}

fn is_ignored(signal: i32) -> bool {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: only asks; all zero is a valid action, should the call fail.
    unsafe {
        libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr());
        action.assume_init().sa_sigaction == libc::SIG_IGN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn send(signal: i32) {
        // SAFETY: to this very thread, which has it blocked.
        unsafe { libc::pthread_kill(libc::pthread_self(), signal) };
    }

    fn mask() -> Vec<i32> {
        let mut set = MaybeUninit::<libc::sigset_t>::uninit();
        // SAFETY: only asks; writes the set.
        unsafe {
            libc::pthread_sigmask(libc::SIG_BLOCK, std::ptr::null(), set.as_mut_ptr());
            let set = set.assume_init();
            (1..32)
                .filter(|s| libc::sigismember(&raw const set, *s) == 1)
                .collect()
        }
    }

    #[test]
    fn signals_are_fetched_and_the_mask_is_put_back() {
        let before = mask();
        let watch = Watch::begin().unwrap();
        assert_eq!(watch.wait(1), None);
        for signal in [libc::SIGTERM, libc::SIGINT] {
            send(signal);
            assert_eq!(watch.wait(1_000), Some(Request::End));
        }
        send(libc::SIGHUP);
        assert_eq!(watch.wait(1_000), Some(watch.hangup));
        assert_eq!(watch.wait(1), None, "each is fetched once");
        drop(watch);
        assert_eq!(mask(), before);
    }
}
