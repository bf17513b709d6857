//! Applies the users' migrations, each once.

use std::fmt::Write as _;

use quoin_audit::{Actor, Entry};
use quoin_db::{Engine, Tx};
use quoin_kernel::{Problem, hash};
use uuid::Uuid;

use super::Data;
use super::catalogue_cache::load;
use crate::compile::schema::SqliteSchema;
use crate::error::DataError;
use crate::model::migration::{AppliedMigration, UserMigration};
use crate::store::{documents, ledger};
use quoin_policy::catalogue::Catalogue;
use quoin_policy::model::requester::{RequestRole, Requester};
use quoin_policy::model::sql_subset::{
    POSTGRES_ONLY, PlannedChange, Refusal, is_postgres_only, native_text, plan, refuse_system_names,
};
use quoin_policy::session;

/// The largest migration that is read, in bytes.
const LARGEST: usize = 1024 * 1024;

impl Data {
    /// Applies migrations in the order given, each in a transaction of its own; returns which ones were new.
    ///
    /// # Errors
    /// The first one that is refused; those before it stay applied.
    pub async fn migrate(&self, migrations: Vec<UserMigration>) -> Result<Vec<String>, Problem> {
        let mut applied = Vec::new();
        for migration in migrations {
            let name = migration.name.clone();
            let done = self.apply_migration(migration, self.entry(Actor::System("migrations"))).await;
            if done.map_err(|error| Problem::from(error).hint(format!("In migration {name}.")))? {
                applied.push(name);
            }
        }
        Ok(applied)
    }

    /// Applies one migration and writes `entry` into the trail; returns whether it was new.
    ///
    /// # Errors
    /// 400 with line and reason where it is not accepted, 409 where one of this name has run with another text.
    pub async fn apply_migration(&self, migration: UserMigration, entry: Entry) -> Result<bool, DataError> {
        check_form(&migration)?;
        let checksum = checksum(&migration.sql);
        let entry = entry.on(&migration.name).detail(serde_json::json!({"checksum": checksum}));
        let platform = self.platform();
        let now = platform.now;
        // Ids are made before the closure, which may run again: a generator that starts over each time.
        let seed = self.random_uuid();
        let applied = self
            .db()
            .write("data.migration.apply", move |tx| {
                ledger::lock(tx)?;
                if let Some((known, _)) = ledger::find(tx, &migration.name)? {
                    let same = known == checksum;
                    return if same {
                        Ok(false)
                    } else {
                        Err(DataError::MigrationChanged(migration.name.clone()))
                    };
                }
                apply(tx, &migration.sql, &platform, seed)?;
                quoin_audit::record(tx, &entry)?;
                ledger::insert(tx, &migration.name, &checksum, &migration.sql, now)?;
                Ok(true)
            })
            .await?;
        self.cache().reload(self.db()).await?;
        Ok(applied)
    }

    /// Starts the trail's entry of a migration.
    pub(crate) fn entry(&self, actor: Actor) -> Entry {
        Entry::new(self.app().rng(), self.app().now(), actor, "data.migration.applied")
    }

    /// Lists the migrations that have run.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn list_migrations(&self) -> Result<Vec<AppliedMigration>, DataError> {
        Ok(self.db().read("data.migration.list", ledger::list).await?)
    }
}

/// Returns the SHA-256 of a migration's text in hexadecimal digits.
fn checksum(sql: &str) -> String {
    hash::sha256(sql.as_bytes()).iter().fold(String::with_capacity(64), |mut digits, byte| {
        // Writing into a String cannot fail.
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

fn check_form(migration: &UserMigration) -> Result<(), DataError> {
    let refuse = |reason: &str| Err(Refusal::here(reason).or_line(1).into());
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    if migration.name.is_empty() || migration.name.len() > 128 || !migration.name.chars().all(plain) {
        return refuse("a migration's name is 1 to 128 letters, digits, dots, hyphens and underscores");
    }
    if migration.sql.len() > LARGEST || migration.sql.contains('\0') {
        return refuse("a migration is at most 1 MiB of text");
    }
    Ok(())
}

fn apply(tx: &mut Tx<'_>, sql: &str, platform: &Requester, seed: Uuid) -> Result<(), DataError> {
    let engine = tx.engine();
    if is_postgres_only(sql) {
        if engine == Engine::Sqlite {
            return Err(Refusal::here(format!("the file is marked `{POSTGRES_ONLY}`")).or_line(1).into());
        }
        refuse_system_names(sql)?;
        return run_native(tx, sql);
    }
    let mut schema = load(tx)?;
    let changes = plan(sql, &mut schema)?;
    match engine {
        Engine::Postgres => {
            run_native(tx, &native_text(sql, &changes))?;
            Ok(documents::save_objects(tx, &schema)?)
        }
        Engine::Sqlite => {
            run_on_sqlite(tx, &changes, platform, seed)?;
            Ok(documents::save(tx, &schema)?)
        }
    }
}

/// Gives PostgreSQL the author's own text.
fn run_native(tx: &mut Tx<'_>, sql: &str) -> Result<(), DataError> {
    tx.batch("set local search_path = public")?;
    tx.batch(sql).map_err(refused)?;
    tx.batch("reset search_path")?;
    Ok(session::grant(tx)?)
}

/// Runs each change as SQLite's own statements.
fn run_on_sqlite(
    tx: &mut Tx<'_>,
    changes: &[PlannedChange],
    platform: &Requester,
    seed: Uuid,
) -> Result<(), DataError> {
    let catalogue = Catalogue::default();
    let mut made = 0_u128;
    let mut uuid = || {
        made += 1;
        let digest = hash::sha256(&seed.as_u128().wrapping_add(made).to_le_bytes());
        let mut bytes = [0_u8; 16];
        bytes.copy_from_slice(&digest[..16]);
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    };
    for planned in changes {
        let sql = SqliteSchema::new(&catalogue, platform, &planned.schema).sql(&planned.change, &mut uuid);
        if let Some(sql) = sql.map_err(|error| at_line(planned.line, error))? {
            tx.batch(&sql).map_err(|error| at_line(planned.line, refused(error)))?;
        }
    }
    Ok(())
}

/// Says what the engine has against a migration, in words that its author can use.
fn refused(error: quoin_db::DbError) -> DataError {
    match DataError::from_constraint(error, "the table", RequestRole::Service) {
        DataError::Refused { code, message, .. } => {
            DataError::Migration(Refusal::here(format!("the database refuses it: {message} ({code})")))
        }
        other => other,
    }
}

fn at_line(line: u64, error: DataError) -> DataError {
    match error {
        DataError::Migration(refusal) => DataError::Migration(refusal.or_line(line)),
        other => other,
    }
}
