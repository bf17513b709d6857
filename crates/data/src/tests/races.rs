//! What happens when several things happen at once.

use super::harness::{Instance, cases, instances};
use crate::model::migration::UserMigration;

async fn status(instance: &Instance, line: &str) -> u16 {
    instance.send(&cases(line)[0]).await.status.as_u16()
}

#[tokio::test]
async fn two_starts_at_once_apply_a_migration_once() {
    for instance in instances().await {
        let migration = UserMigration {
            name: "0001".into(),
            sql: "create table t (id int primary key); insert into t (id) values (1);".into(),
        };
        let (one, two) = tokio::join!(instance.apply(migration.clone()), instance.apply(migration));
        let applied = [one.expect("either"), two.expect("either")];
        assert_eq!(applied.iter().filter(|applied| **applied).count(), 1);
    }
}

#[tokio::test]
async fn a_new_table_and_a_new_policy_are_seen_at_once() {
    for instance in instances().await {
        assert_eq!(status(&instance, "alice | GET /t | 404 | -").await, 404);
        instance.migrate("1", "create table t (id int primary key); insert into t (id) values (1);").await;
        assert_eq!(status(&instance, "platform | GET /t | 200 | -").await, 200);
        assert_eq!(status(&instance, "alice | GET /t | 404 | -").await, 404);
        instance
            .migrate("2", "alter table t enable row level security; create policy p on t using (true);")
            .await;
        assert_eq!(status(&instance, "alice | GET /t | 200 | -").await, 200);
        instance.migrate("3", "drop table t;").await;
        assert_eq!(status(&instance, "platform | GET /t | 404 | -").await, 404);
    }
}

#[tokio::test]
async fn fifty_upserts_of_one_row_make_one_row() {
    for instance in instances().await {
        instance
            .migrate("1", "create table t (id int primary key, n int); alter table t enable row level security; create policy p on t using (true);")
            .await;
        let list =
            cases("alice | POST /t | Prefer: resolution=merge-duplicates | {\"id\":1,\"n\":2} | 201 | -");
        let mut made = 0;
        let answers = (0..50).map(|_| instance.send(&list[0]));
        for answer in futures_util::future::join_all(answers).await {
            assert!(answer.status.is_success(), "{}", String::from_utf8_lossy(&answer.body));
            made += usize::from(answer.status.as_u16() == 201);
        }
        assert_eq!(made, 1);
    }
}
