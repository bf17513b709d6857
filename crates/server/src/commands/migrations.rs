//! `quoin migrate`: the system's schema, then the users' own files.

use http::Method;
use serde_json::{Value, json};

use super::{print, with_door};
use crate::settings::Settings;
use crate::user_migrations;

/// Runs the command. Where no server runs, opening the instance applies everything already, and the answers say so.
pub(crate) fn run(settings: &Settings, json: bool) -> Result<(), String> {
    let files = user_migrations::read(&settings.migrations_dir)?;
    let applied = with_door(settings, async |door| {
        let mut answers = Vec::new();
        for file in &files {
            let body = json!({"name": file.name, "sql": file.sql});
            answers.push(door.call(Method::POST, "/admin/v1/migrations", Some(&body)).await?);
            if !json {
                println!("{}", file.name);
            }
        }
        Ok(Value::from(answers))
    })?;
    let line = format!("{} files of your own are applied; the system's schema is current", files.len());
    print(json, &applied, &[line]);
    Ok(())
}
