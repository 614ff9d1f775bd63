//! What lives as long as the process: the hold on shared memory, the monitor,
//! and the clusters that were ever defined in it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use amm_core::config::Settings;
use amm_engine::clock::now_ms;
use amm_engine::cluster::Cluster;
use amm_engine::cut::book::Book;
use amm_engine::definition::Definition;
use amm_engine::host::Host;
use amm_engine::monitor::{Monitor, is_vacant};
use amm_engine::node::ProbeOutcome;
use amm_engine::shm::Location;
use amm_engine::{config_file, process};
use ext_php_rs::zend::SapiModule;

use super::ini;

/// Definitions remembered by content; more are made anew each time.
const MOST_DEFINITIONS: usize = 1_024;

/// The process's state, all of PHP's own thread.
#[derive(Default)]
struct Worker {
    generation: u32,
    keys: (u64, u64),
    host: Option<Arc<Host>>,
    monitor: Option<Monitor>,
    /// What this process holds to its nodes.
    book: Option<Arc<Book>>,
    /// Content of a configuration array → the cluster it defines.
    known: HashMap<u128, Arc<Definition>>,
    file: Option<Rc<File>>,
    attached: Vec<(u32, Rc<Cluster>)>,
}

/// What the file named by `amm.config` says.
pub(super) struct File {
    pub(super) clusters: Vec<(String, Arc<Definition>)>,
    pub(super) error: Option<String>,
}

thread_local! {
    static WORKER: RefCell<Worker> = RefCell::new(Worker::default());
}

fn with<T>(use_it: impl FnOnce(&mut Worker) -> T) -> T {
    WORKER.with(|worker| {
        let mut worker = worker.borrow_mut();
        if worker.generation != process::generation() {
            worker.start_over();
        }
        use_it(&mut worker)
    })
}

impl Worker {
    /// First use in this process, or first in a forked child: nothing that
    /// threads of the parent may have held is touched or given back.
    fn start_over(&mut self) {
        process::watch_forks();
        std::mem::forget(self.monitor.take());
        std::mem::forget(self.host.take());
        std::mem::forget(self.book.take());
        self.attached.clear();
        self.generation = process::generation();
        if self.keys == (0, 0) {
            self.keys = (process::random(), process::random());
        }
    }

    fn book(&mut self) -> Arc<Book> {
        Arc::clone(self.book.get_or_insert_with(Arc::default))
    }

    /// This process's thread, and whether it was there before.
    fn monitor(&mut self) -> Result<(&Monitor, bool), String> {
        let alive = self.monitor.as_ref().is_some_and(Monitor::is_alive);
        if !alive {
            let book = self.book();
            let started = Monitor::start_with(self.host()?, book)
                .map_err(|error| format!("cannot start the monitor thread: {error}"));
            self.monitor = started
                .inspect_err(|error| log::warn!("{error}"))
                .map(Some)?;
        }
        match &self.monitor {
            Some(monitor) => Ok((monitor, alive)),
            None => Err("the monitor thread is gone".to_owned()),
        }
    }

    fn host(&mut self) -> Result<Arc<Host>, String> {
        if let Some(host) = &self.host {
            return Ok(Arc::clone(host));
        }
        let ini = ini::get();
        let location = Location::configured(&ini.shm_path, ini.shm_mode);
        let host = Host::open(location, now_ms()).map_err(|error| error.to_string())?;
        let host = Arc::new(host);
        self.host = Some(Arc::clone(&host));
        Ok(host)
    }
}

/// The keys under which this process tells configuration arrays apart.
pub(super) fn fingerprint_keys() -> (u64, u64) {
    with(|worker| worker.keys)
}

/// The definition that was made of an array with this content.
pub(super) fn known(fingerprint: u128) -> Option<Arc<Definition>> {
    with(|worker| worker.known.get(&fingerprint).cloned())
}

/// Makes a definition and remembers it by its content.
pub(super) fn define(fingerprint: u128, settings: Settings) -> Arc<Definition> {
    let definition = Arc::new(prepare(settings));
    with(|worker| {
        if worker.known.len() >= MOST_DEFINITIONS {
            worker.known.clear();
        }
        worker.known.insert(fingerprint, Arc::clone(&definition));
    });
    definition
}

fn prepare(settings: Settings) -> Definition {
    let ini = ini::get();
    Definition::new(settings, ini.zone.as_deref()).or_secrets(&ini.secrets)
}

/// The clusters of the file named by `amm.config`, read once a process.
pub(super) fn file() -> Rc<File> {
    if let Some(file) = with(|worker| worker.file.clone()) {
        return file;
    }
    let file = Rc::new(read_file());
    with(|worker| worker.file = Some(Rc::clone(&file)));
    file
}

/// Reads the file again. One with a mistake changes nothing and is given back.
pub(super) fn reload_file() -> Result<(), String> {
    let file = read_file();
    match file.error {
        Some(error) => Err(error),
        None => {
            with(|worker| worker.file = Some(Rc::new(file)));
            Ok(())
        }
    }
}

fn read_file() -> File {
    let path = &ini::get().config;
    let mut file = File {
        clusters: Vec::new(),
        error: None,
    };
    if !path.is_empty() {
        match config_file::read(Path::new(path)) {
            Ok(clusters) => {
                let made = |(name, settings)| (name, Arc::new(prepare(settings)));
                file.clusters = clusters.into_iter().map(made).collect();
            }
            Err(error) => file.error = Some(error.to_string()),
        }
    }
    if let Some(error) = &file.error {
        log::error!("{error}");
    }
    file
}

/// This process's hold on shared memory.
pub(super) fn host() -> Result<Arc<Host>, String> {
    with(Worker::host)
}

/// The cluster of a definition, joined to its slot, with the nodes that it
/// lists itself; looks once a second whether the shared file is still the one in
/// use.
pub(super) fn attach(definition: &Arc<Definition>, now: u64) -> Result<Rc<Cluster>, String> {
    with(|worker| {
        let host = worker.host()?;
        host.refresh(now);
        let version = host.version();
        worker
            .attached
            .retain(|(seen, cluster)| *seen == version && cluster.is_attached());
        let found = worker
            .attached
            .iter_mut()
            .find(|(_, c)| Arc::ptr_eq(&c.configured, definition));
        let cluster = match found {
            Some((_, cluster)) => {
                if let Some(renewed) = cluster.renewed(now) {
                    *cluster = Rc::new(renewed);
                }
                Rc::clone(cluster)
            }
            None => {
                let made = Cluster::attach(Arc::clone(definition), host.mapping(), now)
                    .map_err(|error| error.to_string())?;
                let made = Rc::new(made);
                if worker.attached.len() >= MOST_DEFINITIONS {
                    worker.attached.clear();
                }
                worker.attached.push((version, Rc::clone(&made)));
                made
            }
        };
        cluster.touch(now);
        Ok(cluster)
    })
}

/// Sees to it that somebody probes the cluster: starts this process's thread
/// where it may run one, or wakes it where a post is vacant.
pub(super) fn see_to_probing(cluster: &Cluster, now: u64) {
    if !ini::get().monitor || !cluster.definition.can_probe() {
        return;
    }
    // A console script takes part only where nobody else does.
    if is_console() && cluster.is_led(now) {
        return;
    }
    with(|worker| {
        if let Ok((monitor, was_alive)) = worker.monitor() {
            monitor.care_for(&cluster.configured, probes_are_refused(cluster));
            if was_alive && is_vacant(cluster, now) {
                monitor.wake();
            }
        }
    });
}

/// Sees to it that this process's thread shuts sockets to nodes that are gone,
/// and those of dials that take too long: it is started in every process that
/// dials, console scripts and `amm.monitor=off` included. Gives the list that
/// it works by.
pub(super) fn see_to_cutting(cluster: &Cluster) -> Arc<Book> {
    with(|worker| {
        if let Ok((monitor, _)) = worker.monitor() {
            monitor.follow(&cluster.configured);
        }
        worker.book()
    })
}

/// Wakes this process's thread for a dial that it is to watch.
pub(super) fn watch_dial() {
    with(|worker| {
        if let Some(monitor) = &worker.monitor {
            monitor.wake_sleeper();
        }
    });
}

/// Ends what an aborted request may have left under way.
pub(super) fn end_dials() {
    with(|worker| {
        if let Some(book) = &worker.book {
            book.end_all();
        }
    });
}

/// Has this process's thread probe these clusters and no others, whatever
/// `amm.monitor` says. Starts the thread where there is none.
pub(super) fn probe_only(definitions: &[Arc<Definition>]) -> Result<(), String> {
    with(|worker| {
        worker.monitor()?.0.care_only_for(definitions);
        Ok(())
    })
}

/// Whether this process's thread does its work.
pub(super) fn is_probing(now: u64) -> bool {
    with(|worker| {
        worker
            .monitor
            .as_ref()
            .is_some_and(|m| m.is_responsive(now))
    })
}

/// Ends this process's thread and waits until its leases are given back.
pub(super) fn stop_probing() {
    if let Some(monitor) = with(|worker| worker.monitor.take()) {
        monitor.stop(true);
    }
}

/// Whether some node does not let the probes in.
fn probes_are_refused(cluster: &Cluster) -> bool {
    (0..cluster.definition.nodes.len())
        .any(|index| cluster.node(index).last_probe().outcome == ProbeOutcome::NoLogin)
}

/// Ends the monitor thread. A console script does not wait for it.
pub(super) fn stop() {
    with(|worker| {
        if let Some(monitor) = worker.monitor.take() {
            monitor.stop(!is_console());
        }
    });
}

/// Whether this is a script on a command line.
pub(super) fn is_console() -> bool {
    let name = SapiModule::get().name;
    if name.is_null() {
        return false;
    }
    // SAFETY: the name of the running SAPI, a NUL-terminated static string.
    let name = unsafe { std::ffi::CStr::from_ptr(name) };
    name == c"cli" || name == c"phpdbg"
}
