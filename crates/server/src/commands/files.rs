//! `quoin files`: looking after the stores, a page at a time, so that progress shows and an interruption loses nothing.

use clap::Subcommand;
use http::Method;
use serde_json::{Value, json};

use super::{print, with_door};
use crate::admin_door::{AdminDoor, Refused};
use crate::settings::Settings;

/// What to do with the stores.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Read every object and compare it with what is known of it
    Verify,
    /// Move every object into another store that is configured; may be interrupted and run again
    Copy {
        /// The store's address: s3://bucket/prefix, gs://bucket/prefix, or disk
        #[arg(long, value_name = "ADDRESS")]
        to: String,
    },
    /// Remove what interrupted uploads have left
    Sweep {
        /// Give up uploads that have shown no sign of life for so many seconds
        #[arg(long, value_name = "SECONDS", default_value_t = 900)]
        idle_s: u64,
    },
}

/// What many pages add up to.
#[derive(Default)]
struct Sum {
    objects: u64,
    bytes: u64,
    faults: Vec<Value>,
}

/// Runs the command; fails where something is wrong with an object.
pub(crate) fn run(settings: &Settings, command: &Command, json: bool) -> Result<(), String> {
    let done = with_door(settings, async |door| match command {
        Command::Verify => verify(door, json).await,
        Command::Copy { to } => copy(door, to, json).await,
        Command::Sweep { idle_s } => {
            door.call(Method::POST, "/admin/v1/files/sweep", Some(&json!({"idle_s": idle_s}))).await
        }
    })?;
    print(json, &done, &lines(command, &done));
    match done["faults"].as_array().map_or(0, Vec::len) {
        0 => Ok(()),
        count => Err(format!("{count} objects need attention")),
    }
}

async fn verify(door: &AdminDoor, json: bool) -> Result<Value, Refused> {
    let (mut sum, mut after) = (Sum::default(), Value::Null);
    loop {
        let page = door.call(Method::POST, "/admin/v1/files/verify", Some(&json!({"after": after}))).await?;
        sum.add(&page, "objects", "faults");
        progress(json, sum.objects, page["total_objects"].as_u64().unwrap_or(0));
        after = page["next"].clone();
        if after.is_null() {
            break;
        }
    }
    let unknown = unknown(door).await?;
    Ok(json!({"objects": sum.objects, "bytes": sum.bytes, "faults": sum.faults, "unknown": unknown}))
}

/// Lists the keys of the store in use that no row knows. They are no fault: the daily sweep removes them in time.
async fn unknown(door: &AdminDoor) -> Result<Vec<Value>, Refused> {
    let (mut found, mut after) = (Vec::new(), Value::Null);
    loop {
        let page = door.call(Method::POST, "/admin/v1/files/unknown", Some(&json!({"after": after}))).await?;
        found.extend(page["unknown"].as_array().cloned().unwrap_or_default());
        after = page["next"].clone();
        if after.is_null() {
            return Ok(found);
        }
    }
}

async fn copy(door: &AdminDoor, to: &str, json: bool) -> Result<Value, Refused> {
    let (mut sum, mut after) = (Sum::default(), Value::Null);
    loop {
        let body = json!({"to": to, "after": after});
        let page = door.call(Method::POST, "/admin/v1/files/copy", Some(&body)).await?;
        sum.add(&page, "moved", "failed");
        let left = page["left_objects"].as_u64().unwrap_or(0);
        progress(json, sum.objects, sum.objects + left);
        after = page["next"].clone();
        if after.is_null() {
            let (objects, bytes, faults) = (sum.objects, sum.bytes, sum.faults);
            return Ok(json!({
                "objects": objects, "bytes": bytes, "faults": faults, "left": left, "takes_new": page["takes_new"],
            }));
        }
    }
}

impl Sum {
    fn add(&mut self, page: &Value, objects: &str, faults: &str) {
        self.objects += page[objects].as_u64().unwrap_or(0);
        self.bytes += page["bytes"].as_u64().unwrap_or(0);
        self.faults.extend(page[faults].as_array().cloned().unwrap_or_default());
    }
}

/// Shows how far a command is, where people look.
fn progress(json: bool, done: u64, total: u64) {
    if !json {
        eprintln!("{:3} %  {done} of {total} objects", (done * 100).checked_div(total).unwrap_or(100));
    }
}

fn lines(command: &Command, done: &Value) -> Vec<String> {
    let faults = done["faults"].as_array().map(Vec::as_slice).unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let mut lines: Vec<String> = faults
        .iter()
        .map(|fault| {
            format!(
                "{}  {}  {}  {}",
                text(&fault["fault"]),
                text(&fault["store"]),
                text(&fault["key"]),
                text(&fault["name"])
            )
        })
        .collect();
    let (objects, bytes) = (&done["objects"], &done["bytes"]);
    match command {
        Command::Verify => {
            let unknown = done["unknown"].as_array().map_or(0, Vec::len);
            lines
                .push(format!("{objects} objects, {bytes} bytes verified; {unknown} keys that no row knows"));
        }
        Command::Copy { to } => {
            lines.push(format!(
                "{objects} objects, {bytes} bytes moved to {to} and read back; {} left",
                done["left"]
            ));
            if done["takes_new"] == json!(false) {
                lines.push(
                    "new objects still go elsewhere: set files.store, restart, and run this once more".into(),
                );
            }
        }
        Command::Sweep { .. } => lines.push(format!("{} keys removed", done["removed"])),
    }
    lines
}
