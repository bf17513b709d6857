//! Ways in that were tried and found open once.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::join_all;
use quoin_kernel::hash::hmac_sha256;
use quoin_web::testing::{call, request, send};
use quoin_web::{Body, Method};
use serde_json::{Value, json};

use super::harness::{ANN, House, PASSWORD, claims, plain_story, story, text};

const SYMMETRIC: [u8; 32] = [42; 32];

/// Lets tokens signed with [`SYMMETRIC`] in.
async fn import(house: &House) {
    let jwk =
        json!({"kty": "oct", "k": URL_SAFE_NO_PAD.encode(SYMMETRIC), "kid": "elsewhere", "alg": "HS256"});
    house.admin(Method::POST, "/admin/v1/signing-keys", json!({"jwk": jwk})).await;
}

/// Signs claims as the other service would.
fn signed(header: &Value, claims: &Value) -> String {
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", encode(header), encode(claims));
    let signature = URL_SAFE_NO_PAD.encode(hmac_sha256(&SYMMETRIC, signed.as_bytes()));
    format!("{signed}.{signature}")
}

#[tokio::test]
async fn an_imported_keys_token_obeys_every_rule_of_our_own() {
    plain_story(|house| async move {
        let session = house.person(ANN).await;
        import(&house).await;
        let header = json!({"alg": "HS256", "typ": "at+jwt", "kid": "elsewhere"});
        let own = claims(text(&session, "access_token"));
        let now_s = own["iat"].as_i64().unwrap();
        let with = |changes: Value| {
            let mut changed = own.clone();
            changed.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
            changed
        };
        let accepted = [with(json!({})), with(json!({"nbf": now_s}))];
        for claims in accepted {
            assert_eq!(house.get("/auth/v1/user", &signed(&header, &claims)).await.status, 200, "{claims}");
        }
        let refused = [
            with(json!({"nbf": now_s + 60})),
            with(json!({"exp": now_s + 3 * 3600})),
            with(json!({"exp": i64::MAX})),
            with(json!({"exp": now_s})),
            with(json!({"iss": "https://elsewhere.example"})),
            with(json!({"aud": "elsewhere"})),
        ];
        for claims in refused {
            assert_eq!(house.get("/auth/v1/user", &signed(&header, &claims)).await.status, 401, "{claims}");
        }
        for header in [
            json!({"alg": "HS256", "typ": "at+jwt", "kid": "elsewhere", "crit": ["exp"]}),
            json!({"alg": "HS256", "typ": "JWT", "kid": "elsewhere"}),
            json!({"alg": "none", "typ": "at+jwt", "kid": "elsewhere"}),
            json!({"alg": "HS256", "typ": "at+jwt", "kid": "nowhere"}),
            json!({"alg": "HS256", "typ": "at+jwt"}),
        ] {
            assert_eq!(house.get("/auth/v1/user", &signed(&header, &own)).await.status, 401, "{header}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_symmetric_key_is_never_published() {
    plain_story(|house| async move {
        let secret = URL_SAFE_NO_PAD.encode(SYMMETRIC);
        for algorithm in ["RS256", "EdDSA", "ES256"] {
            let jwk = json!({"kty": "oct", "k": secret, "kid": algorithm, "alg": algorithm});
            let body = json!({"jwk": jwk});
            let path = "/admin/v1/signing-keys";
            let answer = call(&house.front, &Method::POST, path, Some(&house.secret), Some(&body)).await;
            assert_eq!(answer.status, 400, "{algorithm}");
        }
        import(&house).await;
        let published = call(&house.front, &Method::GET, "/auth/v1/.well-known/jwks.json", None, None).await;
        assert!(!String::from_utf8_lossy(&published.body).contains(&secret));
    })
    .await;
}

#[tokio::test]
async fn a_key_of_lesser_scope_brings_no_signing_key_along() {
    plain_story(|house| async move {
        let wish = json!({"name": "keeper", "scopes": ["keys"]});
        let keeper = house.admin(Method::POST, "/admin/v1/keys", wish).await.json();
        let jwk =
            json!({"kty": "oct", "k": URL_SAFE_NO_PAD.encode(SYMMETRIC), "kid": "mine", "alg": "HS256"});
        let answer = house
            .send(Method::POST, "/admin/v1/signing-keys", text(&keeper, "key"), json!({"jwk": jwk}))
            .await;
        assert_eq!(answer.status, 403);
    })
    .await;
}

#[tokio::test]
async fn the_largest_metadata_still_makes_a_token_that_is_accepted() {
    plain_story(|house| async move {
        let session = house.person(ANN).await;
        let path = format!("/auth/v1/admin/users/{}", text(&session["user"], "id"));
        let large = json!({"a": "x".repeat(4000)});
        house.admin(Method::PUT, &path, json!({"app_metadata": large, "user_metadata": large})).await;
        let session = house.sign_in(ANN, PASSWORD).await.json();
        assert_eq!(house.get("/auth/v1/user", text(&session, "access_token")).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn many_passwords_guessed_at_once_are_no_more_guesses_than_one_after_the_other() {
    story(
        |config| {
            config.failures_per_account = 10;
            // One guess after the other, each long enough for all of them to be sent meanwhile.
            config.hash_threads = 1;
            config.argon2_memory_kib = 19_456;
        },
        |house| async move {
            house.person(ANN).await;
            let wrong = (0..40).map(|number| format!("a wrong guess {number}"));
            let guesses = join_all(wrong.map(|guess| {
                let house = house.clone();
                async move { house.sign_in(ANN, &guess).await.status }
            }));
            let late = async {
                tokio::time::sleep(Duration::from_millis(40)).await;
                house.sign_in(ANN, PASSWORD).await
            };
            let (guesses, right) = tokio::join!(guesses, late);
            assert!(guesses.iter().all(|status| [400, 429].contains(&status.as_u16())), "{guesses:?}");
            assert_eq!(right.status, 429, "{}", String::from_utf8_lossy(&right.body));
        },
    )
    .await;
}

#[tokio::test]
async fn of_many_codes_guessed_at_once_five_count() {
    plain_story(|house| async move {
        house.person(ANN).await;
        house.post("/auth/v1/recover", json!({"email": ANN})).await;
        let code = house.mail_to(ANN).await.code;
        let guesses = (0..20).map(|number| {
            let (house, token) = (house.clone(), format!("{number:08}"));
            let body = json!({"type": "recovery", "email": ANN, "token": token});
            async move { house.post("/auth/v1/verify", body).await.status }
        });
        assert!(join_all(guesses).await.iter().all(|status| *status == 403));
        let body = json!({"type": "recovery", "email": ANN, "token": code});
        assert_eq!(house.post("/auth/v1/verify", body).await.code(), "otp_expired");
    })
    .await;
}

#[tokio::test]
async fn a_lesser_key_ends_no_stronger_one() {
    plain_story(|house| async move {
        let make = async |scopes: Value| {
            let body = json!({"name": "key", "scopes": scopes});
            house.admin(Method::POST, "/admin/v1/keys", body).await.json()
        };
        let (lesser, other) = (make(json!(["keys"])).await, make(json!(["keys"])).await);
        let stronger = make(json!(["keys", "users"])).await;
        let revoke = async |target: &Value| {
            let path = format!("/admin/v1/keys/{}", text(target, "id"));
            call(&house.front, &Method::DELETE, &path, Some(text(&lesser, "key")), None).await
        };
        assert_eq!(revoke(&stronger).await.status, 403);
        let works = call(&house.front, &Method::GET, "/admin/v1/keys", Some(text(&stronger, "key")), None);
        assert_eq!(works.await.status, 200);
        assert_eq!(revoke(&other).await.status, 204);
        assert_eq!(revoke(&lesser).await.status, 204, "a key may always end itself");
    })
    .await;
}

#[tokio::test]
async fn a_key_that_ends_makes_none_that_lives_longer() {
    plain_story(|house| async move {
        let end = "2026-08-02T12:00:00Z";
        let lent = json!({"name": "lent", "scopes": ["keys"], "expires_at": end});
        let lent = house.admin(Method::POST, "/admin/v1/keys", lent).await.json();
        let make = async |expires_at: Value| {
            let body = json!({"name": "child", "scopes": ["keys"], "expires_at": expires_at});
            house.send(Method::POST, "/admin/v1/keys", text(&lent, "key"), body).await.status.as_u16()
        };
        assert_eq!(make(Value::Null).await, 403);
        assert_eq!(make(json!("2026-08-02T12:00:01Z")).await, 403);
        assert_eq!(make(json!(end)).await, 201);
    })
    .await;
}

#[tokio::test]
async fn a_rotation_that_is_sent_twice_happens_once() {
    plain_story(|house| async move {
        let rotate = async || {
            let request = request(&Method::POST, "/admin/v1/signing-keys/rotate")
                .header("authorization", format!("Bearer {}", house.secret))
                .header("idempotency-key", "rotation-of-august");
            send(&house.front, request.body(Body::empty()).unwrap()).await
        };
        let (first, again) = (rotate().await, rotate().await);
        assert_eq!((first.status.as_u16(), again.status.as_u16()), (201, 201));
        assert_eq!(first.json()["kid"], again.json()["kid"]);
    })
    .await;
}

#[tokio::test]
async fn a_key_is_made_for_organisations_that_exist_only() {
    plain_story(|house| async move {
        let session = house.person(ANN).await;
        let org_id = claims(text(&session, "access_token"))["org_id"].clone();
        let wish =
            |org_id: Value| json!({"name": "of an organisation", "scopes": ["data"], "org_id": org_id});
        house.admin(Method::POST, "/admin/v1/keys", wish(org_id)).await;
        let nowhere = wish(json!("01a1fb1e-d2d1-7c4c-aab6-767b318315ca"));
        let answer =
            call(&house.front, &Method::POST, "/admin/v1/keys", Some(&house.secret), Some(&nowhere)).await;
        assert_eq!(answer.code(), "validation_failed");
    })
    .await;
}

#[tokio::test]
async fn a_hash_that_would_take_all_memory_or_time_is_not_brought_along() {
    plain_story(|house| async move {
        let session = house.person(ANN).await;
        let path = format!("/auth/v1/admin/users/{}", text(&session["user"], "id"));
        let hash = |params: &str| {
            format!("$argon2id$v=19${params}$c2FsdHNhbHRzYWx0$MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0")
        };
        house.admin(Method::PUT, &path, json!({"password_hash": hash("m=65536,t=3,p=4")})).await;
        for costly in ["m=4294967295,t=1,p=1", "m=65536,t=4294967295,p=1", "m=1048576,t=3,p=1"] {
            let body = json!({"password_hash": hash(costly)});
            let answer = house.send(Method::PUT, &path, &house.secret, body).await;
            assert_eq!(answer.code(), "validation_failed", "{costly}");
        }
        let other = hash("m=65536,t=3,p=4").replace("argon2id", "argon2i");
        let answer = house.send(Method::PUT, &path, &house.secret, json!({"password_hash": other})).await;
        assert_eq!(answer.code(), "validation_failed");
    })
    .await;
}
