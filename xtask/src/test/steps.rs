//! The finished program, driven from outside by software that others wrote.

use std::process::Command;

use super::server::{PUBLISHABLE_KEY, SECRET_KEY, Server, Start, free_address, fresh_folder};
use super::{Context, Tally, counterparts};
use crate::{Outcome, process};

/// One thing to drive the program through.
pub(super) struct Step {
    pub(super) name: &'static str,
    pub(super) run: fn(&Context<'_>, &mut Tally) -> Outcome,
}

/// All of them, in the order they run.
pub(super) const STEPS: &[Step] = &[
    Step { name: "journey-sqlite", run: journey_on_sqlite },
    Step { name: "journey-postgres", run: journey_on_postgres },
    Step { name: "journey-restricted", run: journey_restricted },
    Step { name: "journey-two-processes", run: journey_through_two_processes },
    Step { name: "journey-python", run: journey_in_python },
    Step { name: "crash-sqlite", run: crash_on_sqlite },
    Step { name: "crash-postgres", run: crash_on_postgres },
];

/// The credentials with which the data process asks the identity process about callers.
const SERVICE: [(&str, &str); 2] =
    [("QUOIN_SERVICE_ID", "data"), ("QUOIN_SERVICE_SECRET", "0123456789abcdef0123456789abcdef")];

/// Any 32 bytes, in Base64; several nodes must share one.
const MASTER_KEY: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

fn journey_on_sqlite(context: &Context<'_>, tally: &mut Tally) -> Outcome {
    let folder = fresh_folder(&context.workspace.target, "journey-sqlite")?;
    let server = Start { quoin: &context.quoin, folder: &folder, settings: &[] }.start()?;
    let pictures = folder.join("screenshots");
    let mut node = journey(context, &server)?;
    node.arg("--chromium").arg(counterparts::chromium()?).arg("--screenshots").arg(&pictures);
    drive(&mut node, &[&server], tally)
}

/// The client checks the server's certificate here; other steps go over TCP or the Unix socket.
fn journey_on_postgres(context: &Context<'_>, tally: &mut Tally) -> Outcome {
    let folder = fresh_folder(&context.workspace.target, "journey-postgres")?;
    context.postgres.create_database("journey")?;
    let url = context.postgres.tls_url("journey");
    let settings = [("QUOIN_DATABASE_URL", url.as_str())];
    let server = Start { quoin: &context.quoin, folder: &folder, settings: &settings }.start()?;
    drive(&mut journey(context, &server)?, &[&server], tally)
}

fn journey_restricted(context: &Context<'_>, tally: &mut Tally) -> Outcome {
    let folder = fresh_folder(&context.workspace.target, "journey-restricted")?;
    let settings = [("QUOIN_IDENTITY_UNVERIFIED", "restricted")];
    let server = Start { quoin: &context.quoin, folder: &folder, settings: &settings }.start()?;
    drive(journey(context, &server)?.arg("--unverified=restricted"), &[&server], tally)
}

fn journey_through_two_processes(context: &Context<'_>, tally: &mut Tally) -> Outcome {
    let folder = fresh_folder(&context.workspace.target, "journey-two-processes")?;
    context.postgres.create_database("two_processes")?;
    let database = context.postgres.socket_url("two_processes");
    let shared = [("QUOIN_DATABASE_URL", database.as_str()), ("QUOIN_MASTER_KEY", MASTER_KEY)];
    let shared: Vec<(&str, &str)> = shared.into_iter().chain(SERVICE).collect();
    let only_identity = [shared.clone(), vec![("QUOIN_ONLY", "identity")]].concat();
    let identity =
        Start { quoin: &context.quoin, folder: &folder.join("identity"), settings: &only_identity }
            .start()?;
    let url = identity.url();
    let only_data = [shared, vec![("QUOIN_ONLY", "data"), ("QUOIN_IDENTITY_URL", url.as_str())]].concat();
    let data = Start { quoin: &context.quoin, folder: &folder.join("data"), settings: &only_data }.start()?;
    let mut node = journey(context, &identity)?;
    node.args(["--data-url", &data.url(), "--stop-identity", &identity.id().to_string()]);
    drive(&mut node, &[&identity, &data], tally)
}

fn journey_in_python(context: &Context<'_>, tally: &mut Tally) -> Outcome {
    let folder = fresh_folder(&context.workspace.target, "journey-python")?;
    let server = Start { quoin: &context.quoin, folder: &folder, settings: &[] }.start()?;
    let mut python = Command::new(counterparts::python(context.workspace)?);
    python.arg(context.workspace.root.join("examples/journey/python/smoke.py"));
    drive(python.args(arguments(&server)), &[&server], tally)
}

fn crash_on_sqlite(context: &Context<'_>, tally: &mut Tally) -> Outcome {
    crash(context, tally, "crash-sqlite", &[])
}

fn crash_on_postgres(context: &Context<'_>, tally: &mut Tally) -> Outcome {
    let url = context.postgres.create_database("crash")?;
    crash(context, tally, "crash-postgres", &[("QUOIN_DATABASE_URL", &url)])
}

/// The driver starts the server itself, with the settings it inherits. Sign-ups come from many addresses, so the
/// driver counts as a proxy.
fn crash(context: &Context<'_>, tally: &mut Tally, name: &str, settings: &[(&str, &str)]) -> Outcome {
    let folder = fresh_folder(&context.workspace.target, name)?;
    let settings = [settings, &[("QUOIN_TRUSTED_PROXIES", "1")]].concat();
    let start = Start { quoin: &context.quoin, folder: &folder, settings: &settings };
    let rounds = if context.long { "50" } else { "5" };
    let mut driver = process::dies_with_us(&context.crash, "TERM");
    start.give_settings(&mut driver, free_address()?);
    driver.arg("--folder").arg(&folder).args([
        "--rounds",
        rounds,
        "--",
        "setpriv",
        "--pdeathsig",
        "KILL",
        "--",
    ]);
    drive(driver.arg(&context.quoin).arg("serve"), &[], tally)
}

/// Runs a driver, counts its summary line, and shows the servers' logs where something failed.
fn drive(driver: &mut Command, servers: &[&Server], tally: &mut Tally) -> Outcome {
    let (total, failed) = (tally.total(), tally.failed());
    let succeeded = process::lines(driver, |line| tally.read_driver(line))?;
    let silent = tally.total() == total;
    let failed = tally.failed() > failed;
    if !succeeded || failed || silent {
        for server in servers {
            println!(
                "… the end of the log of {}
{}",
                server.url(),
                server.last_words()
            );
        }
    }
    if silent || !succeeded && !failed { Err("the driver ended without a summary".into()) } else { Ok(()) }
}

fn journey(context: &Context<'_>, server: &Server) -> Outcome<Command> {
    let folder = counterparts::journey(context.workspace)?;
    let mut node = Command::new("node");
    node.arg(folder.join("journey.mjs")).args(arguments(server));
    Ok(node)
}

fn arguments(server: &Server) -> [String; 6] {
    let [url, publishable, secret] = [server.url(), PUBLISHABLE_KEY.into(), SECRET_KEY.into()];
    ["--url".into(), url, "--publishable-key".into(), publishable, "--secret-key".into(), secret]
}
