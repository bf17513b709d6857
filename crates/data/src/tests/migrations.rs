//! Which migrations are accepted, and that both engines agree.

use super::harness::instances;
use crate::error::DataError;
use crate::model::migration::UserMigration;

fn migration(name: &str, sql: &str) -> UserMigration {
    UserMigration { name: name.to_owned(), sql: sql.to_owned() }
}

#[tokio::test]
async fn a_migration_runs_once_and_never_changes() {
    for instance in instances().await {
        let first = migration("0001", "create table t (id int primary key);");
        assert!(instance.apply(first.clone()).await.expect("it is accepted"));
        assert!(!instance.apply(first).await.expect("it has run"));
        let other = migration("0001", "create table u (id int primary key);");
        let refused = instance.apply(other).await;
        assert!(matches!(refused, Err(DataError::MigrationChanged(_))), "{refused:?}");
        let listed = instance.data.list_migrations().await.expect("the ledger can be read");
        assert_eq!(listed.len(), 1);
        assert_eq!((listed[0].position, listed[0].name.as_str()), (1, "0001"));
    }
}

#[tokio::test]
async fn a_refused_migration_leaves_nothing_behind() {
    for instance in instances().await {
        let sql = "create table t (id int primary key);\ncreate table u (id int references missing (id));";
        let refused = instance.apply(migration("0001", sql)).await;
        let Err(DataError::Migration(refusal)) = refused else { panic!("{refused:?}") };
        assert_eq!((refusal.line, refusal.reason.as_str()), (2, "there is no table missing"));
        instance.migrate("0001", "create table t (id int primary key);").await;
    }
}

#[tokio::test]
async fn what_the_engine_refuses_is_said_with_the_reason() {
    for instance in instances().await {
        let sql = "create table t (id int primary key);\ninsert into t (id) values (1), (1);";
        let refused = instance.apply(migration("0001", sql)).await;
        let Err(DataError::Migration(refusal)) = refused else { panic!("{refused:?}") };
        assert!(
            refusal.reason.contains("duplicate key value violates unique constraint \"t_pkey\""),
            "{refusal}"
        );
    }
}

/// Every form that is accepted, in one migration after another on the same schema.
const ACCEPTED: &[&str] = &[
    "create table a (id uuid primary key default gen_random_uuid(), n int not null default 5, t text default 'x');",
    "create table if not exists a (id uuid primary key);",
    "create table public.b (id serial primary key, a_id uuid references a on delete set null on update cascade);",
    "create table c (x int, y int, constraint c_key primary key (x, y), unique (y), check (x < y));",
    "create index on c (y desc nulls last); create index c_x on c (x) where x > 3 and y is not null;",
    "create unique index if not exists c_x on c (x);",
    "alter table a add column note text, add column at timestamptz not null default now();",
    "alter table a add column kind varchar(8) not null default 'plain' check (kind <> ''), add column u int unique;",
    "alter table a alter column n set default 6; alter table a alter column t drop default;",
    "alter table a drop column note;",
    "alter table c add constraint c_pair unique (x);",
    "alter table a enable row level security; alter table only b enable row level security;",
    "create policy p on a using (n = 5 and t is not null or t like 'x%' and n between 1 and 3);",
    "create policy q on a for select to anon using (exists (select 1 from b where b.a_id = a.id));",
    "create policy r on a as restrictive for update using (n is distinct from 4) with check (true);",
    "create policy s on b using (a_id in (select id from c where false) or id = any (array[1, 2]));",
    "drop policy r on a; drop policy if exists nothing on a; drop policy s on b;",
    "insert into a (id, n, t) values ('11111111-0000-4000-8000-000000000001', 1, 'it''s') on conflict do nothing;",
    "update a set n = 2, t = null where n = 1; delete from a where t = 'none';",
    "comment on table a is 'things'; comment on column a.n is null;",
    "create table d (id bigint generated always as identity primary key, at timestamptz, ok boolean default true);",
    "drop index c_x; drop table if exists d; drop table c;",
    "-- only a comment\n;;",
];

#[tokio::test]
async fn every_accepted_form_runs_on_both_engines() {
    for instance in instances().await {
        for (number, sql) in ACCEPTED.iter().enumerate() {
            // `c` is asked by the policy s as long as that exists; its column is an int, so that one is left out.
            let sql = sql.replace("a_id in (select id from c where false) or ", "");
            instance.migrate(&format!("{number:04}"), &sql).await;
        }
    }
}

/// Every form that is refused, with a word of the reason.
const REFUSED: &[(&str, &str)] = &[
    ("create table t (x json)", "jsonb"),
    ("create table t (x timestamp)", "timestamptz"),
    ("create table t (x real)", "double precision"),
    ("create table t (x money)", "type"),
    ("create table t (x int[])", "type"),
    ("create table t (x numeric(20, 2))", "numeric"),
    ("create table t (x text collate \"C\")", "option"),
    ("create table t (x int generated always as (1) stored)", "generated"),
    ("create table t (id int, id int)", "twice"),
    ("create temporary table t (id int)", "columns and constraints"),
    ("create table t (id int) partition by range (id)", "columns and constraints"),
    ("create table t as select 1", ""),
    ("create table quoin_t (id int)", "reserved"),
    ("create table quoin.t (id int)", "schema public"),
    ("create table sqlite_t (id int)", "reserved"),
    ("create table pg_catalog.t (id int)", ""),
    ("create table auth.users (id int)", "schema public"),
    ("create table \"a b\" (id int)", "letters"),
    ("create table \"x\"\"; drop table y\" (id int)", "letters"),
    ("create table t (id int, u uuid references auth.users (id))", "auth.uid()"),
    ("create table t (id int references base (id) deferrable initially deferred)", "deferrable"),
    ("create table t (id int references base (v))", "no key"),
    ("create table t (id text references base (id))", "different types"),
    ("create table t (id int references base (id) on delete set default)", "set default"),
    ("create table t (id int default (1 + 2))", ""),
    ("create table t (id int default random())", ""),
    ("create table t (id int default 'x')", "integer"),
    ("create table t (at timestamptz default gen_random_uuid())", "default"),
    ("create table t (id int check (id > (select 1)))", ""),
    ("create table t (id int, check (lower(id) = 'x'))", "lower"),
    ("create table t (id uuid check (id = auth.uid()))", "who asks"),
    ("create table t (id int check (id::text || 'x' = 'y'))", "not accepted"),
    ("create table t (id bigint generated always as identity, x int primary key)", "identity"),
    ("alter table base rename to other", "not accepted"),
    ("alter table base rename column v to w", "not accepted"),
    ("alter table base alter column v type text", "not accepted"),
    ("alter table base alter column v set not null", "not accepted"),
    ("alter table base add column w int not null", "default"),
    ("alter table base add column w uuid default gen_random_uuid()", "each row"),
    ("alter table base force row level security", "bind"),
    ("alter table base drop column id", "uses"),
    ("alter table base owner to postgres", "not accepted"),
    ("alter table missing enable row level security", "no table"),
    ("create index on base (lower(v))", "columns"),
    ("create index on base using gin (v)", ""),
    ("create index concurrently i on base (v)", "columns and a condition"),
    ("create policy p on base using (nothing = 1)", "in sight"),
    ("create policy p on base using (v)", "no condition"),
    ("create policy p on base using (v = 1)", "cannot be compared"),
    ("create policy p on base using (v > 'a')", "order of texts"),
    ("create policy p on base using (id in (select id from base))", "recurse"),
    ("create policy p on base using (pg_sleep(10) is null)", "pg_sleep"),
    ("create policy p on base using (current_setting('x') = 'y')", "current_setting"),
    ("create policy p on base using (id = (select max(id) from base))", ""),
    ("create policy p on base using (exists (select 1 from quoin.identity_users))", "schema public"),
    ("create policy p on base using (exists (select 1 from pg_authid))", "reserved"),
    ("create policy p on base for insert using (true)", "with check only"),
    ("create policy p on base for select with check (true)", "using only"),
    ("create policy p on base to postgres using (true)", "no role"),
    ("create policy p on base using (v ~ 'x')", "not accepted"),
    ("create policy p on base using (v like v)", "literal"),
    ("insert into base select 1, 'x'", ""),
    ("insert into base (id) values (1) returning id", "values only"),
    ("insert into base (id) values ('x')", "integer"),
    ("insert into base (id, v) values (1)", "another number"),
    ("update base set v = upper(v)", "upper"),
    ("delete from base using other where true", ""),
    ("create view w as select 1", "not accepted"),
    ("create function f() returns int language sql as 'select 1'", "not accepted"),
    ("create trigger t before insert on base for each row execute function f()", "not accepted"),
    ("create extension pgcrypto", "not accepted"),
    ("create schema s", "not accepted"),
    ("create role r", "not accepted"),
    ("drop schema public cascade", "not accepted"),
    ("drop table base cascade", "not accepted"),
    ("drop table quoin_data_tables", "reserved"),
    ("truncate base", "not accepted"),
    ("set role postgres", "not accepted"),
    ("begin", "not accepted"),
    ("commit", "not accepted"),
    ("copy base from '/etc/passwd'", ""),
    ("attach database 'x' as y", ""),
    ("pragma writable_schema = 1", ""),
    ("vacuum", ""),
    ("do $$ begin end $$", ""),
    ("select 1", "not accepted"),
    ("grant all on base to anon", "implied"),
    ("create table t (id int", ""),
    ("create table t (id int) create table u (id int)", "expected ;"),
    ("sel", ""),
];

#[tokio::test]
async fn every_refused_form_is_refused_alike_with_its_line() {
    let mut answers: Vec<Vec<String>> = Vec::new();
    for instance in instances().await {
        instance
            .migrate("base", "create table base (id int primary key, v text); create table other (id int);")
            .await;
        let mut lines = Vec::new();
        for (sql, word) in REFUSED {
            let refused = instance.apply(migration("refused", &format!("\n\n{sql};"))).await;
            let Err(DataError::Migration(refusal)) = refused else { panic!("{sql}: {refused:?}") };
            assert!(refusal.reason.to_lowercase().contains(&word.to_lowercase()), "{sql}: {refusal}");
            assert_eq!(refusal.line, 3, "{sql}: {refusal}");
            lines.push(refusal.to_string());
        }
        answers.push(lines);
    }
    for other in &answers[1..] {
        assert_eq!(&answers[0], other);
    }
}

#[tokio::test]
async fn a_file_for_postgresql_alone_is_refused_by_sqlite_and_may_not_name_system_tables() {
    for instance in instances().await {
        let sql = "-- quoin: postgres-only\ncreate table arrays (id int primary key, tags text[]);\nalter table arrays enable row level security;";
        let applied = instance.apply(migration("arrays", sql)).await;
        match instance.engine {
            quoin_db::Engine::Sqlite => {
                assert!(matches!(applied, Err(DataError::Migration(_))), "{applied:?}");
            }
            quoin_db::Engine::Postgres => assert!(applied.expect("it is accepted")),
        }
        let sql = "-- quoin: postgres-only\ncreate table t as select * from quoin.data_tables;";
        let refused = instance.apply(migration("theft", sql)).await;
        assert!(matches!(refused, Err(DataError::Migration(_))), "{refused:?}");
    }
}

#[tokio::test]
async fn rows_that_exist_get_the_default_of_a_new_column() {
    for instance in instances().await {
        instance.migrate("1", "create table t (id int primary key); insert into t (id) values (1);").await;
        instance
            .migrate("2", "alter table t add column a int not null default 7, add column b text, add column c boolean default true;")
            .await;
        let case = super::harness::cases("platform | GET /t | 200 | -");
        let answer = instance.send(&case[0]).await;
        assert_eq!(answer.json(), serde_json::json!([{"id": 1, "a": 7, "b": null, "c": true}]));
    }
}

#[tokio::test]
async fn what_psql_changes_is_seen_within_two_seconds() {
    for instance in instances().await {
        if instance.engine == quoin_db::Engine::Sqlite {
            continue;
        }
        instance
            .migrate("1", "create table t (id int primary key); alter table t enable row level security;")
            .await;
        for change in
            ["alter table t add column tags text[] default '{a,b}'", "insert into t (id) values (1)"]
        {
            quoin_db::testing::execute(instance.data.db(), change, []).await.expect("psql may do this");
        }
        tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
        let list = super::harness::cases(
            "platform | GET /t | 200 | -
             platform | POST /t?select=tags | Prefer: return=representation | {\"id\":2,\"tags\":[\"x\"]} | 201 | -
             platform | GET /t?tags=cs.{b}&select=id | 200 | -
             platform | PATCH /t?id=eq.2&select=tags | Prefer: return=representation | {\"tags\":[]} | 200 | -",
        );
        let expected =
            [r#"[{"id":1,"tags":["a","b"]}]"#, r#"[{"tags":["x"]}]"#, r#"[{"id":1}]"#, r#"[{"tags":[]}]"#];
        for (case, expected) in list.iter().zip(expected) {
            let answer = instance.send(case).await;
            assert_eq!(String::from_utf8_lossy(&answer.body), expected, "{}", case.line);
        }
    }
}
