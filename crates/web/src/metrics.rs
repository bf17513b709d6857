//! Counters of this node, written in the text format of Prometheus.

#[cfg(test)]
mod tests;
mod text;

use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

pub use text::MetricsText;

/// The upper bounds of the duration histogram's buckets, in microseconds.
pub(crate) const BUCKETS_US: [u64; 12] =
    [100, 250, 500, 1_000, 2_500, 5_000, 10_000, 50_000, 100_000, 500_000, 1_000_000, 10_000_000];

/// Counts the calls of one operation. Each operation holds its own, so that counting looks nothing up.
#[derive(Debug, Default)]
pub struct OperationMetrics {
    /// By the first digit of the status: 1xx to 5xx.
    by_class: [AtomicU64; 5],
    buckets: [AtomicU64; BUCKETS_US.len()],
    sum_us: AtomicU64,
}

impl OperationMetrics {
    /// Counts one call.
    pub(crate) fn count(&self, status: u16, duration: Duration) {
        let class = usize::from((status / 100).clamp(1, 5) - 1);
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        self.by_class[class].fetch_add(1, Ordering::Relaxed);
        self.sum_us.fetch_add(micros, Ordering::Relaxed);
        let bucket = BUCKETS_US.partition_point(|bound| *bound < micros);
        if let Some(bucket) = self.buckets.get(bucket) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Reads the counts: by class, by bucket (not cumulated), and the sum in microseconds.
    pub(crate) fn read(&self) -> ([u64; 5], [u64; BUCKETS_US.len()], u64) {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        (self.by_class.each_ref().map(load), self.buckets.each_ref().map(load), load(&self.sum_us))
    }
}

/// Counts slow clients by what they were slow with.
#[derive(Debug, Default)]
pub struct CutOff {
    /// The next request, or the next piece of an answer that is a stream.
    pub idle: AtomicU64,
    /// The head of a request.
    pub head: AtomicU64,
    /// The body of a request.
    pub body: AtomicU64,
    /// Taking an answer.
    pub answer: AtomicU64,
}

impl CutOff {
    /// Reads the counts with their names.
    fn read(&self) -> [(&'static str, u64); 4] {
        let counters =
            [("idle", &self.idle), ("head", &self.head), ("body", &self.body), ("answer", &self.answer)];
        counters.map(|(reason, counter)| (reason, counter.load(Ordering::Relaxed)))
    }
}

type Collector = Box<dyn Fn(&mut MetricsText) + Send + Sync>;

/// Holds the counters that belong to no operation, and what other rooms add.
#[derive(Default)]
pub struct Metrics {
    /// Requests in work.
    pub in_flight: AtomicI64,
    /// Open connections.
    pub connections: AtomicI64,
    /// Connections and requests refused because there were too many.
    pub shed: AtomicU64,
    /// Connections that were cut off because their client was too slow.
    pub cut_off: CutOff,
    /// Requests whose head could not be read.
    pub unreadable: AtomicU64,
    /// Requests whose handler panicked.
    pub panics: AtomicU64,
    /// Requests that matched no route.
    pub unrouted: OperationMetrics,
    collectors: RwLock<Vec<Collector>>,
}

impl Metrics {
    /// Adds what another room counts, for example the database's closures.
    pub fn collect_from(&self, collector: impl Fn(&mut MetricsText) + Send + Sync + 'static) {
        self.collectors.write().unwrap_or_else(PoisonError::into_inner).push(Box::new(collector));
    }

    /// Writes the counters that belong to no operation.
    pub(crate) fn write(&self, text: &mut MetricsText) {
        let gauge = |counter: &AtomicI64| counter.load(Ordering::Relaxed);
        text.gauge("quoin_requests_in_flight", "Requests in work.", &[], gauge(&self.in_flight));
        text.gauge("quoin_connections", "Open connections.", &[], gauge(&self.connections));
        let shed = self.shed.load(Ordering::Relaxed);
        text.counter("quoin_shed_total", "Connections and requests refused under load.", &[], shed);
        let about = "Connections cut off because their client was too slow.";
        for (reason, count) in self.cut_off.read() {
            text.counter("quoin_cut_off_total", about, &[("reason", reason)], count);
        }
        let unreadable = self.unreadable.load(Ordering::Relaxed);
        text.counter("quoin_unreadable_total", "Requests whose head could not be read.", &[], unreadable);
        text.counter("quoin_panics_total", "Panics in handlers.", &[], self.panics.load(Ordering::Relaxed));
        for collector in self.collectors.read().unwrap_or_else(PoisonError::into_inner).iter() {
            collector(text);
        }
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").field("in_flight", &self.in_flight).finish_non_exhaustive()
    }
}
