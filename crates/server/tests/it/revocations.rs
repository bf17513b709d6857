//! What was taken back stops with the next request, and stays stopped after a restart.

use http::Method;
use quoin_testkit::on_each_engine;
use serde_json::json;

#[tokio::test]
async fn a_deleted_organisations_token_and_key_stop_on_the_next_request_and_stay_stopped() {
    on_each_engine(|server| async move {
        let ada = server.person("ada").await;
        let wish = json!({"name": "Engines"});
        let org = ada.call(&server, Method::POST, "/orgs/v1/orgs", Some(&wish)).await.expect(201).json();
        let path = format!("/orgs/v1/orgs/{}", org["id"].as_str().unwrap());
        let switched =
            ada.call(&server, Method::POST, &format!("{path}/switch"), None).await.expect(200).json();
        let token = switched["access_token"].as_str().unwrap();
        let wish = json!({"name": "theirs", "scopes": ["keys"], "org_id": org["id"]});
        let made = server.admin(Method::POST, "/admin/v1/keys", Some(&wish)).await.expect(201).json();
        let key = made["key"].as_str().unwrap();
        server.call(Method::GET, "/admin/v1/keys", Some(key), None).await.expect(200);

        server.call(Method::DELETE, &path, Some(token), None).await.expect(204);

        server.call(Method::GET, "/auth/v1/user", Some(token), None).await.expect(401);
        server.call(Method::GET, "/admin/v1/keys", Some(key), None).await.expect(401);
        let server = server.restart().await;
        server.call(Method::GET, "/auth/v1/user", Some(token), None).await.expect(401);
        server.call(Method::GET, "/admin/v1/keys", Some(key), None).await.expect(401);
    })
    .await;
}

#[tokio::test]
async fn a_revoked_key_stops_on_the_next_request_and_stays_stopped() {
    on_each_engine(|server| async move {
        let wish = json!({"name": "lent", "scopes": ["users"]});
        let made = server.admin(Method::POST, "/admin/v1/keys", Some(&wish)).await.expect(201).json();
        let key = made["key"].as_str().unwrap();
        server.call(Method::GET, "/auth/v1/admin/users", Some(key), None).await.expect(200);
        let path = format!("/admin/v1/keys/{}", made["id"].as_str().unwrap());
        server.admin(Method::DELETE, &path, None).await.expect(204);
        server.call(Method::GET, "/auth/v1/admin/users", Some(key), None).await.expect(401);
        let server = server.restart().await;
        server.call(Method::GET, "/auth/v1/admin/users", Some(key), None).await.expect(401);
    })
    .await;
}

#[tokio::test]
async fn a_key_of_an_organisation_opens_no_door_of_the_platform() {
    on_each_engine(|server| async move {
        let ada = server.person("ada").await;
        let wish = json!({"name": "theirs", "scopes": ["*"], "org_id": ada.org_id});
        let made = server.admin(Method::POST, "/admin/v1/keys", Some(&wish)).await.expect(201).json();
        let key = made["key"].as_str().unwrap();
        for (method, path) in [
            (Method::GET, "/auth/v1/admin/users"),
            (Method::GET, "/auth/v1/admin/audit"),
            (Method::POST, "/auth/v1/introspect"),
            (Method::GET, "/admin/v1/migrations"),
            (Method::GET, "/admin/v1/calls"),
            (Method::GET, "/admin/v1/mailbox?to=ada@example.com"),
            (Method::POST, "/admin/v1/signing-keys/rotate"),
            (Method::GET, "/metrics"),
        ] {
            let body = json!({"token": key});
            server.call(method, path, Some(key), Some(&body)).await.expect(403);
        }
        let listed = server.call(Method::GET, "/admin/v1/keys", Some(key), None).await.expect(200).json();
        assert_eq!(listed["data"].as_array().map(Vec::len), Some(1));
        let platform = json!({"name": "more", "scopes": ["*"], "org_id": null});
        let more = server.call(Method::POST, "/admin/v1/keys", Some(key), Some(&platform)).await.expect(201);
        assert_eq!(more.json()["org_id"], json!(ada.org_id));
    })
    .await;
}
