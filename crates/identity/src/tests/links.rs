//! Links and codes: what opening, clicking and racing do.

use quoin_web::testing::{request, send};
use quoin_web::{Body, Method};
use serde_json::json;
use url::Url;

use super::harness::{ANN, PASSWORD, fragment, hidden_fields, pkce, plain_story, text};

#[tokio::test]
async fn opening_a_link_twenty_times_confirms_nothing() {
    plain_story(|house| async move {
        house.sign_up(ANN).await;
        let link = house.mail_to(ANN).await.link.unwrap();
        for method in [Method::GET, Method::HEAD] {
            for _ in 0..20 {
                let path = format!("{}?{}", link.path(), link.query().unwrap());
                let answer = send(&house.front, request(&method, &path).body(Body::empty()).unwrap()).await;
                assert_eq!(answer.status, 200);
            }
        }
        assert_eq!(house.sign_in(ANN, PASSWORD).await.code(), "email_not_confirmed");
        assert_eq!(house.click(ANN).await.status, 303);
        assert_eq!(house.sign_in(ANN, PASSWORD).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn the_page_holds_one_form_a_cookie_and_a_strict_policy() {
    plain_story(|house| async move {
        house
            .post(
                "/auth/v1/signup?redirect_to=http://localhost:3000/welcome",
                json!({"email": ANN, "password": PASSWORD}),
            )
            .await;
        let link = house.mail_to(ANN).await.link.unwrap();
        let page = house.open_page(&link).await;
        let html = String::from_utf8_lossy(&page.body).into_owned();
        assert_eq!(html.matches("<form method=\"post\" action=\"/auth/v1/verify\">").count(), 1);
        assert_eq!(hidden_fields(&html)["redirect_to"], "http://localhost:3000/welcome");
        let policy = page.header("content-security-policy");
        assert!(
            policy.contains("default-src 'none'")
                && policy.contains("form-action 'self' http://localhost:3000")
        );
        let landed = house.press(&page).await;
        assert!(landed.header("location").starts_with("http://localhost:3000/welcome#access_token="));
    })
    .await;
}

#[tokio::test]
async fn a_target_off_the_list_is_replaced_by_the_site() {
    plain_story(|house| async move {
        house
            .post(
                "/auth/v1/signup?redirect_to=https://evil.example/",
                json!({"email": ANN, "password": PASSWORD}),
            )
            .await;
        let mut link = house.mail_to(ANN).await.link.unwrap();
        assert!(!link.as_str().contains("evil"));
        link.query_pairs_mut().append_pair("redirect_to", "https://evil.example/");
        let page = house.open_page(&link).await;
        assert!(!page.header("content-security-policy").contains("evil"));
        let landed = house.press(&page).await;
        assert!(landed.header("location").starts_with("https://app.example.com/#access_token="));
    })
    .await;
}

#[tokio::test]
async fn a_form_from_elsewhere_consumes_nothing() {
    plain_story(|house| async move {
        house.sign_up(ANN).await;
        let link = house.mail_to(ANN).await.link.unwrap();
        let page = house.open_page(&link).await;
        let fields = hidden_fields(&String::from_utf8_lossy(&page.body));
        let cookie = page.header("set-cookie").split(';').next().unwrap().to_owned();
        let mut stolen = fields.clone();
        stolen.remove("csrf_token");
        for (form, cookie, origin) in [
            (&fields, cookie.as_str(), "https://evil.example"),
            (&fields, "", "http://127.0.0.1:8080"),
            (&stolen, cookie.as_str(), "http://127.0.0.1:8080"),
        ] {
            let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
            let request = request(&Method::POST, "/auth/v1/verify")
                .header("content-type", "application/x-www-form-urlencoded")
                .header("origin", origin)
                .header("cookie", cookie);
            assert_eq!(send(&house.front, request.body(Body::from(body)).unwrap()).await.status, 403);
        }
        assert_eq!(house.press(&page).await.status, 303);
    })
    .await;
}

#[tokio::test]
async fn fifty_uses_of_one_link_open_one_session() {
    plain_story(|house| async move {
        house.sign_up(ANN).await;
        let confirmation = house.mail_to(ANN).await.link.unwrap();
        assert_eq!(winners(&house, &confirmation, "signup").await, 1);
        house.advance(1);
        house.post("/auth/v1/recover", json!({"email": ANN})).await;
        let recovery = house.mail_to(ANN).await.link.unwrap();
        assert_eq!(winners(&house, &recovery, "recovery").await, 1);
    })
    .await;
}

async fn winners(house: &super::harness::House, link: &Url, kind: &str) -> usize {
    let token = link.query_pairs().find(|(name, _)| name == "token").unwrap().1.into_owned();
    let body = json!({"token_hash": token, "type": kind});
    let answers =
        futures_util::future::join_all((0..50).map(|_| house.post("/auth/v1/verify", body.clone()))).await;
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (403, "otp_expired"));
    }
    answers.iter().filter(|answer| answer.status == 200).count()
}

#[tokio::test]
async fn a_used_link_redirects_with_an_error_or_says_what_to_do() {
    plain_story(|house| async move {
        house
            .post(
                "/auth/v1/signup?redirect_to=http://localhost:3000/",
                json!({"email": ANN, "password": PASSWORD}),
            )
            .await;
        let link = house.mail_to(ANN).await.link.unwrap();
        let page = house.open_page(&link).await;
        assert_eq!(house.press(&page).await.status, 303);
        let again = house.press(&page).await;
        assert_eq!(again.status, 303);
        let error = fragment(&again);
        assert_eq!((error["error"].as_str(), error["error_code"].as_str()), ("access_denied", "otp_expired"));
        assert!(
            again
                .header("location")
                .contains("?error=access_denied&error_code=otp_expired&error_description=")
        );
        let page = house.open_page(&link).await;
        assert_eq!(page.status, 403);
        assert!(String::from_utf8_lossy(&page.body).contains("This link was used already"));
    })
    .await;
}

#[tokio::test]
async fn links_die_of_age_and_of_newer_ones_and_are_useless_for_anything_else() {
    plain_story(|house| async move {
        house.person(ANN).await;
        house.post("/auth/v1/recover", json!({"email": ANN})).await;
        let first = house.mail_to(ANN).await.link.unwrap();
        house.advance(1);
        house.post("/auth/v1/recover", json!({"email": ANN})).await;
        let second = house.mail_to(ANN).await.link.unwrap();
        assert_eq!(house.open_page(&first).await.status, 403);
        let token = second.query_pairs().find(|(name, _)| name == "token").unwrap().1.into_owned();
        for kind in ["signup", "invite", "email_change", "reauthentication", "email"] {
            let answer = house.post("/auth/v1/verify", json!({"token_hash": token, "type": kind})).await;
            assert_eq!(answer.code(), "otp_expired", "{kind}");
        }
        house.advance(601);
        assert_eq!(house.open_page(&second).await.status, 403);
    })
    .await;
}

#[tokio::test]
async fn the_pkce_flow_gives_a_code_to_the_browser_that_asked_and_a_replay_ends_its_session() {
    plain_story(|house| async move {
        let (verifier, challenge) = pkce();
        let body = json!({
            "email": ANN, "password": PASSWORD, "code_challenge": challenge, "code_challenge_method": "s256",
        });
        house.post("/auth/v1/signup", body).await;
        let landed = house.click(ANN).await;
        let location: Url = landed.header("location").parse().unwrap();
        let code = location.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
        assert!(location.fragment().is_none());
        let exchange = |verifier: &str| json!({"auth_code": code, "code_verifier": verifier});
        let path = "/auth/v1/token?grant_type=pkce";
        assert_eq!(house.post(path, exchange("another verifier")).await.code(), "bad_code_verifier");
        let session = house.post(path, exchange(&verifier)).await;
        assert_eq!(session.status, 200);
        let token = text(&session.json(), "access_token").to_owned();
        assert_eq!(house.get("/auth/v1/user", &token).await.status, 200);
        assert_eq!(house.post(path, exchange(&verifier)).await.code(), "flow_state_not_found");
        assert_eq!(house.get("/auth/v1/user", &token).await.code(), "session_not_found");
    })
    .await;
}

#[tokio::test]
async fn plain_challenges_are_refused() {
    plain_story(|house| async move {
        let body = json!({"email": ANN, "code_challenge": "plain-text", "code_challenge_method": "plain"});
        assert_eq!(house.post("/auth/v1/recover", body).await.status, 400);
    })
    .await;
}

#[tokio::test]
async fn a_code_works_like_its_link_and_five_wrong_ones_kill_both() {
    plain_story(|house| async move {
        house.sign_up(ANN).await;
        let mail = house.mail_to(ANN).await;
        let guess = |code: &str| json!({"email": ANN, "token": code, "type": "signup"});
        assert_eq!(mail.code.len(), 8);
        let wrong = if mail.code == "00000000" { "00000001" } else { "00000000" };
        for _ in 0..5 {
            assert_eq!(house.post("/auth/v1/verify", guess(wrong)).await.code(), "otp_expired");
        }
        assert_eq!(house.post("/auth/v1/verify", guess(&mail.code)).await.code(), "otp_expired");
        assert_eq!(house.open_page(&mail.link.unwrap()).await.status, 403);
        house.advance(1);
        house.post("/auth/v1/resend", json!({"email": ANN, "type": "signup"})).await;
        let mail = house.mail_to(ANN).await;
        assert_eq!(house.post("/auth/v1/verify", guess(&mail.code)).await.status, 200);
    })
    .await;
}
