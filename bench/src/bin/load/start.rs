//! Scenario 13: starting on an existing folder, and the memory of a server that has nothing to do.

use std::time::Duration;

use bench::Outcome;
use bench::figures::{median, per};
use bench::server::{ServerProcess, usage};

use crate::options::Options;

const STARTS: usize = 10;
const START_GOAL_MS: f64 = 50.0;
const IDLE_GOAL_MIB: f64 = 30.0;

/// Kills the server and starts it again a few times.
pub(crate) async fn measure(options: &Options, mut server: ServerProcess) -> Outcome {
    let (mut starts, mut memory) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        server.kill()?;
        let (started, took) =
            options.command.start_ready(&options.folder.join("log"), Duration::from_secs(20)).await?;
        server = started;
        starts.push(took.as_secs_f64() * 1e3);
        tokio::time::sleep(Duration::from_secs(1)).await;
        memory.push(per(usage(server.id())?.resident_kib, 1024.0));
    }
    let (start, memory) = (median(&starts), median(&memory));
    let mark = |reached: bool| if reached { "✓" } else { "✗" };
    println!("\n13 start: on an existing folder, after kill -9");
    println!("  ready after {start:.0} ms, goal {START_GOAL_MS} {}", mark(start <= START_GOAL_MS));
    println!("  {memory:.1} MiB resident when idle, goal {IDLE_GOAL_MIB} {}", mark(memory <= IDLE_GOAL_MIB));
    Ok(())
}
