//! Everything that runs: set-up, Cargo's tests, then the finished program driven from outside.
//!
//! Reading order: [`counterparts`] and [`postgres`] (what is set up), [`server`] (the program as a person starts it),
//! [`steps`] (what drives it), [`tally`] (what is counted).

mod certificates;
mod clamd;
mod counterparts;
mod gcs;
mod postgres;
mod server;
mod steps;
mod stores;
mod tally;
mod twin;

pub(crate) use postgres::{Durability, Postgres};
pub(crate) use server::{Start, free_address, fresh_folder};

use std::path::PathBuf;
use std::time::Instant;

use crate::workspace::Workspace;
use crate::{Outcome, process};
use steps::{STEPS, Step};
use tally::Tally;

/// What the person asked for.
struct Options {
    /// More of everything random: kills, seeds, organisations, pairs.
    long: bool,
    /// Picks tests and steps by a part of their name.
    filter: Option<String>,
}

/// What every step may use.
struct Context<'a> {
    workspace: &'a Workspace,
    postgres: &'a Postgres,
    long: bool,
    /// The server's binary.
    quoin: PathBuf,
    /// The driver that kills it.
    crash: PathBuf,
}

/// Runs the tests that the arguments pick: all of them, the steps whose name contains the filter, or else Cargo's.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let start = Instant::now();
    let options = parse(arguments)?;
    let filter = options.filter.as_deref().unwrap_or_default();
    let steps: Vec<&Step> = STEPS.iter().filter(|step| step.name.contains(filter)).collect();
    let workspace = Workspace::read()?;
    let postgres = Postgres::start(&workspace, Durability::Fast)?;
    let mut tally = Tally::default();
    if filter.is_empty() || steps.is_empty() {
        cargo_tests(&options, &workspace, &postgres, &mut tally)?;
    }
    if !steps.is_empty() {
        let quoin = build("quoin-server", "quoin")?;
        let crash = build("bench", "crash")?;
        let context =
            Context { workspace: &workspace, postgres: &postgres, long: options.long, quoin, crash };
        for step in steps {
            run_step(step, &context, &mut tally);
        }
    }
    drop(postgres);
    tally.finish(start.elapsed())
}

fn parse(arguments: &[String]) -> Outcome<Options> {
    let mut options = Options { long: false, filter: None };
    for argument in arguments {
        match argument.as_str() {
            "--long" => options.long = true,
            flag if flag.starts_with('-') => return Err(format!("unknown option {flag}").into()),
            word => options.filter = Some(word.to_owned()),
        }
    }
    Ok(options)
}

fn cargo_tests(options: &Options, workspace: &Workspace, postgres: &Postgres, tally: &mut Tally) -> Outcome {
    let mut command = process::cargo();
    command
        .args(["test", "--workspace", "--all-features", "--locked", "--no-fail-fast"])
        .args(&options.filter);
    command.env("QUOIN_TEST_POSTGRES_URL", postgres.url("postgres"));
    if options.long {
        command.env("QUOIN_TEST_THOROUGH", "1");
    }
    let store = stores::S3::start(workspace)?;
    command.env("QUOIN_TEST_S3_URL", store.url());
    let google = gcs::Gcs::start(workspace)?;
    command.env("QUOIN_TEST_GCS_URL", google.url());
    let scanner = clamd::Clamd::start(workspace)?;
    command.env("QUOIN_TEST_CLAMD", scanner.address());
    let failed_before = tally.failed();
    let succeeded = process::lines(&mut command, |line| tally.read_cargo(line))?;
    // A test binary that does not compile, or dies, prints no result.
    if !succeeded && tally.failed() == failed_before {
        tally.fail("cargo test", "ended with an error and without a failed test");
    }
    Ok(())
}

fn run_step(step: &Step, context: &Context<'_>, tally: &mut Tally) {
    println!("\n── {} ──", step.name);
    let start = Instant::now();
    if let Err(error) = (step.run)(context, tally) {
        tally.fail(step.name, &error.to_string());
    }
    println!("   {:.1} s", start.elapsed().as_secs_f32());
}

/// Lives a customer's year at the twin of Stripe and writes down what it announced and answered.
pub(crate) fn record_year() -> Outcome {
    let workspace = Workspace::read()?;
    let (quoin, folder) = (build("quoin-server", "quoin")?, fresh_folder(&workspace.target, "record")?);
    let twin = twin::Twin::start(&quoin, &folder, free_address()?)?;
    let mut driver = process::dies_with_us("python3", "TERM");
    driver.arg(workspace.root.join("examples/journey/python/record_year.py"));
    driver.args(["--stripe-url", &twin.url, "--out"]);
    process::run(driver.arg(workspace.root.join("crates/payments/src/tests/recorded/year.json")))
}

/// Builds one program and returns where Cargo put it.
pub(crate) fn build(package: &str, program: &str) -> Outcome<PathBuf> {
    build_with(package, program, &[])
}

/// Builds one program with further options.
pub(crate) fn build_with(package: &str, program: &str, options: &[&str]) -> Outcome<PathBuf> {
    let mut command = process::cargo();
    command.args(["build", "--locked", "--package", package, "--bin", program]).args(options);
    let messages = process::output(command.args(["--message-format", "json-render-diagnostics"]))?;
    let artifacts = messages.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let mut executables = artifacts.filter(|message| message["target"]["name"] == program);
    let executable = executables.next_back();
    let path = executable.as_ref().and_then(|message| message["executable"].as_str());
    path.map(PathBuf::from).ok_or_else(|| format!("Cargo built no {program}").into())
}
