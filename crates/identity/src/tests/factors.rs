//! Second factors: what they open, what they close, and that each code works once.

use quoin_web::Method;
use quoin_web::testing::TestAnswer;
use serde_json::{Value, json};
use totp_rs::{Builder, Secret};

use super::harness::{ANN, House, PASSWORD, claims, plain_story, story, text};
use crate::config::IdentityConfig;

/// An authenticator app on a telephone.
pub(super) struct App {
    pub(super) factor_id: String,
    pub(super) secret: String,
}

impl App {
    pub(super) fn code(&self, house: &House) -> String {
        use quoin_kernel::Clock as _;
        let secret = Secret::try_from_base32(&self.secret).unwrap();
        let app = Builder::new().with_secret(secret).build().unwrap();
        app.generate(u64::try_from(house.clock.now().as_seconds()).unwrap()).to_string()
    }
}

pub(super) async fn enrol(house: &House, token: &str) -> App {
    let wish = json!({"factor_type": "totp", "friendly_name": "phone"});
    let answer = house.send(Method::POST, "/auth/v1/factors", token, wish).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    let enrolled = answer.json();
    assert!(text(&enrolled["totp"], "uri").starts_with("otpauth://totp/Quoin:"));
    assert!(
        text(&enrolled["totp"], "qr_code").starts_with("<svg")
            && !text(&enrolled["totp"], "qr_code").contains('#')
    );
    App { factor_id: text(&enrolled, "id").to_owned(), secret: text(&enrolled["totp"], "secret").to_owned() }
}

pub(super) async fn challenge(house: &House, token: &str, app: &App) -> TestAnswer {
    let path = format!("/auth/v1/factors/{}/challenge", app.factor_id);
    house.send(Method::POST, &path, token, json!({})).await
}

pub(super) async fn verify(
    house: &House,
    token: &str,
    app: &App,
    challenge_id: &str,
    code: &str,
) -> TestAnswer {
    let path = format!("/auth/v1/factors/{}/verify", app.factor_id);
    house.send(Method::POST, &path, token, json!({"challenge_id": challenge_id, "code": code})).await
}

/// Asks for the factor and shows it.
pub(super) async fn show(house: &House, token: &str, app: &App) -> TestAnswer {
    let asked = challenge(house, token, app).await.json();
    verify(house, token, app, text(&asked, "id"), &app.code(house)).await
}

/// Makes a person with an authenticator app; the session is of level 2.
async fn guarded(house: &House) -> (Value, App) {
    let session = house.person(ANN).await;
    let app = enrol(house, text(&session, "access_token")).await;
    let strong = show(house, text(&session, "access_token"), &app).await;
    assert_eq!(strong.status, 200, "{}", String::from_utf8_lossy(&strong.body));
    house.advance(60);
    (strong.json(), app)
}

async fn sign_in(house: &House) -> String {
    let session = house.sign_in(ANN, PASSWORD).await;
    text(&session.json(), "access_token").to_owned()
}

#[tokio::test]
async fn a_second_factor_is_shown_before_anything_else() {
    plain_story(|house| async move {
        let (_, app) = guarded(&house).await;
        let session = house.sign_in(ANN, PASSWORD).await.json();
        let weak = text(&session, "access_token").to_owned();
        assert_eq!(session["user"]["factors"][0]["status"], "verified");
        assert_eq!(claims(&weak)["aal"], "aal1");
        for (method, path) in [
            (Method::PUT, "/auth/v1/user"),
            (Method::GET, "/auth/v1/reauthenticate"),
            (Method::GET, "/auth/v1/sessions"),
            (Method::GET, "/auth/v1/passkeys"),
        ] {
            assert_eq!(house.send(method, path, &weak, json!({})).await.code(), "insufficient_aal", "{path}");
        }
        let own = house.get("/auth/v1/user", &weak).await.json();
        assert_eq!(
            (&own["factors"][0]["factor_type"], &own["factors"][0]["friendly_name"]),
            (&json!("totp"), &json!("phone"))
        );
        // A refresh does not lift the level.
        let refreshed = house.refresh(text(&session, "refresh_token")).await.json();
        let weak = text(&refreshed, "access_token").to_owned();
        assert_eq!(house.get("/auth/v1/sessions", &weak).await.code(), "insufficient_aal");

        let strong = show(&house, &weak, &app).await.json();
        let token = text(&strong, "access_token");
        let told = claims(token);
        assert_eq!(
            (&told["aal"], &told["amr"][0]["method"], &told["amr"][1]["method"]),
            (&json!("aal2"), &json!("totp"), &json!("password"))
        );
        assert_eq!(house.get("/auth/v1/sessions", token).await.status, 200);
        // The weak session's tokens have ended with it.
        assert_eq!(house.get("/auth/v1/user", &weak).await.code(), "session_not_found");
        let kept = house.refresh(text(&strong, "refresh_token")).await.json();
        assert_eq!(claims(text(&kept, "access_token"))["aal"], "aal2");
    })
    .await;
}

#[tokio::test]
async fn a_code_works_once_and_so_does_its_time_step() {
    plain_story(|house| async move {
        let (_, app) = guarded(&house).await;
        let token = sign_in(&house).await;
        let code = app.code(&house);
        let asked = challenge(&house, &token, &app).await.json();
        let other = sign_in(&house).await;
        let asked_again = challenge(&house, &other, &app).await.json();
        assert_eq!(verify(&house, &token, &app, text(&asked, "id"), &code).await.status, 200);
        let replayed = verify(&house, &other, &app, text(&asked_again, "id"), &code).await;
        assert_eq!((replayed.status.as_u16(), replayed.code().as_str()), (422, "mfa_verification_failed"));
        house.advance(30);
        let next = verify(&house, &other, &app, text(&asked_again, "id"), &app.code(&house)).await;
        assert_eq!(next.status, 200);
    })
    .await;
}

#[tokio::test]
async fn fifty_uses_of_one_code_open_one_session() {
    plain_story(|house| async move {
        let (_, app) = guarded(&house).await;
        let token = sign_in(&house).await;
        let code = app.code(&house);
        let mut asked = Vec::new();
        for _ in 0..50 {
            asked.push(text(&challenge(&house, &token, &app).await.json(), "id").to_owned());
        }
        let tries = asked.iter().map(|id| verify(&house, &token, &app, id, &code));
        let answers = futures_util::future::join_all(tries).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
        assert!(answers.iter().all(|answer| answer.status.as_u16() < 500));
    })
    .await;
}

#[tokio::test]
async fn a_challenge_belongs_to_its_person_its_factor_and_its_minutes() {
    plain_story(|house| async move {
        let (_, app) = guarded(&house).await;
        let token = sign_in(&house).await;
        let bob = house.person("bob@example.com").await;
        let wish = json!({"factor_type": "totp"});
        let bobs =
            house.send(Method::POST, "/auth/v1/factors", text(&bob, "access_token"), wish).await.json();
        let bobs = App { factor_id: text(&bobs, "id").to_owned(), secret: app.secret.clone() };
        // Nobody asks for another person's factor, nor answers another person's challenge.
        assert_eq!(challenge(&house, &token, &bobs).await.code(), "mfa_factor_not_found");
        let asked = challenge(&house, text(&bob, "access_token"), &bobs).await.json();
        let stolen = verify(&house, &token, &app, text(&asked, "id"), &app.code(&house)).await;
        assert_eq!(stolen.code(), "mfa_challenge_expired");
        let asked = challenge(&house, &token, &app).await.json();
        house.advance(301);
        let late = verify(&house, &token, &app, text(&asked, "id"), &app.code(&house)).await;
        assert_eq!(late.code(), "mfa_challenge_expired");
    })
    .await;
}

#[tokio::test]
async fn wrong_codes_make_the_account_wait() {
    story(
        |config| config.failures_per_account = 5,
        |house| async move {
            let (_, app) = guarded(&house).await;
            let token = sign_in(&house).await;
            let asked = challenge(&house, &token, &app).await.json();
            let right = app.code(&house);
            let wrong = if right == "000000" { "000001" } else { "000000" };
            let tries = (0..30).map(|_| verify(&house, &token, &app, text(&asked, "id"), wrong));
            let answers = futures_util::future::join_all(tries).await;
            assert!(answers.iter().all(|answer| answer.status == 422 || answer.status == 429));
            let refused = verify(&house, &token, &app, text(&asked, "id"), &right).await;
            assert_eq!(refused.code(), "over_request_rate_limit");
        },
    )
    .await;
}

#[tokio::test]
async fn enrolling_ends_the_sessions_that_were_opened_before_more_was_demanded() {
    plain_story(|house| async move {
        let first = house.person(ANN).await;
        let elsewhere = sign_in(&house).await;
        let app = enrol(&house, text(&first, "access_token")).await;
        let strong = show(&house, text(&first, "access_token"), &app).await;
        assert_eq!(strong.status, 200);
        for token in [text(&first, "access_token"), &elsewhere] {
            assert_eq!(house.get("/auth/v1/user", token).await.code(), "session_not_found");
        }
        assert_eq!(house.mail_to(ANN).await.template, "identity.factor_changed_notice");
    })
    .await;
}

#[tokio::test]
async fn whoever_knows_the_password_alone_changes_no_factor() {
    plain_story(|house| async move {
        let (strong, app) = guarded(&house).await;
        let weak = sign_in(&house).await;
        let wish = json!({"factor_type": "totp", "friendly_name": "theirs"});
        assert_eq!(
            house.send(Method::POST, "/auth/v1/factors", &weak, wish.clone()).await.code(),
            "insufficient_aal"
        );
        let path = format!("/auth/v1/factors/{}", app.factor_id);
        assert_eq!(house.send(Method::DELETE, &path, &weak, json!({})).await.code(), "insufficient_aal");
        let codes = "/auth/v1/factors/recovery_codes";
        assert_eq!(house.send(Method::POST, codes, &weak, json!({})).await.code(), "insufficient_aal");
        // A factor that its owner has begun to enrol is not theirs to finish either.
        let token = text(&strong, "access_token");
        let begun = house.send(Method::POST, "/auth/v1/factors", token, wish).await.json();
        let begun = App {
            factor_id: text(&begun, "id").to_owned(),
            secret: text(&begun["totp"], "secret").to_owned(),
        };
        assert_eq!(challenge(&house, &weak, &begun).await.code(), "insufficient_aal");
        let asked = challenge(&house, token, &begun).await.json();
        let refused = verify(&house, &weak, &begun, text(&asked, "id"), &begun.code(&house)).await;
        assert_eq!(refused.code(), "insufficient_aal");
        assert_eq!(house.send(Method::DELETE, &path, token, json!({})).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn a_change_of_factors_needs_a_recent_sign_in() {
    story(
        |config| config.recent_sign_in_s = 300,
        |house| async move {
            let session = house.person(ANN).await;
            house.advance(301);
            let wish = json!({"factor_type": "totp"});
            let refused =
                house.send(Method::POST, "/auth/v1/factors", text(&session, "access_token"), wish).await;
            assert_eq!(refused.code(), "reauthentication_needed");
        },
    )
    .await;
}

#[tokio::test]
async fn a_removed_factor_is_asked_for_no_more() {
    plain_story(|house| async move {
        let (strong, app) = guarded(&house).await;
        let path = format!("/auth/v1/factors/{}", app.factor_id);
        let removed = house.send(Method::DELETE, &path, text(&strong, "access_token"), json!({})).await;
        assert_eq!(removed.json(), json!({"id": app.factor_id}));
        let refreshed = house.refresh(text(&strong, "refresh_token")).await.json();
        assert_eq!(claims(text(&refreshed, "access_token"))["aal"], "aal1");
        assert_eq!(house.get("/auth/v1/sessions", &sign_in(&house).await).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn recovery_codes_stand_in_for_a_lost_factor_once_each() {
    plain_story(|house| async move {
        let (strong, _) = guarded(&house).await;
        let path = "/auth/v1/factors/recovery_codes";
        let made = house.send(Method::POST, path, text(&strong, "access_token"), json!({})).await.json();
        let codes: Vec<String> = serde_json::from_value(made["codes"].clone()).unwrap();
        assert_eq!(codes.len(), 10);
        let weak = sign_in(&house).await;
        let typed = json!({"code": codes[0].to_uppercase().replace('-', " ")});
        let path = "/auth/v1/factors/recovery_codes/verify";
        let tries = (0..50).map(|_| house.send(Method::POST, path, &weak, typed.clone()));
        let answers = futures_util::future::join_all(tries).await;
        let opened: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
        assert_eq!(opened.len(), 1);
        let told = claims(text(&opened[0].json(), "access_token"));
        assert_eq!((&told["aal"], &told["amr"][0]["method"]), (&json!("aal2"), &json!("recovery_code")));
        let again = sign_in(&house).await;
        let refused = house.send(Method::POST, path, &again, json!({"code": codes[0]})).await;
        assert_eq!(refused.code(), "mfa_verification_failed");
        let next = house.send(Method::POST, path, &again, json!({"code": codes[1]})).await;
        assert_eq!(next.status, 200);
    })
    .await;
}

#[tokio::test]
async fn a_clicked_link_is_one_factor() {
    plain_story(|house| async move {
        guarded(&house).await;
        for path in ["/auth/v1/recover", "/auth/v1/otp"] {
            house.advance(1);
            house.post(path, json!({"email": ANN})).await;
            let tokens = super::harness::fragment(&house.click(ANN).await);
            let token = &tokens["access_token"];
            let change = house.send(Method::PUT, "/auth/v1/user", token, json!({"password": PASSWORD})).await;
            assert_eq!(change.code(), "insufficient_aal", "{path}");
        }
    })
    .await;
}

fn everybody(config: &mut IdentityConfig) {
    config.second_factor_required = true;
}

#[tokio::test]
async fn where_everybody_needs_a_second_factor_only_enrolment_is_open_before() {
    story(everybody, |house| async move {
        let session = house.person(ANN).await;
        let token = text(&session, "access_token");
        assert_eq!(house.get("/auth/v1/sessions", token).await.code(), "insufficient_aal");
        let app = enrol(&house, token).await;
        let strong = show(&house, token, &app).await.json();
        assert_eq!(house.get("/auth/v1/sessions", text(&strong, "access_token")).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn an_administrator_removes_a_lost_factor_and_every_session_ends() {
    plain_story(|house| async move {
        let (strong, app) = guarded(&house).await;
        let path = format!("/auth/v1/admin/users/{}/factors", text(&strong["user"], "id"));
        let listed = house.admin(Method::GET, &path, json!({})).await.json();
        assert_eq!(listed[0]["id"], json!(app.factor_id));
        let removed = house.admin(Method::DELETE, &format!("{path}/{}", app.factor_id), json!({})).await;
        assert_eq!(removed.json()["id"], json!(app.factor_id));
        assert_eq!(
            house.get("/auth/v1/user", text(&strong, "access_token")).await.code(),
            "session_not_found"
        );
        assert_eq!(house.get("/auth/v1/sessions", &sign_in(&house).await).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn names_of_factors_are_bounded_and_unlike() {
    plain_story(|house| async move {
        let session = house.person(ANN).await;
        let token = text(&session, "access_token");
        let enrol = |wish: Value| house.send(Method::POST, "/auth/v1/factors", token, wish);
        assert_eq!(enrol(json!({"factor_type": "totp", "friendly_name": "a"})).await.status, 200);
        assert_eq!(
            enrol(json!({"factor_type": "totp", "friendly_name": "a"})).await.code(),
            "mfa_factor_name_conflict"
        );
        assert_eq!(enrol(json!({"factor_type": "phone"})).await.code(), "validation_failed");
        assert_eq!(enrol(json!({"factor_type": "passkey"})).await.code(), "validation_failed");
        assert_eq!(
            enrol(json!({"factor_type": "totp", "friendly_name": "x".repeat(121)})).await.code(),
            "validation_failed"
        );
        assert_eq!(enrol(json!({"factor_type": "webauthn"})).await.status, 200);
        let mut last = 200;
        for number in 0..30 {
            last = enrol(json!({"factor_type": "totp", "friendly_name": number.to_string()}))
                .await
                .status
                .as_u16();
        }
        assert_eq!(last, 422);
    })
    .await;
}

#[tokio::test]
async fn a_secret_is_never_stored_in_the_clear() {
    plain_story(|house| async move {
        let (_, app) = guarded(&house).await;
        let secret = Secret::try_from_base32(&app.secret).unwrap();
        let read = quoin_db::Statement::new("SECRETS", "select sealed_secret from quoin.identity_factors");
        let rows: Vec<Vec<u8>> = house
            .identity
            .db()
            .read::<_, quoin_db::DbError, _>("testing.secrets", move |tx| {
                tx.query(&read, &[], |row| row.get(0))
            })
            .await
            .unwrap();
        assert!(rows.iter().all(|row| !row.windows(20).any(|part| part == secret.as_bytes())));
    })
    .await;
}

/// Makes as many wrong guesses of a factor as there are places for them, signing in anew before each. Returns how many were judged.
async fn guess(house: &House, app: &App, guesses: usize) -> usize {
    let right = app.code(house);
    let wrong = if right == "000000" { "000001" } else { "000000" };
    let mut judged = 0;
    for _ in 0..guesses {
        let token = sign_in(house).await;
        let asked = challenge(house, &token, app).await.json();
        let answer = verify(house, &token, app, text(&asked, "id"), wrong).await;
        judged += usize::from(answer.code() == "mfa_verification_failed");
    }
    judged
}

#[tokio::test]
async fn a_right_password_lifts_no_limit_of_the_second_factor() {
    story(
        |config| config.failures_per_account = 5,
        |house| async move {
            let (_, app) = guarded(&house).await;
            assert_eq!(guess(&house, &app, 12).await, 5);
            let token = sign_in(&house).await;
            // Recovery codes are guesses of the same thing.
            let code = json!({"code": "aaaa-bbbb-cccc-dddd"});
            let spent =
                house.send(Method::POST, "/auth/v1/factors/recovery_codes/verify", &token, code).await;
            assert_eq!(spent.code(), "over_request_rate_limit");
            assert_eq!(show(&house, &token, &app).await.code(), "over_request_rate_limit");
            // The password itself was never wrong, and the window ends.
            house.advance(15 * 60 + 1);
            assert_eq!(guess(&house, &app, 4).await, 4);
            let token = sign_in(&house).await;
            house.advance(30);
            assert_eq!(show(&house, &token, &app).await.status, 200);
            // Showing the factor clears what was counted.
            assert_eq!(guess(&house, &app, 4).await, 4);
        },
    )
    .await;
}
