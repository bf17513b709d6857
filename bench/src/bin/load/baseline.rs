//! The baselines: `bare`, which knows the same JSON, and `raw` or pgbench, which do the same statements.

use std::net::{SocketAddr, TcpListener};
use std::process::Command;
use std::time::Duration;

use bench::Outcome;
use bench::http::Connection;
use bench::server::{ServerCommand, ServerProcess};
use serde_json::{Map, Value, json};

use crate::options::Options;
use crate::scenario::{SCENARIOS, Scenario, Target, Work};
use crate::stage::{CONNECTIONS, Stage};

/// Takes a sample of every answer and starts the baseline with them.
pub(crate) async fn start(options: &Options, stage: &Stage) -> Outcome<ServerProcess> {
    let samples = options.folder.join("samples.json");
    std::fs::write(&samples, samples_of(stage).await?.to_string())?;
    let address = SocketAddr::from(([127, 0, 0, 1], TcpListener::bind("127.0.0.1:0")?.local_addr()?.port()));
    let dies_with_us = ["setpriv", "--pdeathsig", "KILL", "--"].map(str::to_owned);
    let bare = [options.bare.clone(), address.to_string(), samples.display().to_string()];
    let words = [&dies_with_us[..], &bare[..]].concat();
    let command = ServerCommand { words, address };
    let (bare, _) = command.start_ready(&options.folder.join("bare.log"), Duration::from_secs(5)).await?;
    Ok(bare)
}

/// Asks each question once, and makes sure that the answer is what every later one is compared with.
async fn samples_of(stage: &Stage) -> Outcome<Value> {
    let mut samples = Map::new();
    let mut connection = Connection::open(stage.team.address).await?;
    for scenario in SCENARIOS {
        let requests = scenario.requests(stage, Target::Quoin, 0);
        let answer = connection.send(&requests[0]).await?;
        if !scenario.accepts(answer.status, answer.body) {
            return Err(format!("{}: {} {}", scenario.name, answer.status, answer.json()).into());
        }
        samples.insert(scenario.name.to_owned(), json!({"status": answer.status, "body": answer.json()}));
        let mut person = stage.person(0);
        if scenario.following(Target::Quoin, &mut person, answer.body).is_some() {
            stage.remember(0, person);
        }
    }
    Ok(Value::Object(samples))
}

/// Lets the engine alone do the scenario's statements and returns how many it did a second.
pub(crate) fn raw(options: &Options, stage: &Stage, scenario: &Scenario) -> Outcome<f64> {
    if options.database_url.is_some() { pgbench(options, stage, scenario) } else { sqlite(options, scenario) }
}

fn sqlite(options: &Options, scenario: &Scenario) -> Outcome<f64> {
    let mut command = Command::new(&options.raw);
    command.arg(options.folder.join("raw.sqlite")).arg(scenario.name).arg(options.seconds.to_string());
    let output = command.output()?;
    let printed: Value = serde_json::from_slice(&output.stdout)
        .map_err(|_| format!("raw: {}", String::from_utf8_lossy(&output.stderr)))?;
    printed["per_second"].as_f64().ok_or_else(|| "raw printed no figure".into())
}

fn pgbench(options: &Options, stage: &Stage, scenario: &Scenario) -> Outcome<f64> {
    let (person, row) = (stage.person(0), &stage.rows_of(0)[0]);
    let statement = match scenario.work {
        Work::Insert => format!(
            "begin isolation level serializable;
insert into bench_posts (id, org_id, author_id, title, likes, created_at)
  values (gen_random_uuid(), '{org}', '{org}', 'a post', 1, now()) returning *;
commit;",
            org = person.org_id
        ),
        Work::Point => {
            format!("select * from bench_posts where id = '{row}' and org_id = '{}';", person.org_id)
        }
        _ => format!(
            "select * from bench_posts where org_id = '{}' order by created_at desc limit 20;",
            person.org_id
        ),
    };
    let script = options.folder.join(format!("{}.sql", scenario.name));
    std::fs::write(&script, statement)?;
    let mut command = Command::new(options.postgres_programs.join("pgbench"));
    command.args([
        "-n",
        "-M",
        "prepared",
        "-j",
        "2",
        "-c",
        &CONNECTIONS.to_string(),
        "-T",
        &options.seconds.to_string(),
    ]);
    let output = command.arg("-f").arg(script).args(&options.database_url).output()?;
    let printed = String::from_utf8_lossy(&output.stdout);
    let line = printed.lines().find_map(|line| line.strip_prefix("tps = "));
    let figure = line.and_then(|line| line.split(' ').next()?.parse().ok());
    figure.ok_or_else(|| format!("pgbench: {}", String::from_utf8_lossy(&output.stderr)).into())
}
