//! A MySQL server that misbehaves as it is told: what a probe or a dial may
//! meet, one way at a time, on TCP (v4 and v6) and on Unix sockets.
//!
//! ```no_run
//! use amm_rig::faulty::{Address, Fault, Faulty, Script, Step};
//!
//! let script = Script::new(Step::Greeting, Fault::Silence);      // accepts and never greets
//! let server = Faulty::start(&"127.0.0.1:0".parse()?, script)?;
//! let node = server.id();                                        // "127.0.0.1:40123"
//! server.set(Script::healthy());                                 // from the next connection on
//! assert_eq!(server.open(), 0);                                  // connections that nobody has closed
//! # anyhow::Ok(())
//! ```
//!
//! A [`Script`] says at which [`Step`] of a conversation which [`Fault`]
//! strikes; until then the server behaves. It lets everybody in, whatever the
//! user and the password, and answers queries from [`Answers`] (by default as
//! a writable server of flavour `read_only`; what is asked for nothing known
//! gets an OK). [`Script::all`] lists all combinations worth trying, each with
//! a name of its own.
//!
//! [`Faulty::start_deaf`] gives the one thing that no conversation shows: a
//! server whose queue of connections is full, so that a connect neither
//! succeeds nor fails (SYN_SENT over TCP, a blocked connect on a Unix socket).
//!
//! A client may be of any kind: the engine's probes, PDO, mysqli. The server
//! runs in threads of the calling process; all of it ends with the handle,
//! connections included.

mod dialogue;
mod packet;
mod script;
mod transport;

use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Result;
use rustix::net::{AddressFamily, SocketFlags, SocketType};

pub use script::{Answers, Fault, Lie, Script, Step, Table};
pub use transport::Address;
use transport::{Listener, Stream, readable};

/// A running server. Dropping it ends it.
pub struct Faulty {
    address: Address,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
    /// What fills the queue of a deaf one: its socket, and those that wait.
    held: Vec<OwnedFd>,
}

struct Shared {
    script: Mutex<Script>,
    answers: Mutex<Answers>,
    stop: AtomicBool,
    accepted: AtomicUsize,
    queries: Mutex<Vec<Instant>>,
    open: Mutex<Vec<Arc<Stream>>>,
}

impl Faulty {
    /// Listens at `address`, and treats each connection as `script` says.
    pub fn start(address: &Address, script: Script) -> Result<Self> {
        let (listener, address) = Listener::bind(address)?;
        let shared = Arc::new(Shared {
            script: Mutex::new(script),
            answers: Mutex::new(Answers::writer()),
            stop: AtomicBool::new(false),
            accepted: AtomicUsize::new(0),
            queries: Mutex::new(Vec::new()),
            open: Mutex::new(Vec::new()),
        });
        let its = Arc::clone(&shared);
        let acceptor = std::thread::Builder::new()
            .name("faulty".into())
            .spawn(move || accept_all(&listener, &its))?;
        Ok(Self {
            address,
            shared,
            acceptor: Some(acceptor),
            held: Vec::new(),
        })
    }

    /// Listens at `address` with a full queue and accepts nobody.
    pub fn start_deaf(address: &Address) -> Result<Self> {
        let (listener, address) = Listener::bind_with_queue(address, 0)?;
        let mut held = Vec::new();
        // One more connects than the queue takes, with some to spare.
        for _ in 0..4 {
            let family = match &address {
                Address::Tcp(SocketAddr::V4(_)) => AddressFamily::INET,
                Address::Tcp(SocketAddr::V6(_)) => AddressFamily::INET6,
                Address::Unix(_) => AddressFamily::UNIX,
            };
            let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
            let socket = rustix::net::socket_with(family, SocketType::STREAM, flags, None)?;
            match &address {
                Address::Tcp(to) => _ = rustix::net::connect(&socket, to),
                Address::Unix(path) => {
                    let to = rustix::net::SocketAddrUnix::new(path.as_path())?;
                    _ = rustix::net::connect(&socket, &to);
                }
            }
            held.push(socket);
        }
        std::thread::sleep(Duration::from_millis(20));
        held.push(listener.into());
        Ok(Self {
            address,
            shared: Arc::new(Shared {
                script: Mutex::new(Script::healthy()),
                answers: Mutex::new(Answers::default()),
                stop: AtomicBool::new(true),
                accepted: AtomicUsize::new(0),
                queries: Mutex::new(Vec::new()),
                open: Mutex::new(Vec::new()),
            }),
            acceptor: None,
            held,
        })
    }

    /// Where it listens, with the port it was given.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// How a configuration names it: `host:port`, or the path of its socket.
    pub fn id(&self) -> String {
        self.address.to_string()
    }

    /// The port; 0 for a Unix socket.
    pub fn port(&self) -> u16 {
        match &self.address {
            Address::Tcp(address) => address.port(),
            Address::Unix(_) => 0,
        }
    }

    /// Treats connections as `script` says from the next one on.
    pub fn set(&self, script: Script) {
        *lock(&self.shared.script) = script;
    }

    /// Answers queries from `answers` from the next one on.
    pub fn answer(&self, answers: Answers) {
        *lock(&self.shared.answers) = answers;
    }

    /// Closes all connections there are.
    pub fn hang_up(&self) {
        for stream in lock(&self.shared.open).iter() {
            stream.shut();
        }
    }

    /// Connections accepted so far.
    pub fn accepted(&self) -> usize {
        self.shared.accepted.load(Ordering::Acquire)
    }

    /// When each query so far was received.
    pub fn queries(&self) -> Vec<Instant> {
        lock(&self.shared.queries).clone()
    }

    /// Connections that neither side has closed.
    pub fn open(&self) -> usize {
        lock(&self.shared.open)
            .iter()
            .filter(|stream| !stream.is_closed())
            .count()
    }
}

impl Drop for Faulty {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        // The acceptor looks a few times a second.
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
        self.hang_up();
        self.held.clear();
        if let Address::Unix(path) = &self.address {
            let _ = std::fs::remove_file(path);
        }
    }
}

fn accept_all(listener: &Listener, shared: &Arc<Shared>) {
    while !shared.stop.load(Ordering::Acquire) {
        if !readable(listener.as_fd(), Duration::from_millis(50)) {
            continue;
        }
        let Ok(stream) = listener.accept() else {
            continue;
        };
        let stream = Arc::new(stream);
        shared.accepted.fetch_add(1, Ordering::AcqRel);
        lock(&shared.open).push(Arc::clone(&stream));
        let script = lock(&shared.script).clone();
        let its = Arc::clone(shared);
        let serve = move || {
            // However a conversation ends is the script's or the client's will.
            let _ = dialogue::hold(&stream, &script, &its);
            lock(&its.open).retain(|other| !Arc::ptr_eq(other, &stream));
        };
        let thread = std::thread::Builder::new()
            .name("faulty-conn".into())
            .stack_size(128 * 1024)
            .spawn(serve);
        if thread.is_err() {
            lock(&shared.open).pop();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
