//! The trail on both engines.

use std::time::Duration;

use quoin_db::testing::on_each_engine;
use quoin_db::{Db, DbError, Engine};
use quoin_kernel::page::PageIn;
use quoin_kernel::rng::SystemRng;
use quoin_kernel::{OrgId, Timestamp, UserId};
use serde_json::json;

use crate::{Actor, Entry, EntryId, FilterIn, MIGRATIONS, Recorded, list, purge, record};

fn start() -> Timestamp {
    "2026-08-01T12:00:00Z".parse().unwrap()
}

async fn write(db: &Db, entry: Entry) -> EntryId {
    let id = entry.id;
    db.write::<_, DbError, _>("test.record", move |tx| record(tx, &entry)).await.unwrap();
    id
}

async fn ids(db: &Db, filter: FilterIn) -> Vec<EntryId> {
    list(db, filter.check().unwrap()).await.unwrap().data.iter().map(|entry: &Recorded| entry.id).collect()
}

#[tokio::test]
async fn every_statement_can_be_prepared_on_each_engine() {
    on_each_engine(&[MIGRATIONS], |db| async move {
        let refused = quoin_db::testing::refused_statements(&db, crate::STATEMENTS).await.unwrap();
        assert!(refused.is_empty(), "{refused:#?}");
    })
    .await;
}

#[tokio::test]
async fn each_filter_shows_its_entries_newest_first() {
    on_each_engine(&[MIGRATIONS], |db| async move {
        let rng = SystemRng::default();
        let (user, org) = (UserId::new(start(), &rng), OrgId::new(start(), &rng));
        let at = |seconds| start() + Duration::from_secs(seconds);
        let new = |seconds, action| Entry::new(&rng, at(seconds), Actor::User(user), action);
        let first = write(&db, new(1, "identity.user.banned").on("x")).await;
        let second = write(&db, new(2, "tenancy.organization.created").in_org(org).on(org)).await;
        let system = Entry::new(&rng, at(3), Actor::System("cli"), "identity.user_imported");
        let third = write(&db, system.detail(json!({"count": 3}))).await;

        assert_eq!(ids(&db, FilterIn::default()).await, [third, second, first]);
        let filter = |set: fn(&mut FilterIn)| {
            let mut filter = FilterIn::default();
            set(&mut filter);
            filter
        };
        assert_eq!(ids(&db, FilterIn { org_id: Some(org), ..FilterIn::default() }).await, [second]);
        assert_eq!(
            ids(&db, FilterIn { actor: Some(user.to_string()), ..FilterIn::default() }).await,
            [second, first]
        );
        assert_eq!(ids(&db, filter(|f| f.actor = Some("cli".into()))).await, [third]);
        assert_eq!(ids(&db, filter(|f| f.action = Some("identity.user.banned".into()))).await, [first]);
        assert_eq!(ids(&db, filter(|f| f.action = Some("identity.*".into()))).await, [third, first]);
        assert_eq!(ids(&db, filter(|f| f.action = Some("identity.user.*".into()))).await, [first]);
        assert_eq!(ids(&db, filter(|f| f.target = Some("x".into()))).await, [first]);
        let window = FilterIn { since: Some(at(2)), until: Some(at(3)), ..FilterIn::default() };
        assert_eq!(ids(&db, window).await, [second]);
    })
    .await;
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_repetition() {
    on_each_engine(&[MIGRATIONS], |db| async move {
        let rng = SystemRng::default();
        let mut written = Vec::new();
        for _ in 0..7 {
            written
                .push(write(&db, Entry::new(&rng, start(), Actor::Anonymous, "identity.user.created")).await);
        }
        written.sort_unstable_by(|left, right| right.cmp(left));
        let (mut seen, mut cursor) = (Vec::new(), None);
        loop {
            let filter = FilterIn { limit: Some(3), cursor: cursor.take(), ..FilterIn::default() };
            let page = list(&db, filter.check().unwrap()).await.unwrap();
            seen.extend(page.data.iter().map(|entry| entry.id));
            match page.next_cursor {
                Some(next) => cursor = Some(next),
                None => break,
            }
        }
        assert_eq!(seen, written);
        assert!(PageIn { limit: Some(0), cursor: None }.check().is_err());
    })
    .await;
}

#[tokio::test]
async fn entries_of_one_moment_are_listed_in_the_order_in_which_they_were_made() {
    on_each_engine(&[MIGRATIONS], |db| async move {
        let rng = SystemRng::default();
        let mut made = Vec::new();
        for _ in 0..50 {
            made.push(write(&db, Entry::new(&rng, start(), Actor::Anonymous, "identity.user.created")).await);
        }
        made.reverse();
        assert_eq!(ids(&db, FilterIn { limit: Some(50), ..FilterIn::default() }).await, made);
        let later = Entry::new(&rng, start() + Duration::from_micros(1), Actor::Anonymous, "later");
        assert!(later.id > made[0]);
    })
    .await;
}

#[tokio::test]
async fn old_entries_go_and_the_purge_stays() {
    on_each_engine(&[MIGRATIONS], |db| async move {
        let rng = SystemRng::default();
        let old = Entry::new(&rng, start(), Actor::Anonymous, "identity.user.created");
        let old_id = write(&db, old).await;
        for _ in 0..1500 {
            let more = Entry::new(&rng, start(), Actor::Anonymous, "identity.user.created");
            db.write::<_, DbError, _>("test.record", move |tx| record(tx, &more)).await.unwrap();
        }
        let kept_at = start() + Duration::from_hours(48);
        let kept = write(&db, Entry::new(&rng, kept_at, Actor::Anonymous, "identity.user.banned")).await;
        let keep = Duration::from_hours(30 * 24);
        let early = start() + keep;
        assert_eq!(purge(&db, &rng, early, keep).await.unwrap(), 0, "of exactly that age they stay");
        let now = early + Duration::from_hours(24);
        assert_eq!(purge(&db, &rng, now, keep).await.unwrap(), 1501);
        let left = list(&db, FilterIn::default().check().unwrap()).await.unwrap().data;
        let actions: Vec<&str> = left.iter().map(|entry| entry.action.as_str()).collect();
        assert_eq!(actions, ["audit.entries.purged", "identity.user.banned"]);
        assert!(left.iter().any(|entry| entry.id == kept) && left.iter().all(|entry| entry.id != old_id));
        assert_eq!(purge(&db, &rng, now, keep).await.unwrap(), 0, "a second one finds nothing");
        for attack in ["delete from {entries}", "delete from {purges}", "update {purges} set at = at"] {
            let name = |table| match db.engine() {
                Engine::Sqlite => format!("quoin_audit_{table}"),
                Engine::Postgres => format!("quoin.audit_{table}"),
            };
            let attack = attack.replace("{entries}", &name("entries")).replace("{purges}", &name("purges"));
            let refused = db.write::<_, DbError, _>("test.attack", move |tx| tx.batch(&attack)).await;
            assert!(refused.unwrap_err().to_string().contains("append-only"));
        }
    })
    .await;
}

#[tokio::test]
async fn nobody_changes_or_removes_an_entry() {
    on_each_engine(&[MIGRATIONS], |db| async move {
        let entry = Entry::new(&SystemRng::default(), start(), Actor::Anonymous, "identity.user.created");
        write(&db, entry).await;
        let table = match db.engine() {
            Engine::Sqlite => "quoin_audit_entries",
            Engine::Postgres => "quoin.audit_entries",
        };
        let mut attacks = vec![format!("update {table} set action = 'x'"), format!("delete from {table}")];
        if db.engine() == Engine::Postgres {
            attacks.push(format!("truncate {table}"));
        }
        for attack in attacks {
            let refused = db.write::<_, DbError, _>("test.attack", move |tx| tx.batch(&attack)).await;
            assert!(refused.unwrap_err().to_string().contains("append-only"));
        }
        assert_eq!(ids(&db, FilterIn::default()).await.len(), 1);
    })
    .await;
}
