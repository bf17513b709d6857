//! A proxy between pool and server stands for the network: it can be slow, cut every connection, and come back.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::{at, batch, database, one, open_with, run, server_of};
use crate::database::{Db, Options};
use crate::error::DbError;
use crate::params;
use crate::statement::Statement;
use crate::testing::{TestDatabase, execute};

struct Proxy {
    address: SocketAddr,
    running: JoinSet<()>,
}

impl Proxy {
    /// Listens on `address` and passes bytes on to `server`, each way `delay` later.
    async fn start(address: SocketAddr, server: String, delay: Duration) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut running = JoinSet::new();
        running.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let server = TcpStream::connect(&server).await.unwrap();
                client.set_nodelay(true).unwrap();
                server.set_nodelay(true).unwrap();
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                connections.spawn(pass(from_client, to_server, delay));
                connections.spawn(pass(from_server, to_client, delay));
            }
        });
        Self { address, running }
    }

    /// Cuts every connection and stops listening.
    async fn stop(mut self) -> SocketAddr {
        self.running.shutdown().await;
        self.address
    }
}

/// Every piece arrives `delay` after it was sent, and none waits for another.
async fn pass(mut from: impl AsyncReadExt + Unpin, mut to: impl AsyncWriteExt + Unpin, delay: Duration) {
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
    let read = async move {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(length @ 1..) = from.read(&mut buffer).await {
            sender.send((tokio::time::Instant::now() + delay, buffer[..length].to_vec())).unwrap();
        }
    };
    let write = async move {
        while let Some((due, bytes)) = receiver.recv().await {
            tokio::time::sleep_until(due).await;
            if to.write_all(&bytes).await.is_err() {
                return;
            }
        }
    };
    futures_util::future::join(read, write).await;
}

/// Opens `db` through a proxy.
async fn through_proxy(db: &TestDatabase, server: &str, delay: Duration, connections: usize) -> (Db, Proxy) {
    let proxy = Proxy::start(([127, 0, 0, 1], 0).into(), server.to_owned(), delay).await;
    let mut options = at(db, &proxy.address.to_string(), "sslmode=disable");
    options.connections = connections;
    let open = move || Db::open(&Options::Postgres(options)).unwrap();
    (tokio::task::spawn_blocking(open).await.unwrap(), proxy)
}

#[tokio::test]
async fn a_transaction_whose_connection_is_killed_is_run_again() {
    let Some(db) = database("create table t (id bigint)").await else {
        return;
    };
    let runs = Arc::new(AtomicU32::new(0));
    let inside = runs.clone();
    db.write::<_, DbError, _>("test", move |tx| {
        tx.batch("insert into t values (1)")?;
        if inside.fetch_add(1, Ordering::Relaxed) == 0 {
            tx.batch("select pg_terminate_backend(pg_backend_pid())")?;
        }
        tx.batch("insert into t values (2)")
    })
    .await
    .unwrap();
    assert_eq!(runs.load(Ordering::Relaxed), 2);
    assert_eq!(one::<i64>(&db, "select count(*) from t", &[]).await.unwrap(), 2);
}

#[tokio::test]
async fn a_transaction_that_kills_every_connection_is_given_up() {
    let Some(db) = database("select 1").await else {
        return;
    };
    let killed = db
        .write::<_, DbError, _>("test", |tx| tx.batch("select pg_terminate_backend(pg_backend_pid())"))
        .await;
    assert!(matches!(killed, Err(DbError::Unreachable(_))), "{killed:?}");
    assert_eq!(one::<i64>(&db, "select 1::bigint", &[]).await.unwrap(), 1);
}

#[tokio::test]
async fn a_connection_lost_during_commit_is_an_error_and_not_repeated() {
    let setup = "create table t (id bigint);
        create function die() returns trigger language plpgsql as
            $$ begin perform pg_terminate_backend(pg_backend_pid()); return null; end $$;
        create constraint trigger die after insert on t deferrable initially deferred for each row execute function die()";
    let Some(db) = database(setup).await else { return };
    let runs = Arc::new(AtomicU32::new(0));
    let inside = runs.clone();
    let lost = db.write::<_, DbError, _>("test", move |tx| {
        inside.fetch_add(1, Ordering::Relaxed);
        tx.batch("insert into t values (1)")
    });
    let error = lost.await.unwrap_err();
    let DbError::Unreachable(cause) = &error else { panic!("{error:?}") };
    assert!(cause.to_string().contains("not known"), "{cause}");
    assert_eq!(runs.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_closure_that_dawdles_loses_its_connection_and_not_the_pool() {
    let Some(db) = database("create table t (id bigint)").await else {
        return;
    };
    let hasty = open_with(&db, |options| options.statement_timeout = Duration::from_millis(100));
    let dawdled = hasty.write::<_, DbError, _>("test", |tx| {
        tx.batch("insert into t values (1)")?;
        std::thread::sleep(Duration::from_millis(400));
        tx.batch("insert into t values (2)")
    });
    assert!(matches!(dawdled.await, Err(DbError::Unreachable(_))));
    assert_eq!(one::<i64>(&hasty, "select count(*) from t", &[]).await.unwrap(), 0);
    hasty.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_server_is_away_calls_fail_promptly_and_later_work_again_by_themselves() {
    let Some(db) = database("create table t (id bigint)").await else {
        return;
    };
    let Some(server) = server_of(&db) else { return };
    let (pool, proxy) = through_proxy(&db, &server, Duration::ZERO, 4).await;
    run(&pool, "insert into t values (1)", &[]).await.unwrap();
    let address = proxy.stop().await;
    let started = Instant::now();
    for _ in 0..20 {
        let away = run(&pool, "insert into t values (2)", &[]).await;
        assert!(matches!(away, Err(DbError::Unreachable(_))), "{away:?}");
    }
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    let proxy = Proxy::start(address, server, Duration::ZERO).await;
    let started = Instant::now();
    while run(&pool, "insert into t values (3)", &[]).await.is_err() {
        assert!(started.elapsed() < Duration::from_secs(4), "it does not come back");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(one::<i64>(&pool, "select count(*) from t where id = 2", &[]).await.unwrap(), 0);
    pool.close();
    proxy.stop().await;
}

#[tokio::test]
async fn a_short_cut_of_the_network_is_not_noticed_by_callers() {
    let Some(db) = database("create table t (id bigint)").await else {
        return;
    };
    let Some(server) = server_of(&db) else { return };
    let (pool, proxy) = through_proxy(&db, &server, Duration::ZERO, 2).await;
    for round in 0..3_i64 {
        run(&pool, "insert into t values ($1)", &params![round]).await.unwrap();
        batch(&db, "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()").await.unwrap();
    }
    assert_eq!(one::<i64>(&pool, "select count(*) from t", &[]).await.unwrap(), 3);
    pool.close();
    proxy.stop().await;
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_is_said_to_be_so() {
    let Some(db) = database("select 1").await else {
        return;
    };
    let Options::Postgres(options) = db.options().clone() else {
        return;
    };
    let nowhere = crate::PostgresOptions::at("postgres://u@127.0.0.1:1/d");
    assert!(matches!(Db::open(&Options::Postgres(nowhere)), Err(DbError::Unreachable(_))));
    let missing = crate::PostgresOptions::at(options.url.expose().replace("/quoin_test_", "/quoin_missing_"));
    assert_eq!(super::code(&Db::open(&Options::Postgres(missing))), "3D000");
}

/// On a network of 50 ms each way, time counts round trips. The best of three, because the machine may be busy.
#[tokio::test]
async fn a_read_takes_one_round_trip_and_a_write_two() {
    let Some(db) = database("create table quoin_t (id bigint)").await else {
        return;
    };
    let Some(server) = server_of(&db) else { return };
    let (pool, proxy) = through_proxy(&db, &server, Duration::from_millis(50), 1).await;
    let timed = async |is_read: bool, statements: usize| {
        let started = Instant::now();
        let closure = move |tx: &mut crate::Tx<'_>| {
            for _ in 0..statements {
                let count = Statement::new("COUNT", "select count(*) from quoin_t");
                tx.savepoint::<_, DbError>(|tx| tx.execute(&count, &[]))?;
            }
            Ok(())
        };
        if is_read {
            pool.read::<_, DbError, _>("test", closure).await.unwrap();
        } else {
            pool.write::<_, DbError, _>("test", closure).await.unwrap();
        }
        started.elapsed().as_secs_f64() / 0.1
    };
    timed(true, 1).await;
    for (is_read, statements, most) in [(true, 1, 1.9), (false, 1, 2.9), (false, 2, 3.9)] {
        let mut best = f64::INFINITY;
        for _ in 0..3 {
            best = best.min(timed(is_read, statements).await);
        }
        println!("read {is_read}, {statements} statements: {best:.2} round trips");
        assert!(best < most, "read {is_read}, {statements} statements: {best:.2} round trips");
    }
    execute(&pool, "insert into quoin_t values (1)", []).await.unwrap();
    pool.close();
    proxy.stop().await;
}
