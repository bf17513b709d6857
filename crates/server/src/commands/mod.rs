//! Commands other than `serve`: each asks through the [`AdminDoor`] or works on files.

pub(crate) mod backup;
pub(crate) mod doctor;
pub(crate) mod files;
pub(crate) mod generate;
pub(crate) mod keys;
pub(crate) mod migrations;
pub(crate) mod orgs;
pub(crate) mod payments;
pub(crate) mod restore;
pub(crate) mod stripe_twin;
pub(crate) mod users;
pub(crate) mod webhooks;

use serde_json::Value;

use crate::admin_door::{AdminDoor, Refused};
use crate::settings::Settings;

/// Runs `ask` with an open door, on a runtime of its own.
fn with_door<F>(settings: &Settings, ask: F) -> Result<Value, String>
where
    F: AsyncFnOnce(&AdminDoor) -> Result<Value, Refused>,
{
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let door = AdminDoor::open(settings).await.map_err(|error| error.to_string())?;
        let answer = ask(&door).await.map_err(|error| error.to_string());
        door.close();
        answer
    })
}

/// Prints a command's result: JSON for programs, else lines for people.
fn print(json: bool, value: &Value, lines: &[String]) {
    if json {
        println!("{value}");
        return;
    }
    for line in lines {
        println!("{line}");
    }
}
