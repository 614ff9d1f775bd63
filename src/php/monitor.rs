//! `Amm\Monitor`: probing as a service of its own, in the foreground.
//!
//! The probing itself is the monitor thread's, as in any other process. PHP's
//! thread waits for signals, keeps the clusters in use (they must not retire
//! in a quiet night), tells the log what changed, and tells systemd that the
//! thread works.

use std::sync::Arc;

use amm_engine::changes::Changes;
use amm_engine::clock::now_ms;
use amm_engine::definition::Definition;
use amm_engine::journal;
use amm_engine::notify::Notify;
use amm_engine::signals::{Request, Watch};
use ext_php_rs::exception::PhpException;
use ext_php_rs::prelude::*;
use ext_php_rs::zend::SapiModule;

use super::cluster::require_enabled;
use super::engine_calls::log_line;
use super::signatures::{FloatArg, SEALED, refuse_new};
use super::{exceptions, ini, request, worker};

/// How often the clusters are looked at, ms.
const LOOK_MS: u64 = 250;
/// A run may be bounded to this many seconds at most: some thirty years.
const LONGEST_S: f64 = 1e9;

/// Probes in the foreground.
#[php_class]
#[php(name = "Amm\\Monitor", flags = SEALED)]
pub struct Monitor;

#[php_impl]
impl Monitor {
    /// There is nothing to make: all methods are static.
    #[php(vis = "private")]
    pub fn __construct() -> PhpResult<Self> {
        Err(refuse_new("Amm\\Monitor"))
    }

    /// Probes all clusters of `amm.config` and those defined so far, until the
    /// time is over or a signal ends it.
    pub fn run(seconds: Option<FloatArg>) -> PhpResult<()> {
        require_enabled()?;
        let until_ms = match seconds {
            None => u64::MAX,
            // The millisecond that has begun is no part of the time.
            Some(FloatArg(s)) if s > 0.0 && s <= LONGEST_S => {
                now_ms() + 1 + (s * 1_000.0).ceil() as u64
            }
            Some(FloatArg(s)) => {
                return Err(exceptions::value_error(format!(
                    "Amm\\Monitor::run(): Argument #1 ($seconds) must be null or greater than 0 \
                     and at most {LONGEST_S}, {s} given"
                )));
            }
        };
        if !worker::is_console() {
            return Err(exceptions::general(format!(
                "Amm\\Monitor::run() is for scripts of the command line and runs until it is \
                 ended; under \"{}\" amm.monitor=auto probes in the background",
                sapi()
            )));
        }
        let watched = Watched::find().map_err(Unfit::into_exception)?;
        let signals = Watch::begin()
            .map_err(|error| exceptions::general(format!("cannot wait for signals: {error}")))?;
        let ended = Run::new(watched).until(until_ms, &signals);
        // From here on a signal does what it did before: a second one, sent
        // because the first seems to have no effect, ends the process.
        drop(signals);
        worker::stop_probing();
        journal::drain(log_line);
        ended.map_err(exceptions::general)
    }
}

/// The clusters to probe.
struct Watched {
    named: Vec<(String, Arc<Definition>)>,
    /// One definition per cluster.
    distinct: Vec<Arc<Definition>>,
}

impl Watched {
    fn find() -> Result<Self, Unfit> {
        let file = worker::file();
        if let Some(error) = &file.error {
            return Err(Unfit::Mistaken(error.clone()));
        }
        let mut named = request::definitions();
        for (name, definition) in &file.clusters {
            if !named.iter().any(|(known, _)| known == name) {
                named.push((name.clone(), Arc::clone(definition)));
            }
        }
        if named.is_empty() {
            return Err(Unfit::Nothing(
                "there is no cluster to probe: none is defined in this script, and amm.config \
                 names no file with any",
            ));
        }
        let mut distinct: Vec<Arc<Definition>> = Vec::new();
        for (name, definition) in &named {
            if !definition.can_probe() {
                say(&format!(
                    "{name}: not probed, since no username is configured"
                ));
            } else if !distinct.iter().any(|d| d.identity == definition.identity) {
                distinct.push(Arc::clone(definition));
            }
        }
        if distinct.is_empty() {
            return Err(Unfit::Nothing("no cluster has a username to probe with"));
        }
        named.retain(|(_, definition)| distinct.iter().any(|d| Arc::ptr_eq(d, definition)));
        Ok(Self { named, distinct })
    }
}

/// Why nothing can be probed.
enum Unfit {
    /// The file of `amm.config` has a mistake.
    Mistaken(String),
    /// There is nothing.
    Nothing(&'static str),
}

impl Unfit {
    fn into_exception(self) -> PhpException {
        match self {
            Self::Mistaken(error) => exceptions::config(error),
            Self::Nothing(why) => exceptions::general(format!("Amm\\Monitor::run(): {why}")),
        }
    }
}

/// One run.
struct Run {
    watched: Watched,
    /// The last look at each, and what kept one from being looked at.
    looks: Vec<(Changes, Option<String>)>,
    notify: Notify,
    alive_ms: u64,
}

impl Run {
    fn new(watched: Watched) -> Self {
        let looks = watched.named.iter().map(|_| Default::default()).collect();
        Self {
            watched,
            looks,
            notify: Notify::from_environment(),
            alive_ms: 0,
        }
    }

    fn until(mut self, until_ms: u64, signals: &Watch) -> Result<(), String> {
        worker::probe_only(&self.watched.distinct)?;
        self.notify.send("READY=1");
        loop {
            self.look();
            let left = until_ms.saturating_sub(now_ms());
            let request = match left {
                0 => Some(Request::End),
                left => signals.wait(left.min(LOOK_MS)),
            };
            match request {
                None => {}
                Some(Request::Reload) => self.reload()?,
                Some(Request::End) => break,
            }
        }
        self.notify.send("STOPPING=1");
        Ok(())
    }

    fn look(&mut self) {
        for ((name, definition), (changes, trouble)) in
            self.watched.named.iter().zip(&mut self.looks)
        {
            let now = now_ms();
            match worker::attach(definition, now) {
                Ok(cluster) => {
                    for line in changes.look(&cluster, now) {
                        say(&format!("{name}: {line}"));
                    }
                    *trouble = None;
                }
                Err(error) if trouble.as_ref() != Some(&error) => {
                    say(&format!("{name}: {error}"));
                    *trouble = Some(error);
                }
                Err(_) => {}
            }
        }
        // Also brings back a thread that has ended, and a cluster that a full
        // table kept out.
        if let Err(error) = worker::probe_only(&self.watched.distinct) {
            log::error!("{error}");
        }
        let now = now_ms();
        let due = self.notify.watchdog_ms().map(|ms| self.alive_ms + ms / 3);
        if due.is_some_and(|due| now >= due) && worker::is_probing(now) {
            self.alive_ms = now;
            self.notify.send("WATCHDOG=1");
        }
        journal::drain(log_line);
    }

    /// Reads the file again; one with a mistake changes nothing.
    fn reload(&mut self) -> Result<(), String> {
        let since = amm_engine::clock::now_us();
        self.notify
            .send(&format!("RELOADING=1\nMONOTONIC_USEC={since}"));
        let read = worker::reload_file().map_err(Unfit::Mistaken);
        match read.and_then(|()| Watched::find()) {
            Ok(watched) => {
                self.looks = watched.named.iter().map(|_| Default::default()).collect();
                self.watched = watched;
                worker::probe_only(&self.watched.distinct)?;
                say("the configuration was read again");
            }
            Err(Unfit::Mistaken(error)) => say(&format!("the configuration stays: {error}")),
            Err(Unfit::Nothing(why)) => say(&format!("the configuration stays: {why}")),
        }
        self.notify.send("READY=1");
        Ok(())
    }
}

/// Tells the log what a service is there to tell, unless it is to be silent.
fn say(text: &str) {
    if ini::get().log_level >= log::LevelFilter::Warn {
        log_line(&format!("amm: {text}"));
    }
}

fn sapi() -> String {
    let name = SapiModule::get().name;
    if name.is_null() {
        return "this server".to_owned();
    }
    // SAFETY: the name of the running SAPI, a NUL-terminated static string.
    let name = unsafe { std::ffi::CStr::from_ptr(name) };
    name.to_string_lossy().into_owned()
}
