//! Whoever names somebody else's address before its reader comes: what they keep, which is nothing.

use quoin_web::Method;
use serde_json::{Value, json};

use super::harness::{ANN, House, PASSWORD, autoconfirm, claims, fragment, restricted, story, text};
use crate::config::IdentityConfig;

const OWNER: &str = "owner@example.com";

/// Signs up with Ann's address; returns the tokens of the session, where there is one at once.
async fn squat(house: &House) -> Option<Value> {
    let answer = house.sign_up(ANN).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    Some(answer.json()).filter(|session| session["access_token"].is_string())
}

/// Checks that whoever signed up has neither their password nor their session any more.
async fn is_out(house: &House, session: Option<&Value>) {
    assert_eq!(house.sign_in(ANN, PASSWORD).await.code(), "invalid_credentials");
    if let Some(session) = session {
        assert!(house.refresh(text(session, "refresh_token")).await.status.is_client_error());
        let token = text(session, "access_token");
        assert!(house.get("/auth/v1/user", token).await.status.is_client_error());
        assert!(house.get("/orgs/v1/orgs", token).await.status.is_client_error());
    }
}

/// Has somebody invite Ann to their organisation; returns the token of the mail.
async fn invite_ann(house: &House) -> String {
    let host = house.person(OWNER).await;
    let token = text(&host, "access_token");
    let made = house.send(Method::POST, "/orgs/v1/orgs", token, json!({"name": "Host"})).await;
    let path = format!("/orgs/v1/orgs/{}/invitations", text(&made.json(), "id"));
    let sent = house.send(Method::POST, &path, token, json!({"email": ANN})).await;
    assert_eq!(sent.status, 201, "{}", String::from_utf8_lossy(&sent.body));
    let link = house.mail_to(ANN).await.link.unwrap();
    house.advance(1);
    link.query_pairs().find(|(name, _)| name == "token").unwrap().1.into_owned()
}

async fn accept(house: &House, token: &str, invitation: &str) -> (u16, String) {
    let path = "/orgs/v1/invitations/accept";
    let answer = house.send(Method::POST, path, token, json!({"token": invitation})).await;
    let is_refused = !answer.status.is_success();
    (answer.status.as_u16(), if is_refused { answer.code() } else { String::new() })
}

async fn erase(house: &House, user: &Value) {
    let path = format!("/auth/v1/admin/users/{}", text(user, "id"));
    house.admin(Method::DELETE, &path, json!({})).await;
}

async fn templates(house: &House) -> Vec<String> {
    house.mails_to(ANN).await.into_iter().map(|mail| mail.template).collect()
}

async fn founded_for_ann(house: House) {
    let session = squat(&house).await;
    house.advance(1);
    let body = json!({"name": "Corp", "owner_email": ANN});
    let founded = house.admin(Method::POST, "/admin/v1/orgs", body).await.json();
    is_out(&house, session.as_ref()).await;
    assert_eq!(house.mail_to(ANN).await.template, "identity.invite");
    // Whoever signs up once more sets no password either.
    house.sign_up(ANN).await;
    assert_eq!(house.sign_in(ANN, PASSWORD).await.code(), "invalid_credentials");
    let mails = house.mails_to(ANN).await;
    let link = mails.iter().find(|mail| mail.template == "identity.invite").unwrap().link.clone().unwrap();
    let page = house.open_page(&link).await;
    let access = fragment(&house.press(&page).await)["access_token"].clone();
    let path = format!("/orgs/v1/orgs/{}/switch", text(&founded, "id"));
    let switched = house.send(Method::POST, &path, &access, json!({})).await;
    assert_eq!(switched.status, 200, "{}", String::from_utf8_lossy(&switched.body));
    assert_eq!(claims(text(&switched.json(), "access_token"))["org_role"], "owner");
    // Somebody who has proved their address keeps what they have, and needs no link.
    let known = house.person(OWNER).await;
    let body = json!({"name": "Other", "owner_email": OWNER});
    house.admin(Method::POST, "/admin/v1/orgs", body).await;
    assert_eq!(house.refresh(text(&known, "refresh_token")).await.status, 200);
    assert_eq!(house.sign_in(OWNER, PASSWORD).await.status, 200);
    assert!(house.mails_to(OWNER).await.is_empty());
}

#[tokio::test]
async fn an_organisation_is_handed_to_nobody_who_has_only_named_its_owners_address() {
    let modes: [fn(&mut IdentityConfig); 3] = [|_| {}, restricted, autoconfirm];
    for mode in modes {
        story(mode, founded_for_ann).await;
    }
}

#[tokio::test]
async fn a_mailed_link_takes_a_believed_account_from_whoever_made_it() {
    story(autoconfirm, |house| async move {
        let session = squat(&house).await;
        house.advance(1);
        house.post("/auth/v1/otp", json!({"email": ANN})).await;
        let access = fragment(&house.click(ANN).await)["access_token"].clone();
        is_out(&house, session.as_ref()).await;
        let own = json!({"password": "lantern-teapot-walrus"});
        assert_eq!(house.send(Method::PUT, "/auth/v1/user", &access, own).await.status, 200);
        // Proved by now: the next link takes nothing from its owner.
        house.advance(1);
        house.post("/auth/v1/otp", json!({"email": ANN})).await;
        assert!(fragment(&house.click(ANN).await).contains_key("access_token"));
        assert_eq!(house.sign_in(ANN, "lantern-teapot-walrus").await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn nobody_invites_before_their_own_address_is_confirmed() {
    story(restricted, |house| async move {
        let session = squat(&house).await.unwrap();
        let token = text(&session, "access_token");
        let invite = async |token: &str| {
            let org = claims(token)["org_id"].clone();
            let path = format!("/orgs/v1/orgs/{}/invitations", org.as_str().unwrap());
            let wish = json!({"email": "mallory@elsewhere.example", "role": "owner"});
            house.send(Method::POST, &path, token, wish).await
        };
        assert_eq!(invite(token).await.code(), "address_not_confirmed");
        assert!(house.mails_to("mallory@elsewhere.example").await.is_empty());
        house.advance(1);
        house.post("/auth/v1/otp", json!({"email": ANN})).await;
        let access = fragment(&house.click(ANN).await)["access_token"].clone();
        assert_eq!(invite(&access).await.status, 201);
    })
    .await;
}

#[tokio::test]
async fn a_change_of_address_that_a_stranger_began_goes_with_them() {
    story(restricted, |house| async move {
        let session = squat(&house).await.unwrap();
        let body = json!({"email": "mallory@elsewhere.example", "current_password": PASSWORD});
        let begun = house.send(Method::PUT, "/auth/v1/user", text(&session, "access_token"), body).await;
        assert_eq!(begun.json()["new_email"], "mallory@elsewhere.example");
        house.advance(1);
        house.post("/auth/v1/otp", json!({"email": ANN})).await;
        let access = fragment(&house.click(ANN).await)["access_token"].clone();
        is_out(&house, Some(&session)).await;
        let user = house.get("/auth/v1/user", &access).await.json();
        assert_eq!((text(&user, "email"), user.get("new_email")), (ANN, None));
    })
    .await;
}

#[tokio::test]
async fn a_provider_takes_a_believed_account_from_whoever_made_it() {
    story(autoconfirm, |house| async move {
        let session = squat(&house).await;
        let said = json!({"sub": "1", "email": ANN, "email_verified": true});
        let landed = super::oauth::sign_in(&house, "acme", &said).await;
        assert!(fragment(&landed).contains_key("access_token"), "{}", landed.header("location"));
        is_out(&house, session.as_ref()).await;
        house.person(OWNER).await;
        let said = json!({"sub": "2", "email": OWNER, "email_verified": true});
        let landed = super::oauth::sign_in(&house, "acme", &said).await;
        assert!(fragment(&landed).contains_key("access_token"), "{}", landed.header("location"));
        assert_eq!(house.sign_in(OWNER, PASSWORD).await.status, 200, "a proved one keeps their password");
    })
    .await;
}

#[tokio::test]
async fn a_believed_address_accepts_no_invitation_and_a_proved_one_does() {
    story(autoconfirm, |house| async move {
        let invitation = invite_ann(&house).await;
        let session = squat(&house).await.unwrap();
        let refused = accept(&house, text(&session, "access_token"), &invitation).await;
        assert_eq!(refused, (403, "address_not_confirmed".to_owned()));
        house.post("/auth/v1/otp", json!({"email": ANN})).await;
        let access = fragment(&house.click(ANN).await)["access_token"].clone();
        assert_eq!(accept(&house, &access, &invitation).await.0, 200);
    })
    .await;
}

#[tokio::test]
async fn erasing_somebody_takes_nobody_elses_invitations_and_mails() {
    story(restricted, |house| async move {
        let invitation = invite_ann(&house).await;
        let session = squat(&house).await.unwrap();
        assert_eq!(templates(&house).await.len(), 2);
        erase(&house, &session["user"]).await;
        let left = templates(&house).await;
        assert!(left.len() == 1 && left[0].starts_with("tenancy."), "their own mail goes alone: {left:?}");
        // Nor by wanting to change to the address.
        let mallory = house.person("mallory@example.com").await;
        let body = json!({"email": ANN});
        let asked = house.send(Method::PUT, "/auth/v1/user", text(&mallory, "access_token"), body).await;
        assert_eq!(asked.status, 200, "{}", String::from_utf8_lossy(&asked.body));
        erase(&house, &mallory["user"]).await;
        assert!(templates(&house).await.iter().any(|template| template.starts_with("tenancy.")));
        let ann = house.person(ANN).await;
        assert_eq!(accept(&house, text(&ann, "access_token"), &invitation).await.0, 200);
        // Whoever has proved it takes all of it along.
        erase(&house, &ann["user"]).await;
        assert!(templates(&house).await.is_empty());
    })
    .await;
}
