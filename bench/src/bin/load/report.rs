//! What is printed: a block of lines for each scenario.

use bench::figures::{median, range};

use crate::rounds::{Figures, Measured};
use crate::scenario::Scenario;

/// Prints one scenario.
pub(crate) fn print(scenario: &Scenario, measured: &Measured) {
    println!("\n{} {}: {}", scenario.number, scenario.name, scenario.what);
    println!(
        "           requests/s  (range)             p50 ms  p99 ms  at half: p50  p99    CPU µs  peak MiB"
    );
    line("quoin", &measured.quoin);
    line("bare", &measured.bare);
    let rate = median(&measured.quoin.per_second);
    if !measured.raw.is_empty() {
        let (low, high) = range(&measured.raw);
        println!("  {:7} {:>11.0}  ({low:.0}–{high:.0})", "raw", median(&measured.raw));
        println!("  ratio to raw  {:.2}", rate / median(&measured.raw));
    }
    let ratio = rate / median(&measured.bare.per_second);
    let mark = if ratio >= scenario.goal { "✓" } else { "✗" };
    println!("  ratio to bare {ratio:.2}, goal {:.2} {mark}", scenario.goal);
    if measured.quoin.postgres_us.iter().any(|micros| *micros > 0.0) {
        println!("  PostgreSQL's own CPU {:.1} µs per request", median(&measured.quoin.postgres_us));
    }
    match measured.syncs {
        Some(syncs) => println!("  {syncs:.4} syncs per request, counted in a span of its own"),
        None if scenario.writes => println!("  syncs not counted: strace is not on this machine"),
        None => {}
    }
}

fn line(name: &str, figures: &Figures) {
    let (low, high) = range(&figures.per_second);
    println!(
        "  {name:7} {:>11.0}  {:<18}  {:>6.2}  {:>6.2}  {:>12.2}  {:>5.2}  {:>6.1}  {:>8.1}",
        median(&figures.per_second),
        format!("({low:.0}–{high:.0})"),
        median(&figures.p50_ms),
        median(&figures.p99_ms),
        median(&figures.calm_p50_ms),
        median(&figures.calm_p99_ms),
        median(&figures.processor_us),
        median(&figures.peak_mib),
    );
}
