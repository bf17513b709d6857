//! `quoin payments`: comparing with the provider, and plans from a file.

use std::path::PathBuf;

use clap::Subcommand;
use http::Method;
use serde_json::{Value, json};

use super::{print, with_door};
use crate::admin_door::{AdminDoor, Refused};
use crate::settings::Settings;

/// What to do about payments.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Compare every plan and subscription with the provider, repair, and say what differed
    Reconcile,
    /// Bring plans in line with a file
    Plans {
        /// The file
        #[arg(default_value = "plans.toml")]
        file: PathBuf,
        /// Overwrite what was changed elsewhere
        #[arg(long)]
        force: bool,
        /// Only say what differs
        #[arg(long)]
        dry_run: bool,
    },
}

/// Runs the command.
pub(crate) fn run(settings: &Settings, command: Command, json: bool) -> Result<(), String> {
    match command {
        Command::Reconcile => {
            let report = with_door(settings, reconcile)?;
            print(json, &report, &reconciled(&report));
        }
        Command::Plans { file, force, dry_run } => {
            let toml =
                std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
            let body = json!({"toml": toml, "force": force, "dry_run": dry_run});
            let report = with_door(settings, async |door| {
                door.call(Method::POST, "/payments/v1/plans/sync", Some(&body)).await
            })?;
            print(json, &report, &synced(&report));
        }
    }
    Ok(())
}

/// Compares piece by piece, shows how far that has come, and returns all of it as one report.
async fn reconcile(door: &AdminDoor) -> Result<Value, Refused> {
    let mut whole = json!({"checked": 0, "repaired": [], "failed": []});
    loop {
        let piece = door.call(Method::POST, "/payments/v1/reconcile?seconds=5", None).await?;
        let checked = whole["checked"].as_u64().unwrap_or(0) + piece["checked"].as_u64().unwrap_or(0);
        whole["checked"] = checked.into();
        for name in ["repaired", "failed"] {
            let more = piece[name].as_array().cloned().unwrap_or_default();
            if let Some(rows) = whole[name].as_array_mut() {
                rows.extend(more);
            }
        }
        if piece["complete"] == true {
            whole["complete"] = true.into();
            return Ok(whole);
        }
        eprintln!("compared {checked}, now at {}", text(&piece["at"]));
    }
}

fn reconciled(report: &Value) -> Vec<String> {
    let rows = |name: &str| report[name].as_array().cloned().unwrap_or_default();
    let mut lines = vec![format!("compared {}", report["checked"])];
    for repair in rows("repaired") {
        let fields: Vec<&String> =
            repair["changes"].as_object().into_iter().flat_map(|map| map.keys()).collect();
        lines.push(format!(
            "repaired {} {}: {fields:?} ({})",
            text(&repair["kind"]),
            text(&repair["id"]),
            text(&repair["why"])
        ));
    }
    lines.extend(rows("failed").iter().map(|failure| format!("failed {}", text(failure))));
    lines
}

fn synced(report: &Value) -> Vec<String> {
    let rows = |name: &str| report[name].as_array().cloned().unwrap_or_default();
    let made = rows("made").into_iter().map(|plan| format!("made {}", text(&plan)));
    let changed = rows("changed").into_iter().map(|plan| format!("changed {}", text(&plan)));
    let drift = rows("drift").into_iter().map(|one| {
        format!(
            "{} {} {} (by {})",
            text(&one["state"]),
            text(&one["plan"]),
            one["fields"],
            text(&one["source"])
        )
    });
    made.chain(changed).chain(drift).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("-")
}
