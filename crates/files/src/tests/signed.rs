use std::time::Duration;

use quoin_web::Method;
use serde_json::{Value, json};

use super::{Expect as _, House, KEY, somebody, story};

async fn sign(house: &House, who: &str, path: &str, seconds: u64) -> String {
    let signed =
        house.post(&format!("/object/sign/{path}"), who, json!({"expiresIn": seconds})).await.expect(200);
    signed.json()["signedURL"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_signed_url_reads_one_object_until_its_very_end() {
    story(async |house| {
        house.make_bucket("docs", json!({})).await;
        let (alice, bob) = (somebody(), somebody());
        house.upload("docs/a.txt", &alice, "alice").await.expect(200);
        house.upload("docs/b.txt", &alice, "other").await.expect(200);
        house.upload("docs/a.txt", &bob, "bob").await.expect(200);
        let url = sign(&house, &alice, "docs/a.txt", 60).await;
        let read = house.call(Method::GET, &url, None, None).await.expect(200);
        assert_eq!(read.body, "alice", "the ticket names whose object it is");
        assert_eq!(read.header("cache-control"), "private, max-age=60");
        let ranged = house.send(Method::GET, &url, None, &[("range", "bytes=0-1")], "").await.expect(206);
        assert_eq!(ranged.body, "al");
        let named = house.call(Method::GET, &format!("{url}&download=x.txt"), None, None).await.expect(200);
        assert!(named.header("content-disposition").contains("x.txt"));

        let other = url.replace("docs/a.txt?", "docs/b.txt?");
        assert_eq!(house.call(Method::GET, &other, None, None).await.expect(400).code(), "InvalidJWT");
        let (path, token) = url.split_once("token=").unwrap();
        for forged in ["", "x", "x.y", &token[1..], &format!("{token}x"), &token.replace('.', "A.")] {
            house.call(Method::GET, &format!("{path}token={forged}"), None, None).await.expect(400);
        }
        let write = url.replace("/object/sign/", "/object/upload/sign/");
        house.send(Method::PUT, &write, None, &[], "x").await.expect(400);

        house.clock.advance(Duration::from_secs(59));
        house.call(Method::GET, &url, None, None).await.expect(200);
        house.clock.advance(Duration::from_secs(1));
        assert_eq!(house.call(Method::GET, &url, None, None).await.expect(400).code(), "ExpiredToken");
    })
    .await;
}

#[tokio::test]
async fn what_somebody_had_signed_ends_with_their_session_or_key() {
    story(async |house| {
        house.make_bucket("docs", json!({})).await;
        for who in [somebody(), KEY.to_owned()] {
            house.upload("docs/a.txt", &who, "a").await.expect(200);
            let read = sign(&house, &who, "docs/a.txt", 600).await;
            let path = "/object/upload/sign/docs/up.txt";
            let write = house.post(path, &who, json!({})).await.expect(200).json();
            let wish = json!({"expiresIn": 600, "transform": {"width": 1}});
            let render = house.post("/object/sign/docs/a.txt", &who, wish).await.expect(200).json();
            let direct = json!({"bucket": "docs", "path": "direct", "size": 1});
            let direct = house.post("/uploads", &who, direct).await.expect(201).json();
            let direct = direct["url"].as_str().unwrap().split_once("/storage/v1").unwrap().1.to_owned();
            house.call(Method::GET, &read, None, None).await.expect(200);

            house.ports.end(&who);
            let ended = house.call(Method::GET, &read, None, None).await.expect(400);
            assert_eq!(ended.code(), "InvalidJWT");
            house.call(Method::GET, render["signedURL"].as_str().unwrap(), None, None).await.expect(400);
            house.send(Method::PUT, write["url"].as_str().unwrap(), None, &[], "up").await.expect(400);
            let headers = [("content-type", "application/octet-stream"), ("content-length", "1")];
            house.send(Method::PUT, &direct, None, &headers, "1").await.expect(400);
            house.get("/object/info/docs/up.txt", &who).await.expect(404);
        }
        let other = somebody();
        house.upload("docs/a.txt", &other, "b").await.expect(200);
        let read = sign(&house, &other, "docs/a.txt", 600).await;
        assert_eq!(house.call(Method::GET, &read, None, None).await.expect(200).body, "b");
    })
    .await;
}

#[tokio::test]
async fn several_urls_are_signed_at_once() {
    story(async |house| {
        house.make_bucket("docs", json!({})).await;
        let alice = somebody();
        house.upload("docs/a.txt", &alice, "alice").await.expect(200);
        let body = json!({"expiresIn": 10, "paths": ["a.txt", "none.txt", "../x"]});
        let signed = house.post("/object/sign/docs", &alice, body).await.expect(200).json();
        assert_eq!(signed[0]["error"], Value::Null);
        assert_eq!((&signed[1]["signedURL"], &signed[1]["path"]), (&Value::Null, &json!("none.txt")));
        assert!(signed[2]["error"].is_string());
        let url = signed[0]["signedURL"].as_str().unwrap();
        assert_eq!(house.call(Method::GET, url, None, None).await.expect(200).body, "alice");
        for seconds in [0, u64::MAX] {
            let body = json!({"expiresIn": seconds, "paths": ["a.txt"]});
            house.post("/object/sign/docs", &alice, body).await.expect(400);
        }
    })
    .await;
}

#[tokio::test]
async fn a_signed_upload_stores_for_whom_it_was_signed() {
    story(async |house| {
        house.make_bucket("docs", json!({})).await;
        let alice = somebody();
        let given = house.post("/object/upload/sign/docs/up.txt", &alice, json!({})).await.expect(200).json();
        let url = given["url"].as_str().unwrap();
        assert!(url.starts_with("/object/upload/sign/docs/up.txt?token="));
        let stored =
            house.send(Method::PUT, url, None, &[("content-type", "text/plain")], "up").await.expect(200);
        assert_eq!(stored.json()["Key"], "docs/up.txt");
        assert_eq!(house.get("/object/docs/up.txt", &alice).await.expect(200).body, "up");
        house.send(Method::PUT, url, None, &[], "again").await.expect(409);
        house.post("/object/upload/sign/docs/up.txt", &alice, json!({})).await.expect(409);

        let upsert = [("x-upsert", "true")];
        let path = "/object/upload/sign/docs/up.txt";
        let given = house.send(Method::POST, path, Some(&alice), &upsert, "").await.expect(200).json();
        let url = given["url"].as_str().unwrap();
        house.send(Method::PUT, url, None, &[], "replaced").await.expect(200);
        assert_eq!(house.get("/object/docs/up.txt", &alice).await.expect(200).body, "replaced");
        let read = url.replace("/object/upload/sign/", "/object/sign/");
        house.call(Method::GET, &read, None, None).await.expect(400);
        house.clock.advance(Duration::from_hours(2));
        assert_eq!(house.send(Method::PUT, url, None, &[], "late").await.expect(400).code(), "ExpiredToken");
    })
    .await;
}

#[tokio::test]
async fn everybody_reads_a_public_bucket_and_caches_may_keep_it() {
    story(async |house| {
        house.make_bucket("open", json!({"public": true})).await;
        house.upload("open/x", KEY, "x").await.expect(200);
        let read = house.call(Method::GET, "/object/public/open/x", None, None).await.expect(200);
        assert_eq!(read.header("cache-control"), "max-age=3600");
        let info = house.call(Method::GET, "/object/info/public/open/x", None, None).await.expect(200).json();
        assert_eq!(info["name"], "x");
        assert_eq!(house.get("/object/open/x", &somebody()).await.expect(200).body, "x");
        house.call(Method::DELETE, "/object/open/x", Some(&somebody()), None).await.expect(404);
    })
    .await;
}
