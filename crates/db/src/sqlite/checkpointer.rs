//! The one checkpointer: carries committed pages from the log into the file while the writer goes on.
//!
//! SQLite starts its log anew only when every page of it has been carried over, which never happens beside a writer that
//! is always busy. So the thread here carries over nearly all, with the long sync, and the writer the small rest.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use super::Shared;
use super::connection::Connected;
use crate::error::DbError;

/// How many pages the log grows by before they are carried over: 32 MiB.
const INTERVAL: u32 = 8000;
/// How many pages may be left to the writer.
const REST: u32 = 400;
/// How often the thread tries to come that near.
const PASSES: usize = 4;

const IDLE: u8 = 0;
const WORKING: u8 = 1;
const REST_LEFT: u8 = 2;

#[derive(Default)]
struct State {
    /// Pages in the log after the last commit.
    logged: AtomicU32,
    phase: AtomicU8,
}

/// What the writer keeps of the checkpointer. The thread ends when this is dropped.
pub(super) struct Checkpoints {
    state: Arc<State>,
    wake: SyncSender<()>,
    /// Pages in the log when it was last looked at; fewer now means that it has been started anew.
    seen: u32,
    /// Pages in the log at which the thread is woken.
    due: u32,
}

impl Checkpoints {
    /// Starts the thread, with a connection of its own.
    pub(super) fn start(shared: &Shared, writer: &mut Connected) -> Result<(Self, JoinHandle<()>), DbError> {
        let state = Arc::<State>::default();
        let logged = state.clone();
        writer.on_commit(move |pages| logged.logged.store(pages, Ordering::Relaxed))?;
        let connected = Connected::checkpointer(&shared.options)?;
        let (wake, woken) = sync_channel(1);
        let own = state.clone();
        let thread = std::thread::Builder::new()
            .name("sqlite-checkpoint".into())
            .spawn(move || serve(&connected, &own, &woken))
            .map_err(|error| DbError::Unreachable(Box::new(error)))?;
        Ok((Self { state, wake, seen: 0, due: INTERVAL }, thread))
    }

    /// Wakes the thread, or carries over the rest that it left. Called between commits, when their callers are answered.
    pub(super) fn tend(&mut self, writer: &Connected) {
        let logged = self.state.logged.load(Ordering::Relaxed);
        let anew = logged < self.seen;
        self.seen = logged;
        if anew {
            self.due = INTERVAL;
        }
        match self.state.phase.load(Ordering::Acquire) {
            REST_LEFT => {
                self.state.phase.store(IDLE, Ordering::Relaxed);
                if !anew {
                    // A reader may hold on to the log, which then grows by another interval.
                    self.due = logged.saturating_add(INTERVAL);
                    carry_over(writer);
                }
            }
            IDLE if logged >= self.due => {
                self.state.phase.store(WORKING, Ordering::Release);
                // The channel holds one wake-up, and none is under way while the phase is idle.
                self.wake.try_send(()).ok();
            }
            _ => {}
        }
    }
}

fn serve(connected: &Connected, state: &State, woken: &Receiver<()>) {
    while woken.recv().is_ok() {
        for _ in 0..PASSES {
            let carried = carry_over(connected);
            if state.logged.load(Ordering::Relaxed).saturating_sub(carried) <= REST {
                break;
            }
        }
        state.phase.store(REST_LEFT, Ordering::Release);
    }
}

/// Carries over what no reader still needs and returns how many pages of the log are in the file.
///
/// A failure loses nothing: the pages stay in the log, from which they are read until the next attempt succeeds.
fn carry_over(connected: &Connected) -> u32 {
    connected.checkpoint().unwrap_or_else(|error| {
        tracing::error!(%error, "the log could not be carried over into the database file");
        0
    })
}
