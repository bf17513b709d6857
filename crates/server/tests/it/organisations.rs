//! Stories of organisations, end to end.

use std::time::Duration;

use http::Method;
use quoin_db::DbError;
use quoin_kernel::{Role, Standing};
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
    let standing = Standing::of(role);
    let member = NewMember { org_id, user_id: person.id.parse().unwrap(), standing, now: server.now() };
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
        server.advance(Duration::from_secs(1));
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

/// Returns the token that the newest invitation's link carries.
async fn invitation_token(server: &TestServer, email: &str, count: usize) -> String {
    let mail = server.mail(email, count).await;
    let link = mail["links"][0].as_str().unwrap();
    let path = link.strip_prefix("http://127.0.0.1:8080").expect("links lead to the public URL");
    for _ in 0..20 {
        let page = server.anon(Method::GET, path, None).await.expect(200);
        assert!(page.text().contains("Acme") && !page.text().contains("<form"), "{}", page.text());
    }
    let (_, token) = link.split_once("token=").unwrap();
    token.split('&').next().unwrap().to_owned()
}

#[tokio::test]
async fn an_invited_colleague_joins_gets_a_role_and_loses_it_on_the_next_request() {
    on_each_engine(|server| async move {
        let ada = server.person("ada").await;
        let acme = create(&server, &ada).await;
        let (bob, eve) = (server.person("bob").await, server.person("eve").await);
        server.advance(Duration::from_secs(1));
        let invitations = format!("{acme}/invitations");
        let wish = json!({"email": "Bob@Example.com", "role": "member"});
        let sent = ada.call(&server, Method::POST, &invitations, Some(&wish)).await.expect(201).json();
        assert_eq!((&sent["email"], &sent["status"]), (&json!("bob@example.com"), &json!("pending")));
        let token = invitation_token(&server, "bob@example.com", 2).await;
        let acceptance = json!({"token": token});
        let accept = "/orgs/v1/invitations/accept";
        server.anon(Method::POST, accept, Some(&acceptance)).await.expect(401);
        let other = eve.call(&server, Method::POST, accept, Some(&acceptance)).await.expect(403);
        assert_eq!(other.code(), "invitation_for_other_address");
        let joined = bob.call(&server, Method::POST, accept, Some(&acceptance)).await.expect(200).json();
        assert_eq!((&joined["name"], &joined["role"]), (&json!("Acme"), &json!("member")));
        let again = bob.call(&server, Method::POST, accept, Some(&acceptance)).await.expect(403);
        assert_eq!(again.code(), "invitation_not_valid");
        let page = server.anon(Method::GET, &format!("{accept}?token={token}"), None).await.expect(403);
        assert!(page.text().contains("does not work"));

        let role = json!({"permissions": ["settings.manage"], "description": "Names things"});
        let roles = format!("{acme}/roles");
        ada.call(&server, Method::PUT, &format!("{roles}/namer"), Some(&role)).await.expect(200);
        bob.call(&server, Method::PUT, &format!("{roles}/king"), Some(&role)).await.expect(403);
        let bob = switch(&server, &bob, &acme).await;
        let rename = json!({"name": "Acme & Bob"});
        bob.call(&server, Method::PATCH, &acme, Some(&rename)).await.expect(403);
        let member = format!("{acme}/members/{}", bob.id);
        ada.call(&server, Method::PATCH, &member, Some(&json!({"role": "namer"}))).await.expect(200);
        bob.call(&server, Method::PATCH, &acme, Some(&rename)).await.expect(401);
        let refreshed = bob.refresh(&server, &bob.refresh_token).await.expect(200).json();
        let bob = Person::of(&refreshed, &bob.password);
        assert_eq!(bob.claims()["org_role"], "namer");
        bob.call(&server, Method::PATCH, &acme, Some(&rename)).await.expect(200);
        bob.call(&server, Method::GET, &format!("{acme}/audit"), None).await.expect(403);
        let emptied = json!({"permissions": []});
        ada.call(&server, Method::PUT, &format!("{roles}/namer"), Some(&emptied)).await.expect(200);
        bob.call(&server, Method::PATCH, &acme, Some(&rename)).await.expect(403);
        ada.call(&server, Method::DELETE, &member, None).await.expect(204);
        bob.call(&server, Method::GET, "/auth/v1/user", None).await.expect(401);
    })
    .await;
}

#[tokio::test]
async fn an_invitation_tells_nothing_about_who_has_an_account() {
    on_each_engine(|server| async move {
        let ada = server.person("ada").await;
        server.person("known").await;
        let acme = create(&server, &ada).await;
        server.advance(Duration::from_secs(1));
        let mut answers = Vec::new();
        // Of one length, because the text is wrapped after the address is in it.
        for email in ["known@example.com", "fresh@example.com"] {
            let wish = json!({"email": email, "redirect_to": "https://evil.example/"});
            let path = format!("{acme}/invitations");
            let mut sent = ada.call(&server, Method::POST, &path, Some(&wish)).await.expect(201).json();
            sent["id"] = json!("");
            sent["email"] = json!("");
            let mail = server.mail(email, if email.starts_with("known") { 2 } else { 1 }).await;
            let text = mail["text"].as_str().unwrap().replace(email, "ADDRESS");
            let (before, after) = text.split_once("token=").unwrap();
            assert!(!text.contains("evil.example"), "a target that is not allowed is left out");
            answers.push((sent, before.to_owned(), after.split_once('\n').unwrap().1.to_owned()));
        }
        assert_eq!(answers[0], answers[1]);
    })
    .await;
}

#[tokio::test]
async fn ownership_moves_in_one_step() {
    on_each_engine(|server| async move {
        let (ada, bob) = (server.person("ada").await, server.person("bob").await);
        let acme = create(&server, &ada).await;
        join(&server, &acme, &bob, Role::Member).await;
        let to_bob = json!({"user_id": bob.id});
        let transfer = format!("{acme}/transfer");
        bob.call(&server, Method::POST, &transfer, Some(&to_bob)).await.expect(403);
        ada.call(&server, Method::POST, &transfer, Some(&to_bob)).await.expect(204);
        let seen = bob.call(&server, Method::GET, &acme, None).await.expect(200).json();
        assert_eq!(seen["role"], "owner");
        ada.call(&server, Method::DELETE, &acme, None).await.expect(403);
        ada.call(&server, Method::DELETE, &format!("{acme}/members/{}", ada.id), None).await.expect(204);
    })
    .await;
}
