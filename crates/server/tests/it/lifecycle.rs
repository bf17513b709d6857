//! What an organisation says, demands, and how it ends, end to end.

use std::time::Duration;

use http::Method;
use quoin_db::{DbError, Statement, Tx};
use quoin_jobs::NewJob;
use quoin_kernel::{Role, Standing};
use quoin_tenancy::NewMember;
use quoin_testkit::{Person, TestServer, on_each_engine};
use serde_json::{Value, json};

/// How long jobs may take to be done.
const PATIENCE: Duration = Duration::from_secs(10);

/// Makes an organisation of ada's to which bob belongs; both act for it.
async fn acme(server: &TestServer) -> (String, Person, Person) {
    let (ada, bob) = (server.person("ada").await, server.person("bob").await);
    let wish = json!({"name": "Acme"});
    let org = ada.call(server, Method::POST, "/orgs/v1/orgs", Some(&wish)).await.expect(201).json();
    let org_id = org["id"].as_str().unwrap();
    let member = NewMember {
        org_id: org_id.parse().unwrap(),
        user_id: bob.id.parse().unwrap(),
        standing: Standing::of(Role::Member),
        now: server.now(),
    };
    let db = server.app.db().system();
    db.write::<_, DbError, _>("test.join", move |tx| quoin_tenancy::add_member(tx, &member)).await.unwrap();
    let path = format!("/orgs/v1/orgs/{org_id}");
    (path.clone(), switch(server, &ada, &path).await, switch(server, &bob, &path).await)
}

async fn switch(server: &TestServer, person: &Person, org: &str) -> Person {
    let session = person.call(server, Method::POST, &format!("{org}/switch"), None).await.expect(200).json();
    Person::of(&session, &person.password)
}

async fn refreshed(server: &TestServer, person: &Person) -> Person {
    let session = person.refresh(server, &person.refresh_token).await.expect(200).json();
    Person::of(&session, &person.password)
}

async fn get(server: &TestServer, person: &Person, path: &str) -> quoin_testkit::Answer {
    person.call(server, Method::GET, path, None).await
}

#[tokio::test]
async fn metadata_becomes_claims_and_cannot_say_who_somebody_is() {
    on_each_engine(|server| async move {
        let (acme, ada, bob) = acme(&server).await;
        let metadata =
            json!({"tier": "gold", "sub": "0", "role": "service_role", "org_role": "owner", "nbf": 1});
        let path = format!("{acme}/metadata");
        bob.call(&server, Method::PUT, &path, Some(&metadata)).await.expect(403);
        ada.call(&server, Method::PUT, &path, Some(&metadata)).await.expect(200);
        let bob = refreshed(&server, &bob).await;
        let claims = bob.claims();
        assert_eq!((&claims["tier"], &claims["role"]), (&json!("gold"), &json!("authenticated")));
        assert_eq!(
            (&claims["org_role"], &claims["sub"], &claims["nbf"]),
            (&json!("member"), &json!(bob.id), &Value::Null)
        );
        get(&server, &bob, "/auth/v1/user").await.expect(200);
        let large = json!({"x": "y".repeat(3000)});
        ada.call(&server, Method::PUT, &path, Some(&large)).await.expect(400);
    })
    .await;
}

static DEMAND: Statement = Statement::new(
    "DEMAND",
    "update quoin.tenancy_organizations set mfa_required = true where personal_of is null",
);

/// Demands a second factor as an owner would who has one.
async fn demand_second_factor(server: &TestServer) {
    let db = server.app.db().system();
    let demand = |tx: &mut Tx<'_>| tx.execute(&DEMAND, &[]);
    assert_eq!(db.write::<_, DbError, _>("test.demand", demand).await.unwrap(), 1);
}

#[tokio::test]
async fn a_second_factor_that_the_organisation_demands_is_demanded_at_every_door() {
    on_each_engine(|server| async move {
        let (acme, ada, bob) = acme(&server).await;
        let elsewhere = Person::of(&bob.sign_in(&server).await.expect(200).json(), &bob.password);
        let personal = get(&server, &elsewhere, "/orgs/v1/orgs").await.expect(200).json();
        let personal =
            personal["data"].as_array().unwrap().iter().find(|org| org["personal"] == true).unwrap();
        let home = format!("/orgs/v1/orgs/{}", personal["id"].as_str().unwrap());
        let elsewhere = switch(&server, &elsewhere, &home).await;
        get(&server, &elsewhere, &acme).await.expect(200);
        let policy = json!({"mfa_required": true});
        bob.call(&server, Method::PUT, &format!("{acme}/policy"), Some(&policy)).await.expect(403);
        let locks_herself_out =
            ada.call(&server, Method::PUT, &format!("{acme}/policy"), Some(&policy)).await;
        assert_eq!(locks_herself_out.expect(403).code(), "insufficient_aal");
        demand_second_factor(&server).await;

        let bob = refreshed(&server, &bob).await;
        assert_eq!(bob.claims()["needs_second_factor"], true);
        get(&server, &bob, "/auth/v1/user").await.expect(200);
        for path in ["/rest/v1/", "/orgs/v1/orgs", acme.as_str()] {
            assert_eq!(get(&server, &bob, path).await.expect(403).code(), "insufficient_aal", "{path}");
        }
        for path in [acme.clone(), format!("{acme}/members")] {
            let refused = get(&server, &elsewhere, &path).await.expect(403);
            assert_eq!(refused.code(), "insufficient_aal", "nor from another organisation: {path}");
        }
        get(&server, &elsewhere, &home).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn a_sign_in_that_is_too_old_for_an_organisation_acts_for_another_one() {
    on_each_engine(|server| async move {
        let (acme, ada, bob) = acme(&server).await;
        let policy = json!({"session_lifetime_s": 600});
        ada.call(&server, Method::PUT, &format!("{acme}/policy"), Some(&policy)).await.expect(200);
        let there = refreshed(&server, &bob).await;
        let claims = there.claims();
        let lifetime = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
        assert_eq!((claims["org_role"].as_str(), lifetime), (Some("member"), 600));
        server.advance(Duration::from_mins(10));
        let elsewhere = refreshed(&server, &there).await;
        assert!(!acme.ends_with(&elsewhere.org_id));
        assert_eq!(get(&server, &elsewhere, &acme).await.expect(403).code(), "sign_in_too_old");
        let path = format!("{acme}/switch");
        elsewhere.call(&server, Method::POST, &path, None).await.expect(403);
        let again = Person::of(&bob.sign_in(&server).await.expect(200).json(), &bob.password);
        switch(&server, &again, &acme).await;
    })
    .await;
}

#[tokio::test]
async fn a_suspended_organisations_tokens_and_keys_stop_and_work_again_once_it_is_reinstated() {
    on_each_engine(|server| async move {
        let (acme, ada, bob) = acme(&server).await;
        let wish = json!({"name": "theirs", "scopes": ["keys"], "org_id": acme.rsplit('/').next()});
        let made = server.admin(Method::POST, "/admin/v1/keys", Some(&wish)).await.expect(201).json();
        let key = made["key"].as_str().unwrap();
        server.call(Method::GET, "/admin/v1/keys", Some(key), None).await.expect(200);
        let admin = acme.replace("/orgs/v1/orgs", "/admin/v1/orgs");
        let suspend = format!("{admin}/suspend");
        ada.call(&server, Method::POST, &suspend, Some(&json!({}))).await.expect(403);
        server.admin(Method::POST, &suspend, Some(&json!({"reason": "abuse"}))).await.expect(204);

        get(&server, &bob, "/auth/v1/user").await.expect(401);
        server.call(Method::GET, "/admin/v1/keys", Some(key), None).await.expect(401);
        let bob = refreshed(&server, &bob).await;
        assert!(!acme.ends_with(&bob.org_id));
        assert_eq!(get(&server, &bob, &acme).await.expect(403).code(), "organization_suspended");
        let refused = bob.call(&server, Method::POST, &format!("{acme}/switch"), None).await.expect(403);
        assert_eq!(refused.code(), "organization_suspended");
        server.admin(Method::POST, &suspend, Some(&json!({}))).await.expect(409);

        server.admin(Method::POST, &format!("{admin}/reinstate"), None).await.expect(200);
        server.call(Method::GET, "/admin/v1/keys", Some(key), None).await.expect(200);
        let bob = switch(&server, &bob, &acme).await;
        get(&server, &bob, &acme).await.expect(200);
    })
    .await;
}

const NOTES: &str = "create table notes (
    id uuid primary key default gen_random_uuid(),
    org_id uuid not null default auth.org_id(),
    title text not null
);
create table remarks (
    id uuid primary key default gen_random_uuid(),
    org_id uuid not null default auth.org_id(),
    note_id uuid not null references notes (id)
);
create table words (id int primary key);
alter table notes enable row level security;
alter table remarks enable row level security;
create policy notes_of_org on notes for all using (org_id = auth.org_id()) with check (org_id = auth.org_id());
create policy remarks_of_org on remarks for all using (org_id = auth.org_id()) with check (org_id = auth.org_id());";

async fn write(server: &TestServer, person: &Person, title: &str) {
    let id = "018f0000-0000-7000-8000-".to_owned() + &person.id[24..];
    let note = json!({"title": title, "id": id});
    person.call(server, Method::POST, "/rest/v1/notes", Some(&note)).await.expect(201);
    let remark = json!({"note_id": id});
    person.call(server, Method::POST, "/rest/v1/remarks", Some(&remark)).await.expect(201);
}

async fn titles(server: &TestServer) -> Vec<Value> {
    let rows = server.admin(Method::GET, "/rest/v1/notes?select=title&order=title", None).await.expect(200);
    rows.json().as_array().unwrap().iter().map(|row| row["title"].clone()).collect()
}

#[tokio::test]
async fn after_its_time_of_grace_an_organisations_rows_and_keys_go_and_no_other_ones() {
    on_each_engine(|server| async move {
        let migration = json!({"name": "0001_notes", "sql": NOTES});
        server.admin(Method::POST, "/admin/v1/migrations", Some(&migration)).await;
        let (acme, ada, bob) = acme(&server).await;
        let eve = server.person("eve").await;
        write(&server, &ada, "theirs").await;
        write(&server, &eve, "hers").await;
        let wish = json!({"name": "theirs", "scopes": ["keys"], "org_id": acme.rsplit('/').next()});
        let made = server.admin(Method::POST, "/admin/v1/keys", Some(&wish)).await.expect(201).json();
        ada.call(&server, Method::DELETE, &acme, None).await.expect(204);
        get(&server, &bob, "/auth/v1/user").await.expect(401);
        let (ada, bob) = (refreshed(&server, &ada).await, refreshed(&server, &bob).await);
        let restore = format!("{acme}/restore");
        for stranger in [&bob, &eve] {
            get(&server, stranger, &acme).await.expect(404);
            stranger.call(&server, Method::POST, &restore, None).await.expect(404);
        }
        let listed = get(&server, &ada, "/orgs/v1/orgs?deleting=true").await.expect(200).json();
        assert_eq!(listed["data"][0]["status"], "deleting");
        ada.call(&server, Method::POST, &restore, None).await.expect(200);
        assert_eq!(titles(&server).await, ["hers", "theirs"]);
        let ada = switch(&server, &ada, &acme).await;
        ada.call(&server, Method::DELETE, &acme, None).await.expect(204);

        server.advance(Duration::from_hours(31 * 24));
        let due = NewJob::new(server.app.rng(), server.now(), "tenancy.delete_due", json!({}));
        let db = server.app.db().system();
        db.write::<_, DbError, _>("test.due", move |tx| quoin_jobs::enqueue(tx, &due)).await.unwrap();
        let deadline = tokio::time::Instant::now() + PATIENCE;
        let keys = || async {
            let keys = server.admin(Method::GET, "/admin/v1/keys?limit=100", None).await.expect(200).json();
            keys["data"].as_array().unwrap().iter().any(|key| key["id"] == made["id"])
        };
        while titles(&server).await.len() > 1 || keys().await {
            assert!(tokio::time::Instant::now() < deadline, "rows or keys are still there");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(titles(&server).await, ["hers"]);
    })
    .await;
}
