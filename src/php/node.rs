//! `Amm\Node`: one server, as chosen at one epoch.

use std::rc::Rc;
use std::sync::Arc;

use amm_core::admission::Purpose;
use amm_engine::cluster::Cluster;
use amm_engine::cut::book::Handle;
use amm_engine::pick::Chosen;
use ext_php_rs::builders::ClassBuilder;
use ext_php_rs::class::RegisteredClass;
use ext_php_rs::convert::IntoZval;
use ext_php_rs::flags::DataType;
use ext_php_rs::prelude::*;
use ext_php_rs::types::{ZendClassObject, ZendObject, ZendStr, Zval};

use super::engine_calls::{PropertyType, declare_readonly, fill_slot};
use super::enums::Role;
use super::signatures::{SEALED, refuse_new};

/// A node. Its PHP properties are declared on the class itself (see
/// [`declare_properties`]); this is what the extension keeps beside them.
#[php_class]
#[php(name = "Amm\\Node", flags = SEALED)]
pub struct Node {
    pub(super) cluster: Rc<Cluster>,
    pub(super) index: usize,
    pub(super) epoch: u32,
    pub(super) purpose: Purpose,
    /// The handle this object was made for, where its socket was found.
    pub(super) handle: Option<Arc<Handle>>,
}

#[php_impl]
impl Node {
    /// Nodes come from clusters.
    #[php(vis = "private")]
    pub fn __construct() -> PhpResult<Self> {
        Err(refuse_new("Amm\\Node"))
    }
}

impl Node {
    /// Which node it is, whatever its index in another look at the cluster.
    pub(super) fn identity(&self) -> u64 {
        let nodes = &self.cluster.definition.nodes;
        nodes.get(self.index).map_or(0, |node| node.identity)
    }

    /// Whether what was chosen is still good for what it was chosen for.
    #[inline]
    pub(super) fn is_current(&self) -> bool {
        self.cluster.is_attached() && self.cluster.may_stay(self.index, self.epoch, self.purpose)
    }
}

/// Declares the properties as PHP itself would: typed and readonly, so that
/// assigning, unsetting and referencing fail in the engine.
pub(super) fn declare_properties(next: ClassBuilder) -> ClassBuilder {
    let class = Node::get_metadata().ce();
    declare_readonly(class, "id", PropertyType::STRING);
    declare_readonly(class, "host", PropertyType::STRING);
    declare_readonly(class, "address", PropertyType::NULLABLE_STRING);
    declare_readonly(class, "port", PropertyType::INT);
    declare_readonly(class, "epoch", PropertyType::INT);
    declare_readonly(class, "zone", PropertyType::NULLABLE_STRING);
    declare_readonly(class, "role", PropertyType::Class("Amm\\Role"));
    next
}

/// The PHP object for a chosen node.
pub(super) fn object(
    cluster: &Rc<Cluster>,
    chosen: Chosen,
    purpose: Purpose,
    handle: Option<Arc<Handle>>,
) -> PhpResult<NodeRef> {
    let Some(node) = cluster.definition.nodes.get(chosen.index) else {
        return Err("amm: a node that is not configured was chosen".into());
    };
    let mut object = ZendClassObject::new(Node {
        cluster: Rc::clone(cluster),
        index: chosen.index,
        epoch: chosen.epoch,
        purpose,
        handle,
    });
    let role = Role::from(cluster.node(chosen.index).load().role).into_zval(false)?;
    let host = &node.settings.host;
    let address = host
        .parse::<std::net::IpAddr>()
        .is_ok()
        .then_some(host.as_str());
    // In the order of `declare_properties`.
    let values = [
        text(&node.id),
        text(host),
        address.map_or_else(Zval::null, text),
        long(i64::from(node.settings.port)),
        long(i64::from(chosen.epoch)),
        node.settings.zone.as_deref().map_or_else(Zval::null, text),
        role,
    ];
    for (slot, value) in values.into_iter().enumerate() {
        // SAFETY: seven values for the seven properties that
        // `declare_properties` declared; the object is new.
        unsafe { fill_slot(&mut object.std, slot, value) };
    }
    Ok(NodeRef(object.into_zval(false)?))
}

fn text(text: &str) -> Zval {
    let mut zval = Zval::new();
    zval.set_zend_string(ZendStr::new(text, false));
    zval
}

fn long(number: i64) -> Zval {
    let mut zval = Zval::new();
    zval.set_long(number);
    zval
}

/// The node behind a PHP object, if it is one.
#[inline]
pub(super) fn of(object: &ZendObject) -> Option<&Node> {
    ZendClassObject::<Node>::from_zend_obj(object)?.obj.as_ref()
}

/// A PHP value that is a `Node`, for signatures.
pub struct NodeRef(pub(super) Zval);

impl IntoZval for NodeRef {
    const TYPE: DataType = DataType::object("Amm\\Node");
    const NULLABLE: bool = false;

    fn set_zval(self, zv: &mut Zval, _: bool) -> ext_php_rs::error::Result<()> {
        *zv = self.0;
        Ok(())
    }
}
