//! The live view: a table redrawn in place on a terminal, plain lines
//! otherwise.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _};
use std::time::Duration;

use crate::status::NodeStatus;

/// A node's line.
#[derive(Clone, Debug, Default)]
pub struct Row {
    /// As amm sees it.
    pub status: NodeStatus,
    /// Requests it acknowledged.
    pub requests: usize,
    /// Requests that failed with it as the last node dialled.
    pub errors: usize,
}

/// What is shown.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// By node id.
    pub rows: BTreeMap<String, Row>,
    /// What goes on.
    pub phase: String,
    /// The load, in one line.
    pub load: String,
}

/// Draws views.
#[derive(Debug)]
pub struct Table {
    terminal: bool,
    drawn: usize,
}

impl Default for Table {
    fn default() -> Self {
        Self {
            terminal: std::io::stdout().is_terminal(),
            drawn: 0,
        }
    }
}

impl Table {
    /// How often to draw.
    pub fn period(&self) -> Duration {
        Duration::from_secs(if self.terminal { 1 } else { 2 })
    }

    /// Draws over what was drawn last.
    pub fn draw(&mut self, view: &View) {
        let text = if self.terminal {
            block(view)
        } else {
            line(view)
        };
        let mut out = std::io::stdout().lock();
        if self.drawn > 0 {
            let _ = write!(out, "\x1b[{}A\x1b[J", self.drawn);
        }
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        self.drawn = if self.terminal {
            text.lines().count()
        } else {
            0
        };
    }

    /// Says something that stays, above what is drawn next.
    pub fn say(&mut self, text: &str) {
        let mut out = std::io::stdout().lock();
        if self.drawn > 0 {
            let _ = write!(out, "\x1b[{}A\x1b[J", self.drawn);
            self.drawn = 0;
        }
        let _ = writeln!(out, "{text}").and_then(|()| out.flush());
    }
}

fn block(view: &View) -> String {
    let mut text = format!(
        "\n{:<22} {:<8} {:<8} {:<10} {:<9} {:<9} {:>5} {:>9} {:>7}\n",
        "node", "role", "health", "breaker", "admin", "writable", "epoch", "requests", "errors"
    );
    for (
        node,
        Row {
            status,
            requests,
            errors,
        },
    ) in &view.rows
    {
        let writable = if status.writable { "yes" } else { "no" };
        let _ = writeln!(
            text,
            "{node:<22} {:<8} {:<8} {:<10} {:<9} {writable:<9} {:>5} {requests:>9} {errors:>7}",
            status.role, status.health, status.breaker, status.admin, status.epoch
        );
    }
    let _ = writeln!(text, "{}\n{}", view.load, view.phase);
    text
}

fn line(view: &View) -> String {
    let mut text = format!("{:<34} {}", view.phase, view.load);
    for (
        node,
        Row {
            status,
            requests,
            errors,
        },
    ) in &view.rows
    {
        let _ = write!(
            text,
            " | {node} {}/{}/{} {} {requests}+{errors}",
            status.role,
            status.health,
            status.breaker,
            if status.writable { "w" } else { "-" }
        );
    }
    text.push('\n');
    text
}
