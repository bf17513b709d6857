//! Builds the server and its baselines for speed, starts what they need and lets the load driver measure.

use crate::test::{Durability, Postgres, Start, build_with, free_address, fresh_folder};
use crate::workspace::Workspace;
use crate::{Outcome, process};

/// With what events are believed that nobody sent. Where they say there is news, nobody answers.
const EVENTS: [(&str, &str); 3] = [
    ("QUOIN_STRIPE_SECRET_KEY", "sk_test_of_the_measurement"),
    ("QUOIN_STRIPE_WEBHOOK_SECRET", "whsec_of_the_measurement"),
    ("QUOIN_STRIPE_API_URL", "http://127.0.0.1:9"),
];

/// What the person asked for.
struct Options {
    engines: Vec<&'static str>,
    /// Handed on to the driver: scenario, rounds, seconds.
    rest: Vec<String>,
}

/// Measures on both engines, or on the one that was asked for.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let options = parse(arguments)?;
    let workspace = Workspace::read()?;
    let release = ["--release"];
    let quoin = build_with("quoin-server", "quoin", &release)?;
    let [load, bare, raw] = [
        build_with("bench", "load", &release)?,
        build_with("bench", "bare", &release)?,
        build_with("bench", "raw", &release)?,
    ];
    if process::find("nginx").is_none() {
        process::apt_install(&["nginx-light"])?;
    }
    for engine in options.engines {
        let folder = fresh_folder(&workspace.target, &format!("bench-{engine}"))?;
        let postgres = match engine {
            "postgres" => Some(Postgres::start(&workspace, Durability::Durable)?),
            _ => None,
        };
        let url = postgres.as_ref().map(|postgres| postgres.create_database("bench")).transpose()?;
        let mut settings = EVENTS.to_vec();
        settings.extend(url.iter().map(|url| ("QUOIN_DATABASE_URL", url.as_str())));
        let start = Start { quoin: &quoin, folder: &folder, settings: &settings };
        let mut driver = process::dies_with_us(&load, "TERM");
        start.give_settings(&mut driver, free_address()?);
        driver.arg("--folder").arg(&folder).arg("--bare").arg(&bare).arg("--raw").arg(&raw);
        if let Some(postgres) = &postgres {
            driver.args(["--postgres", &postgres.id().to_string(), "--bin"]).arg(postgres.programs());
        }
        driver.args(&options.rest).args(["--", "setpriv", "--pdeathsig", "KILL", "--"]);
        process::run(driver.arg(&quoin).arg("serve"))?;
    }
    Ok(())
}

fn parse(arguments: &[String]) -> Outcome<Options> {
    let mut options = Options { engines: vec!["sqlite", "postgres"], rest: Vec::new() };
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--engine" => {
                let wanted = arguments.next().ok_or("--engine sqlite or --engine postgres")?;
                options.engines.retain(|engine| engine == wanted);
            }
            _ => options.rest.push(argument.clone()),
        }
    }
    if options.engines.is_empty() { Err("the engines are sqlite and postgres".into()) } else { Ok(options) }
}
