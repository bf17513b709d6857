//! Steps around Stripe: its own clients drive the twin; a year and a storm of webhooks find the books in order.

use std::process::Command;

use super::super::server::{Start, free_address, fresh_folder};
use super::super::twin::Twin;
use super::super::{Context, Tally, counterparts};
use super::drive;
use crate::{Outcome, process};

/// Stripe's own client drives the twin, and its helper verifies every webhook.
pub(super) fn stripe_twin_in_node(context: &Context<'_>, tally: &mut Tally) -> Outcome {
    let folder = fresh_folder(&context.workspace.target, "stripe-twin-node")?;
    let server = Start { quoin: &context.quoin, folder: &folder, settings: &[] }.start()?;
    let mut node = Command::new("node");
    node.arg(counterparts::stripe_clients(context.workspace)?.join("drive.mjs"));
    drive(node.args(["--url", &server.url()]), &[&server], tally)
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
    year(context, tally, "year-sqlite", &[])
}

pub(super) fn year_on_postgres(context: &Context<'_>, tally: &mut Tally) -> Outcome {
    let psql = context.postgres.programs().join("psql").display().to_string();
    let around = context.postgres.url("postgres");
    year(context, tally, "year-postgres", &["--psql", &psql, "--template-of", &around])
}

/// Lives a year with organisations that do at random what customers do, and balances the books afterwards.
fn year(context: &Context<'_>, tally: &mut Tally, name: &str, options: &[&str]) -> Outcome {
    let folder = fresh_folder(&context.workspace.target, name)?;
    let address = free_address()?;
    let twin = Twin::start(&context.quoin, &folder.join("stripe-twin"), address)?;
    let settings = [
        ("QUOIN_STRIPE_SECRET_KEY", "sk_test_of_the_year"),
        ("QUOIN_STRIPE_WEBHOOK_SECRET", twin.webhook_secret.as_str()),
        ("QUOIN_STRIPE_API_URL", twin.url.as_str()),
        ("QUOIN_PAYMENTS_RECONCILE_MINUTES", "10080"),
    ];
    let start = Start { quoin: &context.quoin, folder: &folder, settings: &settings };
    let mut driver = process::dies_with_us("python3", "TERM");
    start.give_settings(&mut driver, address);
    driver.arg(context.workspace.root.join("examples/journey/python/year.py"));
    driver.arg("--folder").arg(&folder).args(["--stripe-url", &twin.url]).args(options);
    if context.long {
        driver.args(["--people", "100", "--steps", "40"]);
    }
    driver.args(["--", "setpriv", "--pdeathsig", "KILL", "--"]);
    drive(driver.arg(&context.quoin).arg("serve"), &[], tally)
}
