//! Stories of people, end to end.

use http::Method;
use quoin_testkit::on_each_engine;
use serde_json::json;

#[tokio::test]
async fn the_first_token_carries_the_personal_organisation() {
    on_each_engine(|server| async move {
        let ada = server.person("ada").await;
        let orgs = ada.call(&server, Method::GET, "/orgs/v1/orgs", None).await.expect(200).json();
        assert_eq!(orgs["data"][0]["id"], json!(ada.org_id));
    })
    .await;
}

#[tokio::test]
async fn a_banned_persons_token_stops_on_the_next_request() {
    on_each_engine(|server| async move {
        let ada = server.person("ada").await;
        ada.call(&server, Method::GET, "/auth/v1/user", None).await.expect(200);
        let path = format!("/auth/v1/admin/users/{}", ada.id);
        server.admin(Method::PUT, &path, Some(&json!({"ban_duration": "24h"}))).await.expect(200);
        ada.call(&server, Method::GET, "/auth/v1/user", None).await.expect(403);
        let refused = ada.sign_in(&server).await;
        assert_eq!(refused.code(), "user_banned", "{}", refused.text());
    })
    .await;
}
