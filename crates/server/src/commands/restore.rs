//! `quoin restore`: puts a checked backup in the place of the SQLite database.

use std::path::{Path, PathBuf};

use quoin_db::copy_while_running;
use serde_json::json;

use super::print;
use crate::boot::DATABASE_FILE;
use crate::data_dir::{DataDir, write_private};
use crate::settings::Settings;

/// Where from.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The backup
    pub(crate) from: PathBuf,
    /// Replace the present database; it is kept beside the new one with the ending .replaced
    #[arg(long)]
    pub(crate) replace_existing_data: bool,
}

/// Runs the command. The lock on the data directory keeps a running server from losing its file.
pub(crate) fn run(settings: &Settings, arguments: &Arguments, json: bool) -> Result<(), String> {
    if settings.database_url.is_some() {
        return Err("this instance keeps its data in PostgreSQL; restore it with pg_restore".into());
    }
    let _in_use = DataDir::open(&settings.data_dir).map_err(|error| error.to_string())?;
    let database = settings.data_dir.join(DATABASE_FILE);
    if database.exists() && !arguments.replace_existing_data {
        return Err(format!(
            "{} exists; stop and think, then add --replace-existing-data (the present file is kept as .replaced)",
            database.display()
        ));
    }
    if !arguments.from.exists() {
        return Err(format!("there is no backup at {}", arguments.from.display()));
    }
    let part = super::backup::with_ending(&database, "part");
    remove(&part)?;
    write_private(&part, &[]).map_err(|error| error.to_string())?;
    copy_while_running(&arguments.from, &part, |_| {})
        .map_err(|error| format!("the backup is not usable: {error}"))?;
    replace(&database, &part)?;
    print(
        json,
        &json!({"restored": arguments.from}),
        &[format!("{} is restored; start the server", database.display())],
    );
    Ok(())
}

/// Moves the old database, with its log, aside and the new one in its place.
fn replace(database: &Path, part: &Path) -> Result<(), String> {
    for ending in ["", "-wal", "-shm"] {
        let old = PathBuf::from(format!("{}{ending}", database.display()));
        if !old.exists() {
            continue;
        }
        let aside = PathBuf::from(format!("{}.replaced{ending}", database.display()));
        std::fs::rename(&old, &aside).map_err(|error| format!("{}: {error}", old.display()))?;
    }
    std::fs::rename(part, database).map_err(|error| format!("{}: {error}", database.display()))?;
    sync_folder_of(database)
}

/// Makes sure that a file's new name survives a power loss.
pub(super) fn sync_folder_of(file: &Path) -> Result<(), String> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let synced = std::fs::File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(|error| format!("{}: {error}", folder.display()))
}

pub(super) fn remove(path: &Path) -> Result<(), String> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(format!("{}: {error}", path.display()))
        }
        _ => Ok(()),
    }
}
