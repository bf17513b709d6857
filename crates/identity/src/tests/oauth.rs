//! Providers: whose account they open, and that a journey ends once, in the browser that began it.
//!
//! The provider is played here: its code, or ID token, is the JSON of what it attests.

use std::sync::Arc;

use quoin_kernel::Timestamp;
use quoin_kernel::port::BoxFuture;
use quoin_web::testing::{TestAnswer, request, send};
use quoin_web::{Body, Method};
use serde_json::{Map, Value, json};
use url::Url;

use super::harness::{ANN, House, PASSWORD, claims, fragment, hidden_fields, pkce, plain_story, story, text};
use crate::Identity;
use crate::model::provider::ProviderConfig;
use crate::model::{Attested, Provider};
use crate::port::{AuthorizationAnswer, AuthorizationWish, IdTokenWish, OpenId, Upstream};

/// A provider that attests whatever its code says.
struct Played;

impl OpenId for Played {
    fn authorization_endpoint<'a>(&'a self, _: &'a Provider) -> BoxFuture<'a, Result<Url, Upstream>> {
        Box::pin(async { Ok("https://idp.example/authorize".parse().unwrap()) })
    }

    fn authorization_url<'a>(
        &'a self,
        provider: &'a Provider,
        wish: &'a AuthorizationWish,
    ) -> BoxFuture<'a, Result<Url, Upstream>> {
        let mut url: Url = "https://idp.example/authorize".parse().unwrap();
        url.query_pairs_mut()
            .append_pair("state", wish.state.expose())
            .append_pair("client_id", &provider.client_id)
            .append_pair("redirect_uri", wish.redirect_uri.as_str());
        Box::pin(async move { Ok(url) })
    }

    fn redeem<'a>(
        &'a self,
        provider: &'a Provider,
        answer: AuthorizationAnswer,
    ) -> BoxFuture<'a, Result<Attested, Upstream>> {
        Box::pin(async move {
            match (answer.error, answer.code) {
                (Some(error), _) => Err(Upstream::Denied(error)),
                (None, Some(code)) => said(provider, code.expose()),
                (None, None) => Err(Upstream::Refused("no code".to_owned())),
            }
        })
    }

    fn read_id_token<'a>(
        &'a self,
        provider: &'a Provider,
        wish: IdTokenWish,
    ) -> BoxFuture<'a, Result<(Attested, Timestamp), Upstream>> {
        Box::pin(async move {
            // What follows the last brace plays the signature.
            let token = wish.id_token.expose();
            let end = token.rfind('}').map_or(0, |at| at + 1);
            let attested = said(provider, &token[..end])?;
            Ok((attested, wish.now + std::time::Duration::from_hours(1)))
        })
    }
}

fn said(provider: &Provider, json: &str) -> Result<Attested, Upstream> {
    let said: Map<String, Value> =
        serde_json::from_str(json).map_err(|error| Upstream::Refused(error.to_string()))?;
    let text = |name: &str| said.get(name).and_then(Value::as_str).map(str::to_owned);
    Ok(Attested {
        issuer: provider.issuer.clone(),
        subject: text("sub").unwrap(),
        email: text("email"),
        email_verified: said.get("email_verified") == Some(&Value::Bool(true)),
        email_disputed: said.get("email_verified").is_some_and(|word| *word != Value::Bool(true)),
        hosted_domain: text("hd"),
        organization: None,
        profile: said,
    })
}

/// `acme` may speak for every address, `narrow` for none, Google for its own.
pub(super) fn connect(identity: &Identity) {
    let config = |issuer: &str, domains: &[&str]| ProviderConfig {
        issuer: Some(issuer.to_owned()),
        client_id: "quoin".to_owned(),
        email_domains: domains.iter().map(|domain| (*domain).to_owned()).collect(),
        ..ProviderConfig::default()
    };
    let providers = vec![
        config("https://acme.example", &["*"]).build("acme").unwrap(),
        config("https://narrow.example", &[]).build("narrow").unwrap(),
        config("https://accounts.google.com", &[]).build("google").unwrap(),
    ];
    identity.connect_openid(Arc::new(Played), providers);
}

/// A browser that has set out.
pub(super) struct Journey {
    pub(super) state: String,
    pub(super) cookie: String,
}

pub(super) async fn open(house: &House, path: &str, cookie: &str) -> TestAnswer {
    let request = request(&Method::GET, path).header("cookie", cookie);
    send(&house.front, request.body(Body::empty()).unwrap()).await
}

pub(super) async fn set_out(house: &House, query: &str) -> Journey {
    let key = house.shop.as_ref().map(|shop| format!("&apikey={}", shop.key)).unwrap_or_default();
    let answer = open(house, &format!("/auth/v1/authorize?{query}{key}"), "").await;
    assert_eq!(answer.status, 303, "{}", String::from_utf8_lossy(&answer.body));
    journey(&answer)
}

pub(super) fn journey(answer: &TestAnswer) -> Journey {
    let location: Url = answer.header("location").parse().unwrap();
    assert_eq!(location.host_str(), Some("idp.example"));
    let state = location.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
    let cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
    Journey { state, cookie }
}

pub(super) async fn come_back(house: &House, journey: &Journey, said: &Value) -> TestAnswer {
    let mut url: Url = "http://127.0.0.1:8080/auth/v1/callback".parse().unwrap();
    url.query_pairs_mut().append_pair("state", &journey.state).append_pair("code", &said.to_string());
    if let Some(shop) = &house.shop {
        url.query_pairs_mut().append_pair("apikey", &shop.key);
    }
    open(house, &format!("{}?{}", url.path(), url.query().unwrap()), &journey.cookie).await
}

/// Goes to a provider and back.
pub(super) async fn sign_in(house: &House, provider: &str, said: &Value) -> TestAnswer {
    let journey = set_out(house, &format!("provider={provider}")).await;
    come_back(house, &journey, said).await
}

pub(super) async fn user_of(house: &House, landed: &TestAnswer) -> Value {
    let tokens = fragment(landed);
    assert!(tokens.contains_key("access_token"), "{}", landed.header("location"));
    house.get("/auth/v1/user", &tokens["access_token"]).await.json()
}

fn ann(subject: &str) -> Value {
    json!({"sub": subject, "email": ANN, "email_verified": true, "name": "Ann", "picture": "https://p.example/a.png"})
}

#[tokio::test]
async fn a_newcomer_comes_through_a_provider_and_comes_again() {
    plain_story(|house| async move {
        let journey = set_out(&house, "provider=acme&redirect_to=http://localhost:3000/in").await;
        let landed = come_back(&house, &journey, &ann("1")).await;
        assert!(landed.header("location").starts_with("http://localhost:3000/in#access_token="));
        let user = user_of(&house, &landed).await;
        assert_eq!(user["app_metadata"], json!({"provider": "acme", "providers": ["acme"]}));
        assert_eq!(
            (text(&user, "email"), &user["user_metadata"]["avatar_url"]),
            (ANN, &json!("https://p.example/a.png"))
        );
        assert_eq!(
            (&user["identities"][0]["provider"], &user["identities"][0]["id"]),
            (&json!("acme"), &json!("1"))
        );
        let told = claims(&fragment(&landed)["access_token"]);
        assert_eq!(
            (&told["amr"][0]["method"], &told["aal"], &told["email_verified"]),
            (&json!("oauth"), &json!("aal1"), &json!(true))
        );
        // Whoever they are now called, and wherever they read mail, they are the same.
        let again = sign_in(&house, "acme", &json!({"sub": "1", "email": "other@example.com"})).await;
        assert_eq!(user_of(&house, &again).await["id"], user["id"]);
    })
    .await;
}

#[tokio::test]
async fn a_journey_ends_once_in_the_browser_that_began_it() {
    plain_story(|house| async move {
        let mine = set_out(&house, "provider=acme").await;
        let theirs = set_out(&house, "provider=acme").await;
        for cookie in ["", "quoin-oauth=", theirs.cookie.as_str()] {
            let stolen = Journey { state: mine.state.clone(), cookie: cookie.to_owned() };
            let refused = come_back(&house, &stolen, &ann("1")).await;
            assert_eq!(refused.status, 400);
            assert!(String::from_utf8_lossy(&refused.body).contains("This sign-in cannot be finished"));
        }
        assert_eq!(come_back(&house, &mine, &ann("1")).await.status, 303);
        assert_eq!(come_back(&house, &mine, &ann("1")).await.status, 400);
        let late = set_out(&house, "provider=acme").await;
        house.advance(601);
        assert_eq!(come_back(&house, &late, &ann("1")).await.status, 400);
    })
    .await;
}

#[tokio::test]
async fn fifty_returns_at_once_open_one_session() {
    plain_story(|house| async move {
        let (journey, said) = (set_out(&house, "provider=acme").await, ann("1"));
        let answers =
            futures_util::future::join_all((0..50).map(|_| come_back(&house, &journey, &said))).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 303).count(), 1);
        assert!(answers.iter().all(|answer| answer.status == 303 || answer.status == 400));
    })
    .await;
}

#[tokio::test]
async fn the_application_gets_a_code_where_it_uses_pkce() {
    plain_story(|house| async move {
        let (verifier, challenge) = pkce();
        let query = format!("provider=acme&code_challenge={challenge}&code_challenge_method=s256");
        let landed = come_back(&house, &set_out(&house, &query).await, &ann("1")).await;
        let location: Url = landed.header("location").parse().unwrap();
        assert!(location.fragment().is_none());
        let code = location.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
        let exchange = json!({"auth_code": code, "code_verifier": verifier});
        let session = house.post("/auth/v1/token?grant_type=pkce", exchange).await.json();
        assert_eq!(session["user"]["app_metadata"]["provider"], "acme");
        let plain =
            open(&house, "/auth/v1/authorize?provider=acme&code_challenge=x&code_challenge_method=plain", "")
                .await;
        assert_eq!(plain.status, 400);
    })
    .await;
}

#[tokio::test]
async fn an_address_links_an_account_once_and_only_under_both_proofs() {
    plain_story(|house| async move {
        let id = text(&house.person(ANN).await["user"], "id").to_owned();
        // Nothing proved, or nobody who may speak for the address: an account of their own, without an address.
        let unproved = json!({"sub": "9", "email": ANN, "email_verified": false});
        let word = json!({"sub": "10", "email": ANN, "email_verified": "true"});
        for (provider, said) in
            [("acme", unproved), ("acme", word), ("narrow", ann("1")), ("google", ann("1"))]
        {
            let user = user_of(&house, &sign_in(&house, provider, &said).await).await;
            assert_ne!(text(&user, "id"), id, "{provider} {said}");
            assert_eq!((&user["email"], &user["identities"][0]["email"]), (&json!(""), &json!(ANN)));
        }
        let hosted = json!({"sub": "g", "email": ANN, "email_verified": true, "hd": "example.com"});
        assert_eq!(user_of(&house, &sign_in(&house, "google", &hosted).await).await["id"], id.as_str());
        house.advance(1);
        let linked = user_of(&house, &sign_in(&house, "acme", &ann("1")).await).await;
        assert_eq!(text(&linked, "id"), id);
        assert_eq!(linked["app_metadata"]["providers"], json!(["email", "google", "acme"]));
        assert_eq!(house.sign_in(ANN, PASSWORD).await.status, 200);
        // The address has changed hands at the provider: another subject is another person.
        let other = user_of(&house, &sign_in(&house, "acme", &ann("2")).await).await;
        assert_ne!(text(&other, "id"), id);
    })
    .await;
}

#[tokio::test]
async fn an_unproved_account_is_taken_from_whoever_made_it() {
    story(super::harness::restricted, |house| async move {
        let squatter = house.sign_up(ANN).await.json();
        let user = user_of(&house, &sign_in(&house, "acme", &ann("1")).await).await;
        assert_eq!(user["id"], squatter["user"]["id"]);
        assert_eq!(house.sign_in(ANN, PASSWORD).await.code(), "invalid_credentials");
        let refused = house.get("/auth/v1/user", text(&squatter, "access_token")).await;
        assert_eq!(refused.code(), "session_not_found");
    })
    .await;
}

#[tokio::test]
async fn controls_hold_at_this_door_too() {
    plain_story(|house| async move {
        let user = user_of(&house, &sign_in(&house, "acme", &ann("1")).await).await;
        let path = format!("/auth/v1/admin/users/{}", text(&user, "id"));
        house.admin(Method::PUT, &path, json!({"ban_duration": "1h"})).await;
        let banned = sign_in(&house, "acme", &ann("1")).await;
        assert_eq!(fragment(&banned)["error_code"], "user_banned");
        let journey = set_out(&house, "provider=acme").await;
        let denied = format!("/auth/v1/callback?state={}&error=access_denied", journey.state);
        let denied = open(&house, &denied, &journey.cookie).await;
        assert_eq!(fragment(&denied)["error_code"], "access_denied");
        let unknown = open(&house, "/auth/v1/authorize?provider=nobody", "").await;
        assert_eq!(unknown.code(), "oauth_provider_not_supported");
        let away = set_out(&house, "provider=acme&redirect_to=https://evil.example/").await;
        let landed = come_back(&house, &away, &ann("7")).await;
        assert!(landed.header("location").starts_with("https://app.example.com/#access_token="));
    })
    .await;
}

#[tokio::test]
async fn closed_sign_up_makes_no_account_through_a_provider() {
    story(
        |config| config.sign_up = false,
        |house| async move {
            let refused = sign_in(&house, "acme", &ann("1")).await;
            assert_eq!(fragment(&refused)["error_code"], "signup_disabled");
            house.person(ANN).await;
            assert!(fragment(&sign_in(&house, "acme", &ann("1")).await).contains_key("access_token"));
        },
    )
    .await;
}

/// Asks for a ticket and opens its page.
async fn ticket_page(house: &House, token: &str) -> (String, TestAnswer) {
    let path = "/auth/v1/user/identities/authorize?provider=acme&skip_http_redirect=true";
    let url: Url = text(&house.get(path, token).await.json(), "url").parse().unwrap();
    let path = format!("{}?{}", url.path(), url.query().unwrap());
    let page = open(house, &path, "").await;
    assert_eq!(page.status, 200, "{}", String::from_utf8_lossy(&page.body));
    (path, page)
}

async fn press(house: &House, page: &TestAnswer, origin: &str) -> TestAnswer {
    let html = String::from_utf8_lossy(&page.body).into_owned();
    let cookie = page.header("set-cookie").split(';').next().unwrap_or_default().to_owned();
    let body =
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(hidden_fields(&html)).finish();
    let request = request(&Method::POST, "/auth/v1/authorize")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("origin", origin)
        .header("cookie", cookie);
    send(&house.front, request.body(Body::from(body)).unwrap()).await
}

const HERE: &str = "http://127.0.0.1:8080";

#[tokio::test]
async fn an_identity_is_linked_by_hand_to_the_account_that_the_page_names() {
    plain_story(|house| async move {
        let session = house.person(ANN).await;
        let token = text(&session, "access_token");
        let (path, page) = ticket_page(&house, token).await;
        let html = String::from_utf8_lossy(&page.body).into_owned();
        assert!(html.contains(ANN) && page.header("content-security-policy").contains("https://idp.example"));
        assert_eq!(press(&house, &page, "https://evil.example").await.status, 403);
        let journey = journey(&press(&house, &page, HERE).await);
        assert_eq!(press(&house, &page, HERE).await.code(), "bad_oauth_state");
        assert_eq!(open(&house, &path, "").await.status, 400);
        let said = json!({"sub": "5", "email": "else@example.org", "email_verified": true});
        let user = user_of(&house, &come_back(&house, &journey, &said).await).await;
        assert_eq!((&user["id"], text(&user, "email")), (&session["user"]["id"], ANN));
        assert_eq!(user["identities"].as_array().unwrap().len(), 2);
        assert_eq!(user_of(&house, &sign_in(&house, "acme", &said).await).await["id"], session["user"]["id"]);
        // What somebody has, nobody else gets.
        let bob = house.person("bob@example.com").await;
        let (_, page) = ticket_page(&house, text(&bob, "access_token")).await;
        let refused = come_back(&house, &self::journey(&press(&house, &page, HERE).await), &said).await;
        assert_eq!(fragment(&refused)["error_code"], "identity_already_exists");
    })
    .await;
}

#[tokio::test]
async fn a_ticket_of_a_stolen_session_dies_when_the_sessions_are_ended() {
    plain_story(|house| async move {
        let stolen = house.person(ANN).await;
        let (_, unused) = ticket_page(&house, text(&stolen, "access_token")).await;
        let (_, page) = ticket_page(&house, text(&stolen, "access_token")).await;
        let under_way = journey(&press(&house, &page, HERE).await);
        house.advance(1);
        let own = house.sign_in(ANN, PASSWORD).await.json();
        let token = text(&own, "access_token");
        let changed = json!({"password": "lantern-teapot-walrus", "current_password": PASSWORD});
        assert_eq!(house.send(Method::PUT, "/auth/v1/user", token, changed).await.status, 200);
        assert_eq!(press(&house, &unused, HERE).await.code(), "bad_oauth_state");
        let thief = json!({"sub": "thief", "email": "thief@example.org", "email_verified": true});
        assert_eq!(come_back(&house, &under_way, &thief).await.status, 400);
        let (_, page) = ticket_page(&house, token).await;
        let landed = come_back(&house, &journey(&press(&house, &page, HERE).await), &ann("1")).await;
        assert_eq!(user_of(&house, &landed).await["id"], own["user"]["id"]);
    })
    .await;
}

#[tokio::test]
async fn the_last_way_in_stays() {
    plain_story(|house| async move {
        let said = json!({"sub": "5", "email": ANN, "email_verified": false});
        let landed = sign_in(&house, "acme", &said).await;
        let user = user_of(&house, &landed).await;
        let token = &fragment(&landed)["access_token"];
        let path = format!("/auth/v1/user/identities/{}", text(&user["identities"][0], "identity_id"));
        let refused = house.send(Method::DELETE, &path, token, json!({})).await;
        assert_eq!(refused.code(), "single_identity_not_deletable");
        let bob = house.person("bob@example.com").await;
        let stranger = house.send(Method::DELETE, &path, text(&bob, "access_token"), json!({})).await;
        assert_eq!(stranger.code(), "identity_not_found");
        house.advance(1);
        house.send(Method::PUT, "/auth/v1/user", token, json!({"email": ANN})).await;
        assert_eq!(house.click(ANN).await.status, 303);
        assert_eq!(house.send(Method::DELETE, &path, token, json!({})).await.status, 200);
        let again = user_of(&house, &sign_in(&house, "acme", &said).await).await;
        assert_ne!(again["id"], user["id"]);
    })
    .await;
}

#[tokio::test]
async fn an_id_token_opens_one_session_however_often_it_is_shown() {
    plain_story(|house| async move {
        let written =
            |signature: &str| json!({"provider": "acme", "id_token": format!("{}.{signature}", ann("1"))});
        let grant = written("signature");
        let path = "/auth/v1/token?grant_type=id_token";
        let answers = futures_util::future::join_all((0..50).map(|_| house.post(path, grant.clone()))).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
        assert!(answers.iter().all(|answer| answer.status == 200 || answer.code() == "bad_oauth_callback"));
        // A signature can be written in several ways; what it signs is the same token.
        let again = house.post(path, written("SIGNATURE")).await;
        assert_eq!(again.code(), "bad_oauth_callback");
        let unknown = json!({"provider": "nobody", "id_token": "x"});
        assert_eq!(house.post(path, unknown).await.code(), "oauth_provider_not_supported");
        assert_eq!(house.post(path, json!({"provider": "acme"})).await.code(), "validation_failed");
    })
    .await;
}

#[tokio::test]
async fn somebody_anonymous_who_links_an_account_keeps_their_id() {
    story(
        |config| config.anonymous = true,
        |house| async move {
            let session = house.post("/auth/v1/signup", json!({})).await.json();
            let (_, page) = ticket_page(&house, text(&session, "access_token")).await;
            let landed = come_back(&house, &journey(&press(&house, &page, HERE).await), &ann("1")).await;
            let user = user_of(&house, &landed).await;
            assert_eq!((&user["id"], &user["is_anonymous"]), (&session["user"]["id"], &json!(false)));
        },
    )
    .await;
}

#[tokio::test]
async fn the_short_path_takes_links_and_returns() {
    plain_story(|house| async move {
        let journey = set_out(&house, "provider=acme").await;
        let mut url: Url = "http://127.0.0.1:8080/auth/callback".parse().unwrap();
        url.query_pairs_mut().append_pair("state", &journey.state).append_pair("code", &ann("1").to_string());
        let path = format!("{}?{}", url.path(), url.query().unwrap());
        assert_eq!(open(&house, &path, &journey.cookie).await.status, 303);
        house.post("/auth/v1/otp", json!({"email": ANN})).await;
        let link = house.mail_to(ANN).await.link.unwrap();
        let page = open(&house, &format!("/auth/callback?{}", link.query().unwrap()), "").await;
        assert!(String::from_utf8_lossy(&page.body).contains("magiclink"));
    })
    .await;
}

/// Links an account at `acme` whose subject is the address.
pub(super) async fn link_by_address(house: &House, email: &str) {
    let landed = sign_in(house, "acme", &json!({"sub": email, "email": email, "email_verified": true})).await;
    assert!(fragment(&landed).contains_key("access_token"), "{}", landed.header("location"));
}

/// Sets out to `acme`; what comes back is for [`end`].
pub(super) async fn begin(house: &House) -> Value {
    let journey = set_out(house, "provider=acme").await;
    json!({"state": journey.state, "cookie": journey.cookie})
}

/// Comes back from `acme` as whoever has this address there.
pub(super) async fn end(house: &House, begun: &Value, email: &str) -> TestAnswer {
    let journey =
        Journey { state: text(begun, "state").to_owned(), cookie: text(begun, "cookie").to_owned() };
    come_back(house, &journey, &json!({"sub": email})).await
}

/// Shows an ID token of `acme`, a new one each time.
pub(super) async fn id_token(house: &House, email: &str) -> TestAnswer {
    use quoin_kernel::Clock as _;
    let token = json!({"sub": email, "iat": house.clock.now().as_micros()});
    let token = format!("{token}.signature");
    house.post("/auth/v1/token?grant_type=id_token", json!({"provider": "acme", "id_token": token})).await
}
