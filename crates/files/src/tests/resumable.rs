use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::stream;
use quoin_kernel::hash::sha256;
use quoin_web::testing::TestAnswer;
use quoin_web::{Body, Method};
use serde_json::json;

use super::{Expect as _, House, KEY, somebody, story, story_with};
use crate::FilesConfig;
use crate::service::resumable::forget_expired;

const TYPE: (&str, &str) = ("content-type", "application/offset+octet-stream");
const VERSION: (&str, &str) = ("tus-resumable", "1.0.0");

fn announced(bucket: &str, name: &str) -> String {
    let text = |text: &str| STANDARD.encode(text);
    format!(
        "bucketName {},objectName {},contentType {},cacheControl {},metadata {},filename",
        text(bucket),
        text(name),
        text("text/plain"),
        text("3600"),
        text("{\"a\":1}")
    )
}

/// Announces an upload and returns its path below `/storage/v1`.
async fn announce(house: &House, who: &str, name: &str, length: &str) -> TestAnswer {
    let metadata = announced("docs", name);
    let headers = [VERSION, ("upload-length", length), ("upload-metadata", &metadata)];
    house.send(Method::POST, "/upload/resumable", Some(who), &headers, "").await
}

fn path(answer: &TestAnswer) -> String {
    let location = answer.header("location");
    location.split_once("/storage/v1").expect("a location").1.to_owned()
}

async fn append(house: &House, path: &str, offset: &str, body: impl Into<Body>) -> TestAnswer {
    house.send(Method::PATCH, path, Some(KEY), &[VERSION, TYPE, ("upload-offset", offset)], body).await
}

async fn offset(house: &House, path: &str) -> String {
    house
        .send(Method::HEAD, path, Some(KEY), &[VERSION], "")
        .await
        .expect(200)
        .header("upload-offset")
        .to_owned()
}

#[tokio::test]
async fn an_upload_in_three_pieces_becomes_one_object() {
    story(async |house| {
        house.make_bucket("docs", json!({})).await;
        let created = announce(&house, KEY, "a/b.txt", "10").await.expect(201);
        assert_eq!((created.header("tus-resumable"), created.header("upload-offset")), ("1.0.0", "0"));
        assert!(!created.header("upload-expires").is_empty());
        let path = path(&created);
        assert_eq!(append(&house, &path, "0", "0123").await.expect(204).header("upload-offset"), "4");
        house.get("/object/docs/a/b.txt", KEY).await.expect(404);
        assert_eq!(append(&house, &path, "4", "45").await.expect(204).header("upload-offset"), "6");
        assert_eq!(offset(&house, &path).await, "6");
        assert_eq!(append(&house, &path, "6", "6789").await.expect(204).header("upload-offset"), "10");
        let object = house.get("/object/docs/a/b.txt", KEY).await.expect(200);
        assert_eq!((&object.body[..], object.header("content-type")), (&b"0123456789"[..], "text/plain"));
        assert_eq!(object.header("cache-control"), "private, max-age=3600");
        let info = house.get("/object/info/docs/a/b.txt", KEY).await.expect(200).json();
        assert_eq!(info["metadata"], json!({"a": 1}));
        assert_eq!(offset(&house, &path).await, "10");
        assert_eq!(house.held_after_sweep().await, 1, "the pieces are gone");
    })
    .await;
}

#[tokio::test]
async fn a_single_piece_is_the_object_as_it_stands() {
    story(async |house| {
        house.make_bucket("docs", json!({})).await;
        let metadata = announced("docs", "x");
        let headers = [VERSION, TYPE, ("upload-length", "5"), ("upload-metadata", &metadata)];
        let created =
            house.send(Method::POST, "/upload/resumable", Some(KEY), &headers, "hello").await.expect(201);
        assert_eq!(created.header("upload-offset"), "5");
        assert_eq!(&house.get("/object/docs/x", KEY).await.expect(200).body[..], b"hello");
        assert_eq!(house.held_after_sweep().await, 1);
        announce(&house, KEY, "empty", "0").await.expect(201);
        assert_eq!(house.get("/object/docs/empty", KEY).await.expect(200).body.len(), 0);
    })
    .await;
}

#[tokio::test]
async fn what_came_before_the_connection_broke_counts() {
    story(async |house| {
        house.make_bucket("docs", json!({})).await;
        let path = path(&announce(&house, KEY, "x", "9").await.expect(201));
        let broken = stream::iter([
            Ok(Bytes::from_static(b"abc")),
            Ok(Bytes::from_static(b"def")),
            Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset)),
        ]);
        assert!(append(&house, &path, "0", Body::from_stream(broken)).await.status.is_client_error());
        assert_eq!(offset(&house, &path).await, "6");
        append(&house, &path, "6", "ghi").await.expect(204);
        assert_eq!(&house.get("/object/docs/x", KEY).await.expect(200).body[..], b"abcdefghi");
    })
    .await;
}

#[tokio::test]
async fn offsets_lengths_and_versions_are_held_to() {
    story(async |house| {
        house.make_bucket("docs", json!({"file_size_limit": 100})).await;
        let path = path(&announce(&house, KEY, "x", "9").await.expect(201));
        for wrong in ["1", "9", "100"] {
            append(&house, &path, wrong, "abc").await.expect(409);
        }
        append(&house, &path, "-1", "abc").await.expect(400);
        append(&house, &path, "0", "0123456789").await.expect(413);
        assert_eq!(offset(&house, &path).await, "0", "nothing of what was too much is kept");
        let plain = [VERSION, ("content-type", "text/plain"), ("upload-offset", "0")];
        house.send(Method::PATCH, &path, Some(KEY), &plain, "abc").await.expect(415);
        let refused =
            house.send(Method::PATCH, &path, Some(KEY), &[TYPE, ("upload-offset", "0")], "abc").await;
        assert_eq!((refused.status.as_u16(), refused.header("tus-version")), (412, "1.0.0"));
        announce(&house, KEY, "y", "101").await.expect(413);
        announce(&house, KEY, "y", "many").await.expect(400);
        announce(&house, KEY, "../y", "1").await.expect(400);
        let no_name = [VERSION, ("upload-length", "1"), ("upload-metadata", "bucketName ZG9jcw==")];
        house.send(Method::POST, "/upload/resumable", Some(KEY), &no_name, "").await.expect(400);
        assert_eq!(house.held_after_sweep().await, 0);
    })
    .await;
}

#[tokio::test]
async fn a_piece_that_differs_from_its_checksum_is_not_kept() {
    story(async |house| {
        house.make_bucket("docs", json!({})).await;
        let path = path(&announce(&house, KEY, "x", "6").await.expect(201));
        let right = format!("sha256 {}", STANDARD.encode(sha256(b"abc")));
        let send = async |checksum: &str, at: &str, body: &'static str| {
            let headers = [VERSION, TYPE, ("upload-offset", at), ("upload-checksum", checksum)];
            house.send(Method::PATCH, &path, Some(KEY), &headers, body).await.status.as_u16()
        };
        assert_eq!(send(&right, "0", "abd").await, 460);
        assert_eq!(send("md4 AAAA", "0", "abc").await, 400);
        assert_eq!(send("sha256 AAAA", "0", "abc").await, 400);
        assert_eq!(offset(&house, &path).await, "0");
        assert_eq!(send(&right, "0", "abc").await, 204);
        assert_eq!(send("sha1 WJwiM1o4HxItEpIl9cC6MFbtWBE=", "3", "def").await, 204);
        assert_eq!(&house.get("/object/docs/x", KEY).await.expect(200).body[..], b"abcdef");
        assert_eq!(house.held_after_sweep().await, 1);
    })
    .await;
}

#[tokio::test]
async fn an_upload_ends_when_it_is_ended_and_after_a_day() {
    story(async |house| {
        house.make_bucket("docs", json!({})).await;
        let first = path(&announce(&house, KEY, "x", "9").await.expect(201));
        append(&house, &first, "0", "abc").await.expect(204);
        house.send(Method::DELETE, &first, Some(KEY), &[VERSION], "").await.expect(204);
        append(&house, &first, "3", "def").await.expect(404);
        house.send(Method::DELETE, &first, Some(KEY), &[VERSION], "").await.expect(404);
        assert_eq!(house.held_after_sweep().await, 0);
        let second = path(&announce(&house, KEY, "x", "9").await.expect(201));
        append(&house, &second, "0", "abc").await.expect(204);
        assert_eq!(house.held_after_sweep().await, 1, "an open upload keeps its pieces");
        house.clock.advance(Duration::from_hours(24));
        house.send(Method::HEAD, &second, Some(KEY), &[VERSION], "").await.expect(404);
        append(&house, &second, "3", "def").await.expect(404);
        assert_eq!(house.held_after_sweep().await, 0);
        house.clock.advance(Duration::from_hours(1));
        assert_eq!(forget_expired(&house.files).await.unwrap(), 1);
    })
    .await;
}

#[tokio::test]
async fn an_upload_is_its_senders_alone() {
    story(async |house| {
        house.make_bucket("docs", json!({})).await;
        let alice = "user:a11ce000-0000-4000-8000-000000000001@0a000000-0000-4000-8000-00000000000a";
        let bob = "user:b0b00000-0000-4000-8000-000000000002@0a000000-0000-4000-8000-00000000000a";
        let carol = "user:ca401000-0000-4000-8000-000000000003@0b000000-0000-4000-8000-00000000000b";
        let path = path(&announce(&house, alice, "x", "3").await.expect(201));
        for stranger in [Some(bob), Some(carol), Some(KEY), None] {
            for method in [Method::HEAD, Method::DELETE, Method::PATCH] {
                let headers = [VERSION, TYPE, ("upload-offset", "0")];
                let status =
                    house.send(method.clone(), &path, stranger, &headers, "abc").await.status.as_u16();
                assert_eq!(status, if stranger.is_some() { 404 } else { 401 }, "{method} {stranger:?}");
            }
        }
        let headers = [VERSION, TYPE, ("upload-offset", "0")];
        house.send(Method::PATCH, &path, Some(alice), &headers, "abc").await.expect(204);
        house.get("/object/docs/x", bob).await.expect(200);
        house.get("/object/docs/x", carol).await.expect(404);
    })
    .await;
}

#[tokio::test]
async fn of_two_requests_at_one_offset_one_counts() {
    story(async |house| {
        house.make_bucket("docs", json!({})).await;
        let path = path(&announce(&house, KEY, "x", "6").await.expect(201));
        let (one, two) = tokio::join!(append(&house, &path, "0", "abc"), append(&house, &path, "0", "xyz"));
        let mut statuses = [one.status.as_u16(), two.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [204, 409]);
        append(&house, &path, "3", "def").await.expect(204);
        let body = house.get("/object/docs/x", KEY).await.expect(200).body;
        assert!(&body[..] == b"abcdef" || &body[..] == b"xyzdef");
        assert_eq!(house.held_after_sweep().await, 1);
    })
    .await;
}

#[tokio::test]
async fn the_server_says_how_it_speaks() {
    story(async |house| {
        let answer = house.send(Method::OPTIONS, "/upload/resumable", None, &[], "").await.expect(204);
        assert_eq!(answer.header("tus-version"), "1.0.0");
        assert!(answer.header("tus-extension").contains("creation-with-upload"));
        assert!(answer.header("tus-checksum-algorithm").contains("sha1"));
    })
    .await;
}

#[tokio::test]
async fn what_is_announced_takes_room_until_it_is_complete_or_ended() {
    let config = FilesConfig { org_max_bytes: Some(10), ..FilesConfig::default() };
    story_with(config, async |house| {
        house.make_bucket("docs", json!({})).await;
        let alice = somebody();
        let usage = async || {
            let usage = house.get("/usage", &alice).await.expect(200).json();
            (usage["bytes"].as_u64().unwrap(), usage["reserved_bytes"].as_u64().unwrap())
        };
        let send = async |path: &str, offset: &str, body: &'static str| {
            let headers = [VERSION, TYPE, ("upload-offset", offset)];
            house.send(Method::PATCH, path, Some(&alice), &headers, body).await.expect(204)
        };
        let first = path(&announce(&house, &alice, "first", "6").await.expect(201));
        let refused = announce(&house, &alice, "second", "6").await.expect(413).json();
        assert_eq!(refused["quota"]["used"], 6);
        let second = path(&announce(&house, &alice, "second", "4").await.expect(201));
        house.upload("docs/third", &alice, "1").await.expect(413);
        send(&first, "0", "012").await;
        send(&first, "3", "345").await;
        assert_eq!(usage().await, (6, 4), "its own room lets it be put together");
        house.send(Method::DELETE, &second, Some(&alice), &[VERSION], "").await.expect(204);
        assert_eq!(usage().await, (6, 0));
        announce(&house, &alice, "third", "4").await.expect(201);
        house.clock.advance(Duration::from_hours(25));
        assert_eq!(forget_expired(&house.files).await.unwrap(), 2);
        assert_eq!(usage().await, (6, 0));
        house.upload("docs/third", &alice, "1234").await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn a_single_piece_is_looked_at_like_any_upload() {
    story(async |house| {
        house.make_bucket("docs", json!({"allowed_mime_types": ["image/*"]})).await;
        let text = |text: &str| STANDARD.encode(text);
        let metadata =
            format!("bucketName {},objectName {},contentType {}", text("docs"), text("x"), text("image/png"));
        let headers = [VERSION, TYPE, ("upload-length", "5"), ("upload-metadata", &metadata)];
        house.send(Method::POST, "/upload/resumable", Some(KEY), &headers, "<svg>").await.expect(415);
        house.get("/object/info/docs/x", KEY).await.expect(404);
    })
    .await;
}
