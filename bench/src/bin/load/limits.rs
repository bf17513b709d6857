//! What an enforced limit costs: the same inserts at two servers in turn, one of which sells a plan that limits rows.

use std::net::{SocketAddr, TcpListener};
use std::process::Command;
use std::rc::Rc;
use std::time::Duration;

use bench::Outcome;
use bench::figures::{median, per, range};
use bench::http::{Request, once};
use bench::server::{ServerCommand, usage};
use serde_json::json;

use crate::drive::{Pace, Span, drive};
use crate::options::Options;
use crate::scenario::{SCENARIOS, Scenario, Target};
use crate::stage::{CONNECTIONS, Stage};

/// How much slower inserts may be.
const GOAL: f64 = 0.05;
const WARM_UP: Duration = Duration::from_secs(1);
const PLAN: &str = "bounded";
const DATABASE: &str = "bench_limits";

/// What one server did in every round.
#[derive(Default)]
struct Seen {
    per_second: Vec<f64>,
    processor_us: Vec<f64>,
    answers: u64,
}

/// Measures both, and makes sure that every row was counted.
pub(crate) async fn measure(options: &Options, plain: &Rc<Stage>) -> Outcome {
    let scenario = SCENARIOS.iter().find(|scenario| scenario.name == "insert").ok_or("no inserts")?;
    let limited = Rc::new(Stage::set_on(options, &second_server(options)?).await?);
    bound(&limited).await?;
    let before = limited.count_rows().await?;
    let (mut without, mut with) = (Seen::default(), Seen::default());
    for round in 0..options.rounds.max(3) {
        // Whoever begins meets another mood of the machine.
        if round % 2 == 0 {
            insert(options, plain, scenario, &mut without).await?;
        }
        insert(options, &limited, scenario, &mut with).await?;
        if round % 2 == 1 {
            insert(options, plain, scenario, &mut without).await?;
        }
    }
    let (rows, used) = (limited.count_rows().await?, used(&limited).await?);
    print(&without, &with);
    println!("  {rows} rows, of which {} were inserted under the limit; {used} are counted", with.answers);
    if rows != before + with.answers || used != with.answers {
        return Err("what is counted is not what was inserted".into());
    }
    Ok(())
}

/// Says how to start a server beside the first one, with a folder and a database of its own.
fn second_server(options: &Options) -> Outcome<ServerCommand> {
    let address = SocketAddr::from(([127, 0, 0, 1], TcpListener::bind("127.0.0.1:0")?.local_addr()?.port()));
    let data = options.folder.join("limited").display().to_string();
    let mut words =
        vec!["env".to_owned(), format!("QUOIN_LISTEN={address}"), format!("QUOIN_DATA_DIR={data}")];
    if let Some(url) = &options.database_url {
        let mut psql = Command::new(options.postgres_programs.join("psql"));
        let made = psql.args([url, "-qc", &format!("create database {DATABASE}")]).status()?;
        if !made.success() {
            return Err(format!("the database {DATABASE} cannot be made").into());
        }
        words.push(format!("QUOIN_DATABASE_URL={}", url.replace("/bench", &format!("/{DATABASE}"))));
    }
    words.extend(options.command.words.iter().cloned());
    Ok(ServerCommand { words, address })
}

/// Sells a plan that limits rows to everybody.
async fn bound(stage: &Stage) -> Outcome {
    let plan = json!({"id": PLAN, "name": "Bounded", "entitlements": {"rows": {"limit": 1_000_000_000_i64}}});
    stage.team.ask("POST", "/payments/v1/plans", &plan).await?;
    for connection in 0..CONNECTIONS {
        let grant = json!({"plan": PLAN, "org_id": stage.person(connection).org_id});
        stage.team.ask("POST", "/payments/v1/grants", &grant).await?;
    }
    Ok(())
}

/// Sums what is counted of everybody.
async fn used(stage: &Stage) -> Outcome<u64> {
    let mut sum = 0;
    for connection in 0..CONNECTIONS {
        let ask =
            Request::new("GET", "/payments/v1/entitlements").bearer(&stage.person(connection).access_token);
        let (status, answer) = once(stage.team.address, &ask).await?;
        let used = answer["entitlements"]["rows"]["used"].as_u64();
        sum += used.ok_or_else(|| format!("entitlements: {status} {answer}"))?;
    }
    Ok(sum)
}

async fn insert(
    options: &Options,
    stage: &Rc<Stage>,
    scenario: &'static Scenario,
    seen: &mut Seen,
) -> Outcome {
    let length = Duration::from_secs(options.seconds);
    let who = (Target::Quoin, stage.quoin.address());
    let warm = drive(stage, scenario, who, Pace::Closed, Span::after(Duration::ZERO, WARM_UP)).await?;
    let before = usage(stage.quoin.id())?.processor;
    let measured = drive(stage, scenario, who, Pace::Closed, Span::after(Duration::ZERO, length)).await?;
    let used = usage(stage.quoin.id())?.processor.saturating_sub(before);
    seen.per_second.push(per(measured.answers, length.as_secs_f64()));
    seen.processor_us.push(used.as_secs_f64() * 1e6 / per(measured.answers.max(1), 1.0));
    seen.answers += warm.answers + measured.answers;
    Ok(())
}

fn print(without: &Seen, with: &Seen) {
    println!("\n1 limits: the inserts of scenario 1, with and without a limit on rows, in turn");
    println!("             requests/s  (range)              CPU µs");
    for (name, seen) in [("no limit", without), ("limit", with)] {
        let (low, high) = range(&seen.per_second);
        println!(
            "  {name:8} {:>12.0}  {:<18}  {:>6.1}",
            median(&seen.per_second),
            format!("({low:.0}–{high:.0})"),
            median(&seen.processor_us)
        );
    }
    let cost = 1.0 - median(&with.per_second) / median(&without.per_second);
    let mark = if cost <= GOAL { "✓" } else { "✗" };
    println!(
        "  an enforced limit costs {:.1} % of the rate, goal {:.0} % {mark}",
        cost * 100.0,
        GOAL * 100.0
    );
}
