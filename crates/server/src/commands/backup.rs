//! `quoin backup`: copies the SQLite database while it is in use. The master key is never part of it.

use std::path::{Path, PathBuf};

use quoin_db::copy_while_running;
use serde_json::json;

use super::print;
use super::restore::{remove, sync_folder_of};
use crate::boot::DATABASE_FILE;
use crate::data_dir::write_private;
use crate::settings::Settings;

/// Where to.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The file to write; it must not exist yet
    to: PathBuf,
}

/// Runs the command.
pub(crate) fn run(settings: &Settings, arguments: &Arguments, json: bool) -> Result<(), String> {
    if settings.database_url.is_some() {
        return Err("this instance keeps its data in PostgreSQL; back it up with pg_dump or your provider's snapshots".into());
    }
    let from = settings.data_dir.join(DATABASE_FILE);
    if !from.exists() {
        return Err(format!("there is no database at {}", from.display()));
    }
    let to = &arguments.to;
    if to.exists() {
        return Err(format!("{} exists already; name another file", to.display()));
    }
    let part = with_ending(to, "part");
    remove(&part)?;
    // It holds everything about everybody: for its owner alone, whatever the rights of the folder.
    write_private(&part, &[]).map_err(|error| error.to_string())?;
    copy(&from, &part, json).inspect_err(|_| {
        // What is left of a failed copy helps nobody; the failure itself is what is reported.
        std::fs::remove_file(&part).ok();
    })?;
    std::fs::rename(&part, to).map_err(|error| format!("{}: {error}", to.display()))?;
    sync_folder_of(to)?;
    let bytes = std::fs::metadata(to).map_or(0, |metadata| metadata.len());
    let lines = [
        format!("{} written and checked, {bytes} bytes", to.display()),
        "keep master.key elsewhere: without it the sealed parts of this backup cannot be read".into(),
    ];
    print(json, &json!({"file": to, "size_bytes": bytes}), &lines);
    Ok(())
}

fn copy(from: &Path, to: &Path, json: bool) -> Result<(), String> {
    let mut shown = u64::MAX;
    copy_while_running(from, to, |progress| {
        let percent = (progress.done * 100).checked_div(progress.total).unwrap_or(100);
        if !json && percent / 10 != shown {
            shown = percent / 10;
            eprintln!("{percent:3} %");
        }
    })
    .map_err(|error| format!("the backup failed: {error}"))
}

/// Adds an ending to a file's name.
pub(super) fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests;
