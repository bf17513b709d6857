//! Every door to a session of somebody whom a provider keeps, and every control. The doors that it shuts are in `doors`.

use quoin_web::Method;
use quoin_web::testing::TestAnswer;
use serde_json::{Value, json};

use super::played::{CODE, Directory, PASSWORD};
use super::{ban, session_of};
use crate::config::IdentityConfig;
use crate::model::FactorKind;
use crate::tests::factors::{App, enrol, show};
use crate::tests::harness::{House, story, text};
use crate::tests::sso;

const DOMAIN: &str = "visitors.example";
const VISITOR: &str = "visitor@visitors.example";

/// A way to a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Door {
    Password,
    OwedFactor,
    Refresh,
}

/// What stands against a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Control {
    Nothing,
    Banned,
    SecondFactorOwed,
    TooManyFailures,
    SsoEnforced,
    Erased,
    DisabledThere,
    ErasedThere,
}

/// What must happen at a door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    Opens,
    OpensWeakly,
    Shut,
}

const DOORS: [Door; 3] = [Door::Password, Door::OwedFactor, Door::Refresh];
const CONTROLS: [Control; 8] = [
    Control::Nothing,
    Control::Banned,
    Control::SecondFactorOwed,
    Control::TooManyFailures,
    Control::SsoEnforced,
    Control::Erased,
    Control::DisabledThere,
    Control::ErasedThere,
];
/// The files of `service/upstream` that open a session, each with its door.
const FILES: [(&str, Door); 2] = [("owed_factor.rs", Door::OwedFactor), ("sign_in.rs", Door::Password)];

#[expect(clippy::match_same_arms, reason = "a table is read line by line")]
const fn expected(door: Door, control: Control) -> Then {
    match (door, control) {
        (_, Control::Nothing) | (Door::Refresh, Control::TooManyFailures) => Then::Opens,
        // The provider's factor was shown, and two are two.
        (Door::OwedFactor, Control::SecondFactorOwed) => Then::Opens,
        (_, Control::SecondFactorOwed) => Then::OpensWeakly,
        _ => Then::Shut,
    }
}

#[test]
fn every_file_that_opens_a_session_of_somebody_kept_elsewhere_has_a_door_in_the_table() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/service/upstream");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let opens = |path: &std::path::PathBuf| std::fs::read_to_string(path).unwrap().contains("issue_session(");
    let name = |path: std::path::PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
    let mut opening: Vec<String> = files.filter(opens).map(name).collect();
    opening.sort();
    assert_eq!(opening, FILES.map(|(file, _)| file));
    assert!(FILES.iter().all(|(_, door)| DOORS.contains(door)));
}

fn narrow(config: &mut IdentityConfig) {
    config.failures_per_account = 5;
}

#[tokio::test]
async fn every_door_holds_people_kept_elsewhere_to_every_control() {
    for door in DOORS {
        for control in CONTROLS {
            story(narrow, |house| async move {
                let then = visit(&house, door, control).await;
                assert_eq!(then, expected(door, control), "{door:?} × {control:?}");
            })
            .await;
        }
    }
}

/// Prepares what the door needs, lets the control fall, and tries.
async fn visit(house: &House, door: Door, control: Control) -> Then {
    // An organisation demands its own provider of the domain's people from before anybody keeps them.
    let company = match control {
        Control::SsoEnforced => {
            let company = sso::company(house, DOMAIN).await;
            let first = json!({"sub": "first", "email": format!("first@{DOMAIN}")});
            sso::sign_in(house, DOMAIN, &first).await;
            Some(company)
        }
        _ => None,
    };
    let directory = Directory::default();
    house.identity.connect_user_store(directory.shared());
    directory.keep(VISITOR);
    let first = session_of(house, VISITOR).await;
    let (id, token) = (text(&first["user"], "id").to_owned(), text(&first, "access_token").to_owned());
    if control == Control::SecondFactorOwed {
        let app: App = enrol(house, &token).await;
        show(house, &token, &app).await;
    }
    if door == Door::OwedFactor {
        directory.change(VISITOR, |kept| kept.owes = Some(FactorKind::Totp));
    }
    let session = session_of(house, VISITOR).await;
    let asked = match door {
        Door::OwedFactor => ask(house, &session).await,
        Door::Password | Door::Refresh => Value::Null,
    };
    if let Some(company) = company {
        assert_eq!(company.require(house, 0).await.status, 200);
    }
    impose(house, &directory, (&id, control), &session, &asked).await;
    judge(house, &knock(house, door, &session, &asked).await).await
}

async fn impose(
    house: &House,
    directory: &Directory,
    (id, control): (&str, Control),
    session: &Value,
    asked: &Value,
) {
    match control {
        Control::Nothing | Control::SecondFactorOwed | Control::SsoEnforced => {}
        Control::Banned => drop(ban(house, id, "1h").await),
        Control::Erased => {
            house.admin(Method::DELETE, &format!("/auth/v1/admin/users/{id}"), json!({})).await;
        }
        Control::DisabledThere => directory.change(VISITOR, |kept| kept.is_enabled = false),
        Control::ErasedThere => drop(directory.state.lock().unwrap().people.remove(VISITOR)),
        Control::TooManyFailures => {
            for _ in 0..5 {
                house.sign_in(VISITOR, "not the password").await;
                answer(house, session, asked, "000000").await;
            }
        }
    }
}

async fn knock(house: &House, door: Door, session: &Value, asked: &Value) -> TestAnswer {
    match door {
        Door::Password => house.sign_in(VISITOR, PASSWORD).await,
        Door::OwedFactor => answer(house, session, asked, CODE).await,
        Door::Refresh => house.refresh(text(session, "refresh_token")).await,
    }
}

fn owed_factor(session: &Value) -> String {
    session["user"]["factors"][0]["id"].as_str().unwrap_or("00000000-0000-0000-0000-000000000000").to_owned()
}

async fn ask(house: &House, session: &Value) -> Value {
    let path = format!("/auth/v1/factors/{}/challenge", owed_factor(session));
    house.send(Method::POST, &path, text(session, "access_token"), json!({})).await.json()
}

async fn answer(house: &House, session: &Value, asked: &Value, code: &str) -> TestAnswer {
    let path = format!("/auth/v1/factors/{}/verify", owed_factor(session));
    let challenge_id = asked["id"].as_str().unwrap_or("00000000-0000-0000-0000-000000000000");
    let body = json!({"challenge_id": challenge_id, "code": code});
    house.send(Method::POST, &path, text(session, "access_token"), body).await
}

/// Tries what the session opens, where there is one.
async fn judge(house: &House, answered: &TestAnswer) -> Then {
    let body: Value = serde_json::from_slice(&answered.body).unwrap_or_default();
    let Some(token) = body["access_token"].as_str() else { return Then::Shut };
    match house.get("/auth/v1/sessions", token).await.code().as_str() {
        "" => Then::Opens,
        "insufficient_aal" => Then::OpensWeakly,
        _ => Then::Shut,
    }
}
