//! Codes of the provider's are guessed no more often than the limit says, however many guesses are sent at once.

use futures_util::future::join_all;
use quoin_web::Method;
use quoin_web::testing::TestAnswer;
use serde_json::{Value, json};

use super::played::{CODE, Directory};
use super::session_of;
use crate::config::IdentityConfig;
use crate::model::FactorKind;
use crate::port::StoreError;
use crate::tests::harness::{ANN, House, story, text};

const LIMIT: usize = 10;
const NEW: &str = "lantern-walrus-teapot";

fn limited(config: &mut IdentityConfig) {
    config.failures_per_account = 10;
}

/// Tells one story of a house that takes ten wrong guesses, whose people a provider keeps.
async fn guessing<F>(body: impl Fn(House, Directory) -> F)
where
    F: Future<Output = ()>,
{
    story(limited, |house| {
        let directory = Directory::default();
        directory.keep(ANN);
        house.identity.connect_user_store(directory.shared());
        body(house, directory)
    })
    .await;
}

/// Where a code of the provider's is shown.
#[derive(Debug, Clone)]
enum Place {
    Factor { path: String, token: String, challenge: Value },
    Verify(&'static str),
}

impl Place {
    /// Somebody who owes the provider a code, and has been asked for it.
    async fn factor(house: &House, directory: &Directory) -> Self {
        directory.change(ANN, |kept| kept.owes = Some(FactorKind::Totp));
        let weak = session_of(house, ANN).await;
        let path = format!("/auth/v1/factors/{}", text(&weak["user"]["factors"][0], "id"));
        let token = text(&weak, "access_token").to_owned();
        let asked = house.send(Method::POST, &format!("{path}/challenge"), &token, json!({})).await.json();
        Self::Factor { path: format!("{path}/verify"), token, challenge: asked["id"].clone() }
    }

    async fn show(&self, house: &House, code: &str) -> TestAnswer {
        match self {
            Self::Factor { path, token, challenge } => {
                let body = json!({"challenge_id": challenge, "code": code});
                house.send(Method::POST, path, token, body).await
            }
            Self::Verify(kind) => {
                let body = json!({"type": kind, "email": ANN, "token": code, "password": NEW});
                house.post("/auth/v1/verify", body).await
            }
        }
    }

    fn call(&self) -> &'static str {
        match self {
            Self::Factor { .. } => "answer",
            Self::Verify("signup") => "confirm_sign_up",
            Self::Verify(_) => "confirm_reset",
        }
    }
}

async fn places(house: &House, directory: &Directory, which: usize) -> Place {
    match which {
        0 => Place::factor(house, directory).await,
        1 => Place::Verify("signup"),
        _ => Place::Verify("recovery"),
    }
}

#[tokio::test]
async fn of_many_codes_sent_at_once_no_more_than_the_limit_reach_the_provider() {
    for which in 0..3 {
        guessing(|house, directory| async move {
            let place = places(&house, &directory, which).await;
            let answers = join_all((0..60).map(|_| place.show(&house, "000000"))).await;
            assert_eq!(directory.count(place.call()), LIMIT, "{place:?}");
            let refused = answers.iter().filter(|answer| answer.status == 429).count();
            assert_eq!(refused, 60 - LIMIT, "{place:?}");
            assert_eq!(place.show(&house, CODE).await.status, 429, "the right one comes too late");
            house.advance(901);
            let place = places(&house, &directory, which).await;
            assert_eq!(place.show(&house, CODE).await.status, 200, "{place:?}");
        })
        .await;
    }
}

#[tokio::test]
async fn right_codes_and_answers_that_never_came_are_no_guesses() {
    for which in 0..3 {
        guessing(|house, directory| async move {
            for _ in 0..LIMIT + 2 {
                let place = places(&house, &directory, which).await;
                directory.fail(Some(|| StoreError::Unreachable("no answer".to_owned())));
                assert_eq!(place.show(&house, CODE).await.status, 503, "{place:?}");
                directory.fail(None);
                assert_eq!(place.show(&house, CODE).await.status, 200, "{place:?}");
                directory.change(ANN, |kept| super::played::PASSWORD.clone_into(&mut kept.password));
            }
            let place = places(&house, &directory, which).await;
            for _ in 0..LIMIT {
                assert_ne!(place.show(&house, "000000").await.status, 429, "{place:?}");
            }
            assert_eq!(place.show(&house, "000000").await.status, 429, "{place:?}");
        })
        .await;
    }
}
