//! Migrations: numbered SQL texts, applied to both engines, forward only, each exactly once.
//!
//! Each runs in a transaction of its own together with its row in the ledger `quoin.migrations`, so that a process that
//! is killed leaves either all of it or nothing. Two processes that start together are kept apart by an advisory lock on
//! PostgreSQL and by the write lock on SQLite; the second finds the work done.
//!
//! Reading order: this file, `ledger` (what has been applied, and whether that fits), `translate` (the dialects).

mod ledger;
mod translate;

#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::database::Db;
use crate::error::DbError;
use crate::statement::{Engine, Statement};
use crate::tx::Tx;

/// One numbered step of a module's schema.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// The module.
    pub module: &'static str,
    /// The file's name without its ending.
    pub name: &'static str,
    /// The text in the common dialect.
    pub sql: &'static str,
    /// The text for PostgreSQL, where it must differ.
    pub postgres: Option<&'static str>,
}

/// Lists the migrations of a module, read from `migrations/NAME.sql` in its crate.
///
/// ```ignore
/// pub static MIGRATIONS: &[Migration] = migrations!("identity", "0001_users", "0002_sessions" and "0002_sessions.postgres");
/// ```
#[macro_export]
macro_rules! migrations {
    ($module:literal $(, $name:literal $(and $postgres:literal)?)* $(,)?) => {
        &[$($crate::Migration {
            module: $module,
            name: $name,
            sql: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/", $name, ".sql")),
            postgres: $crate::migrations!(@other $($postgres)?),
        }),*]
    };
    (@other) => { None };
    (@other $name:literal) => {
        Some(include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/", $name, ".sql")))
    };
}

/// The statements of the ledger, for the catalogue.
pub static STATEMENTS: &[&Statement] = ledger::ALL;

/// What [`migrate`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The migrations that this call applied, as `module/name`, in order.
    pub applied: Vec<String>,
    /// How many had been applied before.
    pub already_applied: usize,
}

/// How long one migration may take.
const TIME_LIMIT: Duration = Duration::from_hours(1);

/// Applies what is missing of `modules`, in the order given: referred tables before those that refer to them.
///
/// Give the migrations of all modules, also of those that this process does not serve: what the ledger holds and the list
/// does not is taken for the work of a newer program.
///
/// # Errors
/// [`DbError::Migration`] where an applied migration was changed afterwards or is not known, where one comes before
/// another that is applied already, or where one fails; what was applied before it stays.
pub async fn migrate(db: &Db, modules: &[&[Migration]]) -> Result<Report, DbError> {
    let known: Vec<Migration> = modules.concat();
    for migration in &known {
        translate::check(migration)?;
    }
    ledger::make(db).await?;
    let applied = db.read("db.migrations.list", ledger::list).await?;
    let pending = ledger::pending(&known, &applied)?;
    let mut report = Report { applied: Vec::new(), already_applied: known.len() - pending.len() };
    for migration in pending {
        if apply(db, migration).await? {
            report.applied.push(migration.to_string());
        } else {
            report.already_applied += 1;
        }
    }
    Ok(report)
}

/// Runs one migration, unless another process did meanwhile; tells whether it ran here.
async fn apply(db: &Db, migration: Migration) -> Result<bool, DbError> {
    // READ COMMITTED, because the ledger must be read as it is after the lock was got, not as it was before.
    let ran = db.write_read_committed::<_, DbError, _>("db.migrations.apply", move |tx| {
        tx.allow_time(TIME_LIMIT)?;
        ledger::lock(tx)?;
        let applied = ledger::list(tx)?;
        if ledger::pending(&[migration], &only(&migration, applied))?.is_empty() {
            return Ok(false);
        }
        run(tx, &migration)?;
        ledger::insert(tx, &migration)?;
        Ok(true)
    });
    let ran = ran.await?;
    if ran {
        tracing::info!(%migration, "a migration was applied");
    }
    Ok(ran)
}

fn run(tx: &mut Tx<'_>, migration: &Migration) -> Result<(), DbError> {
    let sql = match tx.engine() {
        Engine::Sqlite => translate::to_sqlite(migration.sql),
        Engine::Postgres => translate::to_postgres(migration.postgres.unwrap_or(migration.sql)),
    };
    tx.batch(&sql).map_err(|error| match error {
        // An outage or a full disk is no fault of the migration.
        DbError::Unreachable(_) | DbError::Serialization | DbError::Full | DbError::Timeout => error,
        refused => migration.error(refused.to_string()),
    })
}

fn only(migration: &Migration, applied: Vec<ledger::Applied>) -> Vec<ledger::Applied> {
    applied.into_iter().filter(|row| row.is(migration)).collect()
}

impl Migration {
    fn error(&self, reason: impl Into<String>) -> DbError {
        DbError::Migration { name: self.to_string(), reason: reason.into() }
    }
}

impl std::fmt::Display for Migration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.module, self.name)
    }
}
