//! People who belong to one organisation each: the same address is somebody else at the next one, whatever the door.

use quoin_web::testing::TestAnswer;
use quoin_web::{Method, StatusCode};
use serde_json::{Value, json};

use super::factors::{enrol, show};
use super::harness::{ANN, House, PASSWORD, Shop, claims, fragment, per_organization, pkce, story, text};
use super::oauth::{come_back, set_out, user_of};
use super::{devices, sso};
use crate::config::IdentityMode;

const OTHER_PASSWORD: &str = "lantern-teapot-walrus";

/// Tells a story of two organisations.
async fn two_shops<F>(body: impl Fn(House, House) -> F)
where
    F: Future<Output = ()>,
{
    story(per_organization, |house| {
        let body = &body;
        async move {
            let one = house.found("One", "owner@one.example").await;
            let two = house.found("Two", "owner@two.example").await;
            body(house.of(&one), house.of(&two)).await;
        }
    })
    .await;
}

fn shop(house: &House) -> &Shop {
    house.shop.as_ref().unwrap()
}

fn id_of(session: &Value) -> &str {
    text(&session["user"], "id")
}

fn token(session: &Value) -> &str {
    text(session, "access_token")
}

/// Signs up, confirms, and returns the session.
async fn arrive(house: &House, email: &str, password: &str) -> Value {
    // Mails are told apart by their time.
    house.advance(1);
    let answer = house.post("/auth/v1/signup", json!({"email": email, "password": password})).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    let landed = house.click(email).await;
    assert!(fragment(&landed).contains_key("access_token"), "{}", landed.header("location"));
    let session = house.sign_in(email, password).await;
    assert_eq!(session.status, 200, "{}", String::from_utf8_lossy(&session.body));
    session.json()
}

#[tokio::test]
async fn one_address_is_two_people_in_two_organisations() {
    two_shops(|one, two| async move {
        let here = arrive(&one, ANN, PASSWORD).await;
        let there = arrive(&two, ANN, OTHER_PASSWORD).await;
        assert_ne!(id_of(&here), id_of(&there));
        for (session, house) in [(&here, &one), (&there, &two)] {
            let told = claims(token(session));
            assert_eq!(
                (&told["org_id"], &told["org_role"]),
                (&json!(shop(house).org_id), &json!("member")),
                "whoever comes belongs to the organisation whose people they are one of"
            );
        }
        // Each password opens one account.
        assert_eq!(one.sign_in(ANN, OTHER_PASSWORD).await.code(), "invalid_credentials");
        assert_eq!(two.sign_in(ANN, PASSWORD).await.code(), "invalid_credentials");
        // What one does to their account leaves the other's alone.
        let app = enrol(&one, token(&here)).await;
        show(&one, token(&here), &app).await;
        let plain = two.sign_in(ANN, OTHER_PASSWORD).await.json();
        assert_eq!(two.get("/auth/v1/sessions", token(&plain)).await.status, 200);
        assert_eq!(
            one.get("/auth/v1/sessions", token(&one.sign_in(ANN, PASSWORD).await.json())).await.code(),
            "insufficient_aal"
        );
        let path = format!("/auth/v1/admin/users/{}", id_of(&here));
        one.admin(Method::DELETE, &path, json!({})).await;
        assert_eq!(one.sign_in(ANN, PASSWORD).await.code(), "invalid_credentials");
        assert_eq!(two.sign_in(ANN, OTHER_PASSWORD).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn the_database_itself_keeps_an_address_to_one_person_for_each_organisation() {
    two_shops(|one, two| async move {
        use crate::model::{Realm, User};
        arrive(&one, ANN, PASSWORD).await;
        for (house, is_free) in [(&one, false), (&two, true)] {
            let realm = Realm::of(shop(house).org_id.parse().unwrap());
            let now = quoin_kernel::Clock::now(house.clock.as_ref());
            let user = User::new(realm, house.identity.app().id(), ANN.parse().unwrap(), now);
            let added = house.identity.db().write::<_, quoin_db::DbError, _>("testing.second", move |tx| {
                crate::store::users_global::insert(tx, &user)
            });
            match added.await {
                Ok(()) => assert!(is_free),
                Err(quoin_db::DbError::Unique { index, .. }) => {
                    assert!(!is_free && index == "identity_users_email", "{index}");
                }
                Err(error) => panic!("{error}"),
            }
        }
    })
    .await;
}

/// Doors at which an address is looked up refuse a call that does not say among whom, and one with a key of the platform.
#[tokio::test]
async fn a_door_that_looks_an_address_up_needs_to_know_among_whom() {
    story(per_organization, |house| async move {
        let calls = [
            ("/auth/v1/signup", json!({"email": ANN, "password": PASSWORD})),
            ("/auth/v1/token?grant_type=password", json!({"email": ANN, "password": PASSWORD})),
            ("/auth/v1/otp", json!({"email": ANN})),
            ("/auth/v1/recover", json!({"email": ANN})),
            ("/auth/v1/resend", json!({"type": "signup", "email": ANN})),
            ("/auth/v1/verify", json!({"email": ANN, "token": "12345678", "type": "email"})),
        ];
        let platform = Shop { org_id: String::new(), key: house.secret.clone(), owner: String::new() };
        for (path, body) in calls {
            assert_eq!(house.post(path, body.clone()).await.code(), "organization_needed", "{path}");
            assert_eq!(
                house.of(&platform).post(path, body.clone()).await.code(),
                "organization_needed",
                "{path}"
            );
            let invented = Shop { key: format!("quoin_pub_{}", "x".repeat(43)), ..platform.clone() };
            assert_eq!(house.of(&invented).post(path, body).await.code(), "invalid_api_key", "{path}");
        }
        let users = "/auth/v1/admin/users";
        let body = json!({"email": ANN, "password": PASSWORD});
        let made = house.send(Method::POST, users, &house.secret, body).await;
        assert_eq!(made.code(), "organization_needed");
        let anonymous = house.post("/auth/v1/signup", json!({})).await;
        assert_eq!(anonymous.code(), "anonymous_provider_disabled");
        let away = super::oauth::open(&house, "/auth/v1/authorize?provider=acme", "").await;
        assert_eq!(away.code(), "organization_needed");
    })
    .await;
}

#[tokio::test]
async fn a_link_or_code_opens_the_account_that_it_was_mailed_for_and_no_other() {
    two_shops(|one, two| async move {
        let (here, there) = (arrive(&one, ANN, PASSWORD).await, arrive(&two, ANN, PASSWORD).await);
        for path in ["/auth/v1/otp", "/auth/v1/recover"] {
            one.advance(1);
            assert_eq!(one.post(path, json!({"email": ANN})).await.status, 200);
            let mail = one.mail_to(ANN).await;
            let link = mail.link.unwrap();
            let field = |name: &str| link.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned();
            let (hash, kind) = (field("token"), field("type"));
            let by_link = json!({"token_hash": hash, "type": kind});
            let by_code = json!({"email": ANN, "token": mail.code, "type": kind});
            assert_eq!(two.post("/auth/v1/verify", by_code.clone()).await.code(), "otp_expired", "{path}");
            assert_eq!(two.post("/auth/v1/verify", by_link.clone()).await.code(), "otp_expired", "{path}");
            // Nothing was used up by that, and each still opens the account it is for.
            let opened = one.post("/auth/v1/verify", by_code).await.json();
            assert_eq!(id_of(&opened), id_of(&here));
            assert_eq!(one.post("/auth/v1/verify", by_link).await.code(), "otp_expired");
        }
        // A page knows no key: the link says whose it is.
        two.advance(1);
        two.post("/auth/v1/otp", json!({"email": ANN})).await;
        let landed = two.click(ANN).await;
        assert_eq!(user_of(&two, &landed).await["id"], there["user"]["id"]);
    })
    .await;
}

#[tokio::test]
async fn a_code_of_pkce_a_refresh_token_and_a_passkey_are_one_organisations() {
    two_shops(|one, two| async move {
        let here = arrive(&one, ANN, PASSWORD).await;
        arrive(&two, ANN, PASSWORD).await;
        let (verifier, challenge) = pkce();
        one.advance(1);
        let wish = json!({"email": ANN, "code_challenge": challenge, "code_challenge_method": "s256"});
        one.post("/auth/v1/otp", wish).await;
        let location: url::Url = one.click(ANN).await.header("location").parse().unwrap();
        let code = location.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
        let exchange = json!({"auth_code": code, "code_verifier": verifier});
        let grant = "/auth/v1/token?grant_type=pkce";
        assert_eq!(two.post(grant, exchange.clone()).await.code(), "flow_state_not_found");
        assert_eq!(id_of(&one.post(grant, exchange).await.json()), id_of(&here));

        let refresh = text(&here, "refresh_token");
        assert_eq!(two.refresh(refresh).await.code(), "refresh_token_not_found");
        assert_eq!(one.refresh(refresh).await.status, 200, "a stranger's try has not ended the session");

        devices::register_passkey(&one, token(&here), ANN).await;
        let asked = devices::ask_passkey(&two).await;
        let refused = devices::answer_passkey(&two, &asked, ANN).await;
        assert_eq!(refused.code(), "webauthn_verification_failed");
        let asked = devices::ask_passkey(&one).await;
        assert_eq!(id_of(&devices::answer_passkey(&one, &asked, ANN).await.json()), id_of(&here));
    })
    .await;
}

#[tokio::test]
async fn a_provider_opens_one_account_for_each_organisation() {
    two_shops(|one, two| async move {
        let said = json!({"sub": "7", "email": ANN, "email_verified": true});
        let mut people = Vec::new();
        for house in [&one, &two] {
            let landed = come_back(house, &set_out(house, "provider=acme").await, &said).await;
            let user = user_of(house, &landed).await;
            let told = claims(&fragment(&landed)["access_token"]);
            assert_eq!(told["org_id"], json!(shop(house).org_id));
            people.push(text(&user, "id").to_owned());
        }
        assert_ne!(people[0], people[1]);
        // A journey that was begun for one ends for that one, whatever the address of the way back names.
        let journey = set_out(&one, "provider=acme").await;
        let mut back: url::Url = "http://127.0.0.1:8080/auth/v1/callback".parse().unwrap();
        back.query_pairs_mut()
            .append_pair("state", &journey.state)
            .append_pair("code", &said.to_string())
            .append_pair("apikey", &shop(&two).key);
        let path = format!("{}?{}", back.path(), back.query().unwrap());
        let landed = super::oauth::open(&one, &path, &journey.cookie).await;
        assert_eq!(fragment(&landed)["error_code"], "user_not_found");
        let by_token = |house: House| async move {
            let body = json!({"provider": "acme", "id_token": json!({"sub": "8", "at": shop(&house).key}).to_string()});
            house.post("/auth/v1/token?grant_type=id_token", body).await.json()
        };
        let (here, there) = (by_token(one.clone()).await, by_token(two.clone()).await);
        assert_ne!(id_of(&here), id_of(&there));
    })
    .await;
}

#[tokio::test]
async fn an_organisations_own_provider_brings_people_of_that_organisation_alone() {
    two_shops(|one, two| async move {
        let there = arrive(&two, "bob@corp.example", PASSWORD).await;
        let company = sso::company(&one, "corp.example").await;
        let said = json!({"sub": "b", "email": "bob@corp.example"});
        let landed = sso::sign_in(&one, "corp.example", &said).await;
        let user = user_of(&one, &landed).await;
        assert_ne!(user["id"], there["user"]["id"], "the same address is somebody else at the other one");
        assert_eq!(claims(&fragment(&landed)["access_token"])["org_id"], json!(company.org_id));
        let body = json!({"domain": "corp.example", "skip_http_redirect": true});
        assert_eq!(two.post("/auth/v1/sso", body).await.code(), "sso_provider_not_found");
        // What one demands of its people is nothing to the other's.
        assert_eq!(company.require(&one, 0).await.status, 200);
        let person = one.post("/auth/v1/otp", json!({"email": "bob@corp.example"})).await;
        assert_eq!(person.status, 200);
        assert_eq!(two.sign_in("bob@corp.example", PASSWORD).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn whoever_is_one_of_an_organisations_people_acts_for_nothing_else() {
    two_shops(|one, two| async move {
        let here = arrive(&one, ANN, PASSWORD).await;
        let listed = one.get("/orgs/v1/orgs", token(&here)).await.json();
        let own: Vec<&str> = listed["data"].as_array().unwrap().iter().map(|org| text(org, "id")).collect();
        assert_eq!(own, [shop(&one).org_id.as_str()], "not even a personal one");
        let made = one.send(Method::POST, "/orgs/v1/orgs", token(&here), json!({"name": "Mine"})).await;
        assert_eq!(made.code(), "session_confined");
        let path = format!("/orgs/v1/orgs/{}/switch", shop(&two).org_id);
        assert_eq!(
            one.send(Method::POST, &path, token(&here), json!({})).await.status,
            StatusCode::NOT_FOUND
        );
        let path = format!("/orgs/v1/orgs/{}/switch", shop(&one).org_id);
        assert_eq!(one.send(Method::POST, &path, token(&here), json!({})).await.status, StatusCode::OK);
    })
    .await;
}

/// Invites an address as the owner does, and returns the token of the mail.
async fn invite(house: &House, email: &str, role: &str) -> String {
    let owner = house.sign_in(&shop(house).owner, PASSWORD).await.json();
    let path = format!("/orgs/v1/orgs/{}/invitations", shop(house).org_id);
    let sent = house.send(Method::POST, &path, token(&owner), json!({"email": email, "role": role})).await;
    assert_eq!(sent.status, 201, "{}", String::from_utf8_lossy(&sent.body));
    let link = house.mail_to(email).await.link.unwrap();
    link.query_pairs().find(|(name, _)| name == "token").unwrap().1.into_owned()
}

async fn accept(house: &House, session: &Value, invitation: &str) -> TestAnswer {
    let path = "/orgs/v1/invitations/accept";
    house.send(Method::POST, path, token(session), json!({"token": invitation})).await
}

#[tokio::test]
async fn an_invitation_makes_one_of_that_organisations_people_even_where_sign_up_is_closed() {
    story(
        |config| {
            per_organization(config);
            config.sign_up = false;
        },
        |house| async move {
            let one = house.of(&house.found("One", "owner@one.example").await);
            let two = house.of(&house.found("Two", "owner@two.example").await);
            let invitation = invite(&one, ANN, "admin").await;
            one.advance(1);
            // Invited or not is answered alike; only who is invited has mail.
            for (asking, email, mails) in [(&one, "stranger@example.com", 0), (&two, ANN, 1), (&one, ANN, 2)]
            {
                assert_eq!(asking.post("/auth/v1/otp", json!({"email": email})).await.status, 200);
                assert_eq!(asking.mails_to(email).await.len(), mails, "{email}");
            }
            let landed = one.click(ANN).await;
            let access = fragment(&landed)["access_token"].clone();
            let told = claims(&access);
            assert_eq!((&told["org_id"], &told["org_role"]), (&json!(shop(&one).org_id), &json!("admin")));
            let session = json!({"access_token": access});
            // The application accepts besides, as it always does: nothing more happens.
            assert_eq!(accept(&one, &session, &invitation).await.status, 200);
            let other = invite(&two, "carol@example.com", "member").await;
            assert_eq!(accept(&one, &session, &other).await.code(), "invitation_not_valid");
        },
    )
    .await;
}

#[tokio::test]
async fn an_organisation_that_takes_only_who_is_invited_takes_nobody_else_by_any_door() {
    story(
        |config| {
            per_organization(config);
            config.anonymous = true;
        },
        |house| async move {
            let one = house.of(&house.found("One", "owner@one.example").await);
            let two = house.of(&house.found("Two", "owner@two.example").await);
            let owner = one.sign_in(&shop(&one).owner, PASSWORD).await.json();
            let path = format!("/orgs/v1/orgs/{}/policy", shop(&one).org_id);
            let set = one.send(Method::PUT, &path, token(&owner), json!({"invited_only": true})).await;
            assert_eq!((set.status, &set.json()["invited_only"]), (StatusCode::OK, &json!(true)));
            let said = json!({"sub": "1", "email": ANN, "email_verified": true});
            for (house, closed) in [(&one, true), (&two, false)] {
                // Known or not, the answer is the same.
                for email in [&shop(house).owner, "stranger@example.com"] {
                    let wish = json!({"email": email, "password": PASSWORD});
                    let answer = house.post("/auth/v1/signup", wish).await;
                    assert_eq!(answer.status == 422 && answer.code() == "signup_disabled", closed, "{email}");
                }
                let nameless = house.post("/auth/v1/signup", json!({})).await;
                assert_eq!(nameless.status != 200, closed);
                house.post("/auth/v1/otp", json!({"email": "another@example.com"})).await;
                let landed = come_back(house, &set_out(house, "provider=acme").await, &said).await;
                assert_eq!(
                    fragment(&landed).get("error_code").is_some_and(|code| code == "signup_disabled"),
                    closed
                );
            }
            assert_eq!(house.mails_to("another@example.com").await.len(), 1, "the open one's");
            // An invitation to the address that the provider proves opens the door.
            invite(&one, ANN, "admin").await;
            let landed = come_back(&one, &set_out(&one, "provider=acme").await, &said).await;
            assert_eq!(claims(&fragment(&landed)["access_token"])["org_role"], "admin");
        },
    )
    .await;
}

#[tokio::test]
async fn where_only_who_is_invited_is_taken_nothing_else_makes_a_member() {
    two_shops(|one, _| async move {
        let owner = one.sign_in(&shop(&one).owner, PASSWORD).await.json();
        let org = format!("/orgs/v1/orgs/{}", shop(&one).org_id);
        let admin = arrive(&one, "admin@example.com", PASSWORD).await;
        let path = format!("{org}/members/{}", id_of(&admin));
        assert_eq!(one.send(Method::PATCH, &path, token(&owner), json!({"role": "admin"})).await.status, 200);
        // Somebody signed up before and has not confirmed.
        one.post("/auth/v1/signup", json!({"email": "early@example.com", "password": PASSWORD})).await;
        let policy = json!({"invited_only": true});
        let set = one.send(Method::PUT, &format!("{org}/policy"), token(&owner), policy).await;
        assert_eq!(set.status, 200, "{}", String::from_utf8_lossy(&set.body));
        let early = one.click("early@example.com").await;
        assert_eq!(early.status, 422, "{}", String::from_utf8_lossy(&early.body));
        // An invitation is worth no more than its sender by then.
        let admin = one.sign_in("admin@example.com", PASSWORD).await.json();
        let wish = json!({"email": "late@example.com"});
        let asked = one.send(Method::POST, &format!("{org}/invitations"), token(&admin), wish).await;
        assert_eq!(asked.status, 201, "{}", String::from_utf8_lossy(&asked.body));
        assert_eq!(one.send(Method::DELETE, &path, token(&owner), json!({})).await.status, 204);
        let mails = one.mails_to("late@example.com").await.len();
        one.post("/auth/v1/otp", json!({"email": "late@example.com"})).await;
        assert_eq!(one.mails_to("late@example.com").await.len(), mails, "no link goes out");
        // One that is taken back takes with it the link that it made possible.
        invite(&one, ANN, "admin").await;
        one.advance(1);
        one.post("/auth/v1/otp", json!({"email": ANN})).await;
        let listed = one.get(&format!("{org}/invitations"), token(&owner)).await.json();
        let open = listed["data"].as_array().unwrap().iter().find(|one| one["email"] == ANN).unwrap();
        let path = format!("{org}/invitations/{}", text(open, "id"));
        assert_eq!(one.send(Method::DELETE, &path, token(&owner), json!({})).await.status, 204);
        let landed = one.click(ANN).await;
        assert_eq!(landed.status, 422, "{}", String::from_utf8_lossy(&landed.body));
        // Who is a member stays one.
        assert_eq!(one.sign_in(&shop(&one).owner, PASSWORD).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn an_invitations_role_comes_with_the_proof_of_the_address_whatever_was_believed_before() {
    let modes: [fn(&mut crate::config::IdentityConfig); 2] = [
        |config| {
            per_organization(config);
            super::harness::restricted(config);
        },
        |config| {
            per_organization(config);
            super::harness::autoconfirm(config);
        },
    ];
    for mode in modes {
        story(mode, |house| async move {
            let one = house.of(&house.found("One", "owner@one.example").await);
            invite(&one, ANN, "admin").await;
            one.advance(1);
            let believed = one.post("/auth/v1/signup", json!({"email": ANN, "password": PASSWORD})).await;
            assert_eq!(claims(text(&believed.json(), "access_token"))["org_role"], "member");
            one.advance(1);
            one.post("/auth/v1/otp", json!({"email": ANN})).await;
            let landed = fragment(&one.click(ANN).await);
            assert_eq!(claims(&landed["access_token"])["org_role"], "admin");
        })
        .await;
    }
}

#[tokio::test]
async fn whoever_was_removed_comes_back_by_invitation_alone() {
    two_shops(|one, _| async move {
        let here = arrive(&one, ANN, PASSWORD).await;
        let owner = one.sign_in(&shop(&one).owner, PASSWORD).await.json();
        let path = format!("/orgs/v1/orgs/{}/members/{}", shop(&one).org_id, id_of(&here));
        assert_eq!(one.send(Method::DELETE, &path, token(&owner), json!({})).await.status, 204);
        assert_eq!(one.sign_in(ANN, PASSWORD).await.code(), "removed_from_organization");
        assert_eq!(one.refresh(text(&here, "refresh_token")).await.code(), "refresh_token_not_found");
        invite(&one, ANN, "member").await;
        assert_eq!(one.sign_in(ANN, PASSWORD).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn a_closed_organisations_people_and_key_are_shut_out_until_it_opens_again() {
    two_shops(|one, two| async move {
        arrive(&one, ANN, PASSWORD).await;
        arrive(&two, ANN, PASSWORD).await;
        let path = format!("/admin/v1/orgs/{}", shop(&one).org_id);
        one.admin(Method::POST, &format!("{path}/suspend"), json!({})).await;
        assert_eq!(one.sign_in(ANN, PASSWORD).await.code(), "invalid_api_key");
        assert_eq!(two.sign_in(ANN, PASSWORD).await.status, 200);
        one.admin(Method::POST, &format!("{path}/reinstate"), json!({})).await;
        assert_eq!(one.sign_in(ANN, PASSWORD).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn the_end_of_an_organisation_erases_its_people_and_nobody_elses() {
    two_shops(|one, two| async move {
        for number in 0..30 {
            one.person(&format!("p{number}@example.com")).await;
        }
        let here = one.person(ANN).await;
        two.person(ANN).await;
        let news = json!({"org_id": shop(&one).org_id});
        one.run(crate::FORGET_ORG, news).await;
        let path = format!("/auth/v1/admin/users?org_id={}", shop(&one).org_id);
        assert_eq!(one.admin(Method::GET, &path, json!({})).await.json()["users"], json!([]));
        assert_eq!(one.get("/auth/v1/user", token(&here)).await.code(), "session_not_found");
        assert_eq!(two.sign_in(ANN, PASSWORD).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn administrators_see_everybody_or_one_organisations_people() {
    two_shops(|one, two| async move {
        let body = json!({
            "email": ANN, "password": PASSWORD, "email_confirm": true, "org_id": shop(&one).org_id,
            "org_role": "admin",
        });
        let made = one.admin(Method::POST, "/auth/v1/admin/users", body.clone()).await.json();
        let twice = one.send(Method::POST, "/auth/v1/admin/users", &one.secret, body).await;
        assert_eq!(twice.code(), "email_exists");
        two.person(ANN).await;
        assert_eq!(claims(token(&one.sign_in(ANN, PASSWORD).await.json()))["org_role"], "admin");
        let of_one = format!("/auth/v1/admin/users?org_id={}", shop(&one).org_id);
        for (path, count) in [("/auth/v1/admin/users", 4), (of_one.as_str(), 2)] {
            let listed = one.admin(Method::GET, path, json!({})).await;
            assert_eq!(listed.json()["users"].as_array().unwrap().len(), count, "{path}");
            assert_eq!(listed.header("x-total-count"), count.to_string());
        }
        // People stay where they are.
        let path = format!("/auth/v1/admin/users/{}", text(&made, "id"));
        let moved = one.send(Method::PUT, &path, &one.secret, json!({"org_id": shop(&two).org_id})).await;
        assert_eq!(moved.code(), "validation_failed");
        // Out of one instance and into another, each stays one organisation's.
        let left = one.admin(Method::GET, "/auth/v1/admin/users/export?limit=1000", json!({})).await.json();
        let ann = left["data"].as_array().unwrap().iter().find(|person| person["id"] == made["id"]).unwrap();
        assert_eq!(text(ann, "org_id"), shop(&one).org_id);
        one.admin(Method::DELETE, &path, json!({})).await;
        let mut lost = ann.clone();
        lost["org_id"] = Value::Null;
        let arriving = json!({"users": [ann, lost]});
        let done = one.admin(Method::POST, "/auth/v1/admin/users/import", arriving).await.json();
        assert_eq!((&done["imported"], &done["refused"][0]["index"]), (&json!(1), &json!(1)));
        assert_eq!(one.sign_in(ANN, PASSWORD).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn failures_and_mails_are_limited_for_each_organisation_apart() {
    story(
        |config| {
            per_organization(config);
            config.failures_per_account = 3;
            config.mails_per_address = 2;
        },
        |house| async move {
            let one = house.of(&house.found("One", "owner@one.example").await);
            let two = house.of(&house.found("Two", "owner@two.example").await);
            one.person(ANN).await;
            two.person(ANN).await;
            for _ in 0..3 {
                one.sign_in(ANN, "not the password").await;
            }
            assert_eq!(one.sign_in(ANN, PASSWORD).await.status, 429);
            assert_eq!(two.sign_in(ANN, PASSWORD).await.status, 200);
            for _ in 0..2 {
                assert_eq!(one.post("/auth/v1/otp", json!({"email": ANN})).await.status, 200);
            }
            assert_eq!(one.post("/auth/v1/otp", json!({"email": ANN})).await.status, 429);
            assert_eq!(two.post("/auth/v1/otp", json!({"email": ANN})).await.status, 200);
        },
    )
    .await;
}

#[tokio::test]
async fn the_mode_cannot_change_once_there_are_people() {
    for (first, then) in [
        (IdentityMode::Global, per_organization as fn(&mut _)),
        (IdentityMode::PerOrganization, |_: &mut _| {}),
    ] {
        let begin: fn(&mut crate::config::IdentityConfig) =
            if first == IdentityMode::Global { |_| {} } else { per_organization };
        story(begin, move |house| async move {
            let empty = crate::Identity::start(house.identity.app().clone(), with(then)).await;
            assert!(empty.is_ok(), "an empty instance may still decide");
            if first == IdentityMode::Global {
                house.person(ANN).await;
            } else {
                house.found("One", "owner@one.example").await;
            }
            let refused = crate::Identity::start(house.identity.app().clone(), with(then)).await;
            let Err(problem) = refused else { panic!("it started") };
            assert_eq!(problem.code(), "identity_mode_differs");
        })
        .await;
    }
}

fn with(change: fn(&mut crate::config::IdentityConfig)) -> crate::config::IdentityConfig {
    let mut config = crate::config::IdentityConfig::default();
    change(&mut config);
    config
}

/// The twin: without the mode, a key of an organisation names nothing, and an address is one person.
#[tokio::test]
async fn one_address_is_one_person_where_people_belong_to_any_number_of_organisations() {
    super::harness::plain_story(|house| async move {
        let one = house.of(&house.found("One", "owner@one.example").await);
        let two = house.of(&house.found("Two", "owner@two.example").await);
        let here = arrive(&one, ANN, PASSWORD).await;
        let there = two.sign_in(ANN, PASSWORD).await.json();
        assert_eq!(id_of(&here), id_of(&there));
        let refreshed = two.refresh(text(&here, "refresh_token")).await;
        assert_eq!(refreshed.status, 200);
        let made = one.send(Method::POST, "/orgs/v1/orgs", token(&here), json!({"name": "Mine"})).await;
        assert_eq!(made.status, 201);
        let body = json!({"email": "bob@example.com", "org_id": shop(&one).org_id});
        let users = house.send(Method::POST, "/auth/v1/admin/users", &house.secret, body).await;
        assert_eq!(users.code(), "validation_failed", "there is no organisation to be one of");
    })
    .await;
}

/// An owner who is there already owns the new organisation too.
#[tokio::test]
async fn whoever_will_own_an_organisation_is_told_by_mail_once() {
    story(per_organization, |house| async move {
        let body = json!({"name": "One", "owner_email": ANN});
        let founded = house.admin(Method::POST, "/admin/v1/orgs", body).await.json();
        let one = Shop {
            org_id: text(&founded, "id").to_owned(),
            key: text(&founded, "publishable_key").to_owned(),
            owner: ANN.to_owned(),
        };
        assert_eq!(house.mails_to(ANN).await.len(), 1);
        let landed = house.click(ANN).await;
        let told = claims(&fragment(&landed)["access_token"]);
        assert_eq!((&told["org_id"], &told["org_role"]), (&json!(one.org_id), &json!("owner")));
        let unnamed = json!({"name": " ", "owner_email": ANN});
        let refused = house.send(Method::POST, "/admin/v1/orgs", &house.secret, unnamed).await;
        assert_eq!(refused.code(), "validation_failed");
    })
    .await;
}
