//! SQLite's result codes in the words both engines share.

use rusqlite::{Connection, ErrorCode, ffi};

use crate::error::DbError;

/// Translates an error that needs no look at the catalogue.
pub(super) fn from_driver(error: rusqlite::Error) -> DbError {
    let rusqlite::Error::SqliteFailure(failure, message) = &error else {
        return DbError::Driver(Box::new(error));
    };
    let message = message.clone().unwrap_or_else(|| failure.to_string());
    if failure.extended_code == ffi::SQLITE_IOERR_FSYNC
        || failure.extended_code == ffi::SQLITE_IOERR_DIR_FSYNC
    {
        return DbError::WritesStopped;
    }
    match failure.code {
        ErrorCode::ConstraintViolation => constraint(failure.extended_code, &message),
        ErrorCode::DiskFull => DbError::Full,
        ErrorCode::OperationInterrupted => DbError::Timeout,
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => DbError::Overloaded,
        ErrorCode::CannotOpen | ErrorCode::NotADatabase => DbError::Unreachable(Box::new(error)),
        ErrorCode::TypeMismatch => refused("22P02", &message),
        ErrorCode::TooBig => refused("54000", &message),
        ErrorCode::Unknown if failure.extended_code == ffi::SQLITE_ERROR => refused("42601", &message),
        _ => DbError::Driver(Box::new(error)),
    }
}

/// Translates an error and resolves a violated unique index to its name.
pub(super) fn from_driver_with(connection: &Connection, error: rusqlite::Error) -> DbError {
    match from_driver(error) {
        DbError::Unique { index, detail } => {
            DbError::Unique { index: index_name(connection, &index), detail }
        }
        other => other,
    }
}

fn refused(code: &str, message: &str) -> DbError {
    DbError::Refused { code: code.into(), message: message.into(), detail: None, hint: None }
}

fn constraint(extended_code: i32, message: &str) -> DbError {
    let subject = message.split_once(": ").map_or(message, |(_, subject)| subject);
    match extended_code {
        ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_ROWID => {
            DbError::Unique { index: subject.into(), detail: None }
        }
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => DbError::ForeignKey { detail: None },
        ffi::SQLITE_CONSTRAINT_CHECK => DbError::Check { constraint: subject.into() },
        ffi::SQLITE_CONSTRAINT_NOTNULL => {
            DbError::NotNull { column: subject.rsplit('.').next().unwrap_or(subject).into() }
        }
        ffi::SQLITE_CONSTRAINT_DATATYPE => refused("22P02", message),
        ffi::SQLITE_CONSTRAINT_TRIGGER => refused("P0001", message),
        _ => refused("23000", message),
    }
}

/// Finds the index that covers `t.a, t.b` (what SQLite reports), named as PostgreSQL would name it.
fn index_name(connection: &Connection, reported: &str) -> String {
    if let Some(quoted) = reported.strip_prefix("index '") {
        return without_prefix(quoted.trim_end_matches('\'')).into();
    }
    let pairs: Vec<(&str, &str)> = reported.split(", ").filter_map(|pair| pair.rsplit_once('.')).collect();
    let Some((table, _)) = pairs.first().copied() else {
        return reported.into();
    };
    let columns: Vec<&str> = pairs.iter().map(|(_, column)| *column).collect();
    let found = find_index(connection, table, &columns).ok().flatten();
    found.unwrap_or_else(|| format!("{}_{}_key", without_prefix(table), columns.join("_")))
}

fn find_index(connection: &Connection, table: &str, columns: &[&str]) -> rusqlite::Result<Option<String>> {
    let mut list =
        connection.prepare_cached("select name, origin from pragma_index_list(?1) where \"unique\" = 1")?;
    let indexes: Vec<(String, String)> =
        list.query_map([table], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
    let mut info = connection.prepare_cached("select name from pragma_index_info(?1) order by seqno")?;
    for (index, origin) in indexes {
        let names: Vec<Option<String>> =
            info.query_map([&index], |row| row.get(0))?.collect::<Result<_, _>>()?;
        if !names.iter().map(Option::as_deref).eq(columns.iter().copied().map(Some)) {
            continue;
        }
        return Ok(Some(match origin.as_str() {
            "pk" => format!("{}_pkey", without_prefix(table)),
            "u" => format!("{}_{}_key", without_prefix(table), columns.join("_")),
            _ => without_prefix(&index).into(),
        }));
    }
    // A single integer primary key has no index of its own.
    let mut primary =
        connection.prepare_cached("select name from pragma_table_info(?1) where pk > 0 order by pk")?;
    let names: Vec<String> = primary.query_map([table], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok((names == columns).then(|| format!("{}_pkey", without_prefix(table))))
}

fn without_prefix(name: &str) -> &str {
    name.strip_prefix("quoin_").unwrap_or(name)
}
