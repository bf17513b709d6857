//! The list of what was taken back, as a reader of it goes on from where it stopped.

use std::sync::mpsc::channel;
use std::time::Duration;

use quoin_db::testing::on_each_engine;
use quoin_db::{Db, DbError, Engine};
use quoin_kernel::{OrgId, Timestamp};

use super::{MODULES, now, rng};
use crate::revocations::{Cursor, KEPT, Revocation, Revoked, purge, revoke, since};

fn gone() -> (OrgId, Revoked) {
    let org_id = OrgId::new(now(), &rng());
    (org_id, Revoked::Organization(org_id))
}

async fn take_back(db: &Db, revoked: Revoked, at: Timestamp) {
    let revocation = Revocation::new(revoked, at, &rng());
    db.write::<_, DbError, _>("test.revoke", move |tx| revoke(tx, &revocation)).await.unwrap();
}

async fn read(db: &Db, cursor: Cursor) -> (Vec<Revoked>, Cursor) {
    let read = db.read::<_, DbError, _>("test.since", move |tx| since(tx, cursor, now())).await;
    let (entries, cursor) = read.unwrap();
    (entries.into_iter().map(|(revoked, _)| revoked).collect(), cursor)
}

#[tokio::test]
async fn an_entry_whose_request_is_older_than_what_was_read_is_read() {
    on_each_engine(MODULES, |db| async move {
        let ((_, newer), (_, older)) = (gone(), gone());
        take_back(&db, newer, now()).await;
        let (_, cursor) = read(&db, Cursor::default()).await;
        take_back(&db, older, now() - Duration::from_mins(30)).await;
        assert!(read(&db, cursor).await.0.contains(&older));
    })
    .await;
}

#[tokio::test]
async fn an_entry_that_commits_after_younger_ones_were_read_is_read() {
    on_each_engine(MODULES, |db| async move {
        // SQLite writes one after the other.
        if db.engine() == Engine::Sqlite {
            return;
        }
        let ((_, slow), (_, quick)) = (gone(), gone());
        let ((written, is_written), (release, released)) = (channel(), channel::<()>());
        let revocation = Revocation::new(slow, now(), &rng());
        let writing = db.write::<_, DbError, _>("test.slow", move |tx| {
            revoke(tx, &revocation)?;
            written.send(()).unwrap();
            released.recv().unwrap();
            Ok(())
        });
        let meanwhile = async {
            while is_written.try_recv().is_err() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            take_back(&db, quick, now()).await;
            let (entries, cursor) = read(&db, Cursor::default()).await;
            assert_eq!(entries, [quick]);
            release.send(()).unwrap();
            cursor
        };
        let (written, cursor) = tokio::join!(writing, meanwhile);
        written.unwrap();
        assert!(read(&db, cursor).await.0.contains(&slow));
    })
    .await;
}

#[tokio::test]
async fn counting_goes_on_after_everything_has_expired() {
    on_each_engine(MODULES, |db| async move {
        let ((_, expired), (_, next)) = (gone(), gone());
        take_back(&db, expired, now() - KEPT).await;
        let (entries, cursor) = read(&db, Cursor::default()).await;
        assert!(entries.is_empty());
        db.write::<_, DbError, _>("test.purge", |tx| purge(tx, now())).await.unwrap();
        take_back(&db, next, now()).await;
        assert!(read(&db, cursor).await.0.contains(&next));
    })
    .await;
}
