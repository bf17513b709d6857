//! What is left when a write stops at its worst moments, and what the sweep makes of it.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use quoin_web::Method;
use serde_json::json;

use super::{Expect as _, House, KEY, org_of, somebody, story};
use crate::model::{BucketName, Description, ObjectName, OwnerIn, Requester};
use crate::port::{ByteStream, ObjectStore as _};
use crate::service::store_object::{self, NewObject, store_object};
use crate::service::{erase, sweep};

async fn new_object(house: &House, name: &str) -> NewObject {
    house.make_bucket("docs", json!({})).await;
    let caller = quoin_kernel::Caller::ApiKey(std::sync::Arc::new(quoin_kernel::ApiKeyCaller {
        key_id: house.files.app().id(),
        org_id: None,
        scopes: vec!["*".into()],
    }));
    let requester = Requester::of(&caller, OwnerIn::default(), "files.write").unwrap();
    let description = Description {
        content_type: "text/plain".into(),
        content_encoding: None,
        cache_control: "no-cache".into(),
        user_metadata: json!({}),
    };
    NewObject::by(&requester, BucketName::new("docs").unwrap(), ObjectName::new(name).unwrap(), description)
}

fn hanging() -> ByteStream {
    let piece = Ok(Bytes::from(vec![7; 1_000_000]));
    Box::pin(stream::iter([piece]).chain(stream::pending()))
}

#[tokio::test]
async fn an_upload_whose_client_goes_away_is_swept() {
    story(async |house| {
        let new = new_object(&house, "x").await;
        let upload = store_object(&house.files, new, hanging());
        tokio::time::timeout(Duration::from_millis(200), upload).await.err().unwrap();
        assert_eq!(sweep::sweep(&house.files).await.unwrap(), 0, "its lease is not over");
        house.clock.advance(Duration::from_mins(15));
        assert_eq!(sweep::sweep(&house.files).await.unwrap(), 1);
        assert_eq!(sweep::sweep(&house.files).await.unwrap(), 0);
        let staged = std::fs::read_dir(house.directory.join("staging")).unwrap().count();
        assert_eq!((house.held_after_sweep().await, staged), (0, 0));
    })
    .await;
}

#[tokio::test]
async fn bytes_that_were_never_settled_are_swept_and_cannot_be_settled_later() {
    story(async |house| {
        let new = new_object(&house, "x").await;
        let begun = store_object::begin(&house.files, &new).await.unwrap();
        let pieces: ByteStream = Box::pin(stream::iter([Ok(Bytes::from_static(b"late"))]));
        let label = crate::port::Label {
            content_type: "text/plain".into(),
            content_encoding: None,
            bucket: "docs".into(),
            name: "x".into(),
        };
        house.disk.write(&begun.writing.key, &label, pieces, &begun.writing).await.unwrap();
        // The process is killed here. Another one sweeps, then the first wakes up.
        assert_eq!(house.disk.list(None, 10).await.unwrap().len(), 1);
        house.clock.advance(Duration::from_mins(15));
        sweep::sweep(&house.files).await.unwrap();
        assert_eq!(house.disk.list(None, 10).await.unwrap().len(), 0);
        let late = store_object::settle(&house.files, &new, &begun, (4, [0; 32])).await;
        assert!(matches!(late, Err(crate::FilesError::LostLease)));
        house.get("/object/docs/x", KEY).await.expect(404);
    })
    .await;
}

#[tokio::test]
async fn an_upload_that_was_settled_is_not_removed_when_its_answer_is_lost() {
    story(async |house| {
        let new = new_object(&house, "x").await;
        let begun = store_object::begin(&house.files, &new).await.unwrap();
        let pieces: ByteStream = Box::pin(stream::iter([Ok(Bytes::from_static(b"safe"))]));
        let label = crate::port::Label {
            content_type: "text/plain".into(),
            content_encoding: None,
            bucket: "docs".into(),
            name: "x".into(),
        };
        house.disk.write(&begun.writing.key, &label, pieces, &begun.writing).await.unwrap();
        store_object::settle(&house.files, &new, &begun, (4, [0; 32])).await.unwrap();
        begun.writing.give_up(&house.files).await;
        assert_eq!(house.get("/object/docs/x", KEY).await.expect(200).body, "safe");
    })
    .await;
}

#[tokio::test]
async fn a_start_gives_up_what_the_process_before_was_writing_but_not_announced_uploads() {
    story(async |house| {
        let new = new_object(&house, "x").await;
        tokio::time::timeout(Duration::from_millis(200), store_object(&house.files, new, hanging()))
            .await
            .err()
            .unwrap();
        let announced = json!({"bucket": "docs", "path": "y", "size": 1});
        house.post("/uploads", KEY, announced).await.expect(201);
        assert_eq!(sweep::give_up_idle(&house.files, Duration::ZERO).await.unwrap(), 1);
        assert_eq!(sweep::sweep(&house.files).await.unwrap(), 1);
    })
    .await;
}

#[tokio::test]
async fn only_what_no_row_knows_for_days_is_removed_from_a_store() {
    story(async |house| {
        house.make_bucket("docs", json!({})).await;
        house.upload("docs/known", KEY, "known").await.expect(200);
        let known = house.disk.list(None, 10).await.unwrap()[0].key.to_string();
        let stranger = format!(
            "platform/docs/{}",
            quoin_kernel::UserId::new(super::now(), &quoin_kernel::rng::SystemRng::default())
        );
        let objects = house.directory.join("objects");
        std::fs::copy(objects.join(&known), objects.join(&stranger)).unwrap();
        std::fs::write(objects.join("platform/docs/README"), "not ours").unwrap();
        assert_eq!(sweep::remove_unknown(&house.files).await.unwrap(), 0, "it is new");
        // Files carry the machine's time, which is not the test's.
        house.clock.advance(Duration::from_hours(24 * 365 * 20));
        assert_eq!(sweep::remove_unknown(&house.files).await.unwrap(), 1);
        assert!(objects.join(&known).exists() && !objects.join(&stranger).exists());
        assert!(objects.join("platform/docs/README").exists(), "what is no key of ours stays");
    })
    .await;
}

#[tokio::test]
async fn what_belonged_to_somebody_who_is_gone_is_erased() {
    story(async |house| {
        house.make_bucket("docs", json!({})).await;
        let (alice, bob) = (somebody(), somebody());
        house.upload("docs/a", &alice, "a").await.expect(200);
        house.upload("docs/b", &bob, "b").await.expect(200);
        let org_id = org_of(&alice).parse().unwrap();
        erase::erase(&house.files, crate::model::Owner::Organization(org_id)).await.unwrap();
        house.get("/object/docs/a", &alice).await.expect(404);
        assert_eq!(house.get("/object/docs/b", &bob).await.expect(200).body, "b");
        assert_eq!(house.held_after_sweep().await, 1);
        let user_id = bob.split_once('@').unwrap().0.strip_prefix("user:").unwrap().parse().unwrap();
        erase::erase(&house.files, crate::model::Owner::Person(user_id)).await.unwrap();
        assert_eq!(
            house.get("/object/docs/b", &bob).await.expect(200).body,
            "b",
            "the organisation's object stays"
        );
        let shown = house
            .call(Method::POST, "/object/list/docs", Some(&bob), Some(json!({"prefix": ""})))
            .await
            .expect(200);
        assert!(!String::from_utf8_lossy(&shown.body).contains(&user_id.to_string()));
    })
    .await;
}
