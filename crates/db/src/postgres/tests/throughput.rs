//! Measures, and asserts nothing: `cargo test -p quoin-db throughput -- --ignored --nocapture --test-threads 1`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use quoin_kernel::rng::{Rng, SystemRng};
use uuid::Uuid;

use super::{database, open_with, run};
use crate::database::Db;
use crate::error::DbError;
use crate::testing::refused_statements;
use crate::{params, statements};

const TABLES: &str = "create table person (id uuid primary key, email text not null unique, seen bigint not null);
    create table session (id uuid primary key, person_id uuid not null references person (id), note text not null);
    create index session_person on session (person_id);
    create table trail (id uuid primary key, what text not null)";

statements! {
    FIND = "select id, seen from person where email = ?1";
    SEE = "update person set seen = seen + 1 where id = ?1";
    OPEN = "insert into session (id, person_id, note) values (?1, ?2, ?3)";
    LIVE = "select count(*) from session where person_id = ?1";
    TRAIL = "insert into trail (id, what) values (?1, ?2)";
}

/// Ids in time order, as Quoin makes them.
fn id() -> Uuid {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let mut bytes = [0; 16];
    SystemRng::default().fill(&mut bytes);
    bytes[..8].copy_from_slice(&NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes());
    Uuid::from_bytes(bytes)
}

async fn measure<F: Future<Output = Result<(), DbError>> + Send>(
    what: &str,
    db: &Db,
    work: impl Fn(Db, u64) -> F + Send + Sync + Clone + 'static,
) {
    let done = Arc::new(AtomicU64::new(0));
    let before = db.stats();
    let started = Instant::now();
    let callers = (0..64_u64).map(|caller| {
        let (db, work, done) = (db.clone(), work.clone(), done.clone());
        async move {
            while started.elapsed() < Duration::from_secs(3) {
                work(db.clone(), caller).await.unwrap();
                done.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    join_all(callers).await;
    let seconds = started.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    let rate = done.load(Ordering::Relaxed) as f64 / seconds;
    println!("{what}: {rate:.0}/s, {} reruns", db.stats().reruns - before.reruns);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "measures"]
async fn throughput() {
    let Some(db) = database(TABLES).await else { return };
    let db = open_with(&db, |options| options.connections = 16);
    for number in 0..1000_u64 {
        let params = params![id(), format!("{number}@example.org"), 0_i64];
        run(&db, "insert into person values ($1, $2, $3)", &params).await.unwrap();
    }
    run(&db, "analyze person", &[]).await.ok();
    assert!(refused_statements(&db, &[ALL]).await.unwrap().is_empty());
    for round in 0..2 {
        println!("round {round}");
        measure("point read", &db, |db, caller| async move {
            let email = format!("{caller}@example.org");
            let read =
                move |tx: &mut crate::Tx<'_>| tx.query_opt(&FIND, &params![&email], |row| row.get::<Uuid>(0));
            db.read::<_, DbError, _>("bench", read).await.map(drop)
        })
        .await;
        measure("insert", &db, |db, _| async move {
            let id = id();
            db.write::<_, DbError, _>("bench", move |tx| tx.execute(&TRAIL, &params![id, "something"]))
                .await
                .map(drop)
        })
        .await;
        measure("sign-in of different people", &db, |db, caller| {
            sign_in(db, format!("{caller}@example.org"))
        })
        .await;
    }
    db.close();
}

async fn sign_in(db: Db, email: String) -> Result<(), DbError> {
    let (session, trail) = (id(), id());
    db.write("bench", move |tx| {
        let person: Uuid = tx.query_one(&FIND, &params![&email], |row| row.get(0))?;
        tx.execute(&SEE, &params![person])?;
        tx.query_one(&LIVE, &params![person], |row| row.get::<i64>(0))?;
        tx.execute(&OPEN, &params![session, person, "a note"])?;
        tx.execute(&TRAIL, &params![trail, "signed in"])?;
        Ok(())
    })
    .await
}
