use super::{Migration, Report, migrate, translate};
use crate::error::DbError;
use crate::params;
use crate::statement::{DynamicSql, Engine};
use crate::testing::{databases, describe_schema};

const fn migration(name: &'static str, sql: &'static str) -> Migration {
    Migration { module: "test", name, sql, postgres: None }
}

const NOTES: Migration = migration(
    "0001_notes",
    "-- Notes; of everybody.
     create table quoin.test_notes (
         id {id} primary key,
         org_id {id} not null,
         text {text} not null default 'a;b',
         done {bool} not null,
         size {int},
         weight {real},
         raw {bytes},
         detail {json},
         at {time},
         unique (org_id, text)
     );
     create unique index test_notes_org on quoin.test_notes (org_id, id);
     create index test_notes_at on quoin.test_notes (at) where at is not null;",
);
const REPLIES: Migration = migration(
    "0002_replies",
    "create table quoin.test_replies (
         org_id {id} not null,
         note_id {id} not null,
         number {int} not null,
         primary key (org_id, note_id, number),
         foreign key (org_id, note_id) references quoin.test_notes (org_id, id) on delete cascade
     );",
);

#[tokio::test]
async fn migrations_are_applied_once_and_in_order() {
    for db in databases() {
        let first = migrate(&db, &[&[NOTES, REPLIES]]).await.unwrap();
        assert_eq!(first.applied, ["test/0001_notes", "test/0002_replies"]);
        let second = migrate(&db, &[&[NOTES, REPLIES]]).await.unwrap();
        assert_eq!(second, Report { applied: vec![], already_applied: 2 });
    }
}

#[tokio::test]
async fn both_engines_get_the_same_schema() {
    let expected = "\
quoin.migrations
  column module text not null
  column name text not null
  column checksum text not null
  column applied_at text not null
  unique migrations_pkey (module, name)
quoin.test_notes
  column id text not null
  column org_id text not null
  column text text not null
  column done integer not null
  column size integer
  column weight real
  column raw blob
  column detail text
  column at text
  index test_notes_at (at) where …
  unique test_notes_org (org_id, id)
  unique test_notes_org_id_text_key (org_id, text)
  unique test_notes_pkey (id)
quoin.test_replies
  column org_id text not null
  column note_id text not null
  column number integer not null
  foreign key (org_id, note_id) references quoin.test_notes (org_id, id) on delete cascade
  unique test_replies_pkey (org_id, note_id, number)
";
    for db in databases() {
        migrate(&db, &[&[NOTES, REPLIES]]).await.unwrap();
        assert_eq!(describe_schema(&db).await.unwrap(), expected, "on {:?}", db.engine());
    }
}

#[tokio::test]
async fn tables_are_strict_on_sqlite() {
    let db = crate::testing::fresh_sqlite();
    migrate(&db, &[&[NOTES, REPLIES]]).await.unwrap();
    let count = "select count(*) from pragma_table_list where name like 'quoin_test%' and strict = 1";
    let strict: i64 = db
        .read::<_, DbError, _>("test", |tx| tx.query_one(&DynamicSql(count.into()), &[], |row| row.get(0)))
        .await
        .unwrap();
    assert_eq!(strict, 2);
}

#[tokio::test]
async fn ten_processes_that_start_together_apply_each_migration_once() {
    for db in databases() {
        let others: Vec<_> = (0..10).map(|_| db.open_again()).collect();
        let racing = others.iter().map(|db| migrate(db, &[&[NOTES, REPLIES]]));
        let reports = futures_util::future::join_all(racing).await;
        let applied: usize = reports.into_iter().map(|report| report.unwrap().applied.len()).sum();
        assert_eq!(applied, 2, "on {:?}", db.engine());
        others.iter().for_each(crate::Db::close);
    }
}

#[tokio::test]
async fn a_migration_that_fails_leaves_nothing_and_can_be_mended() {
    let broken =
        migration("0002_broken", "create table quoin.test_half (id {id} primary key); select nonsense;");
    let mended = migration("0002_broken", "create table quoin.test_half (id {id} primary key);");
    for db in databases() {
        let error = migrate(&db, &[&[NOTES, broken]]).await.unwrap_err();
        assert!(matches!(&error, DbError::Migration { name, .. } if name == "test/0002_broken"), "{error}");
        assert!(!describe_schema(&db).await.unwrap().contains("test_half"));
        let report = migrate(&db, &[&[NOTES, mended]]).await.unwrap();
        assert_eq!(report.applied, ["test/0002_broken"]);
    }
}

#[tokio::test]
async fn a_process_killed_in_the_middle_of_a_migration_leaves_nothing() {
    for db in databases() {
        migrate(&db, &[]).await.unwrap();
        let killed = db.write::<(), DbError, _>("test", |tx| {
            let table = match tx.engine() {
                Engine::Sqlite => translate::to_sqlite(REPLIES.sql),
                Engine::Postgres => "create table quoin.test_replies (id bigint)".to_owned(),
            };
            tx.batch(&table)?;
            panic!("killed");
        });
        killed.await.unwrap_err();
        assert!(!describe_schema(&db).await.unwrap().contains("test_replies"));
        assert_eq!(migrate(&db, &[&[NOTES, REPLIES]]).await.unwrap().applied.len(), 2);
    }
}

#[tokio::test]
async fn a_changed_migration_is_refused() {
    let changed = migration("0001_notes", "create table quoin.test_other (id {id} primary key);");
    for db in databases() {
        migrate(&db, &[&[NOTES]]).await.unwrap();
        let error = migrate(&db, &[&[changed]]).await.unwrap_err();
        assert!(error.to_string().contains("test/0001_notes: it was changed"), "{error}");
    }
}

#[tokio::test]
async fn a_schema_newer_than_the_program_is_refused_by_name() {
    for db in databases() {
        migrate(&db, &[&[NOTES, REPLIES]]).await.unwrap();
        let error = migrate(&db, &[&[NOTES]]).await.unwrap_err();
        assert!(error.to_string().contains("test/0002_replies: this program does not know it"), "{error}");
    }
}

#[tokio::test]
async fn a_migration_slipped_in_before_an_applied_one_is_refused() {
    for db in databases() {
        let later = migration("0003_later", "create table quoin.test_later (id {id} primary key);");
        migrate(&db, &[&[NOTES, later]]).await.unwrap();
        let error = migrate(&db, &[&[NOTES, REPLIES, later]]).await.unwrap_err();
        assert!(error.to_string().contains("test/0002_replies: it comes before test/0003_later"), "{error}");
    }
}

#[tokio::test]
async fn rows_go_into_a_migrated_table_and_foreign_keys_hold() {
    for db in databases() {
        migrate(&db, &[&[NOTES, REPLIES]]).await.unwrap();
        let reply = db.write::<_, DbError, _>("test", |tx| {
            let id = uuid::Uuid::from_u128(7);
            let insert =
                crate::Statement::new("INSERT", "insert into quoin.test_replies values (?1, ?2, ?3)");
            tx.execute(&insert, &params![id, id, 1_i64])
        });
        assert!(matches!(reply.await, Err(DbError::ForeignKey { .. })));
    }
}

#[test]
fn a_deferrable_constraint_and_an_unknown_type_are_refused() {
    let deferrable = migration("0001_x", "create table quoin.x (y {id} references quoin.z (id) DEFERRABLE);");
    assert!(translate::check(&deferrable).unwrap_err().to_string().contains("deferrable"));
    let typo = migration("0001_x", "create table quoin.x (y {uuid}, z {json} default '{}');");
    assert!(translate::check(&typo).unwrap_err().to_string().contains("there is no type {uuid}"));
    translate::check(&NOTES).unwrap();
}

#[test]
fn strict_is_added_to_tables_and_to_nothing_else() {
    let sql = "create table quoin.a (b {text} default ';)'); -- c;\ncreate index d on quoin.a (b);\n/* ; */ CREATE TABLE quoin.e (f {id})\n";
    let expected = "create table quoin_a (b text default ';)') strict; -- c;\ncreate index d on quoin_a (b);\n/* ; */ CREATE TABLE quoin_e (f text) strict\n";
    assert_eq!(translate::to_sqlite(sql), expected);
}
