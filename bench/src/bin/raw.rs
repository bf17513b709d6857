//! The baseline without HTTP: SQLite through the database room, doing the statements that a scenario needs.
//!
//! Takes a file and a scenario, runs for the given seconds after a warm-up, and prints one line of JSON.
#![allow(
    clippy::disallowed_methods,
    reason = "a driver reads its arguments and measures with the machine's clock"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bench::Outcome;
use bench::figures::per;
use bench::random::Random;
use quoin_db::statement::DynamicSql;
use quoin_db::{Db, DbError, Options, SqliteOptions, Tx, params};
use tokio::task::JoinSet;

const CONNECTIONS: u64 = 64;
const ORGANISATIONS: u64 = 100;
const ROWS_EACH: u64 = 200;

const TABLE: &str = "create table if not exists raw_posts (id text primary key, org_id text not null, author_id text not null,
  title text not null, likes integer not null, created_at text not null) strict";
const INDEX: &str =
    "create index if not exists raw_posts_of_an_organisation on raw_posts (org_id, created_at)";
const INSERT: &str = "insert into raw_posts (id, org_id, author_id, title, likes, created_at)
  values (?1, ?2, ?2, ?3, 1, '2026-01-01T00:00:00.000000Z') returning id, org_id, author_id, title, likes, created_at";
const POINT: &str =
    "select id, org_id, author_id, title, likes, created_at from raw_posts where id = ?1 and org_id = ?2";
const LIST: &str = "select id, org_id, author_id, title, likes, created_at from raw_posts where org_id = ?1
  order by created_at desc limit 20";

#[tokio::main]
async fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, scenario, seconds] = arguments.as_slice() else {
        return Err("usage: raw FILE SCENARIO SECONDS".into());
    };
    let db = Db::open(&Options::Sqlite(SqliteOptions::at(file)))?;
    fill(&db).await?;
    let seconds: f64 = seconds.parse()?;
    let count = Arc::new(AtomicU64::new(0));
    // The file stays from round to round, so that each needs keys of its own.
    let run = Random::from_clock().draw();
    let mut workers = JoinSet::new();
    for number in 0..CONNECTIONS {
        workers.spawn(work(db.clone(), scenario.clone(), run ^ number, Arc::clone(&count)));
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (start, before) = (Instant::now(), count.load(Ordering::Relaxed));
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
    let done = count.load(Ordering::Relaxed) - before;
    let seconds = start.elapsed().as_secs_f64();
    // None of them ends by itself but by a failure, with which the figure would be worth nothing.
    if let Some(failed) = workers.try_join_next() {
        failed??;
    }
    println!("{{\"per_second\": {:.0}}}", per(done, seconds));
    Ok(())
}

/// Does one thing after the other.
async fn work(db: Db, scenario: String, seed: u64, count: Arc<AtomicU64>) -> Result<(), DbError> {
    let mut random = Random::new(seed);
    loop {
        let org = org(random.below(ORGANISATIONS));
        match scenario.as_str() {
            "insert" => {
                let id = format!("{:016x}-{:016x}", random.draw(), random.draw());
                db.write("raw.insert", move |tx| read(tx, INSERT, &[&id, &org, "a post"])).await?;
            }
            "list" => db.read("raw.list", move |tx| read(tx, LIST, &[&org])).await?,
            _ => {
                let id = format!("{org}-{}", random.below(ROWS_EACH));
                db.read("raw.point", move |tx| read(tx, POINT, &[&id, &org])).await?;
            }
        }
        // A read answers without waiting, so that nobody else would ever get the thread.
        if count.fetch_add(1, Ordering::Relaxed).is_multiple_of(32) {
            tokio::task::yield_now().await;
        }
    }
}

/// Runs a statement and reads every column, as an answer would.
fn read(tx: &mut Tx<'_>, sql: &str, texts: &[&str]) -> Result<(), DbError> {
    let params: Vec<_> = texts.iter().map(|text| quoin_db::Value::from(*text)).collect();
    tx.query(&DynamicSql(sql.to_owned()), &params, |row| row.get::<String>(0)).map(drop)
}

async fn fill(db: &Db) -> Result<(), DbError> {
    db.write("raw.fill", |tx| {
        for sql in [TABLE, INDEX] {
            tx.execute(&DynamicSql(sql.to_owned()), &params![])?;
        }
        for org_number in 0..ORGANISATIONS {
            let org = org(org_number);
            for row in 0..ROWS_EACH {
                let sql = "insert into raw_posts values (?1, ?2, ?2, 'a post', 1, ?3) on conflict do nothing";
                let created_at = format!("2025-01-01T00:00:00.{row:06}Z");
                tx.execute(&DynamicSql(sql.to_owned()), &params![format!("{org}-{row}"), &org, created_at])?;
            }
        }
        Ok(())
    })
    .await
}

fn org(number: u64) -> String {
    format!("00000000-0000-7000-8000-{number:012}")
}
