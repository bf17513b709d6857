//! Measures the scenarios against a server, its baselines in the same run beside it.
//!
//! Reading order: [`options`], [`stage`] (people and rows), [`scenario`] (what is asked and what must come back),
//! [`baseline`], [`drive`] (closed loop and fixed rate), [`observe`] (processor, memory, syncs), [`rounds`], [`report`].
#![allow(
    clippy::disallowed_methods,
    reason = "a driver starts programs and measures with the machine's clock"
)]

mod baseline;
mod drive;
mod limits;
mod observe;
mod options;
mod report;
mod rounds;
mod scenario;
mod sign_in;
mod stage;
mod start;
mod transfers;
mod webhook;

use std::rc::Rc;

use bench::Outcome;
use options::Options;
use scenario::{SCENARIOS, Work};
use stage::Stage;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome {
    let options = Options::read()?;
    let stage = Rc::new(Stage::set(&options).await?);
    let (engine, rounds, seconds) = (options.engine(), options.rounds, options.seconds);
    println!(
        "{engine} · {rounds} rounds of {seconds} s after 3 s of warm-up · {} connections",
        stage::CONNECTIONS
    );
    let bare = baseline::start(&options, &stage).await?;
    for scenario in SCENARIOS.iter().filter(|scenario| options.wants(scenario.name, scenario.number)) {
        let before = stage.count_rows().await?;
        let measured = rounds::measure(&options, &stage, &bare, scenario).await?;
        report::print(scenario, &measured);
        let inserted = if scenario.work == Work::Insert { measured.answers } else { 0 };
        // pgbench writes into the same table, raw into one of its own.
        let others = options.database_url.is_some() && scenario.work == Work::Insert;
        let rows = stage.count_rows().await?;
        if scenario.work == Work::Webhook {
            webhook::count(&options, measured.answers).await?;
        }
        if rows < before + inserted || rows > before + inserted && !others {
            return Err(
                format!("{inserted} inserts were acknowledged, but {before} rows became {rows}").into()
            );
        }
    }
    if options.wants("sign-in", 4) {
        sign_in::measure(&options, &stage).await?;
    }
    if options.wants("limits", 1) {
        limits::measure(&options, &stage).await?;
    }
    if options.wants("transfers", 10) {
        transfers::measure(&options, &stage).await?;
    }
    if options.wants("start", 13) {
        let stage = Rc::into_inner(stage).ok_or("the stage is still in use")?;
        start::measure(&options, stage.quoin).await?;
    }
    Ok(())
}
