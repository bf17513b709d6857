//! Policies on `storage.objects`, which both engines must understand alike.

use quoin_kernel::{Caller, Timestamp};
use quoin_policy::model::requester::{RequestRole, Requester};
use quoin_policy::model::storage_objects::ObjectRow;
use quoin_policy::object_guard::{Act, Asked};
use uuid::Uuid;

use super::harness::{ACME, ALICE, BIRD, BOB, CAROL, Instance, cases, instances};
use crate::DataError;
use crate::model::migration::UserMigration;

const POLICIES: &str = "
create table members (folder text, user_id uuid, org_id uuid default auth.org_id());
alter table members enable row level security;
create policy own on members using (org_id = auth.org_id());
insert into members (folder, user_id, org_id) values
    ('team', '$alice', '$acme'), ('hidden', '$alice', '$bird'), ('birds', '$carol', '$bird');

alter table storage.objects enable row level security;
create policy \"own folder\" on storage.objects for select to authenticated
    using (bucket_id = 'avatars' and (storage.foldername(name))[1] = (select auth.uid()::text));
create policy \"put pictures\" on storage.objects for insert to authenticated
    with check (bucket_id in ('avatars', 'pictures') and storage.extension(name) = 'png' and owner = auth.uid());
create policy change on storage.objects for update using (bucket_id = 'avatars' and owner = auth.uid())
    with check (bucket_id = 'avatars' and storage.filename(name) <> 'secret.png');
create policy remove on storage.objects for delete using (bucket_id = 'avatars' and owner_id = auth.uid()::text);
create policy \"the press; everybody\" on storage.objects for select to anon, authenticated
    using (bucket_id = 'press' and org_id is not null);
create policy \"naive\" on storage.objects for select to authenticated using (bucket_id = 'naive');
create policy members on storage.objects for all to authenticated using (bucket_id = 'shared' and exists (
    select 1 from members m where m.folder = (storage.foldername(objects.name))[1] and m.user_id = auth.uid()));
create policy large on storage.objects for select using (bucket_id = 'large' and metadata ->> 'size' = '7');
drop policy if exists nothing on storage.objects;
create table after (id int primary key);
";

/// Who, what, bucket and name, whose object (owner and organisation), and whether it is let through.
const ASKED: &[(&str, Act, &str, &str, bool)] = &[
    // A folder of one's own, at home only.
    ("alice", Act::Read, "avatars/$alice/a.png", "alice acme", true),
    ("alice", Act::Read, "avatars/$alice/deep/er/a.png", "bob acme", true),
    ("alice", Act::Read, "avatars/$bob/a.png", "alice acme", false),
    ("alice", Act::Read, "avatars/$alice", "alice acme", false),
    ("alice", Act::Read, "avatars/$alice/a.png", "alice bird", false),
    ("bob", Act::Read, "avatars/$alice/a.png", "alice acme", false),
    ("anon", Act::Read, "avatars/$alice/a.png", "alice acme", false),
    ("acme-key", Act::Read, "avatars/$alice/a.png", "alice acme", false),
    ("platform", Act::Read, "avatars/$alice/a.png", "alice acme", true),
    // Storing.
    ("alice", Act::Insert, "avatars/x.png", "alice acme", true),
    ("alice", Act::Insert, "pictures/a/b.c/x.tar.png", "alice acme", true),
    ("alice", Act::Insert, "avatars/x.gif", "alice acme", false),
    ("alice", Act::Insert, "avatars/x.png/y", "alice acme", false),
    ("alice", Act::Insert, "avatars/png", "alice acme", true),
    ("alice", Act::Insert, "avatars/x.png", "bob acme", false),
    ("alice", Act::Insert, "avatars/x.png", "alice bird", false),
    ("anon", Act::Insert, "avatars/x.png", "nobody acme", false),
    // Changing and removing.
    ("alice", Act::Change, "avatars/x.png", "alice acme", true),
    ("bob", Act::Change, "avatars/x.png", "alice acme", false),
    ("alice", Act::Leave, "avatars/y/open.png", "alice acme", true),
    ("alice", Act::Leave, "avatars/y/secret.png", "alice acme", false),
    ("alice", Act::Remove, "avatars/x.png", "alice acme", true),
    ("bob", Act::Remove, "avatars/x.png", "alice acme", false),
    ("alice", Act::Remove, "pictures/x.png", "alice acme", false),
    // A policy that names organisations reaches over them, one that does not stays at home.
    ("carol", Act::Read, "press/kit.pdf", "alice acme", true),
    ("anon", Act::Read, "press/kit.pdf", "alice acme", true),
    ("anon", Act::Read, "press/kit.pdf", "alice none", false),
    ("anon", Act::Insert, "press/kit.pdf", "nobody acme", false),
    ("alice", Act::Read, "naive/x", "bob acme", true),
    ("carol", Act::Read, "naive/x", "bob acme", false),
    // Tables that a policy asks are read in the requester's name.
    ("alice", Act::Read, "shared/team/x", "bob acme", true),
    ("alice", Act::Insert, "shared/team/x", "alice acme", true),
    ("alice", Act::Read, "shared/hidden/x", "bob acme", false),
    ("bob", Act::Read, "shared/team/x", "bob acme", false),
    ("carol", Act::Read, "shared/birds/x", "carol bird", true),
    ("alice", Act::Read, "large/x", "alice acme", true),
    // A bucket that no policy speaks of is everybody's at home.
    ("alice", Act::Read, "plain/x", "bob acme", true),
    ("acme-key", Act::Remove, "plain/x", "bob acme", true),
    ("carol", Act::Read, "plain/x", "bob acme", false),
    ("anon", Act::Read, "plain/x", "bob acme", false),
    ("anon", Act::Read, "plain/x", "nobody none", false),
    ("loner", Act::Read, "plain/x", "bob none", true),
    ("loner", Act::Read, "plain/x", "alice none", false),
    ("bob", Act::Read, "plain/x", "bob none", false),
    // Names that try to be something else.
    ("alice", Act::Read, "avatars/\"],\"$alice/a.png", "alice acme", false),
    ("alice", Act::Read, "avatars/' or true --/a.png", "alice acme", false),
    ("alice", Act::Insert, "avatars/x\",\"png", "alice acme", false),
];

fn requester(who: &str) -> Requester {
    let person = |user: &str, org: Option<&str>| {
        let id = |text: &str| Uuid::parse_str(text).expect("a UUID");
        let org_claim = org.map_or(String::new(), |org| format!(",\"org_id\":\"{org}\""));
        Requester {
            role: RequestRole::Authenticated,
            user_id: Some(id(user)),
            org_id: org.map(id),
            org_role: org.and(Some("member".into())),
            claims: format!("{{\"role\":\"authenticated\",\"sub\":\"{user}\"{org_claim}}}").into(),
            now: Timestamp::from_micros(0),
        }
    };
    match who {
        "alice" => person(ALICE, Some(ACME)),
        "bob" => person(BOB, Some(ACME)),
        "carol" => person(CAROL, Some(BIRD)),
        "loner" => person(BOB, None),
        "acme-key" => {
            let mut key = person(BOB, Some(ACME));
            (key.user_id, key.org_role) = (None, None);
            key.claims = format!("{{\"role\":\"authenticated\",\"org_id\":\"{ACME}\"}}").into();
            key
        }
        "platform" => Requester::platform(Timestamp::from_micros(0)),
        _ => Requester::of(&Caller::Anonymous, Timestamp::from_micros(0)),
    }
}

fn object(path: &str, whose: &str) -> ObjectRow {
    let person = |word: &str| match word {
        "alice" => Uuid::parse_str(ALICE).ok(),
        "bob" => Uuid::parse_str(BOB).ok(),
        "carol" => Uuid::parse_str(CAROL).ok(),
        "acme" => Uuid::parse_str(ACME).ok(),
        "bird" => Uuid::parse_str(BIRD).ok(),
        _ => None,
    };
    let (owner, org) = whose.split_once(' ').expect("owner and organisation");
    let path = path.replace("$alice", ALICE).replace("$bob", BOB);
    let (bucket, name) = path.split_once('/').expect("bucket and name");
    ObjectRow {
        id: Uuid::from_u128(7),
        bucket_id: bucket.to_owned(),
        name: name.to_owned(),
        owner: person(owner),
        org_id: person(org),
        metadata: serde_json::json!({"size": 7}),
        created_at: Timestamp::from_micros(0),
        updated_at: Timestamp::from_micros(0),
    }
}

async fn admits(instance: &Instance, who: &str, act: Act, objects: Vec<ObjectRow>) -> Vec<bool> {
    let catalogue = instance.data.cache().current(instance.data.db()).await.expect("a catalogue");
    let requester = requester(who);
    let asked = move |tx: &mut quoin_db::Tx<'_>| {
        let asked = Asked { catalogue: &catalogue, requester: &requester };
        let guard = catalogue.objects()?;
        let bucket = objects.first().map_or("", |object| &object.bucket_id);
        Ok::<_, DataError>(guard.admits(tx, asked, bucket, act, &objects)?)
    };
    instance.data.db().read("data.test.admits", asked).await.expect("an answer")
}

#[tokio::test]
async fn policies_on_objects_mean_the_same_on_both_engines() {
    for instance in instances().await {
        let named = [("$alice", ALICE), ("$carol", CAROL), ("$acme", ACME), ("$bird", BIRD)];
        let sql = named.iter().fold(POLICIES.to_owned(), |sql, (name, id)| sql.replace(name, id));
        instance.migrate("objects", &sql).await;
        for (who, act, path, whose, expected) in ASKED {
            let answer = admits(&instance, who, *act, vec![object(path, whose)]).await;
            assert_eq!(answer, [*expected], "{who} {act:?} {path} of {whose} on {:?}", instance.engine);
        }
        let many = (0..450).map(|number| object(&format!("naive/{number}"), "bob acme"));
        let many: Vec<_> = many.chain([object("naive/x", "bob bird")]).collect();
        let answers = admits(&instance, "alice", Act::Read, many).await;
        assert!(answers[..450].iter().all(|admitted| *admitted) && !answers[450]);
    }
}

#[tokio::test]
async fn restrictive_policies_narrow_every_bucket() {
    for instance in instances().await {
        let sql = "create policy no_exe on storage.objects as restrictive for insert
                       with check (storage.extension(name) <> 'exe');";
        instance.migrate("narrow", sql).await;
        assert_eq!(
            admits(&instance, "alice", Act::Insert, vec![object("b/x.exe", "alice acme")]).await,
            [false]
        );
        assert_eq!(
            admits(&instance, "alice", Act::Insert, vec![object("b/x.txt", "alice acme")]).await,
            [true]
        );
        assert_eq!(
            admits(&instance, "carol", Act::Insert, vec![object("b/x.txt", "alice acme")]).await,
            [false]
        );
        instance.migrate("widen", "drop policy no_exe on storage.objects;").await;
        assert_eq!(
            admits(&instance, "alice", Act::Insert, vec![object("b/x.exe", "alice acme")]).await,
            [true]
        );
    }
}

#[tokio::test]
async fn objects_are_no_table_of_the_database_api() {
    for instance in instances().await {
        instance.migrate("p", "create policy p on storage.objects for select using (bucket_id = 'a');").await;
        for path in ["/storage.objects", "/objects"] {
            let answer = instance.send(&cases(&format!("platform | GET {path} | 404 | -"))[0]).await;
            assert_eq!(answer.status.as_u16(), 404, "{path}");
        }
        let answer = instance.send(&cases("platform | GET / | 200 | -")[0]).await;
        assert!(!String::from_utf8_lossy(&answer.body).contains("storage"));
    }
}

/// What is refused, with a word of the reason.
const REFUSED: &[(&str, &str)] = &[
    ("create table storage.objects (id int)", "schema public"),
    ("drop table storage.objects", "schema public"),
    ("alter table storage.objects add column x int", "schema public"),
    ("alter table storage.objects disable row level security", "schema public"),
    ("insert into storage.objects (id) values (null)", "schema public"),
    ("create policy p on storage.buckets using (true)", "schema public"),
    ("create policy p on storage.objects using (secret = 'x')", "no column"),
    ("create policy p on storage.objects using (storage.foldername(name) = 'x')", "not accepted"),
    ("create policy p on storage.objects using ((storage.foldername(name))[0] = 'x')", "not accepted"),
    ("create policy p on storage.objects using ((storage.foldername(name))[1:2] = 'x')", "not accepted"),
    ("create policy p on storage.objects using ((auth.uid())[1] = 'x')", "not accepted"),
    ("create policy p on storage.objects using (id in (select id from storage.objects))", "schema public"),
    ("create table t (x text, check (storage.filename(x) = 'y'))", "storage.objects"),
    ("drop policy nothing on storage.objects", "no policy"),
];

#[tokio::test]
async fn what_is_not_meant_for_objects_is_refused_alike() {
    for instance in instances().await {
        for (number, (sql, word)) in REFUSED.iter().enumerate() {
            let migration = UserMigration { name: format!("r{number}"), sql: (*sql).to_owned() };
            let error = instance.apply(migration).await.expect_err(sql).to_string();
            assert!(error.contains(word), "{sql} on {:?}: {error}", instance.engine);
        }
    }
}

#[tokio::test]
async fn a_table_that_a_policy_on_objects_asks_stays() {
    for instance in instances().await {
        let sql = "create table t (id uuid primary key); alter table t enable row level security;
                   create policy p on storage.objects for select using (id in (select id from t));";
        instance.migrate("asks", sql).await;
        let drop = UserMigration { name: "drop".into(), sql: "drop table t;".into() };
        let error = instance.apply(drop).await.expect_err("the policy asks it").to_string();
        assert!(error.contains("storage.objects"), "{error}");
    }
}
