//! For whoever wants to break things with their own hands.

use std::time::{Duration, Instant};

use amm_rig::galera::ROOT_PASSWORD;
use amm_rig::load::{Load, LoadOptions};
use anyhow::Result;

use crate::arguments::Arguments;
use crate::show::Show;
use crate::stage::Stage;

/// Says how to keep it all running.
pub(crate) fn explain(arguments: &Arguments) {
    let how = match &arguments.extension {
        Some(path) => format!("--extension {}", path.display()),
        None => "--without-amm".into(),
    };
    println!(
        "\nTo try it by hand, keep it running:\n  \
         cargo run -p amm-rig --release --bin demo -- {how} --keep\n\
         It then prints the shop's URLs and the commands to break a node."
    );
}

impl Stage {
    /// Light load and the table until Ctrl-C.
    pub(crate) fn stay(&self, arguments: &Arguments) -> Result<()> {
        let web = self.nginx.address();
        println!(
            "\nThe shop stays open, with 20 orders per second, until Ctrl-C.\n  \
             curl -X POST 'http://{web}/order?token=mine'\n  \
             curl http://{web}/status"
        );
        for node in self.cluster.nodes() {
            println!(
                "  {}: kill -9 {pid} | kill -STOP {pid} | kill -CONT {pid} | \
                 mariadb -uroot -p{ROOT_PASSWORD} -S {socket}",
                node.id(),
                pid = node.pid().unwrap_or_default(),
                socket = node.socket().display(),
            );
        }
        println!("A node that was killed is started again after 15 s (with another pid).\n");
        let rate = arguments.rate.min(20.0);
        let load = Load::start(LoadOptions::orders(web, rate))?;
        let mut show = Show::new(self, &load, rate);
        let mut gone = vec![None; self.cluster.nodes().len()];
        loop {
            show.wait("Ctrl-C ends it", Duration::from_millis(500))?;
            for (index, node) in self.cluster.nodes().iter().enumerate() {
                let since = *gone[index].get_or_insert_with(Instant::now);
                if node.is_running() {
                    gone[index] = None;
                } else if since.elapsed() > Duration::from_secs(15) {
                    show.table.say(&format!("--- starting {}", node.id()));
                    let started = show.during("starting a node", || node.start());
                    let said = match started {
                        Ok(()) => {
                            format!("runs, with pid {}", node.pid().unwrap_or_default())
                        }
                        Err(error) => format!("does not start: {error:#}"),
                    };
                    show.table.say(&format!("--- {} {said}", node.id()));
                    gone[index] = None;
                }
            }
        }
    }
}
