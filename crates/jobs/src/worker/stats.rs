//! What a worker has counted since it began.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::store::settlements_global::{Ending, Settlement};

/// Counters of one worker.
#[derive(Debug, Default)]
pub struct Stats {
    claimed: AtomicU64,
    done: AtomicU64,
    retried: AtomicU64,
    dead: AtomicU64,
    lost: AtomicU64,
}

/// The counters at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatsSnapshot {
    /// Tries begun.
    pub claimed: u64,
    /// Tries that succeeded.
    pub done: u64,
    /// Tries that failed and were followed, or will be, by another.
    pub retried: u64,
    /// Jobs put aside.
    pub dead: u64,
    /// Endings that came after the lease was lost, and changed nothing.
    pub lost: u64,
}

impl Stats {
    /// Reads all counters.
    pub fn snapshot(&self) -> StatsSnapshot {
        StatsSnapshot {
            claimed: self.claimed.load(Ordering::Relaxed),
            done: self.done.load(Ordering::Relaxed),
            retried: self.retried.load(Ordering::Relaxed),
            dead: self.dead.load(Ordering::Relaxed),
            lost: self.lost.load(Ordering::Relaxed),
        }
    }

    pub(super) fn claimed(&self, count: usize) {
        self.claimed.fetch_add(count as u64, Ordering::Relaxed);
    }

    pub(super) fn settled(&self, settlements: &[Settlement], held: u64) {
        let mut in_all = 0_u64;
        for settlement in settlements {
            in_all += 1;
            match settlement.ending {
                Ending::Done => self.done.fetch_add(1, Ordering::Relaxed),
                Ending::Retry(..) => self.retried.fetch_add(1, Ordering::Relaxed),
                Ending::Dead(_) => self.dead.fetch_add(1, Ordering::Relaxed),
                Ending::Released => 0,
            };
        }
        let lost = in_all.saturating_sub(held);
        if lost > 0 {
            self.lost.fetch_add(lost, Ordering::Relaxed);
            tracing::warn!(lost, "jobs ended after their lease had; what they did may be done twice");
        }
    }
}
