//! Clusters for the tests of this crate.

use std::sync::Arc;

use amm_core::config::{Settings, Value};

use crate::clock::now_ms;
use crate::cluster::Cluster;
use crate::definition::Definition;
use crate::shm::Mapping;

/// A folder for files, below the build's own.
pub(crate) fn folder() -> std::path::PathBuf {
    let program = std::env::current_exe().unwrap();
    let folder = program.parent().unwrap().join("amm-engine-tests");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// A definition of `nodes` with further `keys`.
pub(crate) fn definition(nodes: &[&str], keys: &[(&str, Value)]) -> Arc<Definition> {
    let nodes = nodes.iter().map(|n| Value::Str((*n).to_owned())).collect();
    let mut map = vec![("nodes".to_owned(), Value::List(nodes))];
    map.extend(
        keys.iter()
            .map(|(key, value)| ((*key).to_owned(), value.clone())),
    );
    let settings = Settings::try_from_value(&Value::Map(map)).unwrap();
    Arc::new(Definition::new(settings, None))
}

/// A cluster in memory of its own.
pub(crate) fn cluster(nodes: &[&str], keys: &[(&str, Value)]) -> Cluster {
    let mapping = Arc::new(Mapping::private().unwrap());
    Cluster::attach(definition(nodes, keys), mapping, now_ms()).unwrap()
}

/// `galera` with spread writers.
pub(crate) fn spread() -> Vec<(&'static str, Value)> {
    vec![("flavour", "galera".into()), ("writers", "spread".into())]
}
