//! `quoin migrate`: the system's schema, then the users' own files.

use std::path::Path;

use http::Method;
use serde_json::{Value, json};

use super::{print, with_door};
use crate::settings::Settings;

/// One file of the users' migrations.
#[derive(Debug, Clone)]
pub(crate) struct File {
    /// Its name without the ending.
    pub(crate) name: String,
    /// Its text.
    pub(crate) sql: String,
}

/// Runs the command. Opening the instance applies the system's schema.
pub(crate) fn run(settings: &Settings, json: bool) -> Result<(), String> {
    let files = read(&settings.migrations_dir)?;
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
    print(
        json,
        &applied,
        &[format!("{} files of your own are applied; the system's schema is current", files.len())],
    );
    Ok(())
}

/// Reads the `.sql` files of a directory in the order of their names; a missing directory has none.
pub(crate) fn read(directory: &Path) -> Result<Vec<File>, String> {
    let failed = |error: std::io::Error| format!("{}: {error}", directory.display());
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(failed)?.path();
        let name = path.file_stem().and_then(|name| name.to_str()).map(str::to_owned);
        let (Some(name), true) = (name, path.extension().is_some_and(|ending| ending == "sql")) else {
            continue;
        };
        let sql = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        files.push(File { name, sql });
    }
    files.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(files)
}
