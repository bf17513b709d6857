//! Providers that keep people in place of the program: one suite for all, driven by the real client library.

use std::process::Command;

use crate::Outcome;
use crate::process;
use crate::test::server::{PUBLISHABLE_KEY, SECRET_KEY, fresh_folder};
use crate::test::{Context, Tally, counterparts};

pub(super) fn on_sqlite(context: &Context<'_>, tally: &mut Tally) -> Outcome {
    super::drive(&mut driver(context, "upstream-sqlite")?, &[], tally)
}

/// Each counterpart keeps people for a server of its own, and each server has a database of its own.
pub(super) fn on_postgres(context: &Context<'_>, tally: &mut Tally) -> Outcome {
    for name in ["keycloak", "cognito_local", "moto", "auth0"] {
        context.postgres.create_database(&format!("upstream_{name}"))?;
    }
    let mut node = driver(context, "upstream-postgres")?;
    super::drive(node.arg("--database-url").arg(context.postgres.url("upstream")), &[], tally)
}

/// The driver starts the counterparts and the servers itself: a pool's id is known only once it is made.
fn driver(context: &Context<'_>, name: &str) -> Outcome<Command> {
    let folder = fresh_folder(&context.workspace.target, name)?;
    let mut node = process::dies_with_us("node", "KILL");
    node.arg(counterparts::upstream(context.workspace)?.join("upstream.mjs"));
    node.arg("--quoin").arg(&context.quoin).arg("--folder").arg(&folder);
    node.args(["--publishable-key", PUBLISHABLE_KEY, "--secret-key", SECRET_KEY]);
    node.arg("--python").arg(counterparts::cognito_python(context.workspace)?);
    if context.long {
        node.arg("--long");
    }
    Ok(node)
}
