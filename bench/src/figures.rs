//! What measured numbers become on paper.

use std::time::Duration;

/// Returns the value below which `share` (0 to 1) of the times lie, in milliseconds. Sorts them.
pub fn percentile_ms(times: &mut [Duration], share: f64) -> f64 {
    times.sort_unstable();
    let last = times.len().saturating_sub(1);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
    let index = (last as f64 * share).round() as usize;
    times.get(index).map_or(0.0, |time| time.as_secs_f64() * 1e3)
}

/// Returns the middle value; the mean of both middle values where there is an even number of them.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => 0.0,
        length if length % 2 == 1 => sorted[middle],
        _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}

/// Returns the smallest and the largest value.
pub fn range(values: &[f64]) -> (f64, f64) {
    let smallest = values.iter().copied().fold(f64::INFINITY, f64::min);
    let largest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    (smallest, largest)
}

/// Divides counts, as a figure.
#[expect(clippy::cast_precision_loss, reason = "counts of requests stay far below 2^52")]
pub fn per(count: u64, by: f64) -> f64 {
    if by == 0.0 { 0.0 } else { count as f64 / by }
}

#[cfg(test)]
mod tests {
    use super::{median, percentile_ms};
    use std::time::Duration;

    #[test]
    fn percentiles_and_medians() {
        let mut times: Vec<Duration> = (1..=101).rev().map(Duration::from_millis).collect();
        assert!((percentile_ms(&mut times, 0.5) - 51.0).abs() < f64::EPSILON);
        assert!((percentile_ms(&mut times, 0.99) - 100.0).abs() < f64::EPSILON);
        assert!((median(&[3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!((median(&[1.0, 2.0]) - 1.5).abs() < f64::EPSILON);
    }
}
