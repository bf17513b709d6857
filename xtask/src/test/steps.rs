//! The finished program, driven from outside by software that others wrote.

mod crashes;
mod nextauth;
mod stripe;
mod upstream;

use std::process::Command;

use super::server::{PUBLISHABLE_KEY, SECRET_KEY, Server, Start, free_address, fresh_folder};
use super::stores::{self, S3};
use super::twin::Twin;
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
    Step { name: "journey-processes", run: journey_through_processes },
    Step { name: "two-nodes", run: drive_two_nodes },
    Step { name: "equality-sqlite", run: equality_on_sqlite },
    Step { name: "equality-postgres", run: equality_on_postgres },
    Step { name: "providers-sqlite", run: providers_on_sqlite },
    Step { name: "providers-postgres", run: providers_on_postgres },
    Step { name: "upstream-sqlite", run: upstream::on_sqlite },
    Step { name: "upstream-postgres", run: upstream::on_postgres },
    Step { name: "journey-python", run: journey_in_python },
    Step { name: "pages-sqlite", run: pages_on_sqlite },
    Step { name: "pages-postgres", run: pages_on_postgres },
    Step { name: "nextauth", run: nextauth::sign_in_with_nextauth },
    Step { name: "resumable", run: resume_uploads },
    Step { name: "files-commands", run: drive_files_commands },
    Step { name: "stripe-twin-node", run: stripe::stripe_twin_in_node },
    Step { name: "stripe-twin-python", run: stripe::stripe_twin_in_python },
    Step { name: "stripe-twin-commands", run: stripe::stripe_twin_commands },
    Step { name: "crash-sqlite", run: crashes::crash_on_sqlite },
    Step { name: "crash-postgres", run: crashes::crash_on_postgres },
    Step { name: "erase-sqlite", run: crashes::erase_on_sqlite },
    Step { name: "erase-postgres", run: crashes::erase_on_postgres },
    Step { name: "disk-full", run: crashes::fill_the_disk },
    Step { name: "crash-files-disk", run: crashes::crash_files_on_disk },
    Step { name: "crash-files-s3", run: crashes::crash_files_on_s3 },
    Step { name: "storm-sqlite", run: stripe::storm_on_sqlite },
    Step { name: "storm-postgres", run: stripe::storm_on_postgres },
    Step { name: "year-sqlite", run: stripe::year_on_sqlite },
    Step { name: "year-postgres", run: stripe::year_on_postgres },
    Step { name: "purchase-sqlite", run: stripe::purchase_on_sqlite },
    Step { name: "purchase-postgres", run: stripe::purchase_on_postgres },
    Step { name: "stripe-judges", run: stripe::judge_payments },
];

/// The settings with which files are kept at a server for tests.
fn kept_in_s3(endpoint: &str) -> [(&'static str, &str); 5] {
    [
        ("QUOIN_FILES_STORE", "s3"),
        ("QUOIN_FILES_S3_BUCKET", "files"),
        ("QUOIN_FILES_S3_ENDPOINT", endpoint),
        ("QUOIN_FILES_S3_ACCESS_KEY_ID", stores::ACCESS_KEY),
        ("QUOIN_FILES_S3_SECRET_ACCESS_KEY", stores::SECRET_KEY),
    ]
}

/// Several nodes must share one.
const MASTER_KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

fn journey_on_sqlite(context: &Context<'_>, tally: &mut Tally) -> Outcome {
    let folder = fresh_folder(&context.workspace.target, "journey-sqlite")?;
    let server = Start { quoin: &context.quoin, folder: &folder, settings: &[] }.start()?;
    let pictures = folder.join("screenshots");
    let mut node = journey(context, &server)?;
    node.arg("--chromium").arg(counterparts::chromium()?).arg("--screenshots").arg(&pictures);
    drive(&mut node, &[&server], tally)
}

/// The client checks the server's certificate here; other steps go over TCP or the Unix socket. Files are kept in S3.
fn journey_on_postgres(context: &Context<'_>, tally: &mut Tally) -> Outcome {
    let folder = fresh_folder(&context.workspace.target, "journey-postgres")?;
    context.postgres.create_database("journey")?;
    let (url, store) = (context.postgres.tls_url("journey"), S3::start(context.workspace)?);
    let endpoint = store.url();
    let settings = [&[("QUOIN_DATABASE_URL", url.as_str())], &kept_in_s3(&endpoint)[..]].concat();
    let server = Start { quoin: &context.quoin, folder: &folder, settings: &settings }.start()?;
    drive(journey(context, &server)?.args(["--store-url", &endpoint]), &[&server], tally)
}

fn journey_restricted(context: &Context<'_>, tally: &mut Tally) -> Outcome {
    let folder = fresh_folder(&context.workspace.target, "journey-restricted")?;
    let settings = [("QUOIN_IDENTITY_UNVERIFIED", "restricted")];
    let server = Start { quoin: &context.quoin, folder: &folder, settings: &settings }.start()?;
    drive(journey(context, &server)?.arg("--unverified=restricted"), &[&server], tally)
}

/// People, tables and payments in a process each, the last with credentials of its own for a Stripe that is elsewhere.
fn journey_through_processes(context: &Context<'_>, tally: &mut Tally) -> Outcome {
    let folder = fresh_folder(&context.workspace.target, "journey-processes")?;
    let (identity_folder, data_folder) = (folder.join("identity"), folder.join("data"));
    context.postgres.create_database("processes")?;
    let database = context.postgres.socket_url("processes");
    let shared = [("QUOIN_DATABASE_URL", database.as_str()), ("QUOIN_MASTER_KEY", MASTER_KEY)];
    let settings = [&shared[..], &[("QUOIN_ONLY", "identity")]].concat();
    let start = Start { quoin: &context.quoin, folder: &identity_folder, settings: &settings };
    let identity = start.start()?;
    let (id, secret) = service_key(&start)?;
    let url = identity.url();
    let service =
        [("QUOIN_IDENTITY_URL", url.as_str()), ("QUOIN_SERVICE_ID", &id), ("QUOIN_SERVICE_SECRET", &secret)];
    let settings = [&shared[..], &[("QUOIN_ONLY", "data")], &service].concat();
    let data = Start { quoin: &context.quoin, folder: &data_folder, settings: &settings }.start()?;
    let address = free_address()?;
    let twin = Twin::start(&context.quoin, &folder.join("stripe-twin"), address)?;
    let stripe = [
        ("QUOIN_STRIPE_SECRET_KEY", "sk_test_of_the_journey"),
        ("QUOIN_STRIPE_WEBHOOK_SECRET", &twin.webhook_secret),
        ("QUOIN_STRIPE_API_URL", &twin.url),
    ];
    let settings = [&shared[..], &[("QUOIN_ONLY", "payments")], &service, &stripe].concat();
    let payments_folder = folder.join("payments");
    let payments = Start { quoin: &context.quoin, folder: &payments_folder, settings: &settings };
    let payments = payments.start_at(address)?;
    let mut node = journey(context, &identity)?;
    node.args(["--data-url", &data.url(), "--payments-url", &payments.url(), "--stripe-url", &twin.url]);
    node.args(["--stop-identity", &identity.id().to_string()]);
    drive(&mut node, &[&identity, &data, &payments], tally)
}

/// Two whole programs on one database. Their mails go to a server that the driver serves, so that it can count them.
fn drive_two_nodes(context: &Context<'_>, tally: &mut Tally) -> Outcome {
    let folder = fresh_folder(&context.workspace.target, "two-nodes")?;
    let folders = [folder.join("first"), folder.join("second")];
    let database = context.postgres.create_database("two_nodes")?;
    let smtp_port = free_address()?.port().to_string();
    let smtp = format!("smtp://127.0.0.1:{smtp_port}?tls=none");
    let settings = [
        ("QUOIN_DATABASE_URL", database.as_str()),
        ("QUOIN_MASTER_KEY", MASTER_KEY),
        ("QUOIN_PUBLIC_URL", "http://localhost"),
        ("QUOIN_MAIL_SMTP_URL", &smtp),
        ("QUOIN_IDENTITY_MAILS_PER_IP", "1000"),
        ("QUOIN_JOBS_KEEP_DONE_HOURS", "1"),
    ];
    let start = |folder| Start { quoin: &context.quoin, folder, settings: &settings }.start();
    let [first, second] = [start(&folders[0])?, start(&folders[1])?];
    let mut node = Command::new("node");
    node.arg(counterparts::journey(context.workspace)?.join("nodes/two-nodes.mjs")).args(arguments(&first));
    node.args(["--second-url", &second.url(), "--kill-first", &first.id().to_string()]);
    node.args(["--stop-second", &second.id().to_string()]);
    node.args(["--smtp-port", &smtp_port, "--database", &database]);
    node.arg("--psql").arg(context.postgres.programs().join("psql"));
    drive(&mut node, &[&first, &second], tally)
}

fn equality_on_sqlite(context: &Context<'_>, tally: &mut Tally) -> Outcome {
    equality(context, tally, "equality-sqlite", &[])
}

fn equality_on_postgres(context: &Context<'_>, tally: &mut Tally) -> Outcome {
    let url = context.postgres.create_database("equality")?;
    equality(context, tally, "equality-postgres", &[("QUOIN_DATABASE_URL", &url)])
}

/// Measures answers about known and unknown addresses: thousands from one network address, which must not be limited.
fn equality(context: &Context<'_>, tally: &mut Tally, name: &str, settings: &[(&str, &str)]) -> Outcome {
    let folder = fresh_folder(&context.workspace.target, name)?;
    let many = [("QUOIN_IDENTITY_MAILS_PER_IP", "1000000"), ("QUOIN_IDENTITY_FAILURES_PER_IP", "1000000")];
    let settings = [settings, &many].concat();
    let server = Start { quoin: &context.quoin, folder: &folder, settings: &settings }.start()?;
    let mut node = Command::new("node");
    node.arg(counterparts::journey(context.workspace)?.join("equality/equality.mjs"))
        .args(arguments(&server));
    if context.long {
        node.args(["--pairs", "1000", "--each-kind"]);
    }
    drive(&mut node, &[&server], tally)
}

fn providers_on_sqlite(context: &Context<'_>, tally: &mut Tally) -> Outcome {
    providers(context, tally, "providers-sqlite", &[])
}

fn providers_on_postgres(context: &Context<'_>, tally: &mut Tally) -> Outcome {
    let url = context.postgres.create_database("providers")?;
    providers(context, tally, "providers-postgres", &[("QUOIN_DATABASE_URL", &url)])
}

/// A certified OpenID provider and a name server run beside the browser; the server may reach this machine for it.
fn providers(context: &Context<'_>, tally: &mut Tally, name: &str, settings: &[(&str, &str)]) -> Outcome {
    let folder = fresh_folder(&context.workspace.target, name)?;
    let [provider, sso, dns] = [free_address()?, free_address()?, free_address()?];
    let google = free_address()?.port();
    let file = format!(
        "outbound_networks = [\"127.0.0.0/8\"]\n[tenancy]\ndns_servers = [\"{dns}\"]\n[providers.acme]\n\
         issuer = \"http://{provider}\"\nclient_id = \"quoin\"\nemail_domains = [\"*\"]\n[providers.google]\n\
         issuer = \"http://localhost:{google}\"\nclient_id = \"quoin\"\nemail_domains = [\"gmail.com\"]\n"
    );
    std::fs::write(folder.join("quoin.toml"), file)?;
    let secrets = ["QUOIN_PROVIDERS_ACME_CLIENT_SECRET", "QUOIN_PROVIDERS_GOOGLE_CLIENT_SECRET"];
    let settings = [settings, &secrets.map(|name| (name, "a-secret-that-both-sides-know"))].concat();
    let server = Start { quoin: &context.quoin, folder: &folder, settings: &settings }.start()?;
    let mut node = Command::new("node");
    node.arg(counterparts::journey(context.workspace)?.join("providers/providers.mjs"))
        .args(arguments(&server));
    node.arg("--chromium")
        .arg(counterparts::chromium()?)
        .arg("--screenshots")
        .arg(folder.join("screenshots"));
    node.args(["--provider-port", &provider.port().to_string(), "--sso-port", &sso.port().to_string()]);
    node.args(["--google-port", &google.to_string()]).arg("--folder").arg(&folder);
    node.arg("--node").arg(counterparts::newer_node(context.workspace)?);
    drive(node.args(["--dns-port", &dns.port().to_string()]), &[&server], tally)
}

/// Makes the key with which one process asks another about callers, as an operator would. Returns its id and itself.
fn service_key(start: &Start<'_>) -> Outcome<(String, String)> {
    let mut quoin = Command::new(start.quoin);
    start.give_settings(&mut quoin, free_address()?);
    let printed =
        process::output(quoin.args(["keys", "create", "data", "--scopes", "introspect", "--json"]))?;
    let made: serde_json::Value = serde_json::from_str(&printed)?;
    let text =
        |name: &str| made[name].as_str().map(str::to_owned).ok_or_else(|| format!("no {name} in {printed}"));
    Ok((text("id")?, text("key")?))
}

fn journey_in_python(context: &Context<'_>, tally: &mut Tally) -> Outcome {
    let folder = fresh_folder(&context.workspace.target, "journey-python")?;
    let server = Start { quoin: &context.quoin, folder: &folder, settings: &[] }.start()?;
    let mut python = Command::new(counterparts::python(context.workspace)?);
    python.arg(context.workspace.root.join("examples/journey/python/smoke.py"));
    drive(python.args(arguments(&server)), &[&server], tally)
}

fn pages_on_sqlite(context: &Context<'_>, tally: &mut Tally) -> Outcome {
    pages(context, tally, "pages-sqlite", &[])
}

fn pages_on_postgres(context: &Context<'_>, tally: &mut Tally) -> Outcome {
    let database = context.postgres.create_database("pages")?;
    pages(context, tally, "pages-postgres", &[("QUOIN_DATABASE_URL", &database)])
}

/// The pages in a browser. It reaches them by a name, because passkeys belong to one.
fn pages(context: &Context<'_>, tally: &mut Tally, name: &str, settings: &[(&str, &str)]) -> Outcome {
    let folder = fresh_folder(&context.workspace.target, name)?;
    let named = [("QUOIN_PUBLIC_URL", "http://pages.localhost"), ("QUOIN_IDENTITY_MAILS_PER_IP", "1000")];
    let settings: Vec<(&str, &str)> = named.into_iter().chain(settings.iter().copied()).collect();
    let server = Start { quoin: &context.quoin, folder: &folder, settings: &settings }.start()?;
    let mut node = Command::new("node");
    node.arg(counterparts::journey(context.workspace)?.join("pages/pages.mjs")).args(arguments(&server));
    node.arg("--chromium").arg(counterparts::chromium()?);
    node.arg("--screenshots").arg(folder.join("screenshots"));
    drive(&mut node, &[&server], tally)
}

/// Uploads with tus-js-client over a connection that breaks at random points.
fn resume_uploads(context: &Context<'_>, tally: &mut Tally) -> Outcome {
    let folder = fresh_folder(&context.workspace.target, "resumable")?;
    let server = Start { quoin: &context.quoin, folder: &folder, settings: &[] }.start()?;
    let (mebibytes, cuts) = if context.long { ("1024", "100") } else { ("64", "20") };
    let mut node = Command::new("node");
    node.arg(counterparts::journey(context.workspace)?.join("resumable.mjs")).args([
        "--url",
        &server.url(),
        "--secret-key",
        SECRET_KEY,
        "--mebibytes",
        mebibytes,
        "--cuts",
        cuts,
    ]);
    drive(&mut node, &[&server], tally)
}

/// Moves files between stores with the commands, while people use them.
fn drive_files_commands(context: &Context<'_>, tally: &mut Tally) -> Outcome {
    let (folder, store) =
        (fresh_folder(&context.workspace.target, "files-commands")?, S3::start(context.workspace)?);
    let endpoint = store.url();
    let mut settings = kept_in_s3(&endpoint).to_vec();
    // What is new goes to the disk until the settings say otherwise.
    settings.retain(|(name, _)| *name != "QUOIN_FILES_STORE");
    settings.push(("QUOIN_FILES_S3_PREFIX", "kept"));
    let start = Start { quoin: &context.quoin, folder: &folder, settings: &settings };
    let server = start.start()?;
    let mut python = Command::new(counterparts::python(context.workspace)?);
    start.give_settings(&mut python, free_address()?);
    python.arg(context.workspace.root.join("examples/journey/python/files_commands.py"));
    python.args(arguments(&server)).arg("--quoin").arg(&context.quoin);
    drive(&mut python, &[&server], tally)
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
