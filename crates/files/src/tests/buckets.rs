use quoin_web::Method;
use serde_json::{Value, json};

use super::{Expect as _, KEY, somebody, story};

#[tokio::test]
async fn a_bucket_is_made_read_changed_emptied_and_removed() {
    story(async |house| {
        let rules = json!({"public": false, "file_size_limit": "20KB", "allowed_mime_types": ["image/*"]});
        house.make_bucket("avatars", rules).await;
        let read = house.get("/bucket/avatars", KEY).await.expect(200).json();
        assert_eq!((&read["id"], &read["file_size_limit"]), (&json!("avatars"), &json!(20_000)));
        assert_eq!(read["allowed_mime_types"], json!(["image/*"]));
        assert_eq!((&read["public"], &read["type"]), (&json!(false), &json!("STANDARD")));

        let change =
            json!({"id": "avatars", "public": true, "file_size_limit": null, "allowed_mime_types": null});
        let changed = house.call(Method::PUT, "/bucket/avatars", Some(KEY), Some(change)).await.expect(200);
        assert_eq!(changed.json()["message"], "Successfully updated");
        let read = house.get("/bucket/avatars", KEY).await.expect(200).json();
        assert_eq!((&read["public"], &read["file_size_limit"]), (&json!(true), &Value::Null));

        house.upload("avatars/a.txt", KEY, "a").await.expect(200);
        let refused =
            house.call(Method::DELETE, "/bucket/avatars", Some(KEY), Some(json!({}))).await.expect(409);
        assert_eq!(refused.code(), "ResourceNotEmpty");
        house.post("/bucket/avatars/empty", KEY, json!({})).await.expect(200);
        house.call(Method::DELETE, "/bucket/avatars", Some(KEY), Some(json!({}))).await.expect(200);
        assert_eq!(house.get("/bucket/avatars", KEY).await.expect(404).code(), "NoSuchBucket");
        assert_eq!(house.held_after_sweep().await, 0);
    })
    .await;
}

#[tokio::test]
async fn a_name_is_there_once_and_must_be_usable() {
    story(async |house| {
        house.make_bucket("one", json!({})).await;
        let again = house.post("/bucket", KEY, json!({"name": "one"})).await.expect(409).json();
        assert_eq!(
            (&again["error"], &again["message"]),
            (&json!("Duplicate"), &json!("The resource already exists"))
        );
        assert_eq!(again["statusCode"], "409");
        for name in ["", " x", "a/b", "..", ".hidden", "sign", "a\u{202e}b", "a\nb", &"x".repeat(101)] {
            let refused = house.post("/bucket", KEY, json!({"name": name})).await;
            assert!(matches!(refused.status.as_u16(), 400), "{name:?}: {}", refused.status);
        }
    })
    .await;
}

#[tokio::test]
async fn only_platform_keys_manage_buckets_and_everybody_signed_in_sees_them() {
    story(async |house| {
        house.make_bucket("shelf", json!({})).await;
        let member = somebody();
        house.post("/bucket", &member, json!({"name": "mine"})).await.expect(403);
        house.post("/bucket/shelf/empty", &member, json!({})).await.expect(403);
        house.call(Method::DELETE, "/bucket/shelf", Some(&member), None).await.expect(403);
        house.call(Method::GET, "/bucket", None, None).await.expect(401);
        let listed =
            house.get("/bucket?search=HEL&sortColumn=name&sortOrder=desc", &member).await.expect(200);
        assert_eq!(listed.json()[0]["name"], "shelf");
    })
    .await;
}

#[tokio::test]
async fn a_bucket_becomes_public_only_where_each_name_is_there_once() {
    story(async |house| {
        house.make_bucket("mixed", json!({})).await;
        let (alice, bob) = (somebody(), somebody());
        house.upload("mixed/same.txt", &alice, "alice").await.expect(200);
        house.upload("mixed/same.txt", &bob, "bob").await.expect(200);
        let publish = || house.call(Method::PUT, "/bucket/mixed", Some(KEY), Some(json!({"public": true})));
        publish().await.expect(409);
        house.call(Method::DELETE, "/object/mixed/same.txt", Some(&bob), None).await.expect(200);
        publish().await.expect(200);
        assert_eq!(house.upload("mixed/same.txt", &bob, "bob").await.expect(409).code(), "KeyAlreadyExists");
        assert_eq!(
            house.call(Method::GET, "/object/public/mixed/same.txt", None, None).await.expect(200).body,
            "alice"
        );
        house.call(Method::PUT, "/bucket/mixed", Some(KEY), Some(json!({"public": false}))).await.expect(200);
        house.upload("mixed/same.txt", &bob, "bob").await.expect(200);
        house.call(Method::GET, "/object/public/mixed/same.txt", None, None).await.expect(404);
    })
    .await;
}

#[tokio::test]
async fn size_and_type_limits_hold_for_every_way_in() {
    story(async |house| {
        let rules = json!({"file_size_limit": 4, "allowed_mime_types": ["text/plain", "image/*"]});
        house.make_bucket("small", rules).await;
        let member = somebody();
        house.upload("small/fits", &member, "1234").await.expect(200);
        let refused = house.upload("small/too-large", &member, "12345").await.expect(413).json();
        assert_eq!(refused["message"], "The object exceeded the maximum allowed size");
        assert_eq!((&refused["statusCode"], &refused["code"]), (&json!("413"), &json!("EntityTooLarge")));
        let json = [("content-type", "application/json")];
        let refused =
            house.send(Method::POST, "/object/small/x", Some(&member), &json, "{}").await.expect(415);
        assert_eq!(refused.json()["message"], "mime type application/json is not supported");
        let png = [("content-type", "image/png")];
        house.send(Method::POST, "/object/small/y", Some(&member), &png, "png").await.expect(200);
        assert_eq!(house.held_after_sweep().await, 2, "what was refused has left nothing");
    })
    .await;
}
