//! Scenario 4: password sign-in, whose price is the hash, and what it does to everybody else.

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use argon2::Argon2;
use bench::Outcome;
use bench::figures::{median, per, percentile_ms};
use bench::http::{Connection, Request};
use bench::people::PASSWORD;
use serde_json::json;

use crate::drive::{Pace, Span, drive};
use crate::options::Options;
use crate::scenario::{SCENARIOS, Target};
use crate::stage::{CONNECTIONS, Stage};

/// The goal, as a share of what the processor could do if it only hashed.
const GOAL: f64 = 0.95;

/// A calm rate for the other route, the same with and without sign-ins.
const READS_PER_SECOND: f64 = 500.0;

/// Measures sign-ins alone, then reads alone, then reads while sign-ins saturate.
pub(crate) async fn measure(options: &Options, stage: &Rc<Stage>) -> Outcome {
    let span = || Span::after(Duration::from_secs(1), Duration::from_secs(options.seconds));
    let (mut possible, mut rates) = (Vec::new(), Vec::new());
    let (mut quiet, mut loud) = (Vec::new(), Vec::new());
    for _ in 0..options.rounds {
        possible.push(hashes_per_second()?);
        rates.push(sign_ins(stage, Duration::from_secs(options.seconds)).await?);
        quiet.push(p99_of_reads(stage, span()).await?);
        let (reads, sign_ins) = tokio::join!(
            p99_of_reads(stage, span()),
            sign_ins(stage, Duration::from_secs(options.seconds + 1))
        );
        sign_ins?;
        loud.push(reads?);
    }
    let (rate, possible) = (median(&rates), median(&possible));
    println!("\n4 sign-in: password sign-in, Argon2id 19456 KiB, 2 passes");
    println!("  {rate:.1} a second; cores that do nothing but hash, all at once, do {possible:.1}");
    let mark = if rate >= GOAL * possible { "✓" } else { "✗" };
    println!("  ratio {:.2}, goal {GOAL} {mark}", rate / possible);
    let (quiet, loud) = (median(&quiet), median(&loud));
    let mark = if loud < 2.0 * quiet { "✓" } else { "✗" };
    println!(
        "  p99 of point reads at {READS_PER_SECOND} a second: {quiet:.2} ms alone, {loud:.2} ms beside sign-ins {mark}"
    );
    Ok(())
}

async fn p99_of_reads(stage: &Rc<Stage>, span: Span) -> Outcome<f64> {
    let scenario =
        SCENARIOS.iter().find(|scenario| scenario.name == "point").ok_or("no scenario of that name")?;
    let target = (Target::Quoin, stage.quoin.address());
    let mut seen = drive(stage, scenario, target, Pace::PerSecond(READS_PER_SECOND), span).await?;
    Ok(percentile_ms(&mut seen.times, 0.99))
}

/// Signs in on all connections, each as a person of its own, and returns how many succeeded a second.
async fn sign_ins(stage: &Rc<Stage>, length: Duration) -> Outcome<f64> {
    let start = Instant::now();
    let workers: Vec<_> = (0..CONNECTIONS)
        .map(|number| {
            tokio::spawn(sign_in_until(stage.team.address, stage.person(number).email, start + length))
        })
        .collect();
    let mut count = 0;
    for worker in workers {
        count += worker.await??;
    }
    Ok(per(count, start.elapsed().as_secs_f64()))
}

async fn sign_in_until(address: SocketAddr, email: String, end: Instant) -> Outcome<u64> {
    let body = json!({"email": email, "password": PASSWORD});
    let request = Request::new("POST", "/auth/v1/token?grant_type=password").json(&body).bytes();
    let mut connection = Connection::open(address).await?;
    let mut count = 0;
    while Instant::now() < end {
        let answer = connection.send(&request).await?;
        match answer.status {
            200 => count += 1,
            // The pool of hashing threads is bounded and says so; asking again at once is what a closed loop does.
            503 => tokio::time::sleep(Duration::from_millis(5)).await,
            status => return Err(format!("sign-in: {status} {}", answer.json()).into()),
        }
    }
    Ok(count)
}

/// Hashes on every core at once, as the server does, and returns how many hashes a second that makes.
///
/// One hash alone is quicker: cores share caches and memory, of which this hash is made to use much.
fn hashes_per_second() -> Outcome<f64> {
    const EACH: u64 = 60;
    let cores = std::thread::available_parallelism()?.get() as u64;
    let start = Instant::now();
    std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..cores).map(|_| scope.spawn(|| (0..EACH).try_for_each(|_| hash()))).collect();
        threads
            .into_iter()
            .try_for_each(|thread| thread.join().map_err(|_| "a hashing thread died".to_owned())?)
    })?;
    Ok(per(cores * EACH, start.elapsed().as_secs_f64()))
}

fn hash() -> Result<(), String> {
    let mut output = [0; 32];
    let hashed = Argon2::default().hash_password_into(PASSWORD.as_bytes(), b"0123456789abcdef", &mut output);
    hashed.map_err(|error| error.to_string())
}
