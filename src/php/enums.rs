//! `Amm\Role` and `Amm\Verdict`.

use ext_php_rs::prelude::*;

use amm_core::verdict;

/// What the cluster lets a node do.
#[php_enum]
#[php(name = "Amm\\Role")]
#[derive(Clone, Copy)]
pub enum Role {
    #[php(value = "writer")]
    Writer,
    #[php(value = "reader")]
    Reader,
    #[php(value = "unready")]
    Unready,
    #[php(value = "unknown")]
    Unknown,
}

/// What an error says about a node.
#[php_enum]
#[php(name = "Amm\\Verdict")]
#[derive(Clone, Copy)]
pub enum Verdict {
    #[php(value = "down")]
    Down,
    #[php(value = "not_writable")]
    NotWritable,
    #[php(value = "lost")]
    Lost,
    #[php(value = "conflict")]
    Conflict,
    #[php(value = "overloaded")]
    Overloaded,
    #[php(value = "client")]
    Client,
    #[php(value = "unknown")]
    Unknown,
}

impl From<amm_core::node::Role> for Role {
    fn from(role: amm_core::node::Role) -> Self {
        use amm_core::node::Role as Core;
        match role {
            Core::Writer => Role::Writer,
            Core::Reader => Role::Reader,
            Core::Unready => Role::Unready,
            Core::Unknown => Role::Unknown,
        }
    }
}

impl From<verdict::Verdict> for Verdict {
    fn from(verdict: verdict::Verdict) -> Self {
        use verdict::Verdict as Core;
        match verdict {
            Core::Down => Verdict::Down,
            Core::NotWritable => Verdict::NotWritable,
            Core::Lost => Verdict::Lost,
            Core::Conflict => Verdict::Conflict,
            Core::Overloaded => Verdict::Overloaded,
            Core::Client => Verdict::Client,
            Core::Unknown => Verdict::Unknown,
        }
    }
}

impl From<Verdict> for verdict::Verdict {
    fn from(verdict: Verdict) -> Self {
        use verdict::Verdict as Core;
        match verdict {
            Verdict::Down => Core::Down,
            Verdict::NotWritable => Core::NotWritable,
            Verdict::Lost => Core::Lost,
            Verdict::Conflict => Core::Conflict,
            Verdict::Overloaded => Core::Overloaded,
            Verdict::Client => Core::Client,
            Verdict::Unknown => Core::Unknown,
        }
    }
}
