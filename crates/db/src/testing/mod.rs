//! Fresh databases on both engines, for tests: made empty, thrown away when dropped.
//!
//! SQLite is always there. PostgreSQL is, when the variable [`POSTGRES_URL`] names a server on which databases may be
//! created; `cargo xtask test` starts one and sets it.

mod schema;
mod server;

use std::ops::Deref;
use std::path::PathBuf;
use std::time::Duration;

use uuid::Uuid;

pub use schema::describe_schema;

use crate::database::{Db, Options, PostgresOptions, SqliteOptions};
use crate::error::DbError;
use crate::migrate::{Migration, migrate};
use crate::statement::Statement;
use crate::value::{FromValue, Value};

/// Names the environment variable with the URL of a PostgreSQL server for tests.
pub const POSTGRES_URL: &str = "QUOIN_TEST_POSTGRES_URL";

/// Names the environment variable that asks for the long form of tests with random cases; `cargo xtask test --long` sets it.
pub const THOROUGH: &str = "QUOIN_TEST_THOROUGH";

/// A database that lives as long as this value. It dereferences to its [`Db`].
pub struct TestDatabase {
    db: Db,
    options: Options,
    _place: Place,
}

/// Where a database was made, and how it is removed.
enum Place {
    Directory(PathBuf),
    Server { url: String, name: String },
}

impl TestDatabase {
    /// Says how this database is opened, for a second handle on it, as another process would have.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Opens a second handle.
    ///
    /// # Panics
    /// Where that fails.
    pub fn open_again(&self) -> Db {
        Db::open(&self.options).expect("a database that was just made can be opened")
    }

    fn open(options: Options, place: Place) -> Self {
        let db = Db::open(&options).expect("a fresh database can be opened");
        Self { db, options, _place: place }
    }
}

impl Deref for TestDatabase {
    type Target = Db;

    fn deref(&self) -> &Db {
        &self.db
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        self.db.close();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let removed = match self {
            Self::Directory(path) => std::fs::remove_dir_all(path).map_err(|error| error.to_string()),
            Self::Server { url, name } => {
                server::run(url, format!("drop database if exists {name} with (force)"))
            }
        };
        if let Err(error) = removed {
            tracing::warn!(error, "a test database could not be removed");
        }
    }
}

/// Makes an empty SQLite database in a directory of its own.
///
/// # Panics
/// Where that fails.
pub fn fresh_sqlite() -> TestDatabase {
    let directory = std::env::temp_dir().join(random_name());
    std::fs::create_dir_all(&directory).expect("the temporary directory is writable");
    let options = SqliteOptions { reader_threads: 1, ..SqliteOptions::at(directory.join("quoin.db")) };
    TestDatabase::open(Options::Sqlite(options), Place::Directory(directory))
}

/// Makes an empty PostgreSQL database under a random name, where a server is given.
///
/// # Panics
/// Where the server is given and does not let us.
pub fn fresh_postgres() -> Option<TestDatabase> {
    let url = postgres_server()?;
    let name = random_name();
    server::run(&url, format!("create database {name} encoding 'UTF8' template template0"))
        .expect("the server for tests lets us create databases");
    let options =
        PostgresOptions { connections: 8, ..PostgresOptions::at(server::with_database(&url, &name)) };
    Some(TestDatabase::open(Options::Postgres(options), Place::Server { url, name }))
}

/// Returns the URL of the PostgreSQL server for tests, where there is one.
pub fn postgres_server() -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "the test harness tells tests where its server is")]
    std::env::var(POSTGRES_URL).ok().filter(|url| !url.is_empty())
}

/// Returns how many random cases a test tries: `usual`, or `thorough` where [`THOROUGH`] asks for the long form.
pub fn cases(usual: u64, thorough: u64) -> u64 {
    #[expect(clippy::disallowed_methods, reason = "the test harness tells tests how long they may take")]
    let asked = std::env::var_os(THOROUGH).is_some_and(|asked| !asked.is_empty());
    if asked { thorough } else { usual }
}

/// Makes an empty database on every engine there is, and prints which.
pub fn databases() -> Vec<TestDatabase> {
    let made: Vec<TestDatabase> = std::iter::once(fresh_sqlite()).chain(fresh_postgres()).collect();
    if made.len() == 1 {
        println!("only on SQLite: {POSTGRES_URL} is not set");
    }
    made
}

/// Makes a database with these migrations on every engine there is.
///
/// # Panics
/// Where a migration fails.
pub async fn migrated(modules: &[&[Migration]]) -> Vec<TestDatabase> {
    let made = databases();
    for database in &made {
        migrate(database, modules).await.expect("the migrations fit an empty database");
    }
    made
}

/// Runs a test's body on every engine there is, with these migrations; the output of a failed test ends with the engine
/// that it failed on.
///
/// # Panics
/// Where the body does.
pub async fn on_each_engine<F>(modules: &[&[Migration]], body: impl Fn(Db) -> F)
where
    F: Future<Output = ()>,
{
    for database in migrated(modules).await {
        println!("on {:?}", database.engine());
        body((*database).clone()).await;
    }
}

/// Makes `db` run every closure twice: once under a savepoint that is rolled back, then for good.
///
/// A closure that makes ids or time inside itself, or moves something out, shows then.
pub fn force_reruns(db: &Db, on: bool) {
    db.force_reruns(on);
}

/// Prepares every statement on `db` and returns those that its engine refuses, with the reason.
///
/// # Errors
/// Where the database itself fails.
pub async fn refused_statements(
    db: &Db,
    catalogue: &[&'static [&'static Statement]],
) -> Result<Vec<(&'static str, String)>, DbError> {
    let mut refused = Vec::new();
    for statement in catalogue.iter().copied().flatten().copied() {
        let prepared =
            db.read::<_, DbError, _>("testing.prepare", move |tx| tx.prepare_only(statement)).await;
        if let Err(error) = prepared {
            let text = statement.text(db.engine());
            refused.push((statement.name(), format!("{error}: {text}")));
        }
    }
    Ok(refused)
}

/// Shortens how long a statement may run, for tests of what happens then.
#[must_use]
pub fn with_statement_timeout(options: &Options, limit: Duration) -> Options {
    match options.clone() {
        Options::Sqlite(options) => Options::Sqlite(SqliteOptions { statement_timeout: limit, ..options }),
        Options::Postgres(options) => {
            Options::Postgres(PostgresOptions { statement_timeout: limit, ..options })
        }
    }
}

fn random_name() -> String {
    let mut bytes = [0; 16];
    quoin_kernel::rng::Rng::fill(&quoin_kernel::rng::SystemRng::default(), &mut bytes);
    format!("quoin_test_{}", Uuid::from_bytes(bytes).simple())
}

/// Runs one statement of the common dialect in a transaction of its own.
///
/// # Errors
/// What the statement gives.
pub async fn execute(
    db: &Db,
    sql: &'static str,
    params: impl Into<Vec<Value<'static>>>,
) -> Result<u64, DbError> {
    let params = params.into();
    db.write("testing.execute", move |tx| tx.execute(&Statement::new("EXECUTE", sql), &params)).await
}

/// Reads the first column of every row that a statement of the common dialect gives.
///
/// # Errors
/// What the statement gives.
pub async fn select<T>(
    db: &Db,
    sql: &'static str,
    params: impl Into<Vec<Value<'static>>>,
) -> Result<Vec<T>, DbError>
where
    T: FromValue + Send + 'static,
{
    let params = params.into();
    db.read("testing.select", move |tx| tx.query(&Statement::new("SELECT", sql), &params, |row| row.get(0)))
        .await
}
