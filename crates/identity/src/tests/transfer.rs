//! People out and in, with the hashes of their passwords.

use quoin_web::Method;
use serde_json::{Value, json};

use super::harness::{ANN, House, PASSWORD, plain_story, text};

/// What the hashes from elsewhere were made of.
const OF_THE_HASH: &str = "correct horse battery staple";

async fn import(house: &House, users: Value) -> Value {
    house.admin(Method::POST, "/auth/v1/admin/users/import", json!({"users": users})).await.json()
}

async fn export(house: &House, query: &str) -> Value {
    house.admin(Method::GET, &format!("/auth/v1/admin/users/export?{query}"), json!({})).await.json()
}

#[tokio::test]
async fn whoever_leaves_can_arrive_elsewhere_with_password_and_all() {
    plain_story(|house| async move {
        let ann = house.person(ANN).await;
        house.person("bob@example.com").await;
        let left = export(&house, "limit=1000").await;
        let people = left["data"].as_array().unwrap().clone();
        assert_eq!((people.len(), &left["next_cursor"]), (2, &Value::Null));
        // The same house after a fire: nobody is there any more.
        for person in &people {
            let path = format!("/auth/v1/admin/users/{}", text(person, "id"));
            house.admin(Method::DELETE, &path, json!({})).await;
        }
        assert_eq!(house.sign_in(ANN, PASSWORD).await.code(), "invalid_credentials");
        let done = import(&house, json!(people)).await;
        assert_eq!(done, json!({"imported": 2, "unchanged": 0, "refused": []}));
        let again = house.sign_in(ANN, PASSWORD).await.json();
        assert_eq!(again["user"]["id"], ann["user"]["id"]);
        assert_eq!(again["user"]["user_metadata"], ann["user"]["user_metadata"]);
        assert_eq!(again["user"]["created_at"], ann["user"]["created_at"]);
        let once_more = import(&house, json!(people)).await;
        assert_eq!(once_more, json!({"imported": 0, "unchanged": 2, "refused": []}));
    })
    .await;
}

#[tokio::test]
async fn a_hash_from_elsewhere_is_replaced_at_the_next_sign_in() {
    plain_story(|house| async move {
        let hashes = include_str!("foreign_hashes.txt").lines().map(str::trim);
        let made = hashes.into_iter().find(|line| line.starts_with("$2")).unwrap();
        let done = import(
            &house,
            json!([
                {"email": ANN, "email_confirmed_at": "2024-01-02T03:04:05Z", "password_hash": made},
            ]),
        );
        assert_eq!(done.await["imported"], 1);
        assert_eq!(house.sign_in(ANN, "not the password").await.code(), "invalid_credentials");
        assert_eq!(house.sign_in(ANN, OF_THE_HASH).await.status, 200);
        let person = export(&house, "").await["data"][0].clone();
        assert!(text(&person, "password_hash").starts_with("$argon2id$"), "{person}");
        assert_eq!(person["email_confirmed_at"], "2024-01-02T03:04:05.000000Z");
        // A file without ids may be brought again: the address says who it is.
        let again = import(&house, json!([{"email": ANN, "password_hash": made}])).await;
        assert_eq!(again["unchanged"], 1);
        assert_eq!(house.sign_in(ANN, OF_THE_HASH).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn each_person_is_taken_or_refused_alone() {
    plain_story(|house| async move {
        house.person(ANN).await;
        let mut users: Vec<Value> =
            (0..60).map(|number| json!({"email": format!("person{number}@example.com")})).collect();
        users[7] = json!({"email": "weak@example.com", "password_hash": "5f4dcc3b5aa765d61d8327deb882cf99"});
        users[8] = json!({"id": "11111111-1111-4111-8111-111111111111", "email": ANN});
        users[30] = json!({"user_metadata": {"name": "nobody"}});
        users[59] = json!({"email": "person0@example.com"});
        let done = import(&house, json!(users)).await;
        assert_eq!((&done["imported"], &done["unchanged"]), (&json!(56), &json!(1)));
        let refused = done["refused"].as_array().unwrap();
        let why: Vec<(u64, &str)> =
            refused.iter().map(|one| (one["index"].as_u64().unwrap(), text(one, "code"))).collect();
        assert_eq!(why, [(7, "validation_failed"), (8, "email_exists"), (30, "validation_failed")]);
        let many: Vec<Value> =
            (0..501).map(|number| json!({"email": format!("p{number}@example.com")})).collect();
        let body = json!({"users": many});
        let too_many = house.send(Method::POST, "/auth/v1/admin/users/import", &house.secret, body).await;
        assert_eq!(too_many.code(), "validation_failed");
    })
    .await;
}

#[tokio::test]
async fn pages_of_an_export_meet_without_gap_or_overlap() {
    plain_story(|house| async move {
        let users: Vec<Value> =
            (0..25).map(|number| json!({"email": format!("person{number}@example.com")})).collect();
        import(&house, json!(users)).await;
        let (mut seen, mut query) = (Vec::new(), "limit=10".to_owned());
        loop {
            let page = export(&house, &query).await;
            seen.extend(page["data"].as_array().unwrap().iter().map(|one| text(one, "id").to_owned()));
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            query = format!("limit=10&cursor={cursor}");
        }
        let mut sorted = seen.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!((seen.len(), &seen), (25, &sorted));
        let behind = export(&house, &format!("after={}", seen[19])).await;
        assert_eq!(behind["data"].as_array().unwrap().len(), 5);
    })
    .await;
}

#[tokio::test]
async fn hashes_leave_for_nobody_but_a_key_that_may_export() {
    plain_story(|house| async move {
        house.person(ANN).await;
        let body = json!({"name": "support", "kind": "secret", "scopes": ["users"]});
        let key = house.admin(Method::POST, "/admin/v1/keys", body).await.json();
        let path = "/auth/v1/admin/users/export";
        assert_eq!(house.get(path, text(&key, "key")).await.status, 403);
        let body = json!({"name": "mover", "kind": "secret", "scopes": ["users.export"]});
        let key = house.admin(Method::POST, "/admin/v1/keys", body).await.json();
        let answer = house.get(path, text(&key, "key")).await;
        assert_eq!((answer.status.as_u16(), answer.header("cache-control")), (200, "no-store"));
        let audit = house.get("/auth/v1/admin/audit", &house.secret).await;
        assert!(String::from_utf8_lossy(&audit.body).contains("identity.users.exported"));
    })
    .await;
}

#[tokio::test]
async fn a_person_gets_everything_that_is_kept_of_them_and_nothing_secret() {
    plain_story(|house| async move {
        let ann = house.person(ANN).await;
        let token = text(&ann, "access_token").to_owned();
        super::oauth::link_by_address(&house, ANN).await;
        let app = super::factors::enrol(&house, &token).await;
        house.post("/auth/v1/recover", json!({"email": ANN})).await;
        house.sign_in(ANN, "not the password").await;
        let answer = house.get("/auth/v1/user/export", &token).await;
        assert!(answer.header("content-disposition").starts_with("attachment"));
        let (file, text_of_it) = (answer.json(), String::from_utf8_lossy(&answer.body).into_owned());
        assert_eq!(
            (&file["account"]["email"], &file["account"]["has_password"]),
            (&json!(ANN), &json!(true))
        );
        let one = |name: &str| file[name].as_array().unwrap_or_else(|| panic!("{name}")).len();
        assert_eq!((one("identities"), one("factors"), one("links")), (1, 1, 1));
        assert!(one("sessions") >= 2 && one("done_by_them") >= 3 && one("done_about_them") >= 1, "{file}");
        assert_eq!(file["organizations"]["member_of"][0]["personal"], true);
        for secret in ["$argon2", &app.secret, &house.secret, "token_hash", "sealed", "seed"] {
            assert!(!text_of_it.contains(secret), "{secret}");
        }
        let path = format!("/auth/v1/admin/users/{}/export", text(&ann["user"], "id"));
        let by_team = house.get(&path, &house.secret).await.json();
        assert_eq!(by_team["account"], file["account"]);
        house.advance(25 * 3600);
        let session = house.refresh(text(&ann, "refresh_token")).await.json();
        let late = house.get("/auth/v1/user/export", text(&session, "access_token")).await;
        assert_eq!(late.code(), "reauthentication_needed");
    })
    .await;
}
