//! What only PostgreSQL can do wrong. Every test is skipped where no server is given.

mod outages;
mod retries;
mod statements;
mod throughput;
mod tls;
mod url;

use crate::database::{Db, Options, PostgresOptions};
use crate::error::DbError;
use crate::statement::DynamicSql;
use crate::testing::{TestDatabase, fresh_postgres};
use crate::value::{FromValue, Value};

/// Makes a database after running `setup` in it.
async fn database(setup: &'static str) -> Option<TestDatabase> {
    let db = fresh_postgres()?;
    batch(&db, setup).await.unwrap();
    Some(db)
}

/// Opens the same database with other limits.
fn open_with(db: &TestDatabase, change: impl FnOnce(&mut PostgresOptions)) -> Db {
    let Options::Postgres(mut options) = db.options().clone() else { panic!("not PostgreSQL") };
    change(&mut options);
    Db::open(&Options::Postgres(options)).unwrap()
}

async fn batch(db: &Db, sql: &'static str) -> Result<(), DbError> {
    db.write("test", move |tx| tx.batch(sql)).await
}

async fn one<T: FromValue + Send + 'static>(
    db: &Db,
    sql: &str,
    params: &[Value<'static>],
) -> Result<T, DbError> {
    let (sql, params) = (DynamicSql(sql.to_owned()), params.to_vec());
    db.read("test", move |tx| tx.query_one(&sql, &params, |row| row.get(0))).await
}

async fn run(db: &Db, sql: &str, params: &[Value<'static>]) -> Result<u64, DbError> {
    let (sql, params) = (DynamicSql(sql.to_owned()), params.to_vec());
    db.write("test", move |tx| tx.execute(&sql, &params)).await
}

fn code(outcome: &Result<impl Sized, DbError>) -> &str {
    match outcome {
        Err(DbError::Refused { code, .. }) => code,
        _ => "",
    }
}
