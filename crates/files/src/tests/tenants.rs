use quoin_web::Method;
use serde_json::{Value, json};

use super::{Expect as _, House, KEY, org_of, somebody, story};

/// An answer without what is new in each: the request's id, and the name that was asked for.
fn bytes(answer: &quoin_web::testing::TestAnswer) -> (u16, Value) {
    let mut body = answer.json();
    if let Some(fields) = body.as_object_mut() {
        fields.remove("instance");
    }
    (answer.status.as_u16(), body)
}

async fn with_secret(house: &House) -> (String, String) {
    house.make_bucket("docs", json!({})).await;
    let (alice, bob) = (somebody(), somebody());
    house.upload("docs/secret.txt", &alice, "secret").await.expect(200);
    (alice, bob)
}

#[tokio::test]
async fn another_organisations_object_is_answered_like_none() {
    story(async |house| {
        let (alice, bob) = with_secret(&house).await;
        for (method, path) in [
            (Method::GET, "/object/docs/X"),
            (Method::GET, "/object/authenticated/docs/X"),
            (Method::GET, "/object/info/docs/X"),
            (Method::DELETE, "/object/docs/X"),
            (Method::GET, "/object/public/docs/X"),
        ] {
            let ask = async |name: &str| {
                let path = path.replace('X', name);
                house.call(method.clone(), &path, Some(bob.as_str()), None).await
            };
            let (theirs, none) = (ask("secret.txt").await, ask("random.txt").await);
            assert_eq!(bytes(&theirs), bytes(&none), "{method} {path}");
            assert_eq!(theirs.status.as_u16(), 404);
        }
        for (path, body) in [
            ("/object/sign/docs/X", json!({"expiresIn": 60})),
            ("/object/move", json!({"bucketId": "docs", "sourceKey": "X", "destinationKey": "mine"})),
            ("/object/copy", json!({"bucketId": "docs", "sourceKey": "X", "destinationKey": "mine"})),
        ] {
            let ask = async |name: &str| {
                let body: Value =
                    serde_json::from_str(&body.to_string().replace("\"X\"", &format!("\"{name}\""))).unwrap();
                house.post(&path.replace('X', name), &bob, body).await
            };
            let (theirs, none) = (ask("secret.txt").await, ask("random.txt").await);
            assert_eq!(bytes(&theirs), bytes(&none), "{path}");
            assert_eq!(theirs.status.as_u16(), 404);
        }
        let many = json!({"prefixes": ["secret.txt"]});
        let removed = house.call(Method::DELETE, "/object/docs", Some(&bob), Some(many)).await.expect(200);
        assert_eq!(removed.json(), json!([]));
        let listed = house.post("/object/list/docs", &bob, json!({"prefix": ""})).await.expect(200);
        assert_eq!(listed.json(), json!([]));
        let listed = house.post("/object/list-v2/docs", &bob, json!({})).await.expect(200);
        assert_eq!(listed.json()["objects"], json!([]));
        house.upload("docs/secret.txt", &bob, "bob's own").await.expect(200);
        assert_eq!(house.get("/object/docs/secret.txt", &alice).await.expect(200).body, "secret");
    })
    .await;
}

#[tokio::test]
async fn nobody_signed_in_gets_nothing_of_a_private_bucket() {
    story(async |house| {
        with_secret(&house).await;
        house.call(Method::GET, "/object/docs/secret.txt", None, None).await.expect(401);
        house.call(Method::POST, "/object/list/docs", None, Some(json!({"prefix": ""}))).await.expect(401);
        house.send(Method::POST, "/object/docs/x", None, &[], "x").await.expect(401);
        house.call(Method::GET, "/object/public/docs/secret.txt", None, None).await.expect(404);
        house.call(Method::GET, "/usage", None, None).await.expect(401);
    })
    .await;
}

#[tokio::test]
async fn a_colleague_shares_and_a_platform_key_chooses() {
    story(async |house| {
        let (alice, bob) = with_secret(&house).await;
        let colleague = format!("{}@{}", somebody().split_once('@').unwrap().0, org_of(&alice));
        assert_eq!(house.get("/object/docs/secret.txt", &colleague).await.expect(200).body, "secret");
        let org_key = format!("key@{}", org_of(&alice));
        assert_eq!(house.get("/object/docs/secret.txt", &org_key).await.expect(200).body, "secret");
        let chosen = format!("/object/docs/secret.txt?org={}", org_of(&alice));
        assert_eq!(house.get(&chosen, KEY).await.expect(200).body, "secret");
        house.get("/object/docs/secret.txt", KEY).await.expect(404);
        house.get(&chosen, &bob).await.expect(403);
        house.get(&chosen, &format!("key@{}", org_of(&bob))).await.expect(403);
        house.get(&chosen, &alice).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn a_person_without_an_organisation_owns_what_they_store() {
    story(async |house| {
        house.make_bucket("docs", json!({})).await;
        let person = somebody().split_once('@').unwrap().0.to_owned();
        house.upload("docs/mine", &person, "mine").await.expect(200);
        assert_eq!(house.get("/object/docs/mine", &person).await.expect(200).body, "mine");
        let id = person.strip_prefix("user:").unwrap();
        assert_eq!(house.get(&format!("/object/docs/mine?user={id}"), KEY).await.expect(200).body, "mine");
        house.get("/object/docs/mine", &somebody()).await.expect(404);
    })
    .await;
}

#[tokio::test]
async fn somebody_who_owes_a_second_factor_gets_nothing() {
    story(async |house| {
        let (alice, _) = with_secret(&house).await;
        let half = alice.replace("user:", "aal1:");
        assert_eq!(house.get("/object/docs/secret.txt", &half).await.expect(403).code(), "insufficient_aal");
        house.send(Method::POST, "/object/docs/x", Some(&half), &[], "x").await.expect(403);
    })
    .await;
}
