//! What kind of cluster a server belongs to, from its variables alone.

use super::Row;
use super::aurora::is_aurora;
use super::variables::Variables;
use crate::config::Flavour;

/// The flavour that the rows of [`super::variables::SQL`] show.
///
/// A server that is set up for a kind of cluster is taken for one even while it
/// is no member: whether it may take writes is for that flavour to judge, and
/// one that has lost its cluster must not pass for a plain server.
pub fn flavour(variables: &[Row]) -> Flavour {
    let all = Variables(variables);
    if all.named("wsrep_provider").is_some() && !all.off("wsrep_on") {
        Flavour::Galera
    } else if is_aurora(all) {
        Flavour::Aurora
    } else if all.named("group_replication_group_name").is_some() {
        Flavour::GroupReplication
    } else {
        Flavour::ReadOnly
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::variables::rows;

    #[test]
    fn each_kind_of_server_is_told_by_its_variables() {
        for (pairs, flavour_expected) in [
            (&[][..], Flavour::ReadOnly),
            (&[("read_only", "OFF")], Flavour::ReadOnly),
            // MariaDB with no cluster configured.
            (
                &[("wsrep_on", "OFF"), ("wsrep_provider", "none")],
                Flavour::ReadOnly,
            ),
            (
                &[
                    ("wsrep_on", "ON"),
                    ("wsrep_provider", "/usr/lib/galera/libgalera_smm.so"),
                ],
                Flavour::Galera,
            ),
            // Percona shows no global wsrep_on.
            (
                &[("wsrep_provider", "/usr/lib/libgalera_smm.so")],
                Flavour::Galera,
            ),
            (
                &[
                    ("wsrep_on", "OFF"),
                    ("wsrep_provider", "/usr/lib/libgalera_smm.so"),
                ],
                Flavour::ReadOnly,
            ),
            // The plugin alone makes no member.
            (&[("group_replication_group_name", "")], Flavour::ReadOnly),
            (
                &[("group_replication_group_name", "5a7a-…")],
                Flavour::GroupReplication,
            ),
            (
                &[
                    ("innodb_read_only", "OFF"),
                    ("aurora_server_id", "shop-db-1"),
                ],
                Flavour::Aurora,
            ),
            (&[("aurora_version", "3.08.0")], Flavour::Aurora),
        ] {
            assert_eq!(flavour(&rows(pairs)), flavour_expected, "{pairs:?}");
        }
    }
}
