//! Every door and every control, where people belong to any number of organisations and where they belong to one each.
//!
//! The table is complete by construction: a method of authentication that has no door here does not compile, a file that opens
//! a session and is named by no door fails, and every pair of door and control says what must happen.

use quoin_db::{DbError, Statement, params};
use quoin_web::Method;
use quoin_web::testing::TestAnswer;
use serde_json::{Value, json};

use super::factors::{App, challenge, enrol, show, verify};
use super::harness::{House, PASSWORD, Shop, claims, fragment, per_organization, story, text};
use super::sso::Company;
use super::{oauth, sso};
use crate::config::IdentityConfig;
use crate::model::AuthMethod;

/// A way to a session: a method, or the continuation of what a method opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Door {
    By(AuthMethod),
    Code,
    IdToken,
    Pkce,
    Refresh,
    Switch,
    /// Accepting an invitation to another organisation, and acting for it.
    Accept,
}

/// What stands against a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Control {
    Nothing,
    Banned,
    Unverified,
    SecondFactorOwed,
    TooManyFailures,
    MembershipRemoved,
    OrganizationSuspended,
    SsoEnforced,
    Erased,
    /// The call names another organisation's people; only where people belong to one each.
    OtherRealm,
}

/// What must happen at a door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    /// A session that may do everything.
    Opens,
    /// A session that may only show a second factor.
    OpensWeakly,
    /// No session, whatever the answer says.
    Shut,
}

const CONTROLS: [Control; 9] = [
    Control::Nothing,
    Control::Banned,
    Control::Unverified,
    Control::SecondFactorOwed,
    Control::TooManyFailures,
    Control::MembershipRemoved,
    Control::OrganizationSuspended,
    Control::SsoEnforced,
    Control::Erased,
];

fn doors() -> Vec<Door> {
    let further = [Door::Code, Door::IdToken, Door::Pkce, Door::Refresh, Door::Switch, Door::Accept];
    AuthMethod::ALL.into_iter().map(Door::By).chain(further).collect()
}

/// Says what must happen. A door that takes the proof of an address is open to somebody who has not proved it yet; one
/// that takes nothing guessable is not shut by failures.
#[expect(clippy::match_same_arms, reason = "a table is read line by line")]
fn expected(door: Door, control: Control) -> Then {
    let proves_address = matches!(
        door,
        Door::Code
            | Door::By(
                AuthMethod::Otp
                    | AuthMethod::Recovery
                    | AuthMethod::Invite
                    | AuthMethod::EmailSignup
                    | AuthMethod::EmailChange
            )
    );
    let guessable = matches!(
        door,
        Door::Code
            | Door::By(
                AuthMethod::Password | AuthMethod::Totp | AuthMethod::Webauthn | AuthMethod::RecoveryCode
            )
    );
    let is_strong = matches!(
        door,
        Door::By(AuthMethod::Passkey | AuthMethod::Totp | AuthMethod::Webauthn | AuthMethod::RecoveryCode)
    );
    // Somebody anonymous is somebody new: nothing that stands against a person stands against them.
    if door == Door::By(AuthMethod::Anonymous) {
        return Then::Opens;
    }
    let needs_org = matches!(door, Door::Switch | Door::By(AuthMethod::Sso));
    match control {
        Control::MembershipRemoved | Control::OrganizationSuspended if needs_org => Then::Shut,
        Control::SsoEnforced if door != Door::By(AuthMethod::Sso) => Then::Shut,
        Control::Nothing
        | Control::MembershipRemoved
        | Control::OrganizationSuspended
        | Control::SsoEnforced => Then::Opens,
        Control::Banned | Control::Erased | Control::OtherRealm => Then::Shut,
        Control::Unverified if proves_address => Then::Opens,
        Control::Unverified => Then::Shut,
        Control::TooManyFailures if guessable => Then::Shut,
        Control::TooManyFailures => Then::Opens,
        // Nobody joins anything before they have shown all that they owe.
        Control::SecondFactorOwed if door == Door::Accept => Then::Shut,
        Control::SecondFactorOwed if is_strong => Then::Opens,
        Control::SecondFactorOwed => Then::OpensWeakly,
    }
}

/// Says what must happen where people belong to one organisation each: without it there is nothing that they could act for.
fn expected_in_realm(door: Door, control: Control) -> Then {
    // Whoever comes with a session of theirs is known by it; a key beside it names nobody else.
    let bears_session = matches!(
        door,
        Door::Switch | Door::By(AuthMethod::Totp | AuthMethod::Webauthn | AuthMethod::RecoveryCode)
    );
    match (door, control) {
        (Door::By(AuthMethod::Anonymous) | Door::Accept, _) => Then::Shut,
        (_, Control::OtherRealm) if bears_session => Then::Opens,
        (_, Control::OtherRealm | Control::MembershipRemoved | Control::OrganizationSuspended) => Then::Shut,
        _ => expected(door, control),
    }
}

/// The files that open or continue a session, each with a door that goes through it.
const FILES: [(&str, Door); 15] = [
    ("sign_in.rs", Door::By(AuthMethod::Password)),
    ("sign_up.rs", Door::By(AuthMethod::EmailSignup)),
    ("sign_in_anonymously.rs", Door::By(AuthMethod::Anonymous)),
    ("sign_in_with_id_token.rs", Door::IdToken),
    ("verify_link.rs", Door::By(AuthMethod::Otp)),
    ("exchange_code.rs", Door::Pkce),
    ("finish_oauth.rs", Door::By(AuthMethod::Oauth)),
    ("passkeys.rs", Door::By(AuthMethod::Passkey)),
    ("verify_factor.rs", Door::By(AuthMethod::Totp)),
    ("recovery_codes.rs", Door::By(AuthMethod::RecoveryCode)),
    ("refresh_session.rs", Door::Refresh),
    ("switch_org.rs", Door::Switch),
    ("issue_session.rs", Door::By(AuthMethod::Password)),
    // People whom a provider keeps come through the same doors; `tests/upstream` holds them to the controls.
    ("upstream/sign_in.rs", Door::By(AuthMethod::Password)),
    ("upstream/owed_factor.rs", Door::By(AuthMethod::Totp)),
];

#[test]
fn every_file_that_opens_a_session_has_a_door_in_the_table() {
    let source = std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src"));
    let services = source.join("service");
    let (mut folders, mut opening) = (vec![source], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("tests") {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                if ["issue_session(", "OpenSession {", "sessions_global::insert("]
                    .iter()
                    .any(|call| text.contains(call))
                {
                    opening.push(path.strip_prefix(&services).unwrap_or(&path).to_str().unwrap().to_owned());
                }
            }
        }
    }
    opening.sort();
    let mut named = FILES.map(|(file, _)| file);
    named.sort_unstable();
    assert_eq!(opening, named, "a file that opens sessions needs a door here, and its row");
    assert!(FILES.iter().all(|(_, door)| doors().contains(door)));
}

/// Somebody who has every key to their account, and stands before one door.
struct Visitor {
    house: House,
    email: String,
    id: String,
    app: App,
    codes: Vec<String>,
    /// A session of level 1 that has not shown its second factor.
    session: Value,
    /// The organisation that the person acts for, or whose provider they come through.
    org_id: String,
    company: Option<Company>,
    /// Another organisation, where people belong to one each.
    other: Option<Shop>,
}

fn wide(config: &mut IdentityConfig) {
    config.anonymous = true;
    config.failures_per_account = 5;
    config.anonymous_per_ip = 100_000;
}

fn wide_per_organization(config: &mut IdentityConfig) {
    wide(config);
    config.anonymous = false;
    per_organization(config);
}

#[tokio::test]
async fn every_door_holds_an_organisations_own_people_to_every_control() {
    story(wide_per_organization, |house| async move {
        let mut wrong = Vec::new();
        for (number, door) in doors().into_iter().enumerate() {
            for control in CONTROLS.into_iter().chain([Control::OtherRealm]) {
                let domain = format!("d{number}-{control:?}.example").to_lowercase();
                let own = house.of(&house.found("Own", &format!("owner@{domain}")).await);
                let mut visitor = Visitor::arrive(&own, &format!("visitor@{domain}"), door, control).await;
                if control == Control::OtherRealm {
                    visitor.other = Some(house.found("Other", &format!("other@{domain}")).await);
                }
                let then = visitor.knock(door, control).await;
                let must = expected_in_realm(door, control);
                if then != must {
                    wrong.push(format!("{door:?} × {control:?}: {then:?}, not {must:?}"));
                }
                house.advance(31);
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    })
    .await;
}

#[tokio::test]
async fn every_door_holds_everybody_to_every_control() {
    story(wide, |house| async move {
        let mut wrong = Vec::new();
        for (number, door) in doors().into_iter().enumerate() {
            for control in CONTROLS {
                let email = format!("visitor@d{number}-{control:?}.example").to_lowercase();
                let visitor = Visitor::arrive(&house, &email, door, control).await;
                let then = visitor.knock(door, control).await;
                if then != expected(door, control) {
                    wrong
                        .push(format!("{door:?} × {control:?}: {then:?}, not {:?}", expected(door, control)));
                }
                house.advance(31);
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    })
    .await;
}

impl Visitor {
    async fn arrive(house: &House, email: &str, door: Door, control: Control) -> Self {
        let first = house.person(email).await;
        let id = text(&first["user"], "id").to_owned();
        let token = text(&first, "access_token").to_owned();
        super::devices::register_passkey(house, &token, email).await;
        if matches!(door, Door::By(AuthMethod::Oauth) | Door::IdToken) {
            oauth::link_by_address(house, email).await;
        }
        let mut company = None;
        if door == Door::By(AuthMethod::Sso) || control == Control::SsoEnforced {
            let domain = email.rsplit('@').next().unwrap();
            company = Some(sso::company(house, domain).await);
            sso::sign_in(house, domain, &attested(email)).await;
        }
        let needs_factor = control == Control::SecondFactorOwed
            || matches!(door, Door::By(AuthMethod::Totp | AuthMethod::Webauthn | AuthMethod::RecoveryCode));
        let mut app = App { factor_id: String::new(), secret: String::new() };
        let mut codes = Vec::new();
        if needs_factor {
            app = enrol(house, &token).await;
            let strong = show(house, &token, &app).await.json();
            let strong = text(&strong, "access_token").to_owned();
            let made = house.send(Method::POST, "/auth/v1/factors/recovery_codes", &strong, json!({})).await;
            codes = serde_json::from_value(made.json()["codes"].clone()).unwrap();
            super::devices::enrol_key(house, &strong, email).await;
            house.advance(31);
        }
        let session = house.sign_in(email, PASSWORD).await.json();
        let of_company = company.as_ref().filter(|_| door == Door::By(AuthMethod::Sso));
        let org_id = of_company.map_or_else(
            || text(&claims(text(&session, "access_token")), "org_id").to_owned(),
            |company| company.org_id.clone(),
        );
        let house = house.clone();
        Self { house, email: email.to_owned(), id, app, codes, session, org_id, company, other: None }
    }

    /// Prepares what the door needs, lets the control fall, and tries.
    async fn knock(&self, door: Door, control: Control) -> Then {
        let key = self.prepare(door).await;
        self.impose(control).await;
        let house = self.other.as_ref().map_or_else(|| self.house.clone(), |other| self.house.of(other));
        let answer = self.try_door(&house, door, key).await;
        let Some(token) = token_of(&answer) else { return Then::Shut };
        let is_theirs = claims(&token)["sub"] == json!(self.id);
        if !is_theirs && door != Door::By(AuthMethod::Anonymous) {
            return Then::Shut;
        }
        let is_closed = matches!(control, Control::MembershipRemoved | Control::OrganizationSuspended);
        if is_closed && claims(&token)["org_id"] == json!(self.org_id) {
            return Then::Shut;
        }
        let through_sso = format!("/orgs/v1/orgs/{}", self.org_id);
        let path = if door == Door::By(AuthMethod::Sso) { &through_sso } else { "/auth/v1/sessions" };
        let used = self.house.get(path, &token).await;
        match used.code().as_str() {
            "" => Then::Opens,
            "insufficient_aal" => Then::OpensWeakly,
            _ => Then::Shut,
        }
    }

    /// Has sent, or asked, what the door needs before the control falls.
    async fn prepare(&self, door: Door) -> Value {
        let house = &self.house;
        house.advance(1);
        let token = text(&self.session, "access_token");
        match door {
            Door::By(AuthMethod::Otp) | Door::Code => {
                house.post("/auth/v1/otp", json!({"email": self.email})).await;
                self.mailed("magiclink").await
            }
            Door::By(AuthMethod::Recovery) => {
                house.post("/auth/v1/recover", json!({"email": self.email})).await;
                self.mailed("recovery").await
            }
            Door::By(AuthMethod::Invite) => self.generated("invite").await,
            Door::By(AuthMethod::EmailSignup) => self.generated("signup").await,
            Door::By(AuthMethod::EmailChange) => self.change_of_address().await,
            Door::By(AuthMethod::Totp) => challenge(house, token, &self.app).await.json(),
            Door::By(AuthMethod::Webauthn) => super::devices::ask_key(house, token, &self.email).await,
            Door::By(AuthMethod::Passkey) => super::devices::ask_passkey(house).await,
            Door::By(AuthMethod::Oauth) => oauth::begin(house).await,
            Door::By(AuthMethod::Sso) => {
                let company = self.company.as_ref().unwrap();
                let journey = sso::set_out(house, json!({}), &company.domain).await;
                json!({"state": journey.state, "cookie": journey.cookie})
            }
            Door::Pkce => {
                let (_, challenge) = super::harness::pkce();
                let body = json!({
                    "email": self.email, "code_challenge": challenge, "code_challenge_method": "s256",
                });
                house.post("/auth/v1/otp", body).await;
                let landed = house.click(&self.email).await;
                let location: url::Url = landed.header("location").parse().unwrap();
                json!(location.query_pairs().find(|(name, _)| name == "code").unwrap().1)
            }
            Door::Accept => self.invited().await,
            Door::By(AuthMethod::Password | AuthMethod::Anonymous | AuthMethod::RecoveryCode)
            | Door::IdToken
            | Door::Refresh
            | Door::Switch => Value::Null,
        }
    }

    async fn mailed(&self, kind: &str) -> Value {
        let mail = self.house.mail_to(&self.email).await;
        let link = mail.link.unwrap();
        let token = link.query_pairs().find(|(name, _)| name == "token").unwrap().1.into_owned();
        json!({"token_hash": token, "type": kind, "code": mail.code})
    }

    /// Has somebody else invite the person to another organisation.
    async fn invited(&self) -> Value {
        let domain = self.email.rsplit('@').next().unwrap();
        let (host, org_id) = if self.house.shop.is_some() {
            let shop = self.house.found("Host", &format!("host@{domain}")).await;
            let host = self.house.of(&shop).sign_in(&shop.owner, PASSWORD).await.json();
            (text(&host, "access_token").to_owned(), shop.org_id)
        } else {
            let host = self.house.person(&format!("host@{domain}")).await;
            let token = text(&host, "access_token").to_owned();
            let made = self.house.send(Method::POST, "/orgs/v1/orgs", &token, json!({"name": "Host"})).await;
            (token, text(&made.json(), "id").to_owned())
        };
        let path = format!("/orgs/v1/orgs/{org_id}/invitations");
        let sent = self.house.send(Method::POST, &path, &host, json!({"email": self.email})).await;
        assert_eq!(sent.status, 201, "{}", String::from_utf8_lossy(&sent.body));
        let link = self.house.mail_to(&self.email).await.link.unwrap();
        let token = link.query_pairs().find(|(name, _)| name == "token").unwrap().1.into_owned();
        json!({"token": token, "org_id": org_id})
    }

    /// Says whose person an administrator means, where people belong to one organisation each.
    fn meant(&self, mut body: Value) -> Value {
        if let Some(shop) = &self.house.shop {
            body["org_id"] = json!(shop.org_id);
        }
        body
    }

    /// An unconfirmed account is what such a link is for; proving it again is harmless.
    async fn generated(&self, kind: &str) -> Value {
        self.unconfirm().await;
        let body = self.meant(json!({"type": kind, "email": self.email, "password": PASSWORD}));
        let made = self.house.admin(Method::POST, "/auth/v1/admin/generate_link", body).await.json();
        self.confirm().await;
        json!({"token_hash": made["hashed_token"], "type": kind})
    }

    async fn change_of_address(&self) -> Value {
        let new = format!("new-{}", self.email);
        let mut links = Vec::new();
        for kind in ["email_change_current", "email_change_new"] {
            let body = self.meant(json!({"type": kind, "email": self.email, "new_email": new}));
            let made = self.house.admin(Method::POST, "/auth/v1/admin/generate_link", body).await.json();
            links.push(json!({"token_hash": made["hashed_token"], "type": "email_change"}));
        }
        self.house.post("/auth/v1/verify", links[0].clone()).await;
        links[1].clone()
    }

    async fn impose(&self, control: Control) {
        let path = format!("/auth/v1/admin/users/{}", self.id);
        match control {
            Control::Nothing | Control::SecondFactorOwed | Control::OtherRealm => {}
            Control::Banned => {
                self.house.admin(Method::PUT, &path, json!({"ban_duration": "1h"})).await;
            }
            Control::Erased => {
                self.house.admin(Method::DELETE, &path, json!({})).await;
            }
            Control::Unverified => self.unconfirm().await,
            Control::OrganizationSuspended => {
                let suspend =
                    "update quoin.tenancy_organizations set suspended_at = created_at where id = ?1";
                self.execute(suspend, &self.org_id.clone()).await;
            }
            Control::SsoEnforced => {
                let required = self.company.as_ref().unwrap().require(&self.house, 0).await;
                assert_eq!(required.status, 200, "{}", String::from_utf8_lossy(&required.body));
            }
            Control::TooManyFailures => {
                for _ in 0..5 {
                    self.house.sign_in(&self.email, "not the password").await;
                }
                // What must be shown besides is counted by itself.
                let (path, body) = ("/auth/v1/factors/recovery_codes/verify", json!({"code": "not a code"}));
                for _ in 0..5 {
                    let token = text(&self.session, "access_token");
                    self.house.send(Method::POST, path, token, body.clone()).await;
                }
            }
            Control::MembershipRemoved => {
                let note = "insert into quoin.tenancy_departures (org_id, user_id, left_at)
                    select org_id, user_id, created_at from quoin.tenancy_memberships where org_id = ?1";
                self.execute(note, &self.org_id.clone()).await;
                let delete = "delete from quoin.tenancy_memberships where org_id = ?1";
                self.execute(delete, &self.org_id.clone()).await;
            }
        }
    }

    async fn try_door(&self, house: &House, door: Door, key: Value) -> TestAnswer {
        let token = text(&self.session, "access_token");
        match door {
            Door::By(AuthMethod::Password) => house.sign_in(&self.email, PASSWORD).await,
            Door::By(
                AuthMethod::Otp
                | AuthMethod::Recovery
                | AuthMethod::Invite
                | AuthMethod::EmailSignup
                | AuthMethod::EmailChange,
            ) => house.post("/auth/v1/verify", key).await,
            Door::Code => {
                let body = json!({"email": self.email, "token": key["code"], "type": "email"});
                house.post("/auth/v1/verify", body).await
            }
            Door::By(AuthMethod::Anonymous) => house.post("/auth/v1/signup", json!({})).await,
            Door::By(AuthMethod::Totp) => {
                let id = key["id"].as_str().unwrap_or_default();
                verify(house, token, &self.app, id, &self.app.code(house)).await
            }
            Door::By(AuthMethod::Webauthn) => super::devices::answer_key(house, token, &key).await,
            Door::By(AuthMethod::RecoveryCode) => {
                let path = "/auth/v1/factors/recovery_codes/verify";
                let code = self.codes.first().cloned().unwrap_or_default();
                house.send(Method::POST, path, token, json!({"code": code})).await
            }
            Door::By(AuthMethod::Passkey) => super::devices::answer_passkey(house, &key, &self.email).await,
            Door::By(AuthMethod::Oauth) => oauth::end(house, &key, &self.email).await,
            Door::By(AuthMethod::Sso) => {
                let (state, cookie) = (text(&key, "state").to_owned(), text(&key, "cookie").to_owned());
                let journey = oauth::Journey { state, cookie };
                oauth::come_back(house, &journey, &attested(&self.email)).await
            }
            Door::IdToken => oauth::id_token(house, &self.email).await,
            Door::Pkce => {
                let (verifier, _) = super::harness::pkce();
                let body = json!({"auth_code": key, "code_verifier": verifier});
                house.post("/auth/v1/token?grant_type=pkce", body).await
            }
            Door::Refresh => house.refresh(text(&self.session, "refresh_token")).await,
            Door::Switch => self.switch(&self.org_id).await,
            Door::Accept => {
                let path = "/orgs/v1/invitations/accept";
                let accepted = house.send(Method::POST, path, token, json!({"token": key["token"]})).await;
                if accepted.status == 200 { self.switch(text(&key, "org_id")).await } else { accepted }
            }
        }
    }

    /// Switches through the port, as the room of organisations does.
    async fn switch(&self, org_id: &str) -> TestAnswer {
        use quoin_kernel::Clock as _;
        use quoin_kernel::port::{Authenticator as _, SessionIssuer as _};
        let origin =
            quoin_kernel::port::Origin { now: self.house.clock.now(), ..quoin_web::testing::origin() };
        let token = text(&self.session, "access_token");
        let caller = self.house.identity.authenticate(token, origin.now).await;
        let body = match caller {
            Ok(quoin_kernel::Caller::User(user)) => {
                self.house.identity.switch(&user, org_id.parse().unwrap(), &origin).await
            }
            Ok(_) => Err(quoin_kernel::Problem::unauthenticated()),
            Err(problem) => Err(problem),
        };
        let (status, body) = match body {
            Ok(body) => (200, body),
            Err(problem) => (problem.status(), problem.body("test")),
        };
        TestAnswer {
            status: quoin_web::StatusCode::from_u16(status).unwrap(),
            headers: quoin_web::HeaderMap::new(),
            body: body.to_string().into(),
        }
    }

    async fn unconfirm(&self) {
        self.execute("update quoin.identity_users set email_confirmed_at = null where id = ?1", &self.id)
            .await;
    }

    async fn confirm(&self) {
        let text = "update quoin.identity_users set email_confirmed_at = created_at where id = ?1";
        self.execute(text, &self.id).await;
    }

    async fn execute(&self, text: &'static str, id: &str) {
        let id: uuid::Uuid = id.parse().unwrap();
        let written = self.house.identity.db().write::<_, DbError, _>("testing.matrix", move |tx| {
            static TEXTS: std::sync::Mutex<Vec<(&'static str, &'static Statement)>> =
                std::sync::Mutex::new(Vec::new());
            let mut texts = TEXTS.lock().unwrap();
            let known = texts.iter().find(|(known, _)| *known == text).map(|(_, statement)| *statement);
            let statement = known.unwrap_or_else(|| {
                let made: &'static Statement = Box::leak(Box::new(Statement::new("MATRIX", text)));
                texts.push((text, made));
                made
            });
            tx.execute(statement, &params![id])
        });
        written.await.unwrap();
    }
}

/// What an organisation's own provider says of whoever has this address.
fn attested(email: &str) -> Value {
    json!({"sub": format!("sso:{email}"), "email": email})
}

/// Reads the access token of a session, wherever the answer carries it.
fn token_of(answer: &TestAnswer) -> Option<String> {
    if answer.status == 303 {
        return fragment(answer).get("access_token").cloned();
    }
    serde_json::from_slice::<Value>(&answer.body).ok()?["access_token"].as_str().map(str::to_owned)
}
