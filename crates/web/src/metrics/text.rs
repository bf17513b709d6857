//! The text format of Prometheus, version 0.0.4.

use std::fmt::{Display, Write as _};

use super::{BUCKETS_US, OperationMetrics};

/// Collects lines; `# HELP` and `# TYPE` are written once for each name, whose lines must follow one another.
#[derive(Debug, Default)]
pub struct MetricsText {
    text: String,
    described: String,
}

impl MetricsText {
    /// Adds a value that goes up and down.
    pub fn gauge(&mut self, name: &str, help: &str, labels: &[(&str, &str)], value: impl Display) {
        self.describe(name, help, "gauge");
        self.line(name, labels, value);
    }

    /// Adds a value that only grows.
    pub fn counter(&mut self, name: &str, help: &str, labels: &[(&str, &str)], value: impl Display) {
        self.describe(name, help, "counter");
        self.line(name, labels, value);
    }

    /// Adds the call counts of operations, `(id, counts)`.
    pub(crate) fn operations<'a>(
        &mut self,
        all: impl Iterator<Item = (&'a str, &'a OperationMetrics)> + Clone,
    ) {
        for (id, metrics) in all.clone() {
            let (by_class, ..) = metrics.read();
            for (class, count) in ["1xx", "2xx", "3xx", "4xx", "5xx"].iter().zip(by_class) {
                if count > 0 {
                    let labels = [("operation", id), ("status", class)];
                    self.counter("quoin_requests_total", "Calls by operation and status.", &labels, count);
                }
            }
        }
        for (id, metrics) in all {
            let (by_class, buckets, sum_us) = metrics.read();
            let total: u64 = by_class.iter().sum();
            if total > 0 {
                self.histogram(id, &buckets, total, sum_us);
            }
        }
    }

    /// Returns the text.
    pub fn into_text(self) -> String {
        self.text
    }

    fn histogram(&mut self, id: &str, buckets: &[u64], total: u64, sum_us: u64) {
        const NAME: &str = "quoin_request_duration_seconds";
        self.describe(NAME, "Time from a request's arrival to its answer.", "histogram");
        let mut cumulated = 0;
        for (bound, count) in BUCKETS_US.iter().zip(buckets) {
            cumulated += count;
            let labels = [("operation", id), ("le", &seconds(*bound))];
            self.line("quoin_request_duration_seconds_bucket", &labels, cumulated);
        }
        self.line("quoin_request_duration_seconds_bucket", &[("operation", id), ("le", "+Inf")], total);
        self.line("quoin_request_duration_seconds_sum", &[("operation", id)], seconds(sum_us));
        self.line("quoin_request_duration_seconds_count", &[("operation", id)], total);
    }

    fn describe(&mut self, name: &str, help: &str, kind: &str) {
        if self.described != name {
            name.clone_into(&mut self.described);
            self.push(format_args!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
        }
    }

    fn line(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        self.text.push_str(name);
        for (at, (label, content)) in labels.iter().enumerate() {
            let opening = if at == 0 { '{' } else { ',' };
            let content = content.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n");
            self.push(format_args!("{opening}{label}=\"{content}\""));
        }
        let closing = if labels.is_empty() { "" } else { "}" };
        self.push(format_args!("{closing} {value}\n"));
    }

    fn push(&mut self, arguments: std::fmt::Arguments<'_>) {
        self.text.write_fmt(arguments).expect("writing to a String cannot fail");
    }
}

/// Writes microseconds as seconds, exactly.
fn seconds(micros: u64) -> String {
    let (whole, part) = (micros / 1_000_000, micros % 1_000_000);
    let text = format!("{whole}.{part:06}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
