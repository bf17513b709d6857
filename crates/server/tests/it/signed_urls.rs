//! What somebody had signed stops with their session, their place in the organisation, or their key.

use http::Method;
use quoin_db::DbError;
use quoin_kernel::{Role, Standing};
use quoin_tenancy::NewMember;
use quoin_testkit::{Person, TestServer, on_each_engine};
use serde_json::{Value, json};

const OBJECT: &str = "/storage/v1/object/papers/a";

/// What a credential has had signed: a URL that reads, and one that stores.
struct Signed {
    read: String,
    write: String,
}

async fn sign(server: &TestServer, credential: &str) -> Signed {
    let content = json!({"between": "us"});
    let read = json!({"expiresIn": 1_000_000});
    let call = async |path: &str, body: &Value| {
        server.call(Method::POST, path, Some(credential), Some(body)).await.expect(200).json()
    };
    // Whoever signs second finds the object there.
    server.call(Method::POST, OBJECT, Some(credential), Some(&content)).await;
    let read = call("/storage/v1/object/sign/papers/a", &read).await;
    let write = call("/storage/v1/object/upload/sign/papers/b", &json!({})).await;
    let url = |text: &Value| format!("/storage/v1{}", text.as_str().expect("a URL"));
    Signed { read: url(&read["signedURL"]), write: url(&write["url"]) }
}

impl Signed {
    async fn reads(&self, server: &TestServer) {
        server.anon(Method::GET, &self.read, None).await.expect(200);
    }

    async fn opens_nothing(&self, server: &TestServer) {
        assert_eq!(server.anon(Method::GET, &self.read, None).await.expect(400).code(), "InvalidJWT");
        server.anon(Method::PUT, &self.write, Some(&json!({}))).await.expect(400);
    }
}

async fn make_bucket(server: &TestServer) {
    let bucket = json!({"id": "papers", "name": "papers"});
    server.admin(Method::POST, "/storage/v1/bucket", Some(&bucket)).await.expect(200);
}

#[tokio::test]
async fn what_a_person_had_signed_ends_when_they_sign_out_and_not_before() {
    on_each_engine(|server| async move {
        make_bucket(&server).await;
        let (ada, bob) = (server.person("ada").await, server.person("bob").await);
        let (hers, his) = (sign(&server, &ada.token).await, sign(&server, &bob.token).await);
        hers.reads(&server).await;
        let next = ada.refresh(&server, &ada.refresh_token).await.expect(200).json();
        server.advance(std::time::Duration::from_mins(90));
        hers.reads(&server).await;
        let next = ada.refresh(&server, next["refresh_token"].as_str().unwrap()).await.expect(200).json();
        let token = next["access_token"].as_str().unwrap();
        server.call(Method::POST, "/auth/v1/logout?scope=local", Some(token), None).await.expect(204);
        hers.opens_nothing(&server).await;
        his.reads(&server).await;
        let server = server.restart().await;
        hers.opens_nothing(&server).await;
        his.reads(&server).await;
        server.anon(Method::PUT, &his.write, Some(&json!({}))).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn what_a_person_had_signed_ends_with_a_ban() {
    on_each_engine(|server| async move {
        make_bucket(&server).await;
        let ada = server.person("ada").await;
        let signed = sign(&server, &ada.token).await;
        signed.reads(&server).await;
        let path = format!("/auth/v1/admin/users/{}", ada.id);
        server.admin(Method::PUT, &path, Some(&json!({"ban_duration": "1h"}))).await.expect(200);
        signed.opens_nothing(&server).await;
        let server = server.restart().await;
        signed.opens_nothing(&server).await;
    })
    .await;
}

#[tokio::test]
async fn what_a_member_had_signed_ends_with_the_membership_and_not_with_a_role() {
    on_each_engine(|server| async move {
        make_bucket(&server).await;
        let (ada, bob) = (server.person("ada").await, server.person("bob").await);
        let body = json!({"name": "Acme"});
        let made = ada.call(&server, Method::POST, "/orgs/v1/orgs", Some(&body)).await.expect(201).json();
        let acme = format!("/orgs/v1/orgs/{}", made["id"].as_str().unwrap());
        let member = NewMember {
            org_id: made["id"].as_str().unwrap().parse().unwrap(),
            user_id: bob.id.parse().unwrap(),
            standing: Standing::of(Role::Member),
            now: server.now(),
        };
        let db = server.app.db().system();
        let joined = db.write::<_, DbError, _>("test.join", move |tx| quoin_tenancy::add_member(tx, &member));
        joined.await.unwrap();
        let there = bob.call(&server, Method::POST, &format!("{acme}/switch"), None).await.expect(200).json();
        let there = Person::of(&there, &bob.password);
        let signed = sign(&server, &there.token).await;
        signed.reads(&server).await;
        let path = format!("{acme}/members/{}", bob.id);
        ada.call(&server, Method::PATCH, &path, Some(&json!({"role": "admin"}))).await.expect(200);
        signed.reads(&server).await;
        ada.call(&server, Method::DELETE, &path, None).await.expect(204);
        signed.opens_nothing(&server).await;
        let server = server.restart().await;
        signed.opens_nothing(&server).await;
    })
    .await;
}

#[tokio::test]
async fn what_a_key_had_signed_ends_with_the_key() {
    on_each_engine(|server| async move {
        make_bucket(&server).await;
        let wish = json!({"name": "lent", "scopes": ["files.read", "files.write"]});
        let made = server.admin(Method::POST, "/admin/v1/keys", Some(&wish)).await.expect(201).json();
        let signed = sign(&server, made["key"].as_str().unwrap()).await;
        signed.reads(&server).await;
        let path = format!("/admin/v1/keys/{}", made["id"].as_str().unwrap());
        server.admin(Method::DELETE, &path, None).await.expect(204);
        signed.opens_nothing(&server).await;
        let server = server.restart().await;
        signed.opens_nothing(&server).await;
    })
    .await;
}
