//! `Amm\Cluster`: the entry point.
#![expect(
    non_snake_case,
    reason = "PHP code may name arguments, in PHP's own case"
)]

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use amm_core::admission::Purpose;
use amm_core::breaker::Event;
use amm_core::config::{Admin, NodeSettings, Settings, cluster_name};
use amm_core::node::AdminOverride;
use amm_core::selection::rendezvous::hash_key;
use amm_core::verdict::Phase;
use amm_engine::clock::now_ms;
use amm_engine::cluster::Cluster as Shared;
use amm_engine::definition::Definition;
use amm_engine::host::Host;
use amm_engine::journal;
use amm_engine::socket::{self, Peek};
use amm_engine::status;
use ext_php_rs::boxed::ZBox;
use ext_php_rs::prelude::*;
use ext_php_rs::types::{ZendHashTable, ZendObject, Zval};

use super::engine_calls::{log_line, object_ref};
use super::enums::Verdict;
use super::errors::seen;
use super::node::{self, Node, NodeRef, declare_properties};
use super::signatures::{CallableArg, KeyArg, NodeArg, SEALED, ThrowableOrErrno, refuse_new};
use super::{array, connect, exceptions, handles, ini, request, tokens, worker};

/// A cluster, as one definition of it.
#[php_class]
#[php(name = "Amm\\Cluster", flags = SEALED, modifier = declare_properties)]
pub struct Cluster {
    pub(super) name: String,
    pub(super) definition: Arc<Definition>,
    /// The scope's own choice, while the scope's stamp is this one.
    pub(super) recent: Cell<(u64, *mut ZendObject)>,
}

#[php_impl]
impl Cluster {
    /// Clusters come from `define()` and `get()`.
    #[php(vis = "private")]
    pub fn __construct() -> PhpResult<Self> {
        Err(refuse_new("Amm\\Cluster"))
    }

    /// Defines a cluster for the running request, or rebinds its name.
    pub fn define(name: &str, config: &ZendHashTable) -> PhpResult<Self> {
        require_enabled()?;
        let fingerprint = array::fingerprint(config, worker::fingerprint_keys());
        let definition = match worker::known(fingerprint) {
            Some(definition) => definition,
            None => {
                let refuse = |error: amm_core::config::ConfigError| {
                    exceptions::config(error.in_cluster(name).to_string())
                };
                let settings = Settings::try_from_value(&array::value(config)).map_err(refuse)?;
                worker::define(fingerprint, settings)
            }
        };
        if request::bound(name).is_none() {
            cluster_name(name).map_err(|error| exceptions::config(error.to_string()))?;
        }
        request::bind(name, Arc::clone(&definition));
        Ok(Self::new(name, definition))
    }

    /// The cluster of that name, defined in this request or by `amm.config`.
    pub fn get(name: &str) -> PhpResult<Self> {
        require_enabled()?;
        if let Some(definition) = request::bound(name) {
            return Ok(Self::new(name, definition));
        }
        let file = worker::file();
        if let Some((_, definition)) = file.clusters.iter().find(|(known, _)| known == name) {
            return Ok(Self::new(name, Arc::clone(definition)));
        }
        if let Some(error) = &file.error {
            return Err(exceptions::config(error.clone()));
        }
        let names = Self::names();
        Err(exceptions::unknown_cluster(if names.is_empty() {
            format!(
                "no cluster \"{name}\": none is defined in this request, and amm.config names \
                 no file with any"
            )
        } else {
            format!("no cluster \"{name}\"; there are: {}", names.join(", "))
        }))
    }

    /// The names of all clusters that `get()` knows now.
    pub fn names() -> Vec<String> {
        let mut names = request::names();
        names.extend(worker::file().clusters.iter().map(|(name, _)| name.clone()));
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The node to write to, the same within a scope while it is current.
    pub fn writer(&self, key: Option<KeyArg<'_>>) -> PhpResult<NodeRef> {
        if key.is_none() {
            let (stamp, object) = self.recent.get();
            if stamp == request::stamp() {
                // SAFETY: under an unchanged stamp the scope still holds the
                // object that was noted with it; the reference ends before the
                // count is raised.
                unsafe {
                    if node::of(&*object).is_some_and(Node::is_current) {
                        return Ok(NodeRef(object_ref(object)));
                    }
                }
            }
        }
        self.choose(Purpose::Write, hash(key))
    }

    /// The node to read from: the writer, once the scope has written.
    pub fn reader(&self, key: Option<KeyArg<'_>>) -> PhpResult<NodeRef> {
        self.choose(self.reading(), hash(key))
    }

    /// All nodes worth trying for a write, best first.
    pub fn candidates(&self, key: Option<KeyArg<'_>>) -> PhpResult<Vec<NodeRef>> {
        let shared = self.shared()?;
        shared
            .candidates(self.key_or_own(hash(key)), now_ms())
            .into_iter()
            .map(|chosen| node::object(&shared, chosen, Purpose::Write, None))
            .collect()
    }

    /// Dials a writer, the next one if that fails, within `connect_deadline`.
    pub fn connect(&self, dial: CallableArg<'_>, key: Option<KeyArg<'_>>) -> PhpResult<Zval> {
        connect::connect(self, Purpose::Write, dial.0, hash(key))
    }

    /// Dials a reader likewise.
    pub fn connect_reader(
        &self,
        dial: CallableArg<'_>,
        key: Option<KeyArg<'_>>,
    ) -> PhpResult<Zval> {
        connect::connect(self, self.reading(), dial.0, hash(key))
    }

    /// The node that a handle talks to, if `connect()` returned it.
    pub fn node_of(&self, handle: &ZendObject) -> Option<NodeRef> {
        let ours = |node: &Node| node.cluster.definition.identity == self.definition.identity;
        let ours = handles::with_node(handle, ours)?;
        ours.then(|| handles::recall(handle).map(NodeRef))?
    }

    /// Says what happened on a node: classifies it and records what follows.
    pub fn report(&self, node: NodeArg<'_>, error: ThrowableOrErrno<'_>) -> PhpResult<Verdict> {
        let shared = self.shared()?;
        let node = self.own(node.0, "report")?;
        let seen = seen(error.0, "Amm\\Cluster::report(): Argument #2 ($error)")?;
        let me = host()?.token;
        let verdict = node.cluster.report(
            node.index,
            node.epoch,
            &seen.as_error(),
            Phase::InUse,
            me,
            now_ms(),
        );
        worker::see_to_probing(&shared, now_ms());
        Ok(verdict.into())
    }

    /// Says that a dial of a node succeeded.
    pub fn succeeded(&self, node: NodeArg<'_>) -> PhpResult<()> {
        let node = self.own(node.0, "succeeded")?;
        let cluster = &node.cluster;
        cluster.succeeded(node.index, node.epoch, host()?.token, now_ms());
        Ok(())
    }

    /// Whether what was chosen, or dialled, is still good. No I/O.
    pub fn is_current(&self, nodeOrHandle: &ZendObject) -> bool {
        let current = |node: &Node| {
            node.cluster.definition.identity == self.definition.identity && node.is_current()
        };
        match node::of(nodeOrHandle) {
            Some(node) => current(node),
            None => handles::with_node(nodeOrHandle, current).unwrap_or(false),
        }
    }

    /// Whether a handle is current and its server has not closed it. For a
    /// handle at rest; never waits.
    pub fn is_alive(&self, handle: &ZendObject) -> bool {
        handles::with_node(handle, |node| {
            let peek = || {
                let socket = node.handle.as_ref().map(|h| h.mark);
                let socket = socket.or_else(|| connect::only_socket_to(node));
                socket.map_or(Peek::Open, socket::peek)
            };
            node.is_current() && peek() == Peek::Open
        })
        .unwrap_or(false)
    }

    /// Says that this scope wrote: its reads now go to the writer.
    pub fn wrote(&self) {
        request::mark_wrote(self.whose());
    }

    /// What a session or cookie carries so that a later request finds this
    /// scope's writer again.
    pub fn token(&self) -> PhpResult<String> {
        tokens::make(self)
    }

    /// Goes on with the writer that a token names. False if it is not to be
    /// trusted or its writer has changed; never an exception.
    pub fn resume(&self, token: KeyArg<'_>) -> bool {
        tokens::resume(self, &token.0)
    }

    /// Whether this process shut the handle's socket because its node was gone:
    /// what it was doing is in doubt.
    pub fn was_cut(&self, handle: &ZendObject) -> bool {
        let cut = |node: &Node| node.handle.as_ref().is_some_and(|h| h.was_cut());
        handles::with_node(handle, cut).unwrap_or(false)
    }

    /// Takes no new requests to the node; those stuck to it stay.
    pub fn drain(&self, node: &str) -> PhpResult<()> {
        self.administer(node, AdminOverride::Draining)
    }

    /// Takes requests to the node again.
    pub fn enable(&self, node: &str) -> PhpResult<()> {
        self.administer(node, AdminOverride::Enabled)
    }

    /// Takes no requests to the node at all.
    pub fn disable(&self, node: &str) -> PhpResult<()> {
        self.administer(node, AdminOverride::Disabled)
    }

    /// Everything an operator wants to see.
    pub fn status(&self) -> PhpResult<ZBox<ZendHashTable>> {
        let shared = self.shared()?;
        let host = host()?;
        super::status::array(&self.name, &status::of(&shared, &host))
    }

    /// Begins a scope: a job or a request in a long-lived process.
    pub fn begin_scope(label: Option<String>) {
        request::begin_scope(label);
    }

    /// Ends it.
    pub fn end_scope() {
        request::end_scope();
    }
}

impl Cluster {
    fn new(name: &str, definition: Arc<Definition>) -> Self {
        Self {
            name: name.to_owned(),
            definition,
            recent: Cell::new((0, std::ptr::null_mut())),
        }
    }

    /// What the scope's choices are kept by: this very definition, since another
    /// one of the same nodes may order and restrict them otherwise.
    pub(super) fn whose(&self) -> usize {
        Arc::as_ptr(&self.definition).addr()
    }

    /// What a read asks for: whoever has written reads where that was.
    fn reading(&self) -> Purpose {
        match request::wrote(self.whose()) {
            true => Purpose::Write,
            false => Purpose::Read,
        }
    }

    /// The cluster joined to shared memory, checked once a choice.
    pub(super) fn shared(&self) -> PhpResult<Rc<Shared>> {
        journal::drain(log_line);
        worker::attach(&self.definition, now_ms()).map_err(exceptions::general)
    }

    /// The hash of a sticky key; without one, the scope's own.
    pub(super) fn key_or_own(&self, slot: Option<u64>) -> u64 {
        slot.unwrap_or_else(request::own_key)
    }

    /// The given node, if it is one of this cluster.
    fn own<'a>(&self, object: &'a ZendObject, method: &str) -> PhpResult<&'a Node> {
        let Some(node) = node::of(object) else {
            return Err(exceptions::type_error(format!(
                "Amm\\Cluster::{method}(): Argument #1 ($node) must be of type Amm\\Node, {} given",
                object
                    .get_class_name()
                    .unwrap_or_else(|_| "object".to_owned())
            )));
        };
        if node.cluster.definition.identity != self.definition.identity {
            return Err(exceptions::general(format!(
                "Amm\\Cluster::{method}(): the node {} belongs to another cluster than \"{}\", \
                 whose nodes are: {}",
                node.cluster.node_id(node.index),
                self.name,
                node_ids(&self.definition)
            )));
        }
        Ok(node)
    }

    fn administer(&self, id: &str, admin: AdminOverride) -> PhpResult<()> {
        let shared = self.shared()?;
        let definition = &shared.definition;
        let wanted = NodeSettings::try_new(id).map_or_else(|_| id.to_owned(), |n| n.id());
        let index = definition.find(&wanted).or_else(|| definition.find(id));
        let Some(index) = index else {
            return Err(exceptions::general(format!(
                "cluster \"{}\" has no node \"{id}\"; it has: {}",
                self.name,
                node_ids(definition)
            )));
        };
        // Where the configuration says the same, nothing has to override it,
        // and a later one is free to say otherwise.
        let configured = definition.nodes.get(index).map(|n| n.settings.admin);
        let admin = match (admin, configured) {
            (AdminOverride::Enabled, Some(Admin::Enabled)) => AdminOverride::Unset,
            _ => admin,
        };
        let node = shared.node(index);
        node.apply(Event::Admin(admin), true, &definition.policy, now_ms());
        shared.announce_change();
        log::info!("node {id} {admin:?} by an operator");
        Ok(())
    }
}

fn node_ids(definition: &Definition) -> String {
    let ids: Vec<&str> = definition.nodes.iter().map(|n| n.id.as_str()).collect();
    ids.join(", ")
}

fn hash(key: Option<KeyArg<'_>>) -> Option<u64> {
    key.map(|key| hash_key(&key.0))
}

/// The process's hold on shared memory.
pub(super) fn host() -> PhpResult<Arc<Host>> {
    worker::host().map_err(exceptions::general)
}

pub(super) fn require_enabled() -> PhpResult<()> {
    if ini::get().enabled {
        return Ok(());
    }
    Err(exceptions::general("amm is disabled by amm.enabled"))
}
