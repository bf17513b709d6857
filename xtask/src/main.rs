//! The one developer tool: `cargo xtask check`, `test`, `gen`, `record` and `bench`.
//!
//! `check` holds the rules of the house as data and fails on what breaks them; `test` sets up everything a test needs
//! (PostgreSQL, a browser, the client libraries), runs all of them and takes it down again. Reading order:
//! [`workspace`] (what Cargo knows of the tree), [`process`] (programs that die with us), `check/`, `test/`.
#![allow(
    clippy::disallowed_methods,
    reason = "a developer tool starts programs and reads the environment; the server does neither"
)]

mod bench;
mod check;
mod errors;
mod generate;
mod process;
mod test;
mod workspace;

use std::process::ExitCode;

/// What a task ends with: nothing, or the reason why it failed.
type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

const USAGE: &str = "usage: cargo xtask <task>

  check                     formatting, lints, arrows, sizes, words, licences, generated files, links
  test [--long] [FILTER]    everything that runs; FILTER picks tests and steps whose name contains it
  gen                       writes docs/errors.md, config.md, openapi.json and stripe-twin-calls.md
  record                    records a customer's year at the twin of Stripe, which the payments room's tests replay
  bench [SCENARIO] [--engine sqlite|postgres] [--rounds N]";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (task, rest) = arguments.split_first().map_or(("", &[][..]), |(task, rest)| (task.as_str(), rest));
    let outcome = match task {
        "check" => check::run(rest),
        "test" => test::run(rest),
        "gen" => generate::run(rest),
        "bench" => bench::run(rest),
        "record" => test::record_year(),
        _ => Err(USAGE.into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::FAILURE
        }
    }
}
