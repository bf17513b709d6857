use super::*;

#[test]
fn a_histogram_cumulates_its_buckets_and_counts_every_call() {
    let metrics = OperationMetrics::default();
    metrics.count(200, Duration::from_micros(100));
    metrics.count(404, Duration::from_micros(101));
    metrics.count(200, Duration::from_mins(1));
    let mut text = MetricsText::default();
    text.operations([("toy.thing.get", &metrics)].into_iter());
    let text = text.into_text();
    for line in [
        "quoin_requests_total{operation=\"toy.thing.get\",status=\"2xx\"} 2",
        "quoin_requests_total{operation=\"toy.thing.get\",status=\"4xx\"} 1",
        "quoin_request_duration_seconds_bucket{operation=\"toy.thing.get\",le=\"0.0001\"} 1",
        "quoin_request_duration_seconds_bucket{operation=\"toy.thing.get\",le=\"0.00025\"} 2",
        "quoin_request_duration_seconds_bucket{operation=\"toy.thing.get\",le=\"10\"} 2",
        "quoin_request_duration_seconds_bucket{operation=\"toy.thing.get\",le=\"+Inf\"} 3",
        "quoin_request_duration_seconds_sum{operation=\"toy.thing.get\"} 60.000201",
        "quoin_request_duration_seconds_count{operation=\"toy.thing.get\"} 3",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\nis not in\n{text}");
    }
    assert_eq!(text.matches("# TYPE quoin_requests_total").count(), 1);
}

#[test]
fn label_values_are_escaped() {
    let mut text = MetricsText::default();
    text.gauge("g", "help", &[("l", "a\"b\\c\nd")], 1);
    assert!(text.into_text().ends_with("g{l=\"a\\\"b\\\\c\\nd\"} 1\n"));
}
