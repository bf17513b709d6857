//! The table that says which migrations a database has, and the comparison with those that the program has.

use std::fmt::Write as _;

use quoin_kernel::hash::sha256;

use super::{Migration, translate};
use crate::database::Db;
use crate::error::DbError;
use crate::statement::{DynamicSql, Engine};
use crate::tx::Tx;
use crate::{params, statements};

const TABLE: &str = "create table if not exists quoin.migrations (
    module {text} not null,
    name {text} not null,
    checksum {text} not null,
    applied_at {time} not null,
    primary key (module, name)
);";

/// Any number will do, as long as every process takes the same one: the letters `quoin`.
const ADVISORY_LOCK: i64 = 0x0071_756f_696e;

statements! {
    LIST = "select module, name, checksum from quoin.migrations order by module, name";
    /// By the database's clock: it says when this database changed, and nothing is decided by it.
    INSERT = "insert into quoin.migrations (module, name, checksum, applied_at)
        values (?1, ?2, ?3, strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'))",
        postgres: "insert into quoin.migrations (module, name, checksum, applied_at) values (?1, ?2, ?3, now())";
}

/// A row of the ledger.
#[derive(Debug, Clone)]
pub(super) struct Applied {
    module: String,
    name: String,
    checksum: String,
}

impl Applied {
    /// Tells whether this row is about `migration`.
    pub(super) fn is(&self, migration: &Migration) -> bool {
        self.module == migration.module && self.name == migration.name
    }
}

/// Makes the ledger, and on PostgreSQL the schema of the system tables, where they are missing.
pub(super) async fn make(db: &Db) -> Result<(), DbError> {
    if db.read("db.migrations.exists", exists).await? {
        return Ok(());
    }
    db.write_read_committed("db.migrations.make", |tx| {
        lock(tx)?;
        match tx.engine() {
            Engine::Sqlite => tx.batch(&translate::to_sqlite(TABLE)),
            Engine::Postgres => {
                // `if not exists` alone would refuse somebody who may use the schema but not make one.
                if !schema_exists(tx)? {
                    tx.batch("create schema quoin")?;
                }
                tx.batch(&translate::to_postgres(TABLE))
            }
        }
    })
    .await
}

/// Keeps other processes from migrating until this transaction ends. SQLite's write transaction does so by itself.
pub(super) fn lock(tx: &mut Tx<'_>) -> Result<(), DbError> {
    match tx.engine() {
        Engine::Sqlite => Ok(()),
        Engine::Postgres => tx.batch(&format!("select pg_advisory_xact_lock({ADVISORY_LOCK})")),
    }
}

/// Returns every row of the ledger.
pub(super) fn list(tx: &mut Tx<'_>) -> Result<Vec<Applied>, DbError> {
    tx.query(&LIST, &[], |row| Ok(Applied { module: row.get(0)?, name: row.get(1)?, checksum: row.get(2)? }))
}

/// Notes that a migration has been applied.
pub(super) fn insert(tx: &mut Tx<'_>, migration: &Migration) -> Result<(), DbError> {
    let checksum = checksum(migration);
    tx.execute(&INSERT, &params![migration.module, migration.name, &checksum])?;
    Ok(())
}

/// Returns what of `known` is missing in `applied`, in order.
///
/// # Errors
/// [`DbError::Migration`] where the two do not fit together.
pub(super) fn pending(known: &[Migration], applied: &[Applied]) -> Result<Vec<Migration>, DbError> {
    for row in applied {
        let Some(migration) = known.iter().find(|migration| row.is(migration)) else {
            let name = format!("{}/{}", row.module, row.name);
            let reason =
                "this program does not know it; the database belongs to a newer version, so start that one";
            return Err(DbError::Migration { name, reason: reason.into() });
        };
        if row.checksum != checksum(migration) {
            return Err(
                migration.error("it was changed after it had been applied; write a new migration instead")
            );
        }
    }
    let is_applied = |migration: &Migration| applied.iter().any(|row| row.is(migration));
    let pending: Vec<Migration> = known.iter().copied().filter(|migration| !is_applied(migration)).collect();
    for migration in &pending {
        let mut later =
            known.iter().filter(|other| other.module == migration.module && other.name > migration.name);
        if let Some(later) = later.find(|later| is_applied(later)) {
            return Err(migration.error(format!("it comes before {later}, which has been applied already")));
        }
    }
    Ok(pending)
}

/// Hashes both texts, so that the ledger is the same on both engines; line ends do not count.
fn checksum(migration: &Migration) -> String {
    let text = format!("{}\0{}", migration.sql, migration.postgres.unwrap_or_default()).replace("\r\n", "\n");
    sha256(text.as_bytes()).iter().fold(String::new(), |mut hex, byte| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn exists(tx: &mut Tx<'_>) -> Result<bool, DbError> {
    let sql = match tx.engine() {
        Engine::Sqlite => {
            "select count(*) from sqlite_master where type = 'table' and name = 'quoin_migrations'"
        }
        Engine::Postgres => {
            "select count(*) from pg_tables where schemaname = 'quoin' and tablename = 'migrations'"
        }
    };
    count(tx, sql)
}

fn schema_exists(tx: &mut Tx<'_>) -> Result<bool, DbError> {
    count(tx, "select count(*) from pg_namespace where nspname = 'quoin'")
}

fn count(tx: &mut Tx<'_>, sql: &str) -> Result<bool, DbError> {
    let found: i64 = tx.query_one(&DynamicSql(sql.to_owned()), &[], |row| row.get(0))?;
    Ok(found > 0)
}
