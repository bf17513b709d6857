use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use quoin_kernel::Problem;
use quoin_kernel::port::BoxFuture;
use quoin_policy::catalogue::Catalogue;
use quoin_policy::model::sql_subset::plan;
use quoin_policy::model::table::Schema;
use quoin_policy::port::Catalogues;
use quoin_web::Method;
use serde_json::{Value, json};

use super::{Expect as _, House, KEY, story_among};
use crate::Guests;

const ALICE: &str = "user:a11ce000-0000-4000-8000-000000000001@0a000000-0000-4000-8000-00000000000a";
const BOB: &str = "user:b0b00000-0000-4000-8000-000000000002@0a000000-0000-4000-8000-00000000000a";
const CAROL: &str = "user:ca401000-0000-4000-8000-000000000003@0b000000-0000-4000-8000-00000000000b";
const ACME: &str = "0a000000-0000-4000-8000-00000000000a";

const POLICIES: &str = "
create policy own_read on storage.objects for select to authenticated
    using (bucket_id = 'private' and owner = auth.uid());
create policy own_put on storage.objects for insert to authenticated
    with check (bucket_id = 'private' and (storage.foldername(name))[1] = auth.uid()::text);
create policy own_change on storage.objects for update to authenticated
    using (bucket_id = 'private' and owner = auth.uid())
    with check (bucket_id = 'private' and (storage.foldername(name))[1] = auth.uid()::text);
create policy own_remove on storage.objects for delete to authenticated
    using (bucket_id = 'private' and owner = auth.uid() and storage.extension(name) <> 'keep');
create policy press on storage.objects for select to authenticated using (bucket_id = 'press' and org_id is not null);
create policy press_put on storage.objects for insert to authenticated
    with check (bucket_id = 'press' and org_id = auth.org_id());
create policy inbox on storage.objects for insert to authenticated
    with check (bucket_id = 'inbox' and org_id is not null);
create policy inbox_read on storage.objects for select to authenticated
    using (bucket_id = 'inbox' and org_id = auth.org_id());
";

struct Fixed(Arc<Catalogue>);

impl Catalogues for Fixed {
    fn catalogue(&self) -> BoxFuture<'_, Result<Arc<Catalogue>, Problem>> {
        Box::pin(async { Ok(self.0.clone()) })
    }
}

fn guests(policies: &str) -> Guests {
    let mut schema = Schema::new();
    plan(policies, &mut schema).expect("accepted policies");
    let catalogue = Catalogue::compile(schema, String::new(), true, true).expect("readable policies");
    Guests { catalogues: Some(Arc::new(Fixed(Arc::new(catalogue)))), ..Guests::default() }
}

async fn house_of_buckets(house: &House) {
    for bucket in ["private", "press", "inbox", "plain"] {
        house.make_bucket(bucket, json!({})).await;
    }
}

fn names(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().filter_map(|entry| entry["name"].as_str()).collect()
}

const A: &str = "private/a11ce000-0000-4000-8000-000000000001";
const B: &str = "private/b0b00000-0000-4000-8000-000000000002";

#[tokio::test]
async fn policies_narrow_what_colleagues_may_do() {
    story_among(guests(POLICIES), async |house| {
        house_of_buckets(&house).await;
        let (mine, theirs) = (format!("{A}/x"), format!("{B}/x"));
        house.upload(&mine, ALICE, "mine").await.expect(200);
        let refused = house.upload(&theirs, ALICE, "not mine").await.expect(403).json();
        assert_eq!((&refused["code"], &refused["statusCode"], &refused["error"]), (&json!("42501"), &json!("403"), &json!("Unauthorized")));
        // What policies hide is answered like what is not there.
        for (path, who) in [("object", BOB), ("object", CAROL), ("object/info", BOB)] {
            let hidden = house.get(&format!("/{path}/{mine}"), who).await.expect(404);
            let absent = house.get(&format!("/{path}/{A}/y"), who).await.expect(404);
            let body = |answer: &quoin_web::testing::TestAnswer| {
                let mut body = answer.json();
                body.as_object_mut().unwrap().remove("instance");
                body
            };
            assert_eq!(body(&hidden), body(&absent));
        }
        house.post(&format!("/object/sign/{mine}"), BOB, json!({"expiresIn": 60})).await.expect(404);
        house.call(Method::DELETE, &format!("/object/{mine}"), Some(BOB), None).await.expect(404);
        let headers = [("content-type", "text/plain"), ("x-upsert", "true")];
        house.send(Method::POST, &format!("/object/{mine}"), Some(BOB), &headers, "other").await.expect(403);
        let moving = json!({"bucketId": "private", "sourceKey": "a11ce000-0000-4000-8000-000000000001/x", "destinationKey": "b0b00000-0000-4000-8000-000000000002/x"});
        house.post("/object/move", BOB, moving.clone()).await.expect(404);
        house.post("/object/move", ALICE, moving).await.expect(403);
        house.post(&format!("/object/upload/sign/{theirs}"), ALICE, json!({})).await.expect(403);
        // The legitimate twins.
        assert_eq!(&house.get(&format!("/object/{mine}"), ALICE).await.expect(200).body[..], b"mine");
        assert_eq!(&house.get(&format!("/object/{mine}?org={ACME}"), KEY).await.expect(200).body[..], b"mine");
        house.send(Method::POST, &format!("/object/{mine}"), Some(ALICE), &headers, "again").await.expect(200);
        house.post(&format!("/object/sign/{mine}"), ALICE, json!({"expiresIn": 60})).await.expect(200);
        house.call(Method::DELETE, &format!("/object/{mine}"), Some(ALICE), None).await.expect(200);
        assert_eq!(house.held_after_sweep().await, 0);
    })
    .await;
}

#[tokio::test]
async fn lists_show_and_count_what_policies_let_be_seen() {
    story_among(guests(POLICIES), async |house| {
        house_of_buckets(&house).await;
        for number in 0..3 {
            house.upload(&format!("{A}/n{number}"), ALICE, "a").await.expect(200);
            house.upload(&format!("{B}/n{number}"), BOB, "b").await.expect(200);
        }
        house.upload(&format!("{A}/deep/x"), ALICE, "a").await.expect(200);
        let list = async |who: &str, body: Value| house.post("/object/list/private", who, body).await.expect(200).json();
        assert_eq!(names(&list(ALICE, json!({"prefix": ""})).await), ["a11ce000-0000-4000-8000-000000000001"]);
        let folder = json!({"prefix": "a11ce000-0000-4000-8000-000000000001"});
        assert_eq!(names(&list(ALICE, folder.clone()).await), ["deep", "n0", "n1", "n2"]);
        assert_eq!(names(&list(BOB, folder.clone()).await), [""; 0]);
        assert_eq!(names(&list(CAROL, json!({"prefix": ""})).await), [""; 0]);
        let page = json!({"prefix": "a11ce000-0000-4000-8000-000000000001", "limit": 2, "offset": 1, "sortBy": {"column": "name", "order": "desc"}});
        assert_eq!(names(&list(ALICE, page).await), ["n2", "n1"]);
        let pages = json!({"prefix": "", "limit": 2});
        let first = house.post("/object/list-v2/private", ALICE, pages).await.expect(200).json();
        assert_eq!(first["objects"].as_array().unwrap().len(), 2);
        let next = json!({"prefix": "", "limit": 2, "cursor": first["nextCursor"]});
        let second = house.post("/object/list-v2/private", ALICE, next).await.expect(200).json();
        assert_eq!((second["objects"].as_array().unwrap().len(), &second["hasNext"]), (2, &json!(false)));
        let removed = house.call(
            Method::DELETE,
            "/object/private",
            Some(ALICE),
            Some(json!({"prefixes": ["a11ce000-0000-4000-8000-000000000001/n0", "b0b00000-0000-4000-8000-000000000002/n0"]})),
        );
        assert_eq!(removed.await.expect(200).json().as_array().unwrap().len(), 1);
        house.get(&format!("/object/{B}/n0"), BOB).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn policies_that_name_organisations_reach_over_them() {
    story_among(guests(POLICIES), async |house| {
        house_of_buckets(&house).await;
        house.upload("press/kit", ALICE, "kit").await.expect(200);
        house.get("/object/press/kit", CAROL).await.expect(404);
        assert_eq!(
            &house.get(&format!("/object/press/kit?org={ACME}"), CAROL).await.expect(200).body[..],
            b"kit"
        );
        let list = house
            .post(&format!("/object/list/press?org={ACME}"), CAROL, json!({"prefix": ""}))
            .await
            .expect(200)
            .json();
        assert_eq!(names(&list), ["kit"]);
        // Reading is all that is permitted there.
        house.upload(&format!("press/other?org={ACME}"), CAROL, "x").await.expect(403);
        house
            .call(Method::DELETE, &format!("/object/press/kit?org={ACME}"), Some(CAROL), None)
            .await
            .expect(404);
        // An inbox: others put things in and do not see them.
        house.upload(&format!("inbox/letter?org={ACME}"), CAROL, "dear").await.expect(200);
        house.get(&format!("/object/inbox/letter?org={ACME}"), CAROL).await.expect(404);
        assert_eq!(&house.get("/object/inbox/letter", BOB).await.expect(200).body[..], b"dear");
        // Buckets of which no policy speaks stay closed, and say so alike for every organisation.
        house.upload("plain/x", ALICE, "x").await.expect(200);
        for org in [ACME, "0c000000-0000-4000-8000-00000000000c"] {
            for path in ["/object/plain/x", "/object/plain/missing", "/object/info/plain/x"] {
                house.get(&format!("{path}?org={org}"), CAROL).await.expect(403);
            }
            house.upload(&format!("plain/y?org={org}"), CAROL, "x").await.expect(403);
            house
                .post(&format!("/object/list/plain?org={org}"), CAROL, json!({"prefix": ""}))
                .await
                .expect(403);
            house.get(&format!("/usage?org={org}"), CAROL).await.expect(403);
        }
        house.get("/object/plain/x", BOB).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn policies_bind_every_way_in() {
    story_among(guests(POLICIES), async |house| {
        house_of_buckets(&house).await;
        house.upload("plain/x", BOB, "x").await.expect(200);
        let copy = |to: &str| json!({"bucketId": "plain", "sourceKey": "x", "destinationBucket": "private", "destinationKey": to});
        house.post("/object/copy", BOB, copy("a11ce000-0000-4000-8000-000000000001/x")).await.expect(403);
        house.post("/object/copy", BOB, copy("b0b00000-0000-4000-8000-000000000002/x")).await.expect(200);
        let moving = |to: &str| json!({"bucketId": "plain", "sourceKey": "x", "destinationBucket": "private", "destinationKey": to});
        house.post("/object/move", BOB, moving("a11ce000-0000-4000-8000-000000000001/x")).await.expect(403);
        let text = |text: &str| base64::Engine::encode(&base64::engine::general_purpose::STANDARD, text);
        let metadata = format!("bucketName {},objectName {}", text("private"), text("a11ce000-0000-4000-8000-000000000001/r"));
        let headers = [("tus-resumable", "1.0.0"), ("upload-length", "1"), ("upload-metadata", metadata.as_str())];
        house.send(Method::POST, "/upload/resumable", Some(BOB), &headers, "").await.expect(403);
        house.send(Method::POST, "/upload/resumable", Some(ALICE), &headers, "").await.expect(201);
    })
    .await;
}

#[tokio::test]
async fn direct_and_resumable_uploads_pass_no_policy_by() {
    story_among(guests(POLICIES), async |house| {
        house_of_buckets(&house).await;
        let announce = async |who: &str, path: &str| {
            let body = json!({"bucket": "private", "path": path, "size": 5, "content_type": "text/plain"});
            house.post("/uploads", who, body).await
        };
        let (mine, theirs) = (A.split_once('/').unwrap().1, B.split_once('/').unwrap().1);
        assert_eq!(announce(ALICE, &format!("{theirs}/x")).await.expect(403).code(), "42501");
        let ready = announce(ALICE, &format!("{mine}/x")).await.expect(201).json();
        let url = ready["url"].as_str().unwrap().split_once("/storage/v1").unwrap().1;
        let headers = [("content-type", "text/plain"), ("content-length", "5")];
        house.send(Method::PUT, url, None, &headers, "hello").await.expect(200);
        let complete = format!("/uploads/{}/complete", ready["upload_id"].as_str().unwrap());
        house.post(&complete, CAROL, json!({})).await.expect(404);
        // A colleague who completes it does so in their own name, which is not the folder's.
        house.post(&complete, BOB, json!({})).await.expect(403);
        house.post(&complete, ALICE, json!({})).await.expect(200);
        house.get(&format!("/object/{A}/x"), ALICE).await.expect(200);
        house.get(&format!("/object/{A}/x"), BOB).await.expect(404);

        let text = |text: &str| STANDARD.encode(text);
        for (path, status) in [(format!("{theirs}/y"), 403), (format!("{mine}/y"), 201)] {
            let metadata = format!("bucketName {},objectName {}", text("private"), text(&path));
            let headers =
                [("tus-resumable", "1.0.0"), ("upload-length", "5"), ("upload-metadata", metadata.as_str())];
            house.send(Method::POST, "/upload/resumable", Some(ALICE), &headers, "").await.expect(status);
        }
    })
    .await;
}
