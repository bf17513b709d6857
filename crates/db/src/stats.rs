//! What a database counts about itself, for metrics and for benchmarks that must prove durability.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Counters since the database was opened.
#[derive(Debug, Default)]
pub struct Stats {
    commits: AtomicU64,
    writes: AtomicU64,
    reads: AtomicU64,
    reruns: AtomicU64,
    overloads: AtomicU64,
}

/// A copy of the counters at one moment.
#[derive(Debug, Clone, Copy)]
pub struct StatsSnapshot {
    /// Durable commits; on SQLite one commit, with one sync, may carry many writes.
    pub commits: u64,
    /// Writing closures that were committed.
    pub writes: u64,
    /// Reading closures that were run.
    pub reads: u64,
    /// Closures that were run again after a collision or a failed batch.
    pub reruns: u64,
    /// Closures refused because the queue was full.
    pub overloads: u64,
}

impl Stats {
    pub(crate) fn committed(&self, writes: u64) {
        self.commits.fetch_add(1, Ordering::Relaxed);
        self.writes.fetch_add(writes, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) {
        self.reads.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn rerun(&self) {
        self.reruns.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn overloaded(&self) {
        self.overloads.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn snapshot(&self) -> StatsSnapshot {
        StatsSnapshot {
            commits: self.commits.load(Ordering::Relaxed),
            writes: self.writes.load(Ordering::Relaxed),
            reads: self.reads.load(Ordering::Relaxed),
            reruns: self.reruns.load(Ordering::Relaxed),
            overloads: self.overloads.load(Ordering::Relaxed),
        }
    }
}

/// How long a closure may hold its connection before that is logged with its name.
const SLOW: Duration = Duration::from_millis(10);

/// Logs a closure that held its connection for long.
pub(crate) fn log_if_slow(name: &'static str, took: Duration) {
    if took > SLOW {
        tracing::warn!(closure = name, took_ms = took.as_secs_f64() * 1e3, "a transaction took long");
    }
}
