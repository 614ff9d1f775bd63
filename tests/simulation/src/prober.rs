//! Probes without a network: what a monitor's prober would have found.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use amm_engine::cluster::Cluster;
use amm_engine::monitor::{NodeProber, Progress, StartProber};
use amm_engine::probe::ProbeResult;

/// Probes that a process's monitor has begun and the world has not yet seen.
pub(crate) type Begun = Rc<RefCell<Vec<Rc<Probe>>>>;

/// One node's prober, and the probe under way.
#[derive(Default)]
pub(crate) struct Probe {
    pub(crate) node: usize,
    pub(crate) busy: Cell<bool>,
    pub(crate) abandoned: Cell<bool>,
    pub(crate) began_ms: Cell<u64>,
    pub(crate) word: Cell<u64>,
    pub(crate) afresh: Cell<bool>,
    /// Life of the server whose connection is kept; 0: none is.
    pub(crate) kept: Cell<u32>,
    pub(crate) unable: Cell<u32>,
    pub(crate) found: RefCell<Option<ProbeResult>>,
}

struct Handle {
    probe: Rc<Probe>,
    begun: Begun,
}

/// Makes probers that leave what they are to do in `begun`.
pub(crate) fn starter(begun: &Begun) -> StartProber {
    let begun = Rc::clone(begun);
    #[expect(clippy::arc_with_non_send_sync, reason = "one thread runs it all")]
    Arc::new(move |_: Arc<Cluster>, node: usize| {
        let probe = Rc::new(Probe {
            node,
            ..Probe::default()
        });
        let begun = Rc::clone(&begun);
        Ok(Box::new(Handle { probe, begun }) as Box<dyn NodeProber>)
    })
}

impl NodeProber for Handle {
    fn is_alive(&self) -> bool {
        true
    }

    fn progress(&self) -> Progress {
        match self.probe.busy.get() {
            false => Progress::Idle,
            true => Progress::UnderWay {
                began_ms: self.probe.began_ms.get(),
                began_state: self.probe.word.get(),
            },
        }
    }

    fn probe(&self, now_ms: u64, word: u64, afresh: bool) {
        let probe = &self.probe;
        probe.began_ms.set(now_ms);
        probe.word.set(word);
        probe.afresh.set(afresh);
        probe.abandoned.set(false);
        probe.busy.set(true);
        self.begun.borrow_mut().push(Rc::clone(probe));
    }

    fn abandon(&self) {
        self.probe.abandoned.set(true);
    }

    fn unable(&self) -> u32 {
        self.probe.unable.get()
    }
}
