//! Direct uploads, with the disk in the place of the store.

use std::time::Duration;

use quoin_web::Method;
use serde_json::{Value, json};

use super::{Expect as _, House, KEY, somebody, story, story_with};
use crate::FilesConfig;

const HELLO: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

async fn announce(house: &House, who: &str, more: Value) -> (String, String) {
    let mut body = json!({"bucket": "docs", "path": "direct.txt", "size": 5, "content_type": "text/plain"});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let ready = house.post("/uploads", who, body).await.expect(201).json();
    assert_eq!((&ready["method"], &ready["headers"]["content-length"]), (&json!("PUT"), &json!("5")));
    let url = ready["url"].as_str().unwrap().split_once("/storage/v1").unwrap().1.to_owned();
    (ready["upload_id"].as_str().unwrap().to_owned(), url)
}

async fn send(house: &House, url: &str, content_type: &str, body: &'static str) -> u16 {
    let length = body.len().to_string();
    let headers = [("content-type", content_type), ("content-length", length.as_str())];
    house.send(Method::PUT, url, None, &headers, body).await.status.as_u16()
}

#[tokio::test]
async fn what_was_announced_is_sent_completed_and_booked() {
    story(async |house| {
        house.make_bucket("docs", json!({})).await;
        let (alice, bob) = (somebody(), somebody());
        let more = json!({"sha256": HELLO, "cache_control": "max-age=9", "metadata": {"by": "hand"}});
        let (id, url) = announce(&house, &alice, more).await;
        let complete = format!("/uploads/{id}/complete");
        assert_eq!(house.post(&complete, &alice, json!({})).await.expect(409).code(), "UploadDiffers");
        assert_eq!(house.get("/usage", &alice).await.json()["objects"], 0);
        assert_eq!(send(&house, &url, "text/html", "hello").await, 409);
        assert_eq!(send(&house, &url, "text/plain", "hello!").await, 409);
        assert_eq!(send(&house, &url.replace("token=", "token=x"), "text/plain", "hello").await, 400);
        assert_eq!(send(&house, &url, "text/plain", "hello").await, 200);
        assert_eq!(send(&house, &url, "text/plain", "hullo").await, 409, "once");
        house.get("/object/docs/direct.txt", &alice).await.expect(404);
        assert_eq!(house.post(&complete, &bob, json!({})).await.expect(404).code(), "NoSuchUpload");
        let done = house.post(&complete, &alice, json!({})).await.expect(200).json();
        assert_eq!(done["Key"], "docs/direct.txt");
        assert_eq!(house.post(&complete, &alice, json!({})).await.expect(200).json(), done, "asked again");
        let read = house.get("/object/docs/direct.txt", &alice).await.expect(200);
        assert_eq!(
            (read.body.as_ref(), read.header("cache-control")),
            (b"hello".as_slice(), "private, max-age=9")
        );
        assert_eq!(house.get("/usage", &alice).await.json()["bytes"], 5);
        assert_eq!(house.get("/object/info/docs/direct.txt", &alice).await.json()["sha256"], HELLO);
    })
    .await;
}

#[tokio::test]
async fn other_bytes_than_announced_are_not_booked_and_go() {
    story(async |house| {
        house.make_bucket("docs", json!({})).await;
        let (id, url) = announce(&house, KEY, json!({"sha256": "00".repeat(32)})).await;
        assert_eq!(send(&house, &url, "text/plain", "hello").await, 200);
        let refused = house.post(&format!("/uploads/{id}/complete"), KEY, json!({})).await.expect(409).json();
        assert!(refused["detail"].as_str().unwrap().contains("SHA-256"));
        house.clock.advance(Duration::from_hours(3));
        assert_eq!(house.held_after_sweep().await, 0);
        house.post(&format!("/uploads/{id}/complete"), KEY, json!({})).await.expect(404);
    })
    .await;
}

#[tokio::test]
async fn abandoned_uploads_are_swept_and_their_urls_end() {
    story(async |house| {
        house.make_bucket("docs", json!({})).await;
        let (id, url) = announce(&house, KEY, json!({})).await;
        house.clock.advance(Duration::from_hours(2));
        assert_eq!(send(&house, &url, "text/plain", "hello").await, 400);
        house.clock.advance(Duration::from_mins(15));
        assert_eq!(house.held_after_sweep().await, 0);
        house.post(&format!("/uploads/{id}/complete"), KEY, json!({})).await.expect(404);
    })
    .await;
}

#[tokio::test]
async fn the_rules_hold_for_announced_uploads_too() {
    let config = FilesConfig { org_max_bytes: Some(6), ..FilesConfig::default() };
    story_with(config, async |house| {
        house.make_bucket("docs", json!({"file_size_limit": 8, "allowed_mime_types": ["text/plain"]})).await;
        let member = somebody();
        let ask = async |change: Value| {
            let mut body = json!({"bucket": "docs", "path": "x", "size": 5, "content_type": "text/plain"});
            body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            house.post("/uploads", &member, body).await.status.as_u16()
        };
        assert_eq!(ask(json!({"size": 9})).await, 413);
        assert_eq!(ask(json!({"size": 7})).await, 413);
        assert_eq!(ask(json!({"content_type": "text/html"})).await, 415);
        assert_eq!(ask(json!({"bucket": "none"})).await, 404);
        assert_eq!(ask(json!({"path": "../x"})).await, 400);
        assert_eq!(ask(json!({"sha256": "zz"})).await, 400);
        house
            .call(Method::POST, "/uploads", None, Some(json!({"bucket": "docs", "path": "x", "size": 1})))
            .await
            .expect(401);

        let (first, url) = announce(&house, &member, json!({})).await;
        assert_eq!(ask(json!({"path": "second"})).await, 413, "there is room for one");
        assert_eq!(send(&house, &url, "text/plain", "hello").await, 200);
        house.post(&format!("/uploads/{first}/complete"), &member, json!({})).await.expect(200);
        assert_eq!(house.get("/usage", &member).await.json()["bytes"], 5);
    })
    .await;
}

#[tokio::test]
async fn what_came_past_is_looked_at_when_it_is_completed() {
    story(async |house| {
        house.make_bucket("docs", json!({"allowed_mime_types": ["image/*", "application/*"]})).await;
        let alice = somebody();
        let (id, url) = announce(&house, &alice, json!({"content_type": "image/png"})).await;
        assert_eq!(send(&house, &url, "image/png", "<svg>").await, 200);
        let refused = house.post(&format!("/uploads/{id}/complete"), &alice, json!({})).await.expect(415);
        assert_eq!(refused.code(), "InvalidMimeType");
        house.get("/object/info/docs/direct.txt", &alice).await.expect(404);

        let more = json!({"content_type": "application/octet-stream"});
        let (id, url) = announce(&house, &alice, more).await;
        assert_eq!(send(&house, &url, "application/octet-stream", "%PDF-").await, 200);
        house.post(&format!("/uploads/{id}/complete"), &alice, json!({})).await.expect(200);
        let read = house.get("/object/docs/direct.txt", &alice).await.expect(200);
        assert_eq!(read.header("content-type"), "application/pdf", "the type that its first bytes show");
    })
    .await;
}

#[tokio::test]
async fn what_is_announced_takes_room_until_it_is_completed_or_given_up() {
    let config = FilesConfig { org_max_bytes: Some(12), ..FilesConfig::default() };
    story_with(config, async |house| {
        house.make_bucket("docs", json!({})).await;
        let alice = somebody();
        let (id, url) = announce(&house, &alice, json!({})).await;
        announce(&house, &alice, json!({"path": "second"})).await;
        let third = json!({"bucket": "docs", "path": "third", "size": 5, "content_type": "text/plain"});
        let refused = house.post("/uploads", &alice, third.clone()).await.expect(413).json();
        assert_eq!((&refused["quota"]["used"], &refused["quota"]["limit"]), (&json!(10), &json!(12)));
        house.upload("docs/fourth", &alice, "12345").await.expect(413);
        house.upload("docs/fourth", &alice, "12").await.expect(200);
        assert_eq!(send(&house, &url, "text/plain", "hello").await, 200);
        house.post(&format!("/uploads/{id}/complete"), &alice, json!({})).await.expect(200);
        let usage = house.get("/usage", &alice).await.expect(200).json();
        assert_eq!((&usage["bytes"], &usage["reserved_bytes"]), (&json!(7), &json!(5)));
        house.post("/uploads", &alice, third.clone()).await.expect(413);

        house.clock.advance(Duration::from_hours(3));
        assert_eq!(house.held_after_sweep().await, 2);
        assert_eq!(house.get("/usage", &alice).await.expect(200).json()["reserved_bytes"], 0);
        house.post("/uploads", &alice, third).await.expect(201);
    })
    .await;
}
