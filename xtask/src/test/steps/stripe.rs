//! Steps around Stripe: its own clients drive the twin; a year and a storm of webhooks find the books in order.

use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::super::server::{Start, free_address, fresh_folder};
use super::super::twin::Twin;
use super::super::{Context, Tally, counterparts};
use super::drive;
use crate::process::Running;
use crate::{Outcome, process};

/// Stripe's own client drives the twin, and its helper verifies every webhook; then the compiler judges every call and answer by
/// the types of that client.
pub(super) fn stripe_twin_in_node(context: &Context<'_>, tally: &mut Tally) -> Outcome {
    let folder = fresh_folder(&context.workspace.target, "stripe-twin-node")?;
    let server = Start { quoin: &context.quoin, folder: &folder, settings: &[] }.start()?;
    let (clients, calls) = (counterparts::stripe_clients(context.workspace)?, folder.join("calls.jsonl"));
    let proxy = Proxy::start(&clients, &server.url(), &calls)?;
    let mut node = Command::new("node");
    drive(node.arg(clients.join("drive.mjs")).args(["--url", &proxy.url]), &[&server], tally)?;
    judge_types(context, &clients, &folder, tally)
}

/// Judges the calls that were written down in a folder, and the recorded year.
fn judge_types(context: &Context<'_>, clients: &Path, folder: &Path, tally: &mut Tally) -> Outcome {
    let mut node = Command::new("node");
    node.arg(clients.join("judges/types.mjs")).arg("--calls").arg(folder.join("calls.jsonl"));
    node.arg("--year").arg(context.workspace.root.join("crates/payments/src/tests/recorded/year.json"));
    drive(node.arg("--folder").arg(folder.join("judged")), &[], tally)
}

/// What the payments room sends to Stripe in a year, and what comes back: judged by the types of Stripe's package and by Stripe's
/// own description of its API. That is 400 MB to install, so only in the long form.
pub(super) fn judge_payments(context: &Context<'_>, tally: &mut Tally) -> Outcome {
    let folder = fresh_folder(&context.workspace.target, "stripe-judges")?;
    let (clients, calls) = (counterparts::stripe_clients(context.workspace)?, folder.join("calls.jsonl"));
    let address = free_address()?;
    let twin = Twin::start(&context.quoin, &folder.join("stripe-twin"), address)?;
    let proxy = Proxy::start(&clients, &twin.url, &calls)?;
    let people = if context.long { "20" } else { "4" };
    let around = Around { folder: &folder, address, twin: &twin, api_url: &proxy.url };
    around.drive(context, tally, "year.py", &["--people", people, "--steps", "8"])?;
    judge_types(context, &clients, &folder, tally)?;
    if !context.long {
        return Ok(());
    }
    let description = counterparts::stripe_description(context.workspace)?;
    let mut node = Command::new("node");
    node.arg(clients.join("judges/openapi.mjs")).arg("--calls").arg(&calls);
    drive(node.arg("--description").arg(description), &[], tally)?;
    tell_others(context, &clients, &twin, tally)
}

/// Tells the stories that other imitations of Stripe can tell as well to all of them: they must end alike.
fn tell_others(context: &Context<'_>, clients: &Path, twin: &Twin, tally: &mut Tally) -> Outcome {
    let (python, newer_node) = counterparts::localstripe(context.workspace)?;
    let [older, other] = [free_address()?, free_address()?].map(|address| address.port().to_string());
    let mut localstripe = process::dies_with_us(python, "KILL");
    localstripe.arg(context.workspace.root.join("xtask/counterparts/serve_localstripe.py")).arg(&older);
    let mut emulate = process::dies_with_us(newer_node, "KILL");
    emulate.arg(counterparts::emulate(context.workspace)?).args(["start", "-s", "stripe", "-p", &other]);
    let _running = [start_quietly(&mut localstripe, &older)?, start_quietly(&mut emulate, &other)?];
    let url = |port: &str| format!("http://127.0.0.1:{port}");
    let mut node = Command::new("node");
    node.arg(clients.join("judges/overlap.mjs")).args(["--twin", &twin.url]);
    drive(node.args(["--localstripe", &url(&older), "--emulate", &url(&other)]), &[], tally)
}

/// Starts a program and waits until it listens.
fn start_quietly(command: &mut Command, port: &str) -> Outcome<Running> {
    let process = Running::start(command.stdout(Stdio::null()).stderr(Stdio::null()))?;
    let deadline = Instant::now() + Duration::from_secs(20);
    while TcpStream::connect(("127.0.0.1", port.parse()?)).is_err() {
        if Instant::now() > deadline {
            return Err(format!("{} does not listen", process::shown(command)).into());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(process)
}

pub(super) fn stripe_twin_in_python(context: &Context<'_>, tally: &mut Tally) -> Outcome {
    let folder = fresh_folder(&context.workspace.target, "stripe-twin-python")?;
    let server = Start { quoin: &context.quoin, folder: &folder, settings: &[] }.start()?;
    let mut python = Command::new(counterparts::stripe_python(context.workspace)?);
    python.arg(context.workspace.root.join("examples/stripe-twin/python/drive.py"));
    drive(python.args(["--url", &server.url()]), &[&server], tally)
}

/// The twin alone, its levers, and events kept and sent again: the commands as people type them.
pub(super) fn stripe_twin_commands(context: &Context<'_>, tally: &mut Tally) -> Outcome {
    let folder = fresh_folder(&context.workspace.target, "stripe-twin-commands")?;
    let mut node = process::dies_with_us("node", "TERM");
    node.arg(counterparts::stripe_clients(context.workspace)?.join("commands.mjs"));
    drive(node.arg("--quoin").arg(&context.quoin).arg("--folder").arg(&folder), &[], tally)
}

pub(super) fn storm_on_sqlite(context: &Context<'_>, tally: &mut Tally) -> Outcome {
    storm(context, tally, "storm-sqlite", &[])
}

pub(super) fn storm_on_postgres(context: &Context<'_>, tally: &mut Tally) -> Outcome {
    let psql = context.postgres.programs().join("psql").display().to_string();
    let around = context.postgres.url("postgres");
    storm(context, tally, "storm-postgres", &["--psql", &psql, "--template-of", &around])
}

/// Delivers a history of webhooks shuffled, repeated, at once and through kills, and compares the books with those of the
/// same history in its order, and with Stripe's.
fn storm(context: &Context<'_>, tally: &mut Tally, name: &str, options: &[&str]) -> Outcome {
    let folder = fresh_folder(&context.workspace.target, name)?;
    // Nobody listens where the twin delivers to: the driver delivers by itself.
    let twin = Twin::start(&context.quoin, &folder.join("stripe-twin"), free_address()?)?;
    let settings = [
        ("QUOIN_STRIPE_SECRET_KEY", "sk_test_of_the_storm"),
        ("QUOIN_STRIPE_WEBHOOK_SECRET", twin.webhook_secret.as_str()),
        ("QUOIN_STRIPE_API_URL", twin.url.as_str()),
        ("QUOIN_PAYMENTS_RECONCILE_MINUTES", "10080"),
    ];
    let start = Start { quoin: &context.quoin, folder: &folder, settings: &settings };
    let mut driver = process::dies_with_us("python3", "TERM");
    start.give_settings(&mut driver, free_address()?);
    driver.arg(context.workspace.root.join("examples/journey/python/storm.py"));
    driver.arg("--folder").arg(&folder).args(["--stripe-url", &twin.url]);
    driver.args(["--webhook-secret", &twin.webhook_secret]).args(options);
    if context.long {
        driver.args(["--people", "100", "--webhooks", "10000", "--seeds", "20"]);
    }
    driver.args(["--", "setpriv", "--pdeathsig", "KILL", "--"]);
    drive(driver.arg(&context.quoin).arg("serve"), &[], tally)
}

pub(super) fn year_on_sqlite(context: &Context<'_>, tally: &mut Tally) -> Outcome {
    beside_twin(context, tally, ("year-sqlite", "year.py"), &year_options(context))
}

pub(super) fn year_on_postgres(context: &Context<'_>, tally: &mut Tally) -> Outcome {
    let (psql, around) = postgres(context);
    let options = [&["--psql", &psql, "--template-of", &around], &year_options(context)[..]].concat();
    beside_twin(context, tally, ("year-postgres", "year.py"), &options)
}

/// A year with organisations that do at random what customers do; the books are balanced afterwards.
fn year_options(context: &Context<'_>) -> Vec<&'static str> {
    if context.long {
        vec!["--people", "100", "--steps", "40"]
    } else {
        vec!["--people", "10", "--steps", "16"]
    }
}

pub(super) fn purchase_on_sqlite(context: &Context<'_>, tally: &mut Tally) -> Outcome {
    beside_twin(context, tally, ("purchase-sqlite", "purchase.py"), &purchase_options(context))
}

pub(super) fn purchase_on_postgres(context: &Context<'_>, tally: &mut Tally) -> Outcome {
    let (psql, around) = postgres(context);
    let options = [&["--psql", &psql, "--template-of", &around], &purchase_options(context)[..]].concat();
    beside_twin(context, tally, ("purchase-postgres", "purchase.py"), &options)
}

/// A provider that keeps silent for longer than any request may take, or for a little.
fn purchase_options(context: &Context<'_>) -> Vec<&'static str> {
    vec!["--hang-s", if context.long { "120" } else { "1" }]
}

fn postgres(context: &Context<'_>) -> (String, String) {
    let psql = context.postgres.programs().join("psql").display().to_string();
    (psql, context.postgres.url("postgres"))
}

/// Starts a twin that tells a server of its events, and has a driver start that server, several times if it likes.
fn beside_twin(
    context: &Context<'_>,
    tally: &mut Tally,
    (name, driver): (&str, &str),
    options: &[&str],
) -> Outcome {
    let folder = fresh_folder(&context.workspace.target, name)?;
    let address = free_address()?;
    let twin = Twin::start(&context.quoin, &folder.join("stripe-twin"), address)?;
    let around = Around { folder: &folder, address, twin: &twin, api_url: &twin.url };
    around.drive(context, tally, driver, options)
}

/// Where a driver's server is, and the Stripe it sells through.
struct Around<'a> {
    folder: &'a Path,
    address: SocketAddr,
    twin: &'a Twin,
    /// Where the server believes Stripe to be.
    api_url: &'a str,
}

impl Around<'_> {
    fn drive(&self, context: &Context<'_>, tally: &mut Tally, driver: &str, options: &[&str]) -> Outcome {
        let settings = [
            ("QUOIN_STRIPE_SECRET_KEY", "sk_test_of_a_driver"),
            ("QUOIN_STRIPE_WEBHOOK_SECRET", self.twin.webhook_secret.as_str()),
            ("QUOIN_STRIPE_API_URL", self.api_url),
            ("QUOIN_PAYMENTS_RECONCILE_MINUTES", "10080"),
        ];
        let start = Start { quoin: &context.quoin, folder: self.folder, settings: &settings };
        let mut python = process::dies_with_us("python3", "TERM");
        start.give_settings(&mut python, self.address);
        python.arg(context.workspace.root.join("examples/journey/python").join(driver));
        python.arg("--folder").arg(self.folder).args(["--stripe-url", &self.twin.url]).args(options);
        python.args(["--", "setpriv", "--pdeathsig", "KILL", "--"]);
        drive(python.arg(&context.quoin).arg("serve"), &[], tally)
    }
}

/// What writes down the calls between a client and a Stripe.
struct Proxy {
    url: String,
    _process: Running,
}

impl Proxy {
    fn start(clients: &Path, to: &str, calls: &Path) -> Outcome<Self> {
        let port = free_address()?.port().to_string();
        let url = format!("http://127.0.0.1:{port}");
        let mut node = process::dies_with_us("node", "KILL");
        node.arg(clients.join("judges/proxy.mjs")).args(["--to", to, "--port", &port, "--out"]).arg(calls);
        Ok(Self { url, _process: start_quietly(&mut node, &port)? })
    }
}
