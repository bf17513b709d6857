//! By what an address was proved, and what that is worth once the configuration believes less.

use quoin_web::Method;
use serde_json::json;

use super::harness::{ANN, PASSWORD, autoconfirm, claims, fragment, story, text};
use crate::config::{IdentityConfig, Unverified};

fn refuse(config: &mut IdentityConfig) {
    config.unverified = Unverified::Refuse;
}

fn restricted(config: &mut IdentityConfig) {
    config.unverified = Unverified::Restricted;
}

#[tokio::test]
async fn an_address_that_was_only_believed_counts_as_long_as_all_are_believed() {
    story(autoconfirm, |house| async move {
        let believed = house.sign_up(ANN).await.json();
        assert_eq!(claims(text(&believed, "access_token"))["email_verified"], json!(true));
        house.person("proved@example.com").await;

        let strict = house.restarted_with(refuse).await;
        assert_eq!(strict.sign_in(ANN, PASSWORD).await.code(), "email_not_confirmed");
        assert_eq!(strict.refresh(text(&believed, "refresh_token")).await.code(), "email_not_confirmed");
        assert_eq!(strict.sign_in("proved@example.com", PASSWORD).await.status, 200);

        let wary = house.restarted_with(restricted).await;
        let session = wary.sign_in(ANN, PASSWORD).await.json();
        assert_eq!(claims(text(&session, "access_token"))["email_verified"], json!(false));

        // Whoever reads the mail proves it, and it stays proved.
        strict.post("/auth/v1/resend", json!({"type": "signup", "email": ANN})).await;
        assert!(fragment(&strict.click(ANN).await).contains_key("access_token"));
        assert_eq!(strict.sign_in(ANN, PASSWORD).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn a_believed_account_is_taken_from_whoever_made_it_once_nothing_is_believed() {
    story(autoconfirm, |house| async move {
        house.sign_up(ANN).await;
        let strict = house.restarted_with(refuse).await;
        let said = json!({"sub": "1", "email": ANN, "email_verified": true});
        let journey = super::oauth::set_out(&strict, "provider=acme").await;
        let landed = super::oauth::come_back(&strict, &journey, &said).await;
        assert!(fragment(&landed).contains_key("access_token"), "{}", landed.header("location"));
        // Whoever signed up with somebody else's address keeps no way in.
        assert_eq!(strict.sign_in(ANN, PASSWORD).await.code(), "invalid_credentials");
    })
    .await;
}

#[tokio::test]
async fn what_proved_an_address_travels_with_its_person() {
    story(autoconfirm, |house| async move {
        house.sign_up("believed@example.com").await;
        house.person("vouched@example.com").await;
        house.post("/auth/v1/otp", json!({"email": "mailed@example.com"})).await;
        house.click("mailed@example.com").await;
        let left = house.admin(Method::GET, "/auth/v1/admin/users/export", json!({})).await.json();
        let people = left["data"].as_array().unwrap().clone();
        let proof = |email: &str| {
            let person = people.iter().find(|person| person["email"] == email).unwrap();
            person["email_proof"].clone()
        };
        assert_eq!(proof("believed@example.com"), "believed");
        assert_eq!(proof("vouched@example.com"), "administrator");
        assert_eq!(proof("mailed@example.com"), "mail");
        for person in &people {
            let path = format!("/auth/v1/admin/users/{}", text(person, "id"));
            house.admin(Method::DELETE, &path, json!({})).await;
        }
        let strict = house.restarted_with(refuse).await;
        let done = strict.admin(Method::POST, "/auth/v1/admin/users/import", json!({"users": people})).await;
        assert_eq!(done.json()["imported"], 3);
        assert_eq!(strict.sign_in("believed@example.com", PASSWORD).await.code(), "email_not_confirmed");
        assert_eq!(strict.sign_in("vouched@example.com", PASSWORD).await.status, 200);
    })
    .await;
}
