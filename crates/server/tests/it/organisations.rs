//! Stories of organisations, end to end.

use http::Method;
use quoin_db::DbError;
use quoin_kernel::Role;
use quoin_tenancy::NewMember;
use quoin_testkit::{Person, TestServer, on_each_engine};
use serde_json::json;

/// Creates an organisation and returns its path.
async fn create(server: &TestServer, owner: &Person) -> String {
    let body = json!({"name": "Acme"});
    let created = owner.call(server, Method::POST, "/orgs/v1/orgs", Some(&body)).await.expect(201).json();
    assert_eq!((&created["role"], &created["personal"]), (&json!("owner"), &json!(false)));
    format!("/orgs/v1/orgs/{}", created["id"].as_str().unwrap())
}

/// Lets a person join, as an accepted invitation would.
async fn join(server: &TestServer, org: &str, person: &Person, role: Role) {
    let org_id = org.rsplit('/').next().unwrap().parse().unwrap();
    let member = NewMember { org_id, user_id: person.id.parse().unwrap(), role, now: server.now() };
    let db = server.app.db().system();
    db.write::<_, DbError, _>("test.join", move |tx| quoin_tenancy::add_member(tx, &member)).await.unwrap();
}

/// Switches to an organisation and returns the person with the new session.
async fn switch(server: &TestServer, person: &Person, org: &str) -> Person {
    let session = person.call(server, Method::POST, &format!("{org}/switch"), None).await.expect(200).json();
    Person::of(&session, &person.password)
}

#[tokio::test]
async fn switching_makes_another_organisation_active_and_the_next_sign_in_begins_there() {
    on_each_engine(|server| async move {
        let ada = server.person("ada").await;
        let acme = create(&server, &ada).await;
        let there = switch(&server, &ada, &acme).await;
        assert!(acme.ends_with(&there.org_id) && there.org_id != ada.org_id);
        let again = Person::of(&there.sign_in(&server).await.expect(200).json(), &ada.password);
        assert_eq!(again.org_id, there.org_id);
    })
    .await;
}

#[tokio::test]
async fn the_last_owner_and_the_personal_organisation_stay() {
    on_each_engine(|server| async move {
        let ada = server.person("ada").await;
        let acme = create(&server, &ada).await;
        let herself = format!("{acme}/members/{}", ada.id);
        let left = ada.call(&server, Method::DELETE, &herself, None).await.expect(409);
        assert_eq!(left.code(), "last_owner");
        let demoted = json!({"role": "member"});
        ada.call(&server, Method::PATCH, &herself, Some(&demoted)).await.expect(409);
        let personal = format!("/orgs/v1/orgs/{}", ada.org_id);
        let deleted = ada.call(&server, Method::DELETE, &personal, None).await.expect(409);
        assert_eq!(deleted.code(), "personal_organization");
    })
    .await;
}

#[tokio::test]
async fn a_removed_members_token_stops_on_the_next_request() {
    on_each_engine(|server| async move {
        let (ada, bob) = (server.person("ada").await, server.person("bob").await);
        let acme = create(&server, &ada).await;
        bob.call(&server, Method::GET, &acme, None).await.expect(404);
        join(&server, &acme, &bob, Role::Member).await;
        let bob = switch(&server, &bob, &acme).await;
        bob.call(&server, Method::GET, &acme, None).await.expect(200);
        let rename = json!({"name": "Bob's"});
        bob.call(&server, Method::PATCH, &acme, Some(&rename)).await.expect(403);
        let member = format!("{acme}/members/{}", bob.id);
        ada.call(&server, Method::DELETE, &member, None).await.expect(204);
        let refused = bob.call(&server, Method::GET, "/auth/v1/user", None).await;
        assert!(matches!(refused.status.as_u16(), 401 | 403), "{}", refused.text());
        let back = Person::of(&bob.sign_in(&server).await.expect(200).json(), &bob.password);
        assert!(!acme.ends_with(&back.org_id), "the next session begins elsewhere");
    })
    .await;
}

#[tokio::test]
async fn the_trail_shows_what_was_done_to_its_admins_and_to_the_platform() {
    on_each_engine(|server| async move {
        let ada = server.person("ada").await;
        let acme = create(&server, &ada).await;
        server.clock.advance(std::time::Duration::from_secs(1));
        let renamed = json!({"name": "Acme & Sons"});
        ada.call(&server, Method::PATCH, &acme, Some(&renamed)).await.expect(200);
        let empty = json!({"name": " "});
        ada.call(&server, Method::PATCH, &acme, Some(&empty)).await.expect(400);
        let trail = ada.call(&server, Method::GET, &format!("{acme}/audit"), None).await.expect(200).json();
        let actions: Vec<_> =
            trail["data"].as_array().unwrap().iter().map(|entry| &entry["action"]).collect();
        assert_eq!(actions, ["tenancy.organization.renamed", "tenancy.organization.created"]);
        assert_eq!(trail["data"][0]["actor_id"], json!(ada.id));
        let path = format!("/admin/v1/audit?actor={}&action=tenancy.*&limit=1", ada.id);
        let page = server.admin(Method::GET, &path, None).await.expect(200).json();
        assert_eq!(page["data"][0]["action"], "tenancy.organization.renamed");
        assert!(page["next_cursor"].is_string());
        server.admin(Method::GET, "/jobs/v1/jobs?state=dead&type=mail.send", None).await.expect(200);
    })
    .await;
}
