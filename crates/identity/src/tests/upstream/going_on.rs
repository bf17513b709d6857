//! Every way in which a session goes on asks the provider first: no one of them is a second door past its word.

use quoin_kernel::port::{Authenticator as _, SessionIssuer as _};
use quoin_kernel::{Caller, OrgId};
use quoin_web::Method;
use quoin_web::testing::{START, origin};
use serde_json::{Value, json};

use super::played::Directory;
use super::{access, kept_elsewhere, session_of};
use crate::model::CodeChallenge;
use crate::port::StoreError;
use crate::service;
use crate::tests::factors::{App, enrol, show};
use crate::tests::harness::{ANN, House, claims, pkce, text};

const CODES: &str = "/auth/v1/factors/recovery_codes";

/// What a provider may say that ends or keeps a session.
const SAID: [Said; 3] = [Said::Holds, Said::Disabled, Said::Nothing];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    Holds,
    Disabled,
    Nothing,
}

fn say(directory: &Directory, said: Said) {
    directory.change(ANN, |kept| kept.is_enabled = said != Said::Disabled);
    directory.fail((said == Said::Nothing).then_some(|| StoreError::Unreachable("no answer".to_owned())));
}

/// Insists that a session goes on as the provider has said of it; `next` is what has come of it, or why nothing has.
async fn insist(house: &House, (said, token): (Said, &str), next: Result<Value, (u16, String)>, ended: &str) {
    match said {
        Said::Holds => {
            assert_eq!(access(house, text(&next.unwrap(), "access_token")).await.status, 200);
        }
        Said::Disabled => {
            assert_eq!(next.unwrap_err().1, ended);
            assert_eq!(access(house, token).await.code(), "session_not_found");
        }
        Said::Nothing => {
            assert_eq!(next.unwrap_err(), (503, "provider_unreachable".to_owned()));
            assert_eq!(access(house, token).await.status, 200, "nothing has ended");
        }
    }
}

fn read(answer: &quoin_web::testing::TestAnswer) -> Result<Value, (u16, String)> {
    if answer.status == 200 { Ok(answer.json()) } else { Err((answer.status.as_u16(), answer.code())) }
}

#[tokio::test]
async fn switching_the_organisation_asks_the_provider_first() {
    for gives_tokens in [true, false] {
        kept_elsewhere(|house, directory| async move {
            directory.keep(ANN);
            directory.state.lock().unwrap().gives_tokens = gives_tokens;
            for said in SAID {
                say(&directory, Said::Holds);
                let session = session_of(&house, ANN).await;
                let token = text(&session, "access_token");
                let org_id: OrgId = text(&claims(token), "org_id").parse().unwrap();
                let caller = house.identity.authenticate(token, START).await.unwrap();
                let Caller::User(caller) = caller else { panic!("a person") };
                say(&directory, said);
                let switched = house.identity.switch(&caller, org_id, &origin()).await;
                let switched = switched.map_err(|problem| (problem.status(), problem.code().to_owned()));
                insist(&house, (said, token), switched.clone(), "session_not_found").await;
                if let Ok(next) = switched {
                    // What the provider has put in the place of its token was kept.
                    let again = house.refresh_as(text(&next, "refresh_token"), "test").await;
                    assert_eq!(again.status, 200);
                }
            }
        })
        .await;
    }
}

/// Somebody with an app of ours, and codes for the day on which it is lost.
async fn guarded(house: &House, directory: &Directory) -> (App, Vec<String>) {
    directory.keep(ANN);
    let first = session_of(house, ANN).await;
    let app = enrol(house, text(&first, "access_token")).await;
    let strong = show(house, text(&first, "access_token"), &app).await.json();
    let made = house.send(Method::POST, CODES, text(&strong, "access_token"), json!({})).await.json();
    (app, serde_json::from_value(made["codes"].clone()).unwrap())
}

#[tokio::test]
async fn showing_a_factor_of_ours_asks_the_provider_first() {
    kept_elsewhere(|house, directory| async move {
        let (app, _) = guarded(&house, &directory).await;
        for said in SAID {
            // A code of the app is good once.
            house.advance(30);
            say(&directory, Said::Holds);
            let weak = session_of(&house, ANN).await;
            let token = text(&weak, "access_token");
            say(&directory, said);
            let shown = read(&show(&house, token, &app).await);
            insist(&house, (said, token), shown, "session_not_found").await;
        }
    })
    .await;
}

#[tokio::test]
async fn using_a_recovery_code_asks_the_provider_first_and_a_refusal_costs_no_code() {
    kept_elsewhere(|house, directory| async move {
        let (_, codes) = guarded(&house, &directory).await;
        for (said, code) in SAID.into_iter().rev().zip([0, 0, 0]) {
            say(&directory, Said::Holds);
            let weak = session_of(&house, ANN).await;
            let token = text(&weak, "access_token");
            say(&directory, said);
            let path = format!("{CODES}/verify");
            let used = house.send(Method::POST, &path, token, json!({"code": codes[code]})).await;
            insist(&house, (said, token), read(&used), "session_not_found").await;
        }
    })
    .await;
}

#[tokio::test]
async fn handing_a_session_over_asks_the_provider_first() {
    kept_elsewhere(|house, directory| async move {
        directory.keep(ANN);
        for said in SAID {
            say(&directory, Said::Holds);
            let session = session_of(&house, ANN).await;
            let token = text(&session, "access_token");
            let Caller::User(caller) = house.identity.authenticate(token, START).await.unwrap() else {
                panic!("a person")
            };
            let (verifier, challenge) = pkce();
            let challenge = CodeChallenge::from_client(Some(&challenge), Some("s256")).unwrap().unwrap();
            let code = service::hand_over_session(&house.identity, &caller, challenge, &origin()).await;
            say(&directory, said);
            let asked = directory.count("refresh");
            let exchange = |verifier: &str| {
                let body = json!({"auth_code": code.as_ref().unwrap().expose(), "code_verifier": verifier});
                let house = house.clone();
                async move { house.post("/auth/v1/token?grant_type=pkce", body).await }
            };
            let stranger = exchange("another-verifier-of-at-least-forty-three-characters").await;
            assert_eq!(stranger.code(), "bad_code_verifier");
            assert_eq!(directory.count("refresh"), asked, "whoever lacks the verifier has nobody asked");
            insist(&house, (said, token), read(&exchange(&verifier).await), "flow_state_not_found").await;
        }
    })
    .await;
}
