//! Verifying what stores hold, and moving it into another one.

use quoin_db::testing::migrated;
use quoin_web::testing::TestApp;
use serde_json::{Value, json};

use super::{Expect as _, House, KEY, MODULES, conformance, somebody, story};
use crate::{Files, FilesConfig};

async fn admin(house: &House, path: &str, body: Value) -> Value {
    let path = format!("/admin/v1/files/{path}");
    quoin_web::testing::call(&house.front, &quoin_web::Method::POST, &path, Some(KEY), Some(&body))
        .await
        .expect(200)
        .json()
}

#[tokio::test]
async fn verifying_finds_what_is_missing_short_or_changed() {
    story(async |house| {
        house.make_bucket("docs", json!({})).await;
        for name in ["whole", "missing", "short", "changed"] {
            house.upload(&format!("docs/{name}"), KEY, "0123456789").await.expect(200);
        }
        let clean = admin(&house, "verify", json!({})).await;
        assert_eq!(
            (&clean["objects"], &clean["faults"], &clean["next"]),
            (&json!(4), &json!([]), &Value::Null)
        );
        assert_eq!(clean["total_bytes"], 40);
        let mut paths = std::collections::BTreeMap::new();
        for name in ["missing", "short", "changed"] {
            let info = house.get(&format!("/object/info/docs/{name}"), KEY).await.json();
            let path = format!("objects/platform/docs/{}", info["version"].as_str().unwrap());
            paths.insert(name, house.directory.join(path));
        }
        std::fs::remove_file(&paths["missing"]).unwrap();
        std::fs::write(&paths["short"], "01234").unwrap();
        std::fs::write(&paths["changed"], "0123456780").unwrap();
        let found = admin(&house, "verify", json!({})).await;
        let faults: Vec<_> = found["faults"]
            .as_array()
            .unwrap()
            .iter()
            .map(|fault| (fault["name"].as_str().unwrap(), fault["fault"].as_str().unwrap()))
            .collect();
        let mut faults = faults;
        faults.sort_unstable();
        assert_eq!(faults, [("changed", "hash"), ("missing", "missing"), ("short", "size")]);
        let unknown = admin(&house, "unknown", json!({})).await;
        assert_eq!((&unknown["seen"], &unknown["unknown"]), (&json!(3), &json!([])));
    })
    .await;
}

#[tokio::test]
async fn only_platform_keys_look_after_stores() {
    story(async |house| {
        for path in ["verify", "unknown", "copy", "sweep"] {
            let path = format!("/admin/v1/files/{path}");
            let body = json!({"to": "s3://x"});
            for who in [somebody(), format!("key@{}", super::org_of(&somebody()))] {
                let asked = quoin_web::testing::call(
                    &house.front,
                    &quoin_web::Method::POST,
                    &path,
                    Some(&who),
                    Some(&body),
                );
                asked.await.expect(403);
            }
        }
        let body = json!({"to": "s3://other"});
        let (post, path) = (quoin_web::Method::POST, "/admin/v1/files/copy");
        quoin_web::testing::call(&house.front, &post, path, Some(KEY), Some(&body)).await.expect(400);
    })
    .await;
}

#[tokio::test]
async fn objects_move_from_disk_to_s3_while_they_are_read() {
    for database in migrated(MODULES).await {
        let mut house = House::new((*database).clone(), FilesConfig::default());
        let Some(stores) = conformance::with_s3(house.disk.clone()) else { return };
        let s3 = stores.all().nth(1).unwrap().clone();
        let app = TestApp::new((*database).clone());
        house.files = Files::new(app.app.clone(), FilesConfig::default(), stores);
        house.front = app.front(crate::module(&house.files).routes);
        house.clock = app.clock.clone();
        house.make_bucket("docs", json!({})).await;
        let member = somebody();
        for number in 0..5 {
            house.upload(&format!("docs/{number}"), &member, "0123456789").await.expect(200);
        }
        house
            .send(quoin_web::Method::POST, "/object/docs/large", Some(&member), &[], "x".repeat(7_000_000))
            .await
            .expect(200);
        let copied = admin(&house, "copy", json!({"to": s3.address()})).await;
        assert_eq!((&copied["moved"], &copied["failed"]), (&json!(6), &json!([])));
        assert_eq!(
            (&copied["left_objects"], &copied["takes_new"], &copied["next"]),
            (&json!(0), &json!(false), &Value::Null)
        );
        assert_eq!(house.get("/object/docs/3", &member).await.expect(200).body, "0123456789");
        assert_eq!(house.get("/object/docs/large", &member).await.expect(200).body.len(), 7_000_000);
        let part = house
            .send(quoin_web::Method::GET, "/object/docs/large", Some(&member), &[("range", "bytes=-3")], "")
            .await;
        assert_eq!(part.expect(206).body, "xxx");
        assert_eq!(house.held_after_sweep().await, 0, "the disk is empty");
        assert_eq!(s3.list(None, 10).await.unwrap().len(), 6);
        let clean = admin(&house, "verify", json!({})).await;
        assert_eq!((&clean["objects"], &clean["faults"]), (&json!(6), &json!([])));
        let again = admin(&house, "copy", json!({"to": s3.address()})).await;
        assert_eq!(again["moved"], 0);
        house.post("/bucket/docs/empty", KEY, json!({})).await.expect(200);
        assert_eq!(house.held_after_sweep().await, 0);
        assert!(s3.list(None, 10).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_move_that_was_interrupted_is_taken_up_again() {
    for database in migrated(MODULES).await {
        let mut house = House::new((*database).clone(), FilesConfig::default());
        let Some(stores) = conformance::with_s3(house.disk.clone()) else { return };
        let s3 = stores.all().nth(1).unwrap().clone();
        house.files = Files::new(house.files.app().clone(), FilesConfig::default(), stores);
        house.make_bucket("docs", json!({})).await;
        house.upload("docs/x", KEY, "0123456789").await.expect(200);
        // The process is killed while the copy is on its way: its intent stays, and maybe the copy.
        let moving = crate::service::relocate::relocate(&house.files, &s3, None);
        tokio::time::timeout(std::time::Duration::from_millis(4), moving).await.ok();
        let page = crate::service::relocate::relocate(&house.files, &s3, None).await.unwrap();
        assert!(page.failed.is_empty(), "{:?}", page.failed);
        assert_eq!(page.left_objects, 0);
        assert_eq!(s3.list(None, 10).await.unwrap().len(), 1);
        let object = crate::service::verify::verify(&house.files, None).await.unwrap();
        assert_eq!((object.objects, object.faults.len()), (1, 0));
    }
}
