//! Kills a server under load, again and again, and looks for everything it had promised.
//!
//! Reading order: [`ledger`] (what was promised), [`worker`] (who asks for promises), [`audit`] (whether they were kept).
#![allow(
    clippy::disallowed_methods,
    reason = "a driver reads its arguments and settings from the environment"
)]

mod audit;
mod ledger;
mod worker;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bench::Outcome;
use bench::people::{Person, Team};
use bench::random::Random;
use bench::server::{ServerCommand, ServerProcess};
use ledger::Ledger;
use worker::Worker;

const USAGE: &str =
    "usage: crash --folder DIR [--rounds N] -- SERVER ARGUMENTS…   (settings as QUOIN_… in the environment)";

/// How soon a killed server must be ready again.
const READY_LIMIT: Duration = Duration::from_secs(2);

/// How many connections ask at once.
const WORKERS: u64 = 16;

/// What a row of this table holds is a number that no other row should hold; nothing in the table itself forbids it.
const TABLE: &str = "create table promises (
  id uuid primary key default gen_random_uuid(),
  org_id uuid not null default auth.org_id(),
  number bigint not null
);
create index promises_by_number on promises (org_id, number);
alter table promises enable row level security;
create policy promises_all on promises for all using (org_id = auth.org_id()) with check (org_id = auth.org_id());";

struct Options {
    folder: PathBuf,
    rounds: u32,
    command: ServerCommand,
    secret_key: String,
}

/// What all rounds together showed.
#[derive(Default)]
struct Score {
    passed: u32,
    failed: u32,
    /// Kills that met at least one request whose answer was still out.
    struck: u32,
    slowest_start: Duration,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let mut score = Score::default();
    let outcome = match read_options() {
        Ok(options) => run(&options, &mut score).await,
        Err(error) => Err(error),
    };
    if let Err(error) = outcome {
        println!("✗ {error}");
        score.failed += 1;
    }
    println!("crash: {} passed, {} failed", score.passed, score.failed);
    if score.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn run(options: &Options, score: &mut Score) -> Outcome {
    let log = options.folder.join("log");
    let (mut server, _) = options.command.start_ready(&log, Duration::from_secs(20)).await?;
    let team = Team { address: options.command.address, secret_key: options.secret_key.clone() };
    team.migrate("promises", TABLE).await?;
    let person = team.person("crash@crash.example").await?;
    let ledger = Arc::new(Ledger::default());
    let mut random = Random::from_clock();
    for round in 1..=options.rounds {
        let in_flight = drive_and_kill(&mut server, &person, &ledger, &mut random).await?;
        let (started, took) = options.command.start_ready(&log, Duration::from_secs(20)).await?;
        server = started;
        score.struck += u32::from(in_flight > 0);
        score.slowest_start = score.slowest_start.max(took);
        let mut complaints = audit::complaints(&team, &person, &ledger, audit::Depth::LastRound).await?;
        if took > READY_LIMIT {
            complaints.push(format!("ready only after {took:?}"));
        }
        score.note(
            round,
            &complaints,
            &format!("{in_flight} in flight, {}, ready in {took:.0?}", ledger.last_round()),
        );
        ledger.end_round();
    }
    let complaints = audit::complaints(&team, &person, &ledger, audit::Depth::Everything).await?;
    score.note(0, &complaints, &format!("at the end: {}", ledger.total()));
    let enough = score.struck * 3 >= options.rounds;
    let share = format!("{} of {} kills hit requests in flight", score.struck, options.rounds);
    score.note(0, &if enough { vec![] } else { vec![share.clone()] }, &share);
    println!("  slowest start {:.0?}", score.slowest_start);
    Ok(())
}

/// Lets the workers loose, kills the server at some moment and tells how many answers were still out.
async fn drive_and_kill(
    server: &mut ServerProcess,
    person: &Person,
    ledger: &Arc<Ledger>,
    random: &mut Random,
) -> Outcome<usize> {
    let workers = (0..WORKERS).map(|_| Worker::new(server.address(), person, ledger, random.draw()));
    let tasks: Vec<_> = workers.map(|worker| tokio::spawn(worker.run())).collect();
    tokio::time::sleep(Duration::from_millis(100 + random.below(900))).await;
    let in_flight = ledger.in_flight.load(Ordering::SeqCst);
    server.kill()?;
    for task in tasks {
        task.await??;
    }
    ledger.in_flight.store(0, Ordering::SeqCst);
    Ok(in_flight)
}

impl Score {
    fn note(&mut self, round: u32, complaints: &[String], what: &str) {
        let name = if round == 0 { String::new() } else { format!("kill {round}: ") };
        if complaints.is_empty() {
            self.passed += 1;
            println!("  ✓ {name}{what}");
        } else {
            self.failed += 1;
            println!("  ✗ {name}{what}");
            complaints.iter().take(10).for_each(|complaint| println!("      {complaint}"));
        }
    }
}

fn read_options() -> Outcome<Options> {
    let mut arguments = std::env::args().skip(1);
    let (mut folder, mut rounds) = (None, 5);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--folder" => folder = arguments.next().map(PathBuf::from),
            "--rounds" => rounds = arguments.next().ok_or(USAGE)?.parse()?,
            "--" => break,
            _ => return Err(USAGE.into()),
        }
    }
    let setting = |name: &str| std::env::var(name).map_err(|_| format!("{name} is not set"));
    let command = ServerCommand { words: arguments.collect(), address: setting("QUOIN_LISTEN")?.parse()? };
    Ok(Options { folder: folder.ok_or(USAGE)?, rounds, command, secret_key: setting("QUOIN_SECRET_KEY")? })
}
