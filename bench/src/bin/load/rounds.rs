//! Several rounds, the targets in turn, so that a machine's mood meets all of them alike.

use std::rc::Rc;
use std::time::Duration;

use bench::Outcome;
use bench::figures::{per, percentile_ms};
use bench::server::ServerProcess;

use crate::baseline;
use crate::drive::{Pace, Span, drive};
use crate::observe::{self, SyncCounter};
use crate::options::Options;
use crate::scenario::{Scenario, Target};
use crate::stage::Stage;

/// Before each measurement.
const WARM_UP: Duration = Duration::from_secs(3);

/// The figures of all rounds, one value per round.
#[derive(Default)]
pub(crate) struct Measured {
    /// The server.
    pub quoin: Figures,
    /// The baseline without an engine.
    pub bare: Figures,
    /// The engine alone, in operations per second; empty where it cannot do the same.
    pub raw: Vec<f64>,
    /// Syncs per request, counted in a span of its own; nothing where they cannot be counted.
    pub syncs: Option<f64>,
    /// Every successful request to the server, warm-up included.
    pub answers: u64,
}

/// The figures of one target, one value per round.
#[derive(Default)]
pub(crate) struct Figures {
    pub per_second: Vec<f64>,
    pub p50_ms: Vec<f64>,
    pub p99_ms: Vec<f64>,
    /// At half the peak.
    pub calm_p50_ms: Vec<f64>,
    pub calm_p99_ms: Vec<f64>,
    pub processor_us: Vec<f64>,
    pub postgres_us: Vec<f64>,
    pub peak_mib: Vec<f64>,
}

/// Measures one scenario.
pub(crate) async fn measure(
    options: &Options,
    stage: &Rc<Stage>,
    bare: &ServerProcess,
    scenario: &'static Scenario,
) -> Outcome<Measured> {
    let mut measured = Measured::default();
    for _ in 0..options.rounds {
        measured.answers +=
            round(options, stage, scenario, (Target::Quoin, &stage.quoin), &mut measured.quoin).await?;
        round(options, stage, scenario, (Target::Bare, bare), &mut measured.bare).await?;
        if scenario.has_raw {
            measured.raw.push(baseline::raw(options, stage, scenario)?);
        }
    }
    if scenario.writes {
        let span = Duration::from_secs(2);
        let counter = SyncCounter::start(options, stage.quoin.id(), span)?;
        let target = (Target::Quoin, stage.quoin.address());
        let seen = drive(stage, scenario, target, Pace::Closed, Span::after(Duration::ZERO, span)).await?;
        measured.answers += seen.answers;
        measured.syncs = counter.finish(options)?.map(|syncs| per(syncs, per(seen.answers, 1.0)));
    }
    Ok(measured)
}

async fn round(
    options: &Options,
    stage: &Rc<Stage>,
    scenario: &'static Scenario,
    (target, server): (Target, &ServerProcess),
    figures: &mut Figures,
) -> Outcome<u64> {
    let length = Duration::from_secs(options.seconds);
    let who = (target, server.address());
    let warm = drive(stage, scenario, who, Pace::Closed, Span::after(Duration::ZERO, WARM_UP)).await?;
    let before = observe::read(options, server.id())?;
    let mut seen = drive(stage, scenario, who, Pace::Closed, Span::after(Duration::ZERO, length)).await?;
    let after = observe::read(options, server.id())?;
    let rate = per(seen.answers, length.as_secs_f64());
    let micros = |before: Duration, after: Duration| {
        after.saturating_sub(before).as_secs_f64() * 1e6 / per(seen.answers.max(1), 1.0)
    };
    figures.per_second.push(rate);
    figures.processor_us.push(micros(before.server, after.server));
    figures.postgres_us.push(micros(before.postgres, after.postgres));
    figures.peak_mib.push(per(after.peak_kib, 1024.0));
    figures.p50_ms.push(percentile_ms(&mut seen.times, 0.5));
    figures.p99_ms.push(percentile_ms(&mut seen.times, 0.99));
    let half = Span::after(Duration::from_millis(500), Duration::from_secs(2));
    let mut calm = drive(stage, scenario, who, Pace::PerSecond(rate / 2.0), half).await?;
    figures.calm_p50_ms.push(percentile_ms(&mut calm.times, 0.5));
    figures.calm_p99_ms.push(percentile_ms(&mut calm.times, 0.99));
    Ok(warm.answers + seen.answers + calm.answers)
}
