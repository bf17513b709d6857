//! The users' own migrations as files.

use std::path::Path;

use quoin_data::UserMigration;

/// Reads the `.sql` files of a directory in the order of their names; a missing directory has none.
pub(crate) fn read(directory: &Path) -> Result<Vec<UserMigration>, String> {
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
        files.push(UserMigration { name, sql });
    }
    files.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(files)
}
