//! What only PostgreSQL can do wrong. Every test is skipped where no server is given.

mod outages;
mod retries;
mod statements;
mod throughput;
mod tls;
mod url;

use quoin_kernel::Secret;
use tokio_postgres::config::Host;

use super::url::Target;
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

/// Returns `host:port` of the server, for a proxy; `None` where it is reached through a socket file.
fn server_of(db: &TestDatabase) -> Option<String> {
    let Options::Postgres(options) = db.options() else { panic!("not PostgreSQL") };
    let config = Target::parse(options.url.expose()).unwrap().config;
    let Some(Host::Tcp(host)) = config.get_hosts().first() else {
        println!("skipped: the server is not reached over TCP");
        return None;
    };
    Some(format!("{host}:{}", config.get_ports().first().unwrap_or(&5432)))
}

/// Says how to open `db` at another address, with other settings.
fn at(db: &TestDatabase, address: &str, settings: &str) -> PostgresOptions {
    let Options::Postgres(mut options) = db.options().clone() else { panic!("not PostgreSQL") };
    let url = options.url.expose();
    let (credentials, database) = (url.split('@').next().unwrap(), url.split('?').next().unwrap());
    let database = database.rsplit('/').next().unwrap();
    options.url = Secret::new(format!("{credentials}@{address}/{database}?{settings}"));
    options
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
