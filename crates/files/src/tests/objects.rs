use quoin_web::{Body, Method};
use serde_json::{Value, json};

use super::{Expect as _, KEY, somebody, story};
use crate::port::ObjectStore as _;

const FORM: &str = "multipart/form-data; boundary=XX";

/// A form as the clients build it: short fields, then the file without a name.
fn form(content: &str) -> String {
    format!(
        "--XX\r\ncontent-disposition: form-data; name=\"cacheControl\"\r\n\r\n3600\r\n\
         --XX\r\ncontent-disposition: form-data; name=\"metadata\"\r\n\r\n{{\"by\":\"form\"}}\r\n\
         --XX\r\ncontent-disposition: form-data; name=\"\"; filename=\"blob\"\r\ncontent-type: text/html\r\n\r\n{content}\r\n--XX--\r\n"
    )
}

#[tokio::test]
async fn an_object_goes_in_raw_and_comes_out_with_what_was_said_of_it() {
    story(async |house| {
        house.make_bucket("docs", json!({})).await;
        let member = somebody();
        let headers = [
            ("content-type", "text/plain;charset=UTF-8"),
            ("cache-control", "max-age=60"),
            ("x-metadata", "eyJjb2xvdXIiOiJibHVlIn0="),
        ];
        let path = "/object/docs/a%20b/%C3%BC.txt";
        let stored =
            house.send(Method::POST, path, Some(&member), &headers, "hello").await.expect(200).json();
        assert_eq!(stored["Key"], "docs/a b/ü.txt");
        assert!(stored["Id"].is_string());

        let read = house.get(path, &member).await.expect(200);
        assert_eq!(read.body, "hello");
        assert_eq!(read.header("content-type"), "text/plain;charset=UTF-8");
        assert_eq!(read.header("cache-control"), "private, max-age=60");
        assert_eq!(read.header("content-length"), "5");
        assert_eq!(read.header("x-content-type-options"), "nosniff");
        let info = house.get("/object/info/docs/a%20b/%C3%BC.txt", &member).await.expect(200).json();
        assert_eq!((&info["size"], &info["metadata"]), (&json!(5), &json!({"colour": "blue"})));
        assert_eq!(info["etag"], read.header("etag"));
        assert_eq!(info["sha256"], "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
    })
    .await;
}

#[tokio::test]
async fn an_object_goes_in_as_a_form() {
    story(async |house| {
        house.make_bucket("docs", json!({})).await;
        let member = somebody();
        let headers = [("content-type", FORM)];
        house.send(Method::POST, "/object/docs/page", Some(&member), &headers, form("<p>")).await.expect(200);
        let read = house.get("/object/authenticated/docs/page", &member).await.expect(200);
        assert_eq!((read.body.as_ref(), read.header("content-type")), (b"<p>".as_slice(), "text/html"));
        assert_eq!(read.header("cache-control"), "private, max-age=3600");
        let info = house.get("/object/info/docs/page", &member).await.expect(200).json();
        assert_eq!(info["metadata"], json!({"by": "form"}));

        let large = "x".repeat(3_000_000);
        house
            .send(Method::POST, "/object/docs/large", Some(&member), &headers, form(&large))
            .await
            .expect(200);
        assert_eq!(house.get("/object/docs/large", &member).await.expect(200).body, large);
    })
    .await;
}

#[tokio::test]
async fn a_form_that_breaks_off_leaves_nothing() {
    story(async |house| {
        house.make_bucket("docs", json!({})).await;
        let member = somebody();
        let headers = [("content-type", FORM)];
        let whole = form(&"x".repeat(600_000));
        let cut = Body::from(whole[..500_000].to_owned());
        house.send(Method::POST, "/object/docs/cut", Some(&member), &headers, cut).await.expect(400);
        house.get("/object/docs/cut", &member).await.expect(404);
        assert_eq!(house.held_after_sweep().await, 0);
    })
    .await;
}

#[tokio::test]
async fn the_same_name_is_refused_unless_it_may_be_replaced() {
    story(async |house| {
        house.make_bucket("docs", json!({})).await;
        let member = somebody();
        let first = house.upload("docs/x", &member, "one").await.expect(200).json();
        let again = house.upload("docs/x", &member, "two").await.expect(409).json();
        assert_eq!(again["message"], "The resource already exists");
        assert_eq!(house.get("/object/docs/x", &member).await.expect(200).body, "one");
        let upsert = [("x-upsert", "true"), ("content-type", "text/plain")];
        let second =
            house.send(Method::POST, "/object/docs/x", Some(&member), &upsert, "two").await.expect(200);
        assert_eq!(second.json()["Id"], first["Id"], "the object stays the same through its versions");
        assert_eq!(house.get("/object/docs/x", &member).await.expect(200).body, "two");
        house.send(Method::PUT, "/object/docs/x", Some(&member), &[], "three").await.expect(200);
        assert_eq!(house.get("/object/docs/x", &member).await.expect(200).body, "three");
        assert_eq!(house.held_after_sweep().await, 1, "earlier versions are gone from the store");
    })
    .await;
}

#[tokio::test]
async fn a_reader_who_has_begun_gets_the_version_that_was_there() {
    story(async |house| {
        house.make_bucket("docs", json!({})).await;
        let member = somebody();
        let old = "a".repeat(2_000_000);
        house.send(Method::POST, "/object/docs/x", Some(&member), &[], old.clone()).await.expect(200);
        let key = house.disk.list(None, 10).await.unwrap()[0].key.clone();
        let reading = house.disk.read(&key, 0..2_000_000).await.unwrap();
        house
            .send(Method::PUT, "/object/docs/x", Some(&member), &[], "b".repeat(2_000_000))
            .await
            .expect(200);
        assert_eq!(house.held_after_sweep().await, 1);
        let pieces: Vec<bytes::Bytes> = futures_util::TryStreamExt::try_collect(reading).await.unwrap();
        assert_eq!(pieces.concat(), old.as_bytes());
    })
    .await;
}

#[tokio::test]
async fn names_that_attack_are_refused() {
    story(async |house| {
        house.make_bucket("docs", json!({})).await;
        let member = somebody();
        let long = format!("/object/docs/{}", "x".repeat(4096));
        let names = [
            "/object/docs/..%2f..%2fetc%2fpasswd",
            "/object/docs/a/../b",
            "/object/docs/a%2F%2Fb",
            "/object/docs/%2E%2E",
            "/object/docs/a%00b",
            "/object/docs/a%0d%0aset-cookie:x",
            "/object/docs/exe%E2%80%AEtxt.cod",
            "/object/docs/a%5Cb",
            "/object/docs/%FF",
            &long,
        ];
        for name in names {
            let refused = house.send(Method::POST, name, Some(&member), &[], "x").await;
            assert_eq!(refused.status.as_u16(), 400, "{name}");
            let missing = house.get(name, &member).await;
            assert!(matches!(missing.status.as_u16(), 400 | 404), "{name}: {}", missing.status);
        }
        assert_eq!(house.held_after_sweep().await, 0);
        let names = std::fs::read_dir(&house.directory).unwrap().count();
        assert_eq!(names, 2, "nothing but objects and staging is in the directory");
    })
    .await;
}

#[tokio::test]
async fn an_object_is_moved_copied_and_removed() {
    story(async |house| {
        house.make_bucket("a", json!({})).await;
        house.make_bucket("b", json!({})).await;
        let member = somebody();
        house.upload("a/one.txt", &member, "one").await.expect(200);
        let to_b = json!({"bucketId": "a", "sourceKey": "one.txt", "destinationKey": "two.txt", "destinationBucket": "b"});
        let moved = house.post("/object/move", &member, to_b.clone()).await.expect(200).json();
        assert_eq!(moved["message"], "Successfully moved");
        assert_eq!(house.post("/object/move", &member, to_b).await.expect(404).code(), "NoSuchKey");
        house.get("/object/a/one.txt", &member).await.expect(404);

        let copy = json!({"bucketId": "b", "sourceKey": "two.txt", "destinationKey": "three.txt"});
        let copied = house.post("/object/copy", &member, copy.clone()).await.expect(200).json();
        assert_eq!((&copied["Key"], &copied["name"]), (&json!("b/three.txt"), &json!("three.txt")));
        house.post("/object/copy", &member, copy).await.expect(409);
        for name in ["two.txt", "three.txt"] {
            assert_eq!(house.get(&format!("/object/b/{name}"), &member).await.expect(200).body, "one");
        }
        assert_eq!(house.held_after_sweep().await, 2);

        let many = json!({"prefixes": ["two.txt", "two.txt", "none.txt", "../x"]});
        let removed = house.call(Method::DELETE, "/object/b", Some(&member), Some(many)).await.expect(200).json();
        assert_eq!(removed.as_array().unwrap().len(), 1);
        assert_eq!((&removed[0]["name"], &removed[0]["bucket_id"]), (&json!("two.txt"), &json!("b")));
        house.call(Method::DELETE, "/object/b/three.txt", Some(&member), None).await.expect(200);
        house.call(Method::DELETE, "/object/b/three.txt", Some(&member), None).await.expect(404);
        assert_eq!(house.held_after_sweep().await, 0);
    })
    .await;
}

#[tokio::test]
async fn fifty_uploads_of_one_name_make_one_object() {
    story(async |house| {
        house.make_bucket("docs", json!({})).await;
        let member = somebody();
        let uploads = (0..50).map(|_| house.upload("docs/raced", &member, "x"));
        let answers = futures_util::future::join_all(uploads).await;
        let won = answers.iter().filter(|answer| answer.status.as_u16() == 200).count();
        let lost = answers.iter().filter(|answer| answer.status.as_u16() == 409).count();
        assert_eq!((won, lost), (1, 49));
        assert_eq!(house.held_after_sweep().await, 1);
    })
    .await;
}

#[tokio::test]
async fn an_empty_object_is_an_object() {
    story(async |house| {
        house.make_bucket("docs", json!({})).await;
        house.send(Method::POST, "/object/docs/empty", Some(KEY), &[], "").await.expect(200);
        let read = house.get("/object/docs/empty", KEY).await.expect(200);
        assert_eq!((read.body.len(), read.header("content-length")), (0, "0"));
        let ranged =
            house.send(Method::GET, "/object/docs/empty", Some(KEY), &[("range", "bytes=0-")], "").await;
        ranged.expect(416);
        let none: Value = house
            .post(
                "/object/copy",
                KEY,
                json!({"bucketId": "docs", "sourceKey": "empty", "destinationKey": "e2"}),
            )
            .await
            .expect(200)
            .json();
        assert_eq!(none["metadata"]["size"], 0);
    })
    .await;
}
