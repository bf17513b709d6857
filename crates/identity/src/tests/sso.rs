//! Single sign-on: whose domain it is, what an organisation's own provider opens, and which doors it shuts.

use quoin_web::Method;
use quoin_web::testing::TestAnswer;
use serde_json::{Value, json};
use url::Url;

use super::harness::{House, PASSWORD, claims, fragment, pkce, plain_story, story, text};
use super::oauth::{Journey, come_back, journey, open, user_of};

/// An organisation with a proved domain and a provider of its own.
pub(super) struct Company {
    pub(super) org_id: String,
    pub(super) domain: String,
    /// The owner's access token.
    pub(super) owner: String,
}

impl Company {
    fn path(&self, rest: &str) -> String {
        format!("/orgs/v1/orgs/{}{rest}", self.org_id)
    }

    async fn put(&self, house: &House, rest: &str, body: Value) -> TestAnswer {
        house.send(Method::PUT, &self.path(rest), &self.owner, body).await
    }

    /// Claims the domain and returns the record that proves it.
    async fn claim(&self, house: &House) -> (String, String) {
        let body = json!({"domain": self.domain});
        let claimed = house.send(Method::POST, &self.path("/domains"), &self.owner, body).await.json();
        (text(&claimed["record"], "name").to_owned(), text(&claimed["record"], "value").to_owned())
    }

    async fn verify(&self, house: &House) -> TestAnswer {
        let path = self.path(&format!("/domains/{}/verify", self.domain));
        house.send(Method::POST, &path, &self.owner, json!({})).await
    }

    async fn prove(&self, house: &House) {
        let (name, value) = self.claim(house).await;
        house.dns.write(&name, &["v=spf1 -all", &value]);
        assert_eq!(self.verify(house).await.json()["status"], "verified");
    }

    async fn connect(&self, house: &House) {
        let body = json!({
            "issuer": format!("https://idp.{}", self.domain), "client_id": "quoin", "client_secret": "s3cret",
        });
        let connected = self.put(house, "/sso", body).await;
        assert_eq!(connected.status, 200, "{}", String::from_utf8_lossy(&connected.body));
        assert!(!String::from_utf8_lossy(&connected.body).contains("s3cret"));
    }

    /// Requires the provider, `grace` seconds from now.
    pub(super) async fn require(&self, house: &House, grace: i64) -> TestAnswer {
        self.put(house, "/policy", json!({"sso_required": true, "sso_grace_s": grace})).await
    }

    /// Has the owner sign in again, whose tokens every stricter policy ends.
    async fn renew(&mut self, house: &House) {
        let session = house.sign_in(&format!("owner@{}", self.domain), PASSWORD).await.json();
        text(&session, "access_token").clone_into(&mut self.owner);
    }

    async fn members(&self, house: &House) -> Vec<String> {
        let listed = house.get(&self.path("/members"), &self.owner).await.json();
        let members = listed["data"].as_array().unwrap_or_else(|| panic!("members in {listed}"));
        members.iter().map(|member| text(member, "user_id").to_owned()).collect()
    }
}

async fn found(house: &House, domain: &str) -> Company {
    if let Some(shop) = &house.shop {
        let owner = house.sign_in(&shop.owner, PASSWORD).await.json();
        let owner = text(&owner, "access_token").to_owned();
        return Company { org_id: shop.org_id.clone(), domain: domain.to_owned(), owner };
    }
    let owner = house.person(&format!("owner@{domain}")).await;
    let owner = text(&owner, "access_token").to_owned();
    let created = house.send(Method::POST, "/orgs/v1/orgs", &owner, json!({"name": domain})).await.json();
    Company { org_id: text(&created, "id").to_owned(), domain: domain.to_owned(), owner }
}

/// Makes an organisation whose people come through its own provider.
pub(super) async fn company(house: &House, domain: &str) -> Company {
    let company = found(house, domain).await;
    company.prove(house).await;
    company.connect(house).await;
    company
}

/// Sets out to the provider of a domain.
pub(super) async fn set_out(house: &House, mut wish: Value, domain: &str) -> Journey {
    wish["domain"] = json!(domain);
    wish["skip_http_redirect"] = json!(true);
    let found = house.post("/auth/v1/sso", wish).await;
    assert_eq!(found.status, 200, "{}", String::from_utf8_lossy(&found.body));
    let url: Url = text(&found.json(), "url").parse().unwrap();
    journey(&open(house, &format!("{}?{}", url.path(), url.query().unwrap()), "").await)
}

pub(super) async fn sign_in(house: &House, domain: &str, said: &Value) -> TestAnswer {
    come_back(house, &set_out(house, json!({}), domain).await, said).await
}

fn token(landed: &TestAnswer) -> String {
    let tokens = fragment(landed);
    tokens.get("access_token").unwrap_or_else(|| panic!("{}", landed.header("location"))).clone()
}

fn code(landed: &TestAnswer) -> String {
    fragment(landed).get("error_code").unwrap_or_else(|| panic!("{}", landed.header("location"))).clone()
}

/// The page behind a link says that this is not the way in.
fn shut(page: &TestAnswer) {
    let html = String::from_utf8_lossy(&page.body);
    assert!(page.status == 403 && html.contains("Single sign-on is required"), "{} {html}", page.status);
}

const BOB: &str = "bob@corp.example";

fn bob() -> Value {
    json!({"sub": "b", "email": BOB, "name": "Bob"})
}

#[tokio::test]
async fn people_of_a_proved_domain_come_through_their_organisations_provider_and_join_it() {
    plain_story(|house| async move {
        let corp = company(&house, "corp.example").await;
        let landed = sign_in(&house, "CORP.example", &bob()).await;
        let told = claims(&token(&landed));
        assert_eq!(
            (&told["org_id"], &told["org_role"], &told["sso_org_id"], &told["amr"][0]["method"]),
            (&json!(corp.org_id), &json!("member"), &json!(corp.org_id), &json!("sso/oidc"))
        );
        assert_eq!((&told["email"], &told["email_verified"]), (&json!(BOB), &json!(true)));
        assert!(corp.members(&house).await.contains(&text(&told, "sub").to_owned()));
        let (verifier, challenge) = pkce();
        let wish = json!({"code_challenge": challenge, "code_challenge_method": "s256"});
        let landed = come_back(&house, &set_out(&house, wish, "corp.example").await, &bob()).await;
        let location: Url = landed.header("location").parse().unwrap();
        let code = location.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
        let exchange = json!({"auth_code": code, "code_verifier": verifier});
        let session = house.post("/auth/v1/token?grant_type=pkce", exchange).await.json();
        let again = claims(text(&session, "access_token"));
        assert_eq!((&again["sub"], &again["sso_org_id"]), (&told["sub"], &json!(corp.org_id)));
    })
    .await;
}

#[tokio::test]
async fn a_session_of_an_organisations_provider_acts_for_that_organisation_alone() {
    plain_story(|house| async move {
        let corp = company(&house, "corp.example").await;
        let own = house.person(BOB).await;
        let own = text(&own, "access_token").to_owned();
        let made = house.send(Method::POST, "/orgs/v1/orgs", &own, json!({"name": "Bob's"})).await.json();
        let other = format!("/orgs/v1/orgs/{}", text(&made, "id"));
        let landed = sign_in(&house, "corp.example", &bob()).await;
        let confined = token(&landed);
        assert_eq!(house.get("/auth/v1/user", &confined).await.status, 200);
        assert_eq!(house.get(&corp.path(""), &confined).await.status, 200);
        let switch = format!("{other}/switch");
        let refused = [
            (Method::GET, other.as_str(), json!({})),
            (Method::POST, switch.as_str(), json!({})),
            (Method::GET, "/orgs/v1/orgs", json!({})),
            (Method::POST, "/orgs/v1/orgs", json!({"name": "Mine"})),
            (Method::PUT, "/auth/v1/user", json!({"password": "lantern-teapot-walrus"})),
            (Method::PUT, "/auth/v1/user", json!({"email": "thief@corp.example"})),
            (Method::GET, "/auth/v1/sessions", json!({})),
            (Method::POST, "/auth/v1/factors", json!({"factor_type": "totp"})),
            (Method::POST, "/auth/v1/factors/recovery_codes", json!({})),
            (Method::POST, "/auth/v1/passkeys/registration/options", json!({})),
            (Method::GET, "/auth/v1/user/identities/authorize?provider=acme", json!({})),
        ];
        for (method, path, body) in refused {
            let answer = if method == Method::GET {
                house.get(path, &confined).await
            } else {
                house.send(method.clone(), path, &confined, body).await
            };
            assert_eq!(answer.code(), "session_confined", "{method} {path}");
        }
        assert_eq!(house.get(&other, &own).await.status, 200, "the person's own session does all of that");
        let refreshed = house.refresh(&fragment(&landed)["refresh_token"]).await.json();
        let told = claims(text(&refreshed, "access_token"));
        assert_eq!((&told["org_id"], &told["sso_org_id"]), (&json!(corp.org_id), &json!(corp.org_id)));
        let ended = house.send(Method::POST, "/auth/v1/logout", &confined, json!({})).await;
        assert_eq!(ended.status, 204);
        assert_eq!(house.get("/auth/v1/user", &confined).await.code(), "session_not_found");
        assert_eq!(house.get("/auth/v1/user", &own).await.status, 200, "the person's own sessions stay");
    })
    .await;
}

#[tokio::test]
async fn an_account_of_the_domain_is_linked_once_without_a_duplicate() {
    plain_story(|house| async move {
        company(&house, "corp.example").await;
        let own = house.person(BOB).await;
        for _ in 0..2 {
            let user = user_of(&house, &sign_in(&house, "corp.example", &bob()).await).await;
            assert_eq!(user["id"], own["user"]["id"]);
            assert_eq!(user["identities"].as_array().unwrap().len(), 2);
        }
        assert_eq!(house.sign_in(BOB, PASSWORD).await.status, 200, "nothing was required");
        let told: Vec<String> = house.mails_to(BOB).await.into_iter().map(|mail| mail.template).collect();
        assert_eq!(told.iter().filter(|template| template.contains("factor")).count(), 1, "{told:?}");
        // The address has changed hands at the company: another subject is another person.
        let successor = json!({"sub": "b2", "email": BOB});
        let user = user_of(&house, &sign_in(&house, "corp.example", &successor).await).await;
        assert_ne!(user["id"], own["user"]["id"]);
    })
    .await;
}

#[tokio::test]
async fn an_unproved_account_of_the_domain_is_taken_from_whoever_made_it() {
    story(super::harness::restricted, |house| async move {
        company(&house, "corp.example").await;
        let squatter = house.sign_up(BOB).await.json();
        let user = user_of(&house, &sign_in(&house, "corp.example", &bob()).await).await;
        assert_eq!(user["id"], squatter["user"]["id"]);
        assert_eq!(house.sign_in(BOB, PASSWORD).await.code(), "invalid_credentials");
        let refused = house.get("/auth/v1/user", text(&squatter, "access_token")).await;
        assert_eq!(refused.code(), "session_not_found");
    })
    .await;
}

#[tokio::test]
async fn a_provider_speaks_only_for_the_domains_that_its_organisation_has_proved() {
    plain_story(|house| async move {
        let corp = company(&house, "corp.example").await;
        let victim = house.person("ann@victim.example").await;
        for said in [
            json!({"sub": "1", "email": "ann@victim.example", "email_verified": true}),
            json!({"sub": "2", "email": "ann@sub.corp.example", "email_verified": true}),
            json!({"sub": "3", "email": "ann@corp.example", "email_verified": false}),
            json!({"sub": "4", "email": "ann@corp.example", "email_verified": "true"}),
            json!({"sub": "5"}),
        ] {
            assert_eq!(
                code(&sign_in(&house, "corp.example", &said).await),
                "sso_address_not_allowed",
                "{said}"
            );
        }
        assert_eq!(house.get("/auth/v1/user", text(&victim, "access_token")).await.status, 200);
        assert_eq!(corp.members(&house).await.len(), 1);
        // What is lost while the browser is away no longer counts when it comes back.
        let under_way = set_out(&house, json!({}), "corp.example").await;
        let path = corp.path("/domains/corp.example");
        assert_eq!(house.send(Method::DELETE, &path, &corp.owner, json!({})).await.status, 204);
        let landed = come_back(&house, &under_way, &bob()).await;
        assert_eq!(code(&landed), "sso_provider_not_found");
    })
    .await;
}

#[tokio::test]
async fn a_domain_is_one_organisations_until_its_record_is_gone() {
    plain_story(|house| async move {
        let first = found(&house, "corp.example").await;
        let suffix = json!({"domain": "co.uk"});
        let refused = house.send(Method::POST, &first.path("/domains"), &first.owner, suffix).await;
        assert_eq!((refused.status.as_u16(), refused.code().as_str()), (400, "validation_failed"));
        let (name, value) = first.claim(&house).await;
        assert_eq!(first.claim(&house).await, (name.clone(), value.clone()), "the record stays the same");
        assert_eq!(first.verify(&house).await.code(), "domain_not_proved");
        house.dns.write(&name, &[&format!("{value}x"), &value[..value.len() - 1]]);
        assert_eq!(first.verify(&house).await.code(), "domain_not_proved");
        house.dns.write(&name, &[&value]);
        assert_eq!(first.verify(&house).await.status, 200);
        let mut second = found(&house, "rival.example").await;
        second.domain = "corp.example".to_owned();
        let (_, rival) = second.claim(&house).await;
        assert_ne!(rival, value);
        assert_eq!(second.verify(&house).await.code(), "domain_not_proved");
        house.dns.write(&name, &[&value, &rival]);
        assert_eq!(second.verify(&house).await.code(), "domain_taken");
        house.dns.write(&name, &[&rival]);
        assert_eq!(second.verify(&house).await.status, 200);
        let listed = house.get(&first.path("/domains"), &first.owner).await.json();
        assert_eq!(listed["data"][0]["status"], "pending");
        let stranger = house.get(&first.path("/domains"), &second.owner).await;
        assert_eq!(stranger.status, 404);
    })
    .await;
}

#[tokio::test]
async fn whoever_asks_for_a_domains_provider_learns_nothing_about_people() {
    plain_story(|house| async move {
        company(&house, "corp.example").await;
        house.person(BOB).await;
        let ask = |body: Value| house.post("/auth/v1/sso", body);
        let known = ask(json!({"email": BOB})).await.json();
        assert_eq!(known, ask(json!({"email": "nobody@corp.example"})).await.json());
        assert_eq!(known, ask(json!({"domain": "corp.example"})).await.json());
        for elsewhere in ["ann@nowhere.example", "owner@sub.corp.example"] {
            assert_eq!(ask(json!({"email": elsewhere})).await.code(), "sso_provider_not_found");
        }
        assert_eq!(ask(json!({})).await.code(), "validation_failed");
    })
    .await;
}

#[tokio::test]
async fn a_required_provider_is_the_only_way_in_but_for_one_owner() {
    plain_story(|house| async move {
        let mut corp = company(&house, "corp.example").await;
        let own = house.person(BOB).await;
        let guest = house.person("guest@elsewhere.example").await;
        assert_eq!(corp.require(&house, 0).await.code(), "sso_untried");
        let landed = sign_in(&house, "corp.example", &bob()).await;
        join(&house, corp.org_id.parse().unwrap(), text(&guest["user"], "id")).await;
        let policy = corp.require(&house, 3600).await;
        assert_eq!(policy.status, 200, "{}", String::from_utf8_lossy(&policy.body));
        assert_eq!(house.sign_in(BOB, PASSWORD).await.status, 200, "the time of grace");
        house.post("/auth/v1/otp", json!({"email": BOB})).await;
        house.advance(3601);
        // The password is right, the link is good, the session is alive: all the same.
        assert_eq!(house.sign_in(BOB, PASSWORD).await.code(), "sso_required");
        house.post("/auth/v1/otp", json!({"email": BOB})).await;
        shut(&house.click(BOB).await);
        assert_eq!(house.refresh(text(&own, "refresh_token")).await.code(), "sso_required");
        house.post("/auth/v1/recover", json!({"email": BOB})).await;
        shut(&house.click(BOB).await);
        let wrong = house.sign_in(BOB, "not the password").await;
        assert_eq!(wrong.code(), "invalid_credentials", "nobody learns it without the password");
        // Through the provider it opens, and what it has opened goes on.
        assert_eq!(house.refresh(&fragment(&landed)["refresh_token"]).await.status, 200);
        token(&sign_in(&house, "corp.example", &bob()).await);
        // Somebody from elsewhere keeps their account, and does not act for the organisation.
        let elsewhere = house.sign_in("guest@elsewhere.example", PASSWORD).await.json();
        let elsewhere = text(&elsewhere, "access_token").to_owned();
        assert_ne!(claims(&elsewhere)["org_id"], json!(corp.org_id));
        assert_eq!(house.get(&corp.path(""), &elsewhere).await.code(), "sso_required");
        let switched = house.send(Method::POST, &corp.path("/switch"), &elsewhere, json!({})).await;
        assert_eq!(switched.code(), "sso_required");
        // The owner for whom other ways stay open takes it back.
        corp.renew(&house).await;
        assert_eq!(
            house.send(Method::DELETE, &corp.path("/sso"), &corp.owner, json!({})).await.code(),
            "sso_is_required"
        );
        assert_eq!(corp.put(&house, "/policy", json!({})).await.json()["sso_required"], false);
        assert_eq!(house.sign_in(BOB, PASSWORD).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn nobody_new_gets_into_a_shut_domain_by_signing_up() {
    plain_story(|house| async move {
        let corp = company(&house, "corp.example").await;
        token(&sign_in(&house, "corp.example", &bob()).await);
        assert_eq!(corp.require(&house, 0).await.status, 200);
        house.sign_up("new@corp.example").await;
        shut(&house.click("new@corp.example").await);
        house.sign_up("new@elsewhere.example").await;
        token(&house.click("new@elsewhere.example").await);
    })
    .await;
}

#[tokio::test]
async fn an_owner_who_is_none_any_more_has_no_other_way_in() {
    plain_story(|house| async move {
        let mut corp = company(&house, "corp.example").await;
        let bob_id = text(&claims(&token(&sign_in(&house, "corp.example", &bob()).await)), "sub").to_owned();
        let nobody = json!({"sso_required": true, "break_glass": bob_id});
        assert_eq!(corp.put(&house, "/policy", nobody).await.code(), "validation_failed");
        assert_eq!(corp.require(&house, 0).await.status, 200);
        corp.renew(&house).await;
        let heir = json!({"user_id": bob_id});
        let handed = house.send(Method::POST, &corp.path("/transfer"), &corp.owner, heir).await;
        assert_eq!(handed.status, 204);
        assert_eq!(house.sign_in("owner@corp.example", PASSWORD).await.code(), "sso_required");
    })
    .await;
}

#[tokio::test]
async fn whoever_was_removed_comes_back_by_invitation_only() {
    plain_story(|house| async move {
        let corp = company(&house, "corp.example").await;
        let landed = sign_in(&house, "corp.example", &bob()).await;
        let bob_id = text(&claims(&token(&landed)), "sub").to_owned();
        let path = corp.path(&format!("/members/{bob_id}"));
        assert_eq!(house.send(Method::DELETE, &path, &corp.owner, json!({})).await.status, 204);
        assert_eq!(house.get(&corp.path(""), &token(&landed)).await.status, 401);
        let refreshed = house.refresh(&fragment(&landed)["refresh_token"]).await;
        assert_eq!(refreshed.code(), "refresh_token_not_found", "it has nothing to act for any more");
        assert_eq!(code(&sign_in(&house, "corp.example", &bob()).await), "removed_from_organization");
        join(&house, corp.org_id.parse().unwrap(), &bob_id).await;
        token(&sign_in(&house, "corp.example", &bob()).await);
    })
    .await;
}

#[tokio::test]
async fn a_connection_that_goes_takes_its_sessions_along() {
    plain_story(|house| async move {
        let corp = company(&house, "corp.example").await;
        let landed = sign_in(&house, "corp.example", &bob()).await;
        let under_way = set_out(&house, json!({}), "corp.example").await;
        assert_eq!(house.send(Method::DELETE, &corp.path("/sso"), &corp.owner, json!({})).await.status, 204);
        assert_eq!(house.get(&corp.path(""), &token(&landed)).await.status, 401);
        let refreshed = house.refresh(&fragment(&landed)["refresh_token"]).await;
        assert_eq!(refreshed.code(), "refresh_token_not_found");
        assert_eq!(code(&come_back(&house, &under_way, &bob()).await), "sso_provider_not_found");
    })
    .await;
}

#[tokio::test]
async fn proved_addresses_of_the_domain_join_by_themselves_where_the_organisation_wants_that() {
    plain_story(|house| async move {
        let corp = company(&house, "corp.example").await;
        house.person("early@corp.example").await;
        assert_eq!(corp.put(&house, "/policy", json!({"auto_join": true})).await.status, 200);
        let late = house.person("late@corp.example").await;
        house.person("late@elsewhere.example").await;
        house.sign_in("early@corp.example", PASSWORD).await;
        let members = corp.members(&house).await;
        assert_eq!(members.len(), 3, "the owner, early and late");
        let late = text(&late["user"], "id").to_owned();
        let path = corp.path(&format!("/members/{late}"));
        assert_eq!(house.send(Method::DELETE, &path, &corp.owner, json!({})).await.status, 204);
        house.sign_in("late@corp.example", PASSWORD).await;
        assert!(!corp.members(&house).await.contains(&late), "removed is removed");
    })
    .await;
}

#[tokio::test]
async fn a_session_of_an_organisations_provider_touches_nothing_of_the_person_whoever_asks_for_it() {
    use crate::service::{UserChanges, list_sessions, revoke_session, update_user};
    use quoin_kernel::port::Authenticator as _;
    plain_story(|house| async move {
        company(&house, "corp.example").await;
        house.person("bob@corp.example").await;
        let confined = token(&sign_in(&house, "corp.example", &bob()).await);
        let now = quoin_kernel::Clock::now(house.clock.as_ref());
        let caller = house.identity.authenticate(&confined, now).await.unwrap();
        let quoin_kernel::Caller::User(caller) = caller else { panic!("nobody") };
        let password = Some(quoin_kernel::Secret::new("lantern-teapot-walrus".to_owned()));
        let changes = UserChanges { password, ..UserChanges::default() };
        let refused = [
            update_user(&house.identity, &caller, changes, &quoin_web::testing::origin()).await.err(),
            list_sessions(&house.identity, &caller).await.err(),
            revoke_session(&house.identity, &caller, caller.session_id, &quoin_web::testing::origin())
                .await
                .err(),
        ];
        for problem in refused {
            assert_eq!(problem.unwrap().code(), "session_confined");
        }
        assert_eq!(house.sign_in("bob@corp.example", PASSWORD).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn fifty_first_arrivals_at_once_make_one_account_and_one_membership() {
    plain_story(|house| async move {
        let corp = company(&house, "corp.example").await;
        let mut journeys = Vec::new();
        for _ in 0..50 {
            journeys.push(set_out(&house, json!({}), "corp.example").await);
        }
        let said = bob();
        let landed =
            futures_util::future::join_all(journeys.iter().map(|journey| come_back(&house, journey, &said)))
                .await;
        let ids: std::collections::HashSet<String> =
            landed.iter().map(|landed| text(&claims(&token(landed)), "sub").to_owned()).collect();
        assert_eq!((ids.len(), corp.members(&house).await.len()), (1, 2));
    })
    .await;
}

/// Adds somebody to an organisation, as an accepted invitation does.
pub(super) async fn join(house: &House, org_id: quoin_kernel::OrgId, user_id: &str) {
    use quoin_kernel::Clock as _;
    let member = quoin_tenancy::NewMember {
        org_id,
        user_id: user_id.parse().unwrap(),
        standing: quoin_kernel::Standing::of(quoin_kernel::Role::Member),
        now: house.clock.now(),
    };
    let add = move |tx: &mut quoin_db::Tx<'_>| quoin_tenancy::add_member(tx, &member);
    house.identity.db().write::<_, quoin_db::DbError, _>("testing.join", add).await.unwrap();
}

#[tokio::test]
async fn where_every_address_is_believed_nobody_joins_by_naming_one_of_the_domain() {
    story(super::harness::autoconfirm, |house| async move {
        let owner = house.sign_up("owner@corp.example").await.json();
        let owner = text(&owner, "access_token").to_owned();
        let made = house.send(Method::POST, "/orgs/v1/orgs", &owner, json!({"name": "Corp"})).await.json();
        let corp = Company { org_id: text(&made, "id").to_owned(), domain: "corp.example".to_owned(), owner };
        corp.prove(&house).await;
        corp.connect(&house).await;
        assert_eq!(corp.put(&house, "/policy", json!({"auto_join": true})).await.status, 200);
        let stranger = house.sign_up("director@corp.example").await.json();
        house.sign_in("director@corp.example", PASSWORD).await;
        let renamed = house.sign_up("mallory@elsewhere.example").await.json();
        let body = json!({"email": "clerk@corp.example", "current_password": PASSWORD});
        let changed = house.send(Method::PUT, "/auth/v1/user", text(&renamed, "access_token"), body).await;
        assert_eq!(changed.status, 200, "{}", String::from_utf8_lossy(&changed.body));
        house.sign_in("clerk@corp.example", PASSWORD).await;
        let members = corp.members(&house).await;
        assert_eq!(members.len(), 1, "the owner alone");
        assert!(!members.contains(&text(&stranger["user"], "id").to_owned()));
        // Its own provider has proved whom it brings.
        token(&sign_in(&house, "corp.example", &bob()).await);
        assert_eq!(corp.members(&house).await.len(), 2);
    })
    .await;
}

#[tokio::test]
async fn an_organisations_provider_enrols_no_factor_of_the_account_even_where_everybody_needs_one() {
    story(
        |config| config.second_factor_required = true,
        |house| async move {
            let owner = house.person("owner@corp.example").await;
            let token_of = |session: &Value| text(session, "access_token").to_owned();
            let app = super::factors::enrol(&house, &token_of(&owner)).await;
            let owner = super::factors::show(&house, &token_of(&owner), &app).await.json();
            let owner = token_of(&owner);
            let made =
                house.send(Method::POST, "/orgs/v1/orgs", &owner, json!({"name": "Corp"})).await.json();
            let corp =
                Company { org_id: text(&made, "id").to_owned(), domain: "corp.example".to_owned(), owner };
            corp.prove(&house).await;
            corp.connect(&house).await;
            let own = house.person(BOB).await;
            let confined = token(&sign_in(&house, "corp.example", &bob()).await);
            let wish = json!({"factor_type": "totp", "friendly_name": "theirs"});
            let refused = house.send(Method::POST, "/auth/v1/factors", &confined, wish).await;
            assert_eq!(refused.code(), "session_confined");
            // In a session of their own they may, and show it in the one of the provider.
            let app = super::factors::enrol(&house, &token_of(&own)).await;
            assert_eq!(super::factors::show(&house, &token_of(&own), &app).await.status, 200);
            house.advance(30);
            let confined = token(&sign_in(&house, "corp.example", &bob()).await);
            assert_eq!(super::factors::show(&house, &confined, &app).await.status, 200);
        },
    )
    .await;
}
