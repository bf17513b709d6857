//! What administrators do with people.

use quoin_web::Method;
use quoin_web::testing::call;
use serde_json::{Value, json};
use url::Url;

use super::harness::{ANN, PASSWORD, plain_story, text};

const USERS: &str = "/auth/v1/admin/users";

#[tokio::test]
async fn only_a_platform_key_reaches_the_administrators_doors() {
    plain_story(|house| async move {
        let session = house.person(ANN).await;
        let id = text(&session["user"], "id");
        let doors = [
            (Method::GET, USERS.to_owned()),
            (Method::POST, USERS.to_owned()),
            (Method::GET, format!("{USERS}/{id}")),
            (Method::PUT, format!("{USERS}/{id}")),
            (Method::DELETE, format!("{USERS}/{id}")),
            (Method::POST, "/auth/v1/admin/generate_link".to_owned()),
            (Method::GET, "/auth/v1/admin/audit".to_owned()),
            (Method::POST, "/auth/v1/invite".to_owned()),
        ];
        for (method, path) in doors {
            let anonymous = call(&house.front, &method, &path, None, Some(&json!({"email": ANN}))).await;
            assert_eq!(anonymous.status, 401, "{method} {path}");
            let person = house
                .send(method.clone(), &path, text(&session, "access_token"), json!({"email": ANN}))
                .await;
            assert_eq!(person.status, 403, "{method} {path}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_ban_stops_tokens_refresh_links_and_sign_in_at_once_and_ends() {
    plain_story(|house| async move {
        let session = house.person(ANN).await;
        house.post("/auth/v1/recover", json!({"email": ANN})).await;
        let link = house.mail_to(ANN).await.link.unwrap();
        let path = format!("{USERS}/{}", text(&session["user"], "id"));
        let banned = house.admin(Method::PUT, &path, json!({"ban_duration": "24h"})).await.json();
        assert_eq!(text(&banned, "banned_until"), "2026-08-02T12:00:00.000000Z");
        assert_eq!(
            house.get("/auth/v1/user", text(&session, "access_token")).await.code(),
            "session_not_found"
        );
        assert_eq!(house.refresh(text(&session, "refresh_token")).await.status, 400);
        assert_eq!(house.open_page(&link).await.status, 403);
        assert_eq!(house.sign_in(ANN, PASSWORD).await.code(), "user_banned");
        assert_eq!(house.sign_in(ANN, "wrong").await.code(), "invalid_credentials");
        let before = house.mails_to(ANN).await.len();
        assert_eq!(house.post("/auth/v1/recover", json!({"email": ANN})).await.status, 200);
        assert_eq!(house.mails_to(ANN).await.len(), before);
        let freed = house.admin(Method::PUT, &path, json!({"ban_duration": "none"})).await.json();
        assert!(freed.get("banned_until").is_none());
        assert_eq!(house.sign_in(ANN, PASSWORD).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn people_are_listed_by_numbered_pages_with_a_count() {
    plain_story(|house| async move {
        for number in 0..5 {
            let body = json!({"email": format!("p{number}@example.com")});
            house.admin(Method::POST, USERS, body).await;
            house.advance(1);
        }
        let page = house.admin(Method::GET, &format!("{USERS}?page=2&per_page=2"), Value::Null).await;
        assert_eq!(page.header("x-total-count"), "5");
        assert_eq!(
            page.header("link"),
            "</auth/v1/admin/users?page=3&per_page=2>; rel=\"next\", </auth/v1/admin/users?page=3&per_page=2>; rel=\"last\"",
        );
        let users = page.json();
        let emails: Vec<&str> = users["users"].as_array().unwrap().iter().map(|user| text(user, "email")).collect();
        assert_eq!(emails, ["p2@example.com", "p1@example.com"]);
        let default = house.admin(Method::GET, &format!("{USERS}?page=&per_page="), Value::Null).await;
        assert_eq!(default.json()["users"].as_array().unwrap().len(), 5);
    })
    .await;
}

#[tokio::test]
async fn an_administrator_changes_and_reads_an_account() {
    plain_story(|house| async move {
        let body = json!({
            "email": ANN, "password": PASSWORD, "email_confirm": true, "app_metadata": {"plan": "pro"},
            "user_metadata": {"name": "Ann"},
        });
        let user = house.admin(Method::POST, USERS, body.clone()).await.json();
        let path = format!("{USERS}/{}", text(&user, "id"));
        let twice = call(&house.front, &Method::POST, USERS, Some(&house.secret), Some(&body)).await;
        assert_eq!((twice.status.as_u16(), twice.code().as_str()), (422, "email_exists"));
        let session = house.sign_in(ANN, PASSWORD).await.json();
        assert_eq!(session["user"]["app_metadata"]["plan"], "pro");
        let change = json!({"email": "beth@example.com", "password": "velvet-compass-harbour"});
        let changed = house.admin(Method::PUT, &path, change).await.json();
        assert_eq!(text(&changed, "email"), "beth@example.com");
        assert_eq!(house.get("/auth/v1/user", text(&session, "access_token")).await.status, 403);
        assert_eq!(house.sign_in("beth@example.com", "velvet-compass-harbour").await.status, 200);
        assert_eq!(house.admin(Method::GET, &path, Value::Null).await.json()["id"], user["id"]);
    })
    .await;
}

#[tokio::test]
async fn erasing_a_person_leaves_ids_in_the_trail_and_nothing_else() {
    plain_story(|house| async move {
        let session = house.person(ANN).await;
        house.post("/auth/v1/recover", json!({"email": ANN})).await;
        let id = text(&session["user"], "id").to_owned();
        let path = format!("{USERS}/{id}");
        house.admin(Method::DELETE, &path, json!({"should_soft_delete": false})).await;
        assert_eq!(
            house.get("/auth/v1/user", text(&session, "access_token")).await.code(),
            "session_not_found"
        );
        let gone = call(&house.front, &Method::GET, &path, Some(&house.secret), None).await;
        assert_eq!((gone.status.as_u16(), gone.code().as_str()), (404, "user_not_found"));
        assert!(house.mails_to(ANN).await.is_empty());
        let trail = house.admin(Method::GET, "/auth/v1/admin/audit", Value::Null).await.json();
        assert!(trail.to_string().contains("identity.user.deleted") && trail.to_string().contains(&id));
        assert!(!trail.to_string().contains(ANN));
        house.person(ANN).await;
    })
    .await;
}

#[tokio::test]
async fn an_invitation_opens_an_account_without_a_password() {
    plain_story(|house| async move {
        let invited =
            house.admin(Method::POST, "/auth/v1/invite", json!({"email": ANN, "data": {"team": "a"}})).await;
        assert!(invited.json()["invited_at"].is_string());
        let landed = house.click(ANN).await;
        let tokens = super::harness::fragment(&landed);
        assert_eq!(tokens["type"], "invite");
        let body = json!({"password": PASSWORD});
        assert_eq!(house.send(Method::PUT, "/auth/v1/user", &tokens["access_token"], body).await.status, 200);
        assert_eq!(house.sign_in(ANN, PASSWORD).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn an_invitation_takes_an_unconfirmed_account_from_whoever_signed_up_with_the_address() {
    plain_story(|house| async move {
        house.admin(Method::POST, "/auth/v1/invite", json!({"email": ANN})).await;
        let invitation = house.mail_to(ANN).await.link.unwrap();
        house.advance(1);
        assert_eq!(house.sign_up(ANN).await.status, 200);
        let page = house.open_page(&invitation).await;
        assert_eq!(house.press(&page).await.status, 303);
        assert_eq!(house.sign_in(ANN, PASSWORD).await.code(), "invalid_credentials");
        let confirmation = house.mail_to(ANN).await.link.unwrap();
        assert_eq!(house.open_page(&confirmation).await.status, 403);
    })
    .await;
}

#[tokio::test]
async fn generated_links_work_and_send_no_mail() {
    plain_story(|house| async move {
        let path = "/auth/v1/admin/generate_link";
        for kind in ["signup", "recovery", "magiclink"] {
            let body = json!({"type": kind, "email": ANN, "password": PASSWORD, "redirect_to": "http://localhost:3000/"});
            let made = house.admin(Method::POST, path, body).await.json();
            assert_eq!((text(&made, "verification_type"), text(&made, "email")), (kind, ANN));
            assert_eq!(text(&made, "redirect_to"), "http://localhost:3000/");
            let link: Url = text(&made, "action_link").parse().unwrap();
            let landed = house.press(&house.open_page(&link).await).await;
            assert!(landed.header("location").starts_with("http://localhost:3000/#access_token="), "{kind}");
            house.advance(1);
        }
        let body = json!({"type": "recovery", "email": "nobody@example.com"});
        let unknown = call(&house.front, &Method::POST, path, Some(&house.secret), Some(&body)).await;
        assert_eq!(unknown.code(), "user_not_found");
        assert!(house.mails_to(ANN).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn the_trail_shows_what_was_done_and_by_whom() {
    plain_story(|house| async move {
        let session = house.person(ANN).await;
        let id = text(&session["user"], "id");
        house.admin(Method::PUT, &format!("{USERS}/{id}"), json!({"ban_duration": "1h"})).await;
        let path = format!("/auth/v1/admin/audit?action=identity.user.banned&target={id}");
        let trail = house.admin(Method::GET, &path, Value::Null).await.json();
        assert_eq!(trail["data"].as_array().unwrap().len(), 1);
        assert_eq!(trail["data"][0]["actor_kind"], "api_key");
    })
    .await;
}
