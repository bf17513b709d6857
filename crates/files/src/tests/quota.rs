use quoin_web::Method;
use serde_json::json;

use super::{Expect as _, House, KEY, org_of, somebody, story, story_with};
use crate::FilesConfig;

async fn used(house: &House, who: &str) -> (u64, u64) {
    let usage = house.get("/usage", who).await.expect(200).json();
    (usage["bytes"].as_u64().unwrap(), usage["objects"].as_u64().unwrap())
}

#[tokio::test]
async fn what_is_kept_is_counted_through_every_change() {
    story(async |house| {
        house.make_bucket("docs", json!({})).await;
        let member = somebody();
        assert_eq!(used(&house, &member).await, (0, 0));
        house.upload("docs/a", &member, "12345").await.expect(200);
        assert_eq!(used(&house, &member).await, (5, 1));
        house.send(Method::PUT, "/object/docs/a", Some(&member), &[], "123").await.expect(200);
        assert_eq!(used(&house, &member).await, (3, 1));
        let copy = json!({"bucketId": "docs", "sourceKey": "a", "destinationKey": "b"});
        house.post("/object/copy", &member, copy).await.expect(200);
        assert_eq!(used(&house, &member).await, (6, 2));
        let moved = json!({"bucketId": "docs", "sourceKey": "a", "destinationKey": "c"});
        house.post("/object/move", &member, moved).await.expect(200);
        let person = member.split_once('@').unwrap().0;
        assert_eq!(used(&house, person).await, (6, 2), "the person is counted beside the organisation");
        house.call(Method::DELETE, "/object/docs/b", Some(&member), None).await.expect(200);
        house.post("/bucket/docs/empty", KEY, json!({})).await.expect(200);
        assert_eq!((used(&house, &member).await, used(&house, person).await), ((0, 0), (0, 0)));
    })
    .await;
}

#[tokio::test]
async fn fifty_uploads_at_once_never_exceed_a_quota() {
    let config = FilesConfig { org_max_bytes: Some(95), org_max_objects: Some(20), ..FilesConfig::default() };
    story_with(config, async |house| {
        house.make_bucket("docs", json!({})).await;
        let member = somebody();
        let headers = [("content-type", "text/plain")];
        let uploads = (0..50).map(|number| {
            let path = format!("/object/docs/{number}");
            let (house, member) = (&house, &member);
            async move { house.send(Method::POST, &path, Some(member), &headers, "1234567890").await }
        });
        let answers = futures_util::future::join_all(uploads).await;
        let won = answers.iter().filter(|answer| answer.status.as_u16() == 200).count();
        assert_eq!(won, 9);
        let refused = answers.iter().find(|answer| answer.status.as_u16() != 200).unwrap();
        assert_eq!((refused.status.as_u16(), refused.code().as_str()), (413, "quota_exceeded"));
        let quota = &refused.json()["quota"];
        assert_eq!((&quota["limit"], &quota["of"]), (&json!(95), &json!("bytes")));
        assert_eq!(used(&house, &member).await, (90, 9));
        assert_eq!(house.held_after_sweep().await, 9, "what was refused has left nothing");
        house.upload("docs/other", &somebody(), "not theirs").await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn a_persons_quota_holds_in_all_their_organisations() {
    let config = FilesConfig { person_max_objects: Some(2), ..FilesConfig::default() };
    story_with(config, async |house| {
        house.make_bucket("docs", json!({})).await;
        let first = somebody();
        let second = format!("{}@{}", first.split_once('@').unwrap().0, org_of(&somebody()));
        house.upload("docs/1", &first, "1").await.expect(200);
        house.upload("docs/2", &second, "2").await.expect(200);
        let refused = house.upload("docs/3", &second, "3").await.expect(413).json();
        assert_eq!(
            (&refused["quota"]["subject"], &refused["quota"]["of"]),
            (&json!("person"), &json!("objects"))
        );
        let colleague = format!("{}@{}", somebody().split_once('@').unwrap().0, org_of(&first));
        house.upload("docs/4", &colleague, "4").await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn an_administrator_sets_the_limit_of_one_organisation() {
    story(async |house| {
        house.make_bucket("docs", json!({})).await;
        let member = somebody();
        let path = format!("/usage?org={}", org_of(&member));
        let limits = json!({"max_bytes": 10});
        house.call(Method::PUT, &path, Some(&member), Some(limits.clone())).await.expect(403);
        house.call(Method::PUT, "/usage", Some(KEY), Some(limits.clone())).await.expect(400);
        let set = house.call(Method::PUT, &path, Some(KEY), Some(limits)).await.expect(200).json();
        assert_eq!((&set["max_bytes"], &set["bytes"]), (&json!(10), &json!(0)));
        house.upload("docs/a", &member, "1234567").await.expect(200);
        house.upload("docs/b", &member, "1234567").await.expect(413);
        house.send(Method::PUT, "/object/docs/a", Some(&member), &[], "1234567890").await.expect(200);
        house.call(Method::PUT, &path, Some(KEY), Some(json!({}))).await.expect(200);
        house.upload("docs/b", &member, "1234567").await.expect(200);
    })
    .await;
}
